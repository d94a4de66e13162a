"""A PyTorch user's one-liner: the same callable, run by this library."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import io
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from calque import _calque, errors, jit
from calque._calque import ScriptModule, Tensor
from calque._progress import progress


@dataclasses.dataclass(frozen=True)
class Report:
    """How the optimized module compares with the original, on one input."""

    max_difference: float
    """Largest |ours - theirs| over all outputs."""
    allowed_difference: float
    """The bound of that: absolute, plus relative to the largest output."""
    original_seconds: float
    """Best of the timed calls of the original."""
    seconds: float
    """Best of the timed calls of the optimized module."""

    @property
    def speed_up(self) -> float:
        """How many times faster than the original."""
        return self.original_seconds / self.seconds if self.seconds > 0 else float("inf")

    def __str__(self) -> str:
        return (
            f"{self.speed_up:.2f} times as fast ({1e3 * self.original_seconds:.2f} ms, now {1e3 * self.seconds:.2f} ms a call), "
            f"largest difference {self.max_difference:.1e}"
        )


class Optimized:
    """Called like the original. Torch tensors in, torch tensors out, when torch is installed. Nothing is differentiated."""

    report: Report | None
    """Set once the module was compared with the original: at once with example inputs, else at the first call."""

    def __init__(self, original: Callable[..., Any] | None, module: ScriptModule | None, tolerance: float, runs: int) -> None:
        self.original = original
        self.report = None
        self._tolerance, self._runs = tolerance, runs
        self._module = module
        self._traces: dict[tuple[str, ...], ScriptModule] = {}
        self._verified: set[Any] = set()
        self._type: Callable[..., Any] | None = None

    @property
    def module(self) -> ScriptModule:
        """What runs. ValueError when an eager module was not traced yet, as it has not been called."""
        if self._module is None and not self._traces:
            raise errors.ValueError("this module is traced when it is called; call it, or pass example_inputs to optimize")
        return self._module or next(reversed(self._traces.values()))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Two shapes are compared: one alone does not show that a trace has baked in its sizes.
        if self.original is not None and len(self._verified) < 2 and _shapes((args, kwargs)) not in self._verified:
            self.verify(*args, **kwargs)
        return self._run(args, kwargs)

    def verify(self, *args: Any, **kwargs: Any) -> Report:
        """Runs both on these inputs, and compares outputs and times. RuntimeError when the outputs differ."""
        if self.original is None:
            raise errors.ValueError("there is no original to compare with: torch is not installed")
        torch = _torch()

        original = self.original
        with torch.no_grad():
            expected = original(*args, **kwargs)
            if isinstance(expected, Mapping) and type(expected) is not dict:
                self._type = type(expected)
            difference, largest = _difference(self._run(args, kwargs), expected)
            allowed = self._tolerance * (1 + largest)
            if not difference <= allowed:
                raise errors.RuntimeError(
                    f"calque.optimize: outputs differ by {difference:.3g}, expected at most {allowed:.3g}. "
                    "Is the original in evaluation mode, free of random numbers, and its trace free of baked-in sizes?"
                )
            theirs = _best(lambda: original(*args, **kwargs), self._runs)
            ours = _best(lambda: self._run(args, kwargs), self._runs)
        self._verified.add(_shapes((args, kwargs)))
        self.report = Report(difference, allowed, theirs, ours)
        return self.report

    def _run(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if self._module is not None:
            outputs = _to_torch(self._module(*args, **kwargs))
        else:
            named = _by_name(self.original, args, kwargs)
            key = tuple(sorted(named))
            if key not in self._traces:
                self._traces[key] = _loaded(_traced(self.original, named))
            outputs = _to_torch(self._traces[key](**named))
        return self._type(outputs) if self._type is not None and isinstance(outputs, dict) else outputs

    def __getattr__(self, name: str) -> Any:
        original = self.__dict__.get("original")
        if original is None or name.startswith("__"):
            raise AttributeError(name)
        return getattr(original, name)


def optimize(
    module_or_path: Any,
    example_inputs: Any = None,
    *,
    tolerance: float = 1e-4,
    runs: int = 5,
) -> Optimized:
    """A callable with the signature of a torch module, run by this library and verified against the original.

    `module_or_path` is a torch.jit module, the path of an archive, or an eager torch module (a Transformers model, say), which
    real torch traces: for each set of arguments that it is called with. `example_inputs` is a tensor, a sequence of tensors, or a
    dict of tensors by name: with them the result is verified at once, otherwise at its first call, and again at the first call of
    another shape. `result.report` has differences and times, the best of `runs`.

    Raises RuntimeError when outputs differ by more than `tolerance`, absolute plus relative to the largest output; TypeError for
    other objects; ValueError for a module in training mode.
    """
    with progress("optimize", 2) as step:
        step("loading")
        optimized = Optimized(*_prepare(module_or_path), tolerance, runs)
        if example_inputs is not None and optimized.original is not None:
            args, kwargs = _arguments(example_inputs)
            step("comparing")
            optimized.verify(*args, **kwargs)
    return optimized


def _torch() -> Any:
    return importlib.import_module("torch")


def _arguments(example_inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(example_inputs, Mapping):
        return (), dict(example_inputs)
    return (tuple(example_inputs) if isinstance(example_inputs, (list, tuple)) else (example_inputs,)), {}


def _shapes(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple((name, _shapes(item)) for name, item in sorted(value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(map(_shapes, value))
    return tuple(value.shape) if hasattr(value, "shape") else None


def _prepare(source: Any) -> tuple[Callable[..., Any] | None, ScriptModule | None]:
    if isinstance(source, (str, os.PathLike)):
        module = jit.load(source)
        try:
            torch = _torch()
        except ImportError:
            return None, module
        return torch.jit.load(os.fspath(source)), module
    torch = _torch()

    if isinstance(source, torch.jit.ScriptModule):
        return source, _loaded(source)
    if not isinstance(source, torch.nn.Module):
        raise errors.TypeError(
            f"calque.optimize: found {type(source).__name__}, expected a torch module or the path of an archive"
        )
    if source.training:
        raise errors.ValueError("calque.optimize: the module is in training mode; call eval() first")
    return source, None


def _by_name(module: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by their names; None stands for one that is not given."""
    bound = inspect.signature(module.forward).bind(*args, **kwargs).arguments
    named: dict[str, Any] = {}
    for name, value in bound.items():
        kind = inspect.signature(module.forward).parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            named |= value
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            raise errors.TypeError("calque.optimize: a forward that takes *args cannot be traced by name; trace it with torch.jit")
        else:
            named[name] = value
    for name, value in named.items():
        if isinstance(value, (bool, int, float, str)):
            raise errors.TypeError(
                f"calque.optimize: the argument {name!r} is a {type(value).__name__}, and a trace takes tensors: set it in the "
                "module's configuration"
            )
    return {name: value for name, value in named.items() if value is not None}


