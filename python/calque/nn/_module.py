"""Modules of Python: names with tensors and submodules, and a forward that calque.jit.script compiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from calque._calque import Tensor, as_tensor
from calque.errors import TypeError


class Parameter:
    """Marks a tensor as a weight: `self.weight = Parameter(tensor)`; the attribute is the tensor itself."""

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        del requires_grad
        self.data: Tensor = as_tensor(data)


class Buffer:
    """Marks a tensor as a buffer: saved, but no weight."""

    def __init__(self, data: Any) -> None:
        self.data: Tensor = as_tensor(data)


class Module:
    """Base of modules, as torch.nn.Module: parameters, buffers and submodules are its attributes.

    `calque.jit.script(module)` makes a program of `forward`; called directly, `forward` runs as Python.
    """

    training: bool

    def __init__(self) -> None:
        for name in ("_parameters", "_buffers", "_modules"):
            object.__setattr__(self, name, {})
        object.__setattr__(self, "training", True)

    def __setattr__(self, name: str, value: Any) -> None:
        tables: dict[str, dict[str, Any]] = {key: self.__dict__.get(f"_{key}", {}) for key in ("parameters", "buffers", "modules")}
        if "_parameters" not in self.__dict__ and isinstance(value, (Parameter, Buffer, Module)):
            raise AttributeError(f"cannot assign {name!r} before Module.__init__() call")
        kind = {Parameter: "parameters", Buffer: "buffers"}.get(type(value))
        if isinstance(value, Module):
            kind = "modules"
        elif kind is None:
            kind = next((key for key, table in tables.items() if name in table), None)
        if kind is None:
            object.__setattr__(self, name, value)
            return
        for table in tables.values():
            table.pop(name, None)
        tables[kind][name] = value.data if isinstance(value, (Parameter, Buffer)) else value

    def __getattr__(self, name: str) -> Any:
        for table in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(table, {}):
                return self.__dict__[table][name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs forward, as Python."""
        return self.forward(*args, **kwargs)

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """A tensor that is saved, but no weight."""
        del persistent
        self._buffers[name] = None if tensor is None else as_tensor(tensor)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """A weight, or the name of one that is not there."""
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign a {type(param).__name__} as parameter {name!r}; wrap it in calque.nn.Parameter")
        self._parameters[name] = None if param is None else param.data

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The submodules by name."""
        yield from self._modules.items()

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Itself as "" first, and all submodules by dotted names."""
        yield prefix, self
        for name, child in self._modules.items():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The weights by dotted names."""
        yield from self._named("_parameters")

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """The buffers by dotted names."""
        yield from self._named("_buffers")

    def parameters(self) -> Iterator[Tensor]:
        """The weights."""
        for _, value in self.named_parameters():
            yield value

    def state_dict(self) -> dict[str, Tensor]:
        """Weights and buffers by dotted names."""
        return dict([*self.named_parameters(), *self.named_buffers()])

    def _named(self, table: str) -> Iterator[tuple[str, Tensor]]:
        for prefix, module in self.named_modules():
            for name, value in module.__dict__[table].items():
                if value is not None:
                    yield f"{prefix}.{name}" if prefix else name, value

    def train(self, mode: bool = True) -> Self:
        """Training mode, for all submodules."""
        for _, module in self.named_modules():
            object.__setattr__(module, "training", mode)
        return self

    def eval(self) -> Self:
        """Evaluation mode, for all submodules."""
        return self.train(False)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Devices are accepted and change nothing."""
        del args, kwargs
        return self
