"""Traces Transformers checkpoints into TorchScript archives, and runs TorchScript archives, without libtorch.

The names are PyTorch's: `import calque as torch` runs scripts that trace, save, load and call models.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import math
from typing import TYPE_CHECKING, Any

from calque import errors, jit
from calque._calque import (
    Tensor,
    allclose,
    as_tensor,
    device,
    dtype,
    empty,
    equal,
    from_dlpack,
    from_numpy,
    get_affinity,
    get_num_threads,
    ones,
    pin_thread,
    promote_types,
    release_memory,
    set_affinity,
    set_num_threads,
    set_spin_time,
    tensor,
    zeros,
)
from calque.errors import CancelledError, Error, InternalError, LimitError, LoadError

if TYPE_CHECKING:
    from calque import commands, cuda, io, nn, transformers
    from calque._operators import (
        abs,
        add,
        all,
        any,
        arange,
        argmax,
        argmin,
        argsort,
        cat,
        clamp,
        divide as div,
        eq,
        exp,
        ge,
        gt,
        isnan,
        le,
        log,
        lt,
        matmul,
        matmul as bmm,
        max,
        mean,
        min,
        mm,
        multiply as mul,
        ne,
        negative as neg,
        norm,
        power as pow,
        sigmoid,
        softmax,
        sqrt,
        stack,
        subtract as sub,
        sum,
        tanh,
        topk,
        where,
    )
    from calque._operators_more import (
        ceil,
        chunk,
        cumsum,
        empty_like,
        flatten,
        floor,
        full,
        full_like,
        gather,
        index_select,
        isfinite,
        isinf,
        log_softmax,
        masked_fill,
        maximum,
        minimum,
        nonzero,
        numel,
        ones_like,
        relu,
        reshape,
        round,
        sort,
        split,
        squeeze,
        std,
        transpose,
        unbind_all as unbind,
        unsqueeze,
        var,
        zeros_like,
    )
    from calque._random import (
        Generator,
        initial_seed,
        manual_seed,
        rand,
        randint,
        randn,
        randperm,
    )
    from calque.commands import (
        bench,
        convert,
        inspect,
    )
    from calque.io import (
        read_tensors,
        write_tensors,
    )
    from calque.optimizer import (
        optimize,
    )

__all__ = [
    "CancelledError",
    "Error",
    "Generator",
    "InternalError",
    "LimitError",
    "LoadError",
    "Tensor",
    "abs",
    "add",
    "all",
    "allclose",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "as_tensor",
    "bench",
    "bfloat16",
    "bmm",
    "bool",
    "cat",
    "ceil",
    "chunk",
    "clamp",
    "commands",
    "complex128",
    "complex64",
    "convert",
    "cuda",
    "cumsum",
    "device",
    "div",
    "double",
    "dtype",
    "empty",
    "empty_like",
    "enable_grad",
    "eq",
    "equal",
    "errors",
    "exp",
    "flatten",
    "float",
    "float16",
    "float32",
    "float64",
    "floor",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "gather",
    "ge",
    "get_affinity",
    "get_num_threads",
    "gt",
    "half",
    "index_select",
    "inf",
    "inference_mode",
    "initial_seed",
    "inspect",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "io",
    "is_floating_point",
    "is_grad_enabled",
    "is_tensor",
    "isfinite",
    "isinf",
    "isnan",
    "jit",
    "le",
    "log",
    "log_softmax",
    "long",
    "lt",
    "manual_seed",
    "masked_fill",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mm",
    "mul",
    "nan",
    "ne",
    "neg",
    "nn",
    "no_grad",
    "nonzero",
    "norm",
    "numel",
    "ones",
    "ones_like",
    "optimize",
    "pi",
    "pin_thread",
    "pow",
    "promote_types",
    "rand",
    "randint",
    "randn",
    "randperm",
    "read_tensors",
    "relu",
    "release_memory",
    "reshape",
    "round",
    "set_affinity",
    "set_grad_enabled",
    "set_num_threads",
    "set_spin_time",
    "short",
    "sigmoid",
    "softmax",
    "sort",
    "split",
    "sqrt",
    "squeeze",
    "stack",
    "std",
    "sub",
    "sum",
    "tanh",
    "tensor",
    "topk",
    "transformers",
    "transpose",
    "uint8",
    "unbind",
    "unsqueeze",
    "var",
    "where",
    "write_tensors",
    "zeros",
    "zeros_like",
]

uint8, int8, int16, int32, int64 = dtype.uint8, dtype.int8, dtype.int16, dtype.int32, dtype.int64
float16, float32, float64, bfloat16 = dtype.float16, dtype.float32, dtype.float64, dtype.bfloat16
complex64, complex128 = dtype.complex64, dtype.complex128
bool = dtype.bool_
half, float, double, short, int, long = float16, float32, float64, int16, int32, int64
inf, nan, pi = math.inf, math.nan, math.pi

# Where the names are that take longer to import, or need NumPy: they are imported when they are first used.
_MODULES = ("commands", "cuda", "io", "nn", "transformers")
_LAZY = {
    "_operators": (
        "abs add all any arange argmax argmin argsort cat clamp eq exp ge gt isnan le log lt matmul max mean min mm ne "
        "norm sigmoid softmax sqrt stack sum tanh topk where"
    ),
    "_operators_more": (
        "ceil chunk cumsum empty_like flatten floor full full_like gather index_select isfinite isinf log_softmax "
        "masked_fill maximum minimum nonzero numel ones_like relu reshape round sort split squeeze std transpose "
        "unsqueeze var zeros_like"
    ),
    "_random": "Generator initial_seed manual_seed rand randint randn randperm",
    "commands": "bench convert inspect",
    "io": "read_tensors write_tensors",
    "optimizer": "optimize",
}
_HOME = {name: (module, name) for module, names in _LAZY.items() for name in names.split()} | {
    "bmm": ("_operators", "matmul"),
    "div": ("_operators", "divide"),
    "mul": ("_operators", "multiply"),
    "neg": ("_operators", "negative"),
    "pow": ("_operators", "power"),
    "sub": ("_operators", "subtract"),
    "unbind": ("_operators_more", "unbind_all"),
}


class no_grad(contextlib.ContextDecorator):
    """Nothing is differentiated, so this changes nothing; it is here for scripts that say it."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: object) -> None:
        return None


class set_grad_enabled(no_grad):
    """As no_grad, whatever `mode` says."""

    def __init__(self, mode: builtins.bool = True) -> None:
        del mode


inference_mode = enable_grad = no_grad


def is_grad_enabled() -> builtins.bool:
    """False: nothing is differentiated."""
    return False


def is_tensor(obj: object) -> builtins.bool:
    """Whether `obj` is a calque.Tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> builtins.bool:
    """Whether the elements are floating-point numbers."""
    return input.is_floating_point()


def __getattr__(name: str) -> Any:
    if name in _HOME:
        module, member = _HOME[name]
        value = getattr(importlib.import_module(f"calque.{module}"), member)
    elif name in _MODULES:
        return importlib.import_module(f"calque.{name}")
    elif name == "__version__":
        value = importlib.import_module("importlib.metadata").version("calque")
    else:
        raise AttributeError(f"module 'calque' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_MODULES})
