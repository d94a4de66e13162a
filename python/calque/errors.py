"""Errors of the library. Each is also the built-in error that a caller would expect, so both can be caught."""

import builtins


class Error(Exception):
    """Base of all errors of the library. The text says where, what was found, what was expected, what to do."""


class LoadError(Error, OSError, builtins.RuntimeError):
    """A file cannot be read or written, or its content is not valid for its format."""


class RuntimeError(Error, builtins.RuntimeError):
    """An operator, or a program, failed while it ran. Has PyTorch's wording where users know it."""


class ValueError(Error, builtins.ValueError):
    """An argument has the right type and a wrong value."""


class TypeError(Error, builtins.TypeError):
    """An argument has the wrong type."""


class IndexError(Error, builtins.IndexError):
    """An index is out of range."""


class NotImplementedError(Error, builtins.NotImplementedError):
    """Valid input that asks for something the library does not support; says what does work."""


class LimitError(Error, builtins.RuntimeError):
    """A limit of loading or running (memory, recursion, time, iterations) was reached."""


class CancelledError(Error, builtins.RuntimeError):
    """The run was cancelled."""


class InternalError(Error, SystemError):
    """A broken invariant of the library itself: a bug, never the user's fault."""
