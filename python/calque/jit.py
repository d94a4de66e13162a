"""TorchScript modules: trace, script, save, load, freeze, quantize, check. Names and arguments are those of torch.jit."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

from calque import _calque
from calque._calque import RunOptions, ScriptModule
from calque.errors import TypeError

if TYPE_CHECKING:
    from calque._script import CompilationUnit, ScriptFunction
    from calque._report import CheckReport, QuantizeReport
    from calque.transformers import PreTrainedModel

__all__ = [
    "CheckReport",
    "CompilationUnit",
    "Final",
    "QuantizeReport",
    "RunOptions",
    "ScriptFunction",
    "ScriptModule",
    "TracerWarning",
    "annotate",
    "check",
    "export",
    "freeze",
    "ignore",
    "is_scripting",
    "is_tracing",
    "load",
    "optimize_for_inference",
    "quantize",
    "save",
    "save_packed",
    "script",
    "trace",
    "trace_module",
    "unused",
]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class TracerWarning(Warning):
    """The trace may not hold for other inputs, for example because control flow depended on a value."""


def _warn(text: str) -> None:
    warnings.warn(text, TracerWarning, stacklevel=3)


def _tensors(values: Any) -> list[_calque.Tensor]:
    """One tensor, or a sequence of tensors, as a list."""
    items = values if isinstance(values, (list, tuple)) else [values]
    return [_calque.as_tensor(item) for item in items]


def trace(
    func: PreTrainedModel,
    example_inputs: Any = None,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Sequence[Any] | None = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    *,
    static_shapes: bool = False,
    example_kwarg_inputs: Mapping[str, Any] | None = None,
) -> ScriptModule:
    """Runs a model of calque.transformers on example inputs and records the operators that ran.

    `example_inputs` is a tensor or a sequence of tensors, in the order of the model's inputs: (batch, length) int64 ids
    first. The trace holds for every batch size and length; `static_shapes=True` makes one for the shape of the examples only.
    With `check_trace` the trace is run again, at other shapes, too, and compared; on `check_inputs` as well.
    `strict=False` gives a dict of outputs. `optimize` is ignored, as in PyTorch.

    Raises RuntimeError "Tracing failed sanity checks!" when trace and model differ by more than `check_tolerance`.
    """
    del optimize
    model = getattr(func, "_model", None)
    if not isinstance(model, _calque.Model):
        raise TypeError(
            f"calque.jit.trace: found {type(func).__name__}, expected a model of calque.transformers. "
            "For a torch module, use torch.jit.trace and load its archive, or calque.optimize; for functions, calque.jit.script."
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
        check_inputs=[_tensors(inputs) for inputs in check_inputs or ()],
        check_tolerance=check_tolerance,
        strict=strict,
        static_shapes=static_shapes,
    )


def trace_module(mod: PreTrainedModel, inputs: Mapping[str, Any], *args: Any, **kwargs: Any) -> ScriptModule:
    """As trace, with the example inputs by method: `{"forward": inputs}`, the only method that a model has."""
    if list(inputs) != ["forward"]:
        raise TypeError(f"calque.jit.trace_module: found inputs for {', '.join(inputs) or 'no method'}, expected for forward")
    return trace(mod, inputs["forward"], *args, **kwargs)


def script(obj: Any, optimize: Any = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None) -> Any:
    """Compiles Python: a function gives a ScriptFunction, an object with a method `forward` a ScriptModule, a class itself.

    What it refers to comes along: other functions, classes, NamedTuples, Enums, numbers and texts, `torch`, `math`. Modules are
    objects of `calque.nn.Module`, of `torch.nn.Module`, or of plain classes; their weights are shared. Methods that `forward`
    does not call are left out unless they have `@export`. The arguments after `obj` are ignored.

    Raises LoadError, a RuntimeError, with file, line and column of what is not TorchScript, and what to write instead;
    NotImplementedError for missing operators and for attributes that no program can hold.
    """
    del optimize, _frames_up, _rcb, example_inputs
    from calque import _script, _script_module

    if isinstance(obj, (ScriptModule, _script.ScriptFunction)):
        return obj
    if isinstance(obj, type):
        _script.script_class(obj)
        return obj
    if _script_module.is_module_like(obj):
        return _script_module.ModuleSource().make(obj)
    if _script.function_of(obj) is not None and callable(obj):
        return _script.script_function(obj)
    raise TypeError(
        f"calque.jit.script: found {type(obj).__name__}, expected a function, a class, or an object with a method forward"
    )


def check(
    module_or_path: ScriptModule | str | os.PathLike[str],
    shapes: Sequence[Sequence[int]] = (),
    *,
    method: str = "forward",
    max_seconds: float = 60,
    dtype: _calque.dtype | None = None,
) -> CheckReport:
    """Says whether an archive (or a module) would load and run here, its operators, and what its export has fixed.

    At each of `shapes`, (batch, length), the method runs once on made-up inputs, for at most `max_seconds`; without, nothing runs.
    What a file holds is never an exception: `report.loads`, `report.runs` and `report.error` tell. `print(report)` is one page.
    """
    from calque._report import CheckReport

    subject = module_or_path if isinstance(module_or_path, ScriptModule) else os.fspath(module_or_path)
    json_text, text = _calque.check(subject, method, [list(shape) for shape in shapes], max_seconds, dtype)
    return CheckReport(json_text, text)


def save(m: Any, f: str | os.PathLike[str] | IO[bytes], _extra_files: dict[str, str | bytes] | None = None) -> None:
    """Writes an archive that torch.jit.load of PyTorch 1.13 and newer reads. Same module, same bytes.

    `m` is a ScriptModule or a ScriptFunction, `f` a path or a file that is open for writing bytes. `_extra_files` maps file names
    to contents that are kept beside the module.
    """
    if not hasattr(m, "save_to_buffer"):
        raise TypeError(f"calque.jit.save: found {type(m).__name__}, expected a ScriptModule: trace or script it first")
    m.save(f, _extra_files)


def save_packed(m: ScriptModule, f: str | os.PathLike[str], _extra_files: dict[str, str | bytes] | None = None) -> None:
    """Writes an archive as `save` does, with the weights of `forward` once more, as this processor's instruction set multiplies by
    them in the precision that the module was loaded with. A load on such a processor with that precision has nothing to pack;
    others ignore what was added, as PyTorch does. ValueError when there is nothing to pack.
    """
    _calque.save_packed(m, os.fspath(f), _extra_files)


def load(
    f: str | os.PathLike[str] | IO[bytes],
    map_location: Any = None,
    _extra_files: dict[str, Any] | None = None,
    _restore_shapes: bool = False,
    *,
    use_mmap: bool = True,
    dtype: _calque.dtype | None = None,
    precision: str = "float32",
    prepare: bool = True,
    disable_pass: Sequence[str] = (),
    time_passes: bool = False,
    dump_phases: str | os.PathLike[str] | None = None,
    max_memory: int = 8 << 30,
    max_depth: int = 400,
    verify_checksums: bool = False,
) -> ScriptModule:
    """Loads a TorchScript archive from a path or a file object. Runs no code of it; safe for untrusted files.

    `map_location` and `_restore_shapes` are accepted and ignored: everything runs on the CPU. Names that are keys of
    `_extra_files` are filled with their content (bytes). `dtype` converts floating-point weights while loading. `precision`
    says how products on weights are computed when the module runs: "float32", "bf16", "int8", or, for few tokens,
    "int8-weights" or "int4-weights"; the rest stays float32.
    `prepare` packs the weights now and not in the first call. `disable_pass` names passes over the graphs to leave out (see `pass_names`),
    `time_passes` keeps how long each takes for `pass_times`, and `dump_phases` is a folder where the graph is written after each.
    `max_memory` bounds in bytes what loading takes beyond the file itself.

    Raises LoadError, which says what is wrong, where, and what to do.
    """
    del map_location, _restore_shapes
    passes: dict[str, Any] = {
        "disable_pass": list(disable_pass),
        "time_passes": time_passes,
        "dump_phases": os.fspath(dump_phases or ""),
    }
    if isinstance(f, (str, bytes, os.PathLike)):
        return _calque.load(
            f,
            _extra_files,
            _log.info,
            use_mmap=use_mmap,
            dtype=dtype,
            precision=precision,
            prepare=prepare,
            **passes,
            max_memory=max_memory,
            max_depth=max_depth,
            verify_checksums=verify_checksums,
        )
    if not hasattr(f, "read"):
        raise TypeError(f"calque.jit.load: found {type(f).__name__}, expected a path or a file that is open for reading bytes")
    content = f.read()
    if not isinstance(content, bytes):
        raise TypeError(f"calque.jit.load: the file gave {type(content).__name__}, expected bytes: open it with mode 'rb'")
    return _calque.load_bytes(
        content,
        _log.info,
        _extra_files,
        dtype=dtype,
        precision=precision,
        prepare=prepare,
        **passes,
        max_memory=max_memory,
        max_depth=max_depth,
        verify_checksums=verify_checksums,
    )


def pass_names() -> list[str]:
    """The passes over the graphs of programs, which `disable_pass` takes, in the order in which they run."""
    return _calque.pass_names()


def pass_times(mod: ScriptModule) -> list[tuple[str, str, float]]:
    """Function, pass and seconds, for the functions of a module loaded with `time_passes` that are planned by now."""
    return _calque.pass_times(mod)


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


def quantize(
    mod: ScriptModule,
    dtype: str = "int8",
    *,
    calibration: Sequence[Any] = (),
    max_error: float = 0.0,
    keep: Sequence[str] = (),
    smooth: bool = True,
) -> tuple[ScriptModule, QuantizeReport]:
    """A frozen module whose weights are stored in low precision, and how far its results are from those of `mod`.

    `dtype` is "int8" (products in 8 bits), "bf16", or, for few tokens, "int8-weights" or "int4-weights" (products in float32).
    `calibration` are real inputs, a few dozen: a dict of keyword arguments for each call, or a sequence; without any,
    token ids of a fixed seed are made up. A layer whose results change by more than `max_error`, relative to them, stays bf16 (0:
    0.05, and 0.15 for 4 bits); layers in modules that `keep` names stay float32. With `smooth`, int8 evens out the channels of
    inputs where that lowers the error.

    The module saves to an archive that PyTorch runs, too, in float32. Here it runs on the integers, also when loaded.
    Layers that are in low precision already stay as they are.
    Raises ValueError when there is nothing to quantise, and for names in `keep` that no layer has.
    """
    from calque._report import QuantizeReport

    calls = [([], dict(call)) if isinstance(call, Mapping) else (list(call), {}) for call in calibration]
    module, json_text, text = _calque.quantize(mod, dtype, calls, max_error, list(keep), smooth)
    return module, QuantizeReport(json_text, text)


def export(fn: _T) -> _T:
    """Marks a method that a scripted module keeps although `forward` does not call it."""
    fn._calque_export = True  # type: ignore[attr-defined]
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Marks a method that stays in Python. A program that calls it is refused."""
    del kwargs
    return drop if callable(drop) else _same


def unused(fn: _T) -> _T:
    """As ignore."""
    return fn


def _same(fn: Callable[..., Any]) -> Callable[..., Any]:
    return fn


def is_scripting() -> bool:
    """False in Python, true in a scripted program."""
    return False


def is_tracing() -> bool:
    """False: traces record operators, not Python."""
    return False


def annotate(the_type: Any, the_value: _T) -> _T:
    """The value; tells the compiler its type."""
    del the_type
    return the_value


def __getattr__(name: str) -> Any:
    # What needs the sources of Python, or JSON, is imported when it is first used.
    if name in ("CompilationUnit", "ScriptFunction"):
        from calque import _script

        return getattr(_script, name)
    if name in ("CheckReport", "QuantizeReport"):
        from calque import _report

        return getattr(_report, name)
    raise AttributeError(f"module 'calque.jit' has no attribute {name!r}")
