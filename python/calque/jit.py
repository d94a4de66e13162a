"""TorchScript modules: trace, save, load. Names and arguments are those of torch.jit."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from calque import _calque
from calque._calque import RunOptions, ScriptModule
from calque.errors import TypeError

if TYPE_CHECKING:
    from calque.transformers import PreTrainedModel

__all__ = ["RunOptions", "ScriptModule", "TracerWarning", "freeze", "load", "optimize_for_inference", "save", "trace"]

_log = logging.getLogger(__name__)


class TracerWarning(Warning):
    """The trace may not hold for other inputs, for example because control flow depended on a value."""


def _warn(text: str) -> None:
    warnings.warn(text, TracerWarning, stacklevel=3)


def _tensors(values: Any) -> list[_calque.Tensor]:
    """One tensor, or a sequence of tensors, as a list; None stays "not given"."""
    items = values if isinstance(values, (list, tuple)) else [values]
    return [_calque.as_tensor(item) for item in items]


def trace(
    func: PreTrainedModel,
    example_inputs: Any = None,
    *,
    check_trace: bool = True,
    check_inputs: Sequence[Any] = (),
    check_tolerance: float = 1e-5,
    strict: bool = True,
    static_shapes: bool = False,
    example_kwarg_inputs: Mapping[str, Any] | None = None,
) -> ScriptModule:
    """Runs a model of calque.transformers on example inputs and records the operators that ran.

    `example_inputs` is a tensor or a sequence of tensors, in the order of the model's inputs: (batch, length) int64 ids
    first. The trace holds for every batch size and length; `static_shapes=True` makes one for the shape of the examples only.
    With `check_trace` the trace is run again, at other shapes, too, and compared. `strict=False` gives a dict of outputs.

    Raises RuntimeError "Tracing failed sanity checks!" when trace and model differ by more than `check_tolerance`.
    """
    model = getattr(func, "_model", None)
    if not isinstance(model, _calque.Model):
        raise TypeError(
            f"calque.jit.trace: found {type(func).__name__}, expected a model of calque.transformers. "
            "For a torch module, use torch.jit.trace and load its archive, or calque.optimize."
        )
    named = [(name, _calque.as_tensor(value)) for name, value in (example_kwarg_inputs or {}).items()]
    if example_inputs is None and not named:
        raise TypeError("calque.jit.trace: give example_inputs or example_kwarg_inputs")
    return _calque.trace(
        model,
        [] if example_inputs is None else _tensors(example_inputs),
        named,
        _warn,
        check_trace=check_trace,
        check_inputs=[_tensors(inputs) for inputs in check_inputs],
        check_tolerance=check_tolerance,
        strict=strict,
        static_shapes=static_shapes,
    )


def save(m: ScriptModule, f: str | os.PathLike[str] | IO[bytes], _extra_files: dict[str, str | bytes] | None = None) -> None:
    """Writes an archive that torch.jit.load of PyTorch 1.13 and newer reads. Same module, same bytes.

    `_extra_files` maps file names to contents that are kept beside the module.
    """
    if isinstance(f, (str, os.PathLike)):
        m.save(os.fspath(f), _extra_files)
    else:
        f.write(m.save_to_buffer(_extra_files))


def load(
    f: str | os.PathLike[str] | IO[bytes],
    map_location: Any = None,
    _extra_files: dict[str, Any] | None = None,
    *,
    use_mmap: bool = True,
    dtype: _calque.dtype | None = None,
    max_memory: int = 8 << 30,
    max_depth: int = 400,
    verify_checksums: bool = False,
) -> ScriptModule:
    """Loads a TorchScript archive from a path or a file object. Runs no code of it; safe for untrusted files.

    `map_location` is accepted and ignored: everything runs on the CPU. Names that are keys of `_extra_files` are filled with
    their content (bytes). `dtype` converts floating-point weights while loading. `max_memory` bounds in bytes what loading
    takes beyond the file itself.

    Raises LoadError, which says what is wrong, where, and what to do.
    """
    del map_location
    if isinstance(f, (str, os.PathLike)):
        return _calque.load(
            os.fspath(f),
            _extra_files,
            _log.info,
            use_mmap=use_mmap,
            dtype=dtype,
            max_memory=max_memory,
            max_depth=max_depth,
            verify_checksums=verify_checksums,
        )
    if _extra_files is not None:
        raise TypeError("calque.jit.load: _extra_files needs a path, found a file object")
    return _calque.load_bytes(
        f.read(),
        _log.info,
        dtype=dtype,
        max_memory=max_memory,
        max_depth=max_depth,
        verify_checksums=verify_checksums,
    )


def freeze(
    mod: ScriptModule, preserved_attrs: Sequence[str] | None = None, optimize_numerics: bool = True
) -> ScriptModule:
    """A new module with all calls inlined, and attributes that no kept code writes turned into constants.

    `preserved_attrs` names attributes and methods that stay. `optimize_numerics` lets the result differ by rounding. Tensors are
    shared with `mod`, which stays as it is. Raises RuntimeError for a module in training mode, and for unknown names.
    """
    return _calque.freeze(mod, list(preserved_attrs or ()), optimize_numerics)


def optimize_for_inference(mod: ScriptModule, other_methods: Sequence[str] | None = None) -> ScriptModule:
    """The module frozen (unless it is already), with the work of the first call done now. `other_methods` stay beside forward."""
    return _calque.optimize_for_inference(mod, list(other_methods or ()))
