"""NumPy's errors in PyTorch's words, as errors of this library."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from calque import errors


def _translated(error: Exception) -> Exception:
    if isinstance(error, np.exceptions.AxisError) and error.axis is not None and error.ndim is not None:
        first, last = -max(error.ndim, 1), max(error.ndim, 1) - 1
        return errors.IndexError(f"Dimension out of range (expected to be in range of [{first}, {last}], but got {error.axis})")
    if isinstance(error, builtins.IndexError):
        return errors.IndexError(str(error))
    if isinstance(error, builtins.ValueError):
        return errors.RuntimeError(str(error))
    return errors.TypeError(str(error))


def translating(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose errors are this library's."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except errors.Error:
            raise
        except (builtins.ValueError, builtins.IndexError, builtins.TypeError) as error:
            raise _translated(error) from None

    return call


def translate_all(names: dict[str, Any]) -> None:
    """Does so for all public functions of a module."""
    for name, value in names.items():
        is_own = isinstance(value, FunctionType) and value.__module__ == names["__name__"]
        if not name.startswith("_") and (is_own or isinstance(value, functools.partial)):
            names[name] = translating(value)
