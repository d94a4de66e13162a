"""Tensors as text, in the form that PyTorch prints: four decimals, at most six entries of long dimensions, 80 columns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from calque import _calque
from calque._calque import Tensor

_EDGE, _THRESHOLD, _COLUMNS = 3, 1000, 80
_UNNAMED = (_calque.dtype.float32, _calque.dtype.int64, _calque.dtype.bool_)
_PLAIN_LIMIT, _PLAIN_RATIO, _PLAIN_SMALLEST = 1e8, 1000.0, 1e-4


class _Formatter:
    """One width and one notation for all shown numbers."""

    def __init__(self, numbers: list[Any], is_float: bool) -> None:
        self.is_float = is_float
        self.notation, self.suffix, self.width = ".0f", ".", 1
        if not is_float:
            self.width = max((len(str(number)) for number in numbers), default=1)
            return
        finite = [abs(number) for number in numbers if math.isfinite(number) and number != 0]
        if not finite:
            return
        whole = all(number == math.ceil(number) for number in finite)
        largest, smallest = max(finite), min(finite)
        if largest / smallest > _PLAIN_RATIO or largest > _PLAIN_LIMIT or (not whole and smallest < _PLAIN_SMALLEST):
            self.notation, self.suffix = ".4e", ""
        elif not whole:
            self.notation, self.suffix = ".4f", ""
        shown = (number for number in numbers if math.isfinite(number) and number != 0)
        self.width = max(len(self._digits(number)) for number in shown)

    def _digits(self, number: float) -> str:
        return format(number, self.notation) + (self.suffix if math.isfinite(number) else "")

    def __call__(self, number: Any) -> str:
        return (self._digits(number) if self.is_float else str(number)).rjust(self.width)


def _shown(tensor: Tensor, summarise: bool) -> list[Tensor | None]:
    """The entries of the first dimension; None stands for those left out."""
    size = tensor.size(0)
    if summarise and size > 2 * _EDGE:
        edges = [*range(_EDGE), *range(size - _EDGE, size)]
        entries: list[Tensor | None] = [tensor[i] for i in edges]
        return [*entries[:_EDGE], None, *entries[_EDGE:]]
    return [tensor[i] for i in range(size)]


def _numbers(tensor: Tensor, summarise: bool) -> Iterable[Any]:
    if tensor.ndim == 0:
        yield tensor.item()
        return
    for entry in _shown(tensor, summarise):
        if entry is not None:
            yield from _numbers(entry, summarise)


def _row(entries: list[str], indent: int, width: int) -> str:
    per_line = max(1, (_COLUMNS - indent) // (width + 2))
    lines = [", ".join(entries[i : i + per_line]) for i in range(0, len(entries), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _values(tensor: Tensor, indent: int, summarise: bool, form: _Formatter) -> str:
    if tensor.ndim == 0:
        return form(tensor.item())
    entries = _shown(tensor, summarise)
    if tensor.ndim == 1:
        return _row([" ..." if entry is None else form(entry.item()) for entry in entries], indent, form.width)
    blocks = ["..." if entry is None else _values(entry, indent + 1, summarise, form) for entry in entries]
    return "[" + ("," + "\n" * (tensor.ndim - 1) + " " * (indent + 1)).join(blocks) + "]"


def _body(tensor: Tensor, indent: int) -> str:
    summarise = tensor.numel() > _THRESHOLD
    numbers = list(_numbers(tensor, summarise))
    is_complex = any(isinstance(number, complex) for number in numbers)
    return _values(tensor, indent, summarise, _Formatter(numbers, tensor.dtype.is_floating_point and not is_complex))


def text_of(tensor: Tensor) -> str:
    """`tensor([[0.1000, 0.2000]])`, as PyTorch prints it; dtypes are named `calque.float16`."""
    indent = len("tensor(")
    is_empty = tensor.numel() == 0
    suffixes = []
    if is_empty and tensor.ndim != 1:
        suffixes.append(f"size={tuple(tensor.shape)}")
    if tensor.dtype not in (_UNNAMED[:1] if is_empty else _UNNAMED):
        suffixes.append(f"dtype={tensor.dtype}")
    text = "tensor(" + ("[]" if is_empty else _body(tensor, indent))
    line = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if line + len(suffix) + 2 > _COLUMNS:
            text += ",\n" + " " * indent + suffix
            line = indent + len(suffix)
        else:
            text += ", " + suffix
            line += len(suffix) + 2
    return text + ")"
