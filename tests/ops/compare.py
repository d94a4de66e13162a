"""Do the results of the two sides agree?"""

from __future__ import annotations

import math

import torch

from .wire import DTYPES, Packed

# Absolute and relative error of results, by dtype. float32 and wider: differing order of summation and differing
# approximations of exp, erf, tanh; 16 bits: one or two units in the last place.
TOLERANCE = {
    torch.float16: (2e-3, 4e-3),
    torch.bfloat16: (1.6e-2, 3.2e-2),
    torch.float32: (2e-5, 4e-5),
    torch.float64: (1e-9, 1e-9),
}


def difference(expected, found, scale: float = 1.0, strict_strides: bool = True) -> str | None:
    """What differs, in words; None when nothing does."""
    if isinstance(expected, Packed):
        if not isinstance(found, Packed):
            return f"expected packed parameters, found {found!r}"
        return difference([expected.weight, expected.bias], [found.weight, found.bias])
    if isinstance(expected, torch.Tensor):
        return tensor_difference(expected, found, scale, strict_strides)
    if isinstance(expected, (list, tuple, torch.Size)):
        if not isinstance(found, (list, tuple)) or len(expected) != len(found):
            return f"expected {len(expected)} elements, found {found!r}"
        for i, (a, b) in enumerate(zip(expected, found)):
            if (d := difference(a, b, scale, strict_strides)) is not None:
                return f"[{i}]: {d}"
        return None
    if isinstance(expected, dict):
        if not isinstance(found, dict) or difference(list(expected), list(found)) is not None:
            return f"expected keys {list(expected)}, found {found!r}"
        return difference(list(expected.values()), list(found.values()), scale, strict_strides)
    return number_difference(expected, found, scale)


def number_difference(expected, found, scale: float) -> str | None:
    if isinstance(expected, torch.dtype):
        expected = DTYPES[expected]
    if isinstance(expected, torch.device):
        expected = str(expected)
    if isinstance(expected, torch.layout):
        expected = 0
    if type(expected) is not type(found):
        return f"expected {expected!r}, found {found!r}"
    if isinstance(expected, float):
        same = expected == found or (math.isnan(expected) and math.isnan(found))
        if not same and not math.isclose(expected, found, rel_tol=1e-6 * scale, abs_tol=1e-9):
            return f"expected {expected!r}, found {found!r}"
        return None
    return None if expected == found else f"expected {expected!r}, found {found!r}"


def tensor_difference(expected, found, scale: float, strict_strides: bool) -> str | None:
    if not isinstance(found, torch.Tensor):
        return f"expected a tensor, found {found!r}"
    if expected.dtype != found.dtype:
        return f"expected dtype {expected.dtype}, found {found.dtype}"
    if expected.shape != found.shape:
        return f"expected shape {list(expected.shape)}, found {list(found.shape)}"
    if strict_strides and expected.numel() > 1 and memory_order(expected) != memory_order(found):
        return f"expected strides {expected.stride()}, found {found.stride()} of shape {list(expected.shape)}"
    if expected.is_complex():
        return tensor_difference(torch.view_as_real(expected.resolve_conj()), torch.view_as_real(found), scale, strict_strides)
    if expected.is_quantized:
        return quantised_difference(expected, found, scale, strict_strides)
    if expected.dtype not in TOLERANCE:
        if torch.equal(expected, found):
            return None
        return f"values differ: expected {expected.flatten()[:8].tolist()}, found {found.flatten()[:8].tolist()}"
    atol, rtol = TOLERANCE[expected.dtype]
    a, b = expected.double(), found.double()
    close = torch.isclose(a, b, rtol * scale, atol * scale, equal_nan=True) | (a == b)
    if bool(close.all()):
        return None
    worst = int((~close).flatten().nonzero()[0])
    return f"element {worst}: expected {a.flatten()[worst].item()!r}, found {b.flatten()[worst].item()!r}"


def quantised_difference(expected, found, scale: float, strict_strides: bool) -> str | None:
    if expected.qscheme() != found.qscheme():
        return f"expected {expected.qscheme()}, found {found.qscheme()}"
    if expected.qscheme() == torch.per_tensor_affine:
        a, b = ([t.q_scale(), t.q_zero_point()] for t in (expected, found))
    else:
        a, b = ([t.q_per_channel_scales().double(), t.q_per_channel_zero_points().long(), t.q_per_channel_axis()] for t in (expected, found))
    return difference(a, b, scale) or difference(expected.int_repr(), found.int_repr(), scale, strict_strides)


def memory_order(t: torch.Tensor):
    return [(size, stride) for size, stride in zip(t.shape, t.stride()) if size > 1]
