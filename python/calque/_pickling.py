"""What pickles of tensors and modules call when they are read. Their names stand in files."""

from __future__ import annotations

from calque import _calque
from calque._calque import ScriptModule, Tensor


def tensor(content: bytes, dtype: str, sizes: tuple[int, ...]) -> Tensor:
    """A tensor from its bytes."""
    return _calque.tensor_from_bytes(content, dtype, sizes)


def module(archive: bytes) -> ScriptModule:
    """A module from its archive."""
    return _calque.load_bytes(archive)
