"""A PyTorch user's one-liner: the same callable, run by this library."""

from __future__ import annotations

import dataclasses
import importlib
import io
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from calque import _calque, errors, jit
from calque._calque import ScriptModule, Tensor


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
    """Called like the original. Torch tensors in, torch tensors out, when torch is installed."""

    report: Report | None
    """Set once the module was compared with the original: at once with example inputs, else at the first call."""

    def __init__(self, module: ScriptModule, original: Callable[..., Any] | None, tolerance: float, runs: int) -> None:
        self.module = module
        self.original = original
        self.report = None
        self._tolerance, self._runs = tolerance, runs
        self._type: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.report is None and self.original is not None:
            self.verify(*args, **kwargs)
        return self._run(args, kwargs)

    def verify(self, *args: Any, **kwargs: Any) -> Report:
        """Runs both on these inputs, and compares outputs and times. RuntimeError when the outputs differ."""
        if self.original is None:
            raise errors.ValueError("there is no original to compare with: torch is not installed")
        torch = _torch()

        with torch.no_grad():
            expected = self.original(*args, **kwargs)
            if isinstance(expected, Mapping) and type(expected) is not dict:
                self._type = type(expected)
            difference, largest = _difference(self._run(args, kwargs), expected)
            allowed = self._tolerance * (1 + largest)
            if not difference <= allowed:
                raise errors.RuntimeError(
                    f"calque.optimize: outputs differ by {difference:.3g}, expected at most {allowed:.3g}. "
                    "Is the original in evaluation mode, and free of random numbers?"
                )
            theirs = _best(lambda: self.original(*args, **kwargs) if self.original else None, self._runs)
            ours = _best(lambda: self._run(args, kwargs), self._runs)
        self.report = Report(difference, allowed, theirs, ours)
        return self.report

    def _run(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        outputs = _to_torch(self.module(*args, **kwargs))
        return self._type(outputs) if self._type is not None and isinstance(outputs, dict) else outputs

    def __getattr__(self, name: str) -> Any:
        original = self.__dict__.get("original")
        if original is None:
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
    real torch traces on `example_inputs`: a tensor, a sequence of tensors, or a dict of tensors by name. With example inputs
    the result is verified at once, otherwise at its first call; `result.report` has differences and times, the best of `runs`.

    Raises RuntimeError when outputs differ by more than `tolerance`, absolute plus relative to the largest output.
    """
    module, original = _prepare(module_or_path, example_inputs)
    optimized = Optimized(module, original, tolerance, runs)
    if example_inputs is not None and original is not None:
        args, kwargs = _arguments(example_inputs)
        optimized.verify(*args, **kwargs)
    return optimized


def _torch() -> Any:
    return importlib.import_module("torch")


def _arguments(example_inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(example_inputs, Mapping):
        return (), dict(example_inputs)
    return (tuple(example_inputs) if isinstance(example_inputs, (list, tuple)) else (example_inputs,)), {}


def _prepare(source: Any, example_inputs: Any) -> tuple[ScriptModule, Callable[..., Any] | None]:
    if isinstance(source, (str, os.PathLike)):
        module = jit.load(source)
        try:
            torch = _torch()
        except ImportError:
            return module, None
        return module, torch.jit.load(os.fspath(source))
    torch = _torch()

    if isinstance(source, torch.jit.ScriptModule):
        return _loaded(source), source
    if not isinstance(source, torch.nn.Module):
        raise errors.TypeError(
            f"calque.optimize: found {type(source).__name__}, expected a torch module or the path of an archive"
        )
    if example_inputs is None:
        raise errors.TypeError("calque.optimize: an eager module has to be traced; pass example_inputs")
    return _loaded(_traced(source, example_inputs)), source


def _traced(model: Any, example_inputs: Any) -> Any:
    torch = _torch()

    args, kwargs = _arguments(example_inputs)
    if model.training:
        raise errors.ValueError("calque.optimize: the module is in training mode; call eval() first")
    with torch.no_grad():
        if kwargs:
            return torch.jit.trace(model, example_kwarg_inputs=kwargs, strict=False)
        return torch.jit.trace(model, args, strict=False)


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