def _traced(model: Any, named: dict[str, Any]) -> Any:
    torch = _torch()

    with torch.no_grad(), warnings.catch_warnings():
        # Whether the trace holds is compared afterwards.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        return torch.jit.trace(model, example_kwarg_inputs=named, strict=False)


def _loaded(script_module: Any) -> ScriptModule:
    torch = _torch()

    archive = io.BytesIO()
    torch.jit.save(script_module, archive)
    return _calque.load_bytes(archive.getvalue())


def _to_torch(value: Any) -> Any:
    """Outputs as torch's tensors, which share the memory; as they are when torch is not installed."""
    if isinstance(value, Tensor):
        try:
            return _torch().from_dlpack(value)
        except ImportError:
            return value
    if isinstance(value, (list, tuple)):
        return type(value)(_to_torch(item) for item in value)
    if isinstance(value, dict):
        return {key: _to_torch(item) for key, item in value.items()}
    return value


def _difference(ours: Any, theirs: Any) -> tuple[float, float]:
    """Largest difference of any number, and the largest number of theirs."""
    torch = _torch()

    if isinstance(theirs, torch.Tensor):
        if not isinstance(ours, torch.Tensor) or ours.shape != theirs.shape:
            raise errors.RuntimeError(f"calque.optimize: found {getattr(ours, 'shape', ours)}, expected {theirs.shape}")
        if theirs.numel() == 0:
            return 0.0, 0.0
        expected = theirs.detach().double()
        return float((ours.double() - expected).abs().max()), float(expected.abs().max())
    if isinstance(theirs, Mapping):
        pairs = [(ours[key], value) for key, value in theirs.items()]
    elif isinstance(theirs, (list, tuple)):
        pairs = list(zip(ours, theirs, strict=True))
    else:
        return (0.0 if ours == theirs else float("inf")), 0.0
    found = [_difference(a, b) for a, b in pairs]
    return max((d for d, _ in found), default=0.0), max((m for _, m in found), default=0.0)


def _best(call: Callable[[], Any], runs: int) -> float:
    times = []
    for _ in range(max(1, runs)):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
