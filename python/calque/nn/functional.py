"""What scripts take from torch.nn.functional, computed by NumPy."""

from __future__ import annotations

from calque._calque import Tensor


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Divides by the p-norm along `dim`, which is at least `eps`."""
    from calque import _operators

    return _operators.normalize(input, p, dim, eps)


def softmax(input: Tensor, dim: int) -> Tensor:
    """Exponentials along `dim`, divided by their sum."""
    return input.softmax(dim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Inner product along `dim`, divided by the norms, each at least `eps`."""
    return (normalize(x1, dim=dim, eps=eps) * normalize(x2, dim=dim, eps=eps)).sum(dim)
