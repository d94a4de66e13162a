"""Traces Transformers checkpoints into TorchScript archives, and runs TorchScript archives, without libtorch.

The names are PyTorch's: `import calque as torch` runs scripts that trace, save, load and call models.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
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
    get_num_threads,
    ones,
    promote_types,
    set_num_threads,
    tensor,
    zeros,
)
from calque.errors import CancelledError, Error, InternalError, LimitError, LoadError

if TYPE_CHECKING:
    from calque import nn, transformers
    from calque._operators import (
        abs,
        arange,
        argmax,
        argsort,
        cat,
        clamp,
        exp,
        matmul,
        mean,
        norm,
        sigmoid,
        softmax,
        sqrt,
        stack,
        sum,
        tanh,
        topk,
        where,
    )
    from calque.optimizer import optimize

__all__ = [
    "CancelledError",
    "Error",
    "InternalError",
    "LimitError",
    "LoadError",
    "Tensor",
    "abs",
    "allclose",
    "arange",
    "argmax",
    "argsort",
    "as_tensor",
    "bfloat16",
    "bool",
    "cat",
    "clamp",
    "device",
    "double",
    "dtype",
    "empty",
    "equal",
    "errors",
    "exp",
    "float",
    "float16",
    "float32",
    "float64",
    "from_dlpack",
    "from_numpy",
    "get_num_threads",
    "half",
    "inference_mode",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "is_tensor",
    "jit",
    "long",
    "matmul",
    "mean",
    "nn",
    "no_grad",
    "norm",
    "ones",
    "optimize",
    "promote_types",
    "set_num_threads",
    "sigmoid",
    "softmax",
    "sqrt",
    "stack",
    "sum",
    "tanh",
    "tensor",
    "topk",
    "transformers",
    "uint8",
    "where",
    "zeros",
]

uint8, int8, int16, int32, int64 = dtype.uint8, dtype.int8, dtype.int16, dtype.int32, dtype.int64
float16, float32, float64, bfloat16 = dtype.float16, dtype.float32, dtype.float64, dtype.bfloat16
bool = dtype.bool_
half, float, double, int, long = float16, float32, float64, int32, int64

_OPERATORS = (
    "abs arange argmax argsort cat clamp exp matmul mean norm sigmoid softmax sqrt stack sum tanh topk where".split()
)


class no_grad(contextlib.ContextDecorator):
    """Nothing is differentiated, so this changes nothing; it is here for scripts that say it."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: object) -> None:
        return None


inference_mode = no_grad


def is_tensor(obj: object) -> builtins.bool:
    """Whether `obj` is a calque.Tensor."""
    return isinstance(obj, Tensor)


def __getattr__(name: str) -> Any:
    # Modules that need NumPy, or take longer to import, are imported when they are first used.
    if name in _OPERATORS:
        return getattr(importlib.import_module("calque._operators"), name)
    if name in ("nn", "transformers"):
        return importlib.import_module(f"calque.{name}")
    if name == "optimize":
        return importlib.import_module("calque.optimizer").optimize
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("calque")
    raise AttributeError(f"module 'calque' has no attribute {name!r}")
