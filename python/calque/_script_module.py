"""Modules from objects with a method forward: what torch.jit.script does with an nn.Module."""

from __future__ import annotations

import ast
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

from calque import _calque, errors
from calque._calque import ScriptModule, Tensor
from calque._script import Source, Text, free_names, function_of, outer_value

_SIMPLE = {bool: "bool", int: "int", float: "float", str: "str", type(None): "NoneType", complex: "complex"}
_INDENT = "    "


def is_module_like(value: Any) -> bool:
    """Whether this is an object with a method forward."""
    return not isinstance(value, (type, types.FunctionType)) and inspect.ismethod(getattr(value, "forward", None))


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) or (hasattr(value, "__dlpack__") and hasattr(value, "shape"))


class _Plan:
    """One object: its class in the source, and the values of its attributes."""

    def __init__(self, class_name: str, values: dict[str, Any]) -> None:
        self.class_name, self.values = class_name, values
        self.made: ScriptModule | None = None


class _Method:
    """A method that the program has."""

    def __init__(self, name: str, member: Any) -> None:
        self.name, self.function = name, function_of(member)
        self.mark = "@staticmethod" if isinstance(member, staticmethod) else "@property" if isinstance(member, property) else None
        self.text = Text(self.function).without_decorators()

    def attributes(self) -> list[str]:
        """Names behind `self.`"""
        own = next(iter(inspect.signature(self.function).parameters), None)
        if self.mark == "@staticmethod" or own is None:
            return []
        return [
            node.attr
            for node in ast.walk(self.text.tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == own
        ]


class ModuleSource:
    """Turns an object and those that it holds into a source with one class for each kind."""

    def __init__(self) -> None:
        self._source = Source()
        self._plans: dict[int, _Plan] = {}
        self._classes: dict[Any, str] = {}
        self._names: set[str] = set()

    def make(self, value: Any) -> ScriptModule:
        """The module of an object."""
        plan = self._plan(value, type(value).__name__)
        compiled = self._source.compile(modules=True)
        return self._object(compiled, plan)

    def _object(self, compiled: _calque.CompiledSource, plan: _Plan) -> ScriptModule:
        if plan.made is None:
            values = {
                name: self._object(compiled, value) if isinstance(value, _Plan) else value for name, value in plan.values.items()
            }
            plan.made = compiled.object(plan.class_name, **values)
        return plan.made

    def _plan(self, value: Any, where: str) -> _Plan:
        if id(value) in self._plans:
            return self._plans[id(value)]
        if isinstance(value, ScriptModule):
            raise errors.NotImplementedError(
                f"calque.jit.script: {where} is a ScriptModule already; a module that is scripted holds modules of Python. "
                "Pass the ScriptModule's results as arguments instead"
            )
        methods = _methods(value)
        used = {name for method in methods.values() for name in method.attributes()}
        tensors, parameters, buffers = _tensors_of(value)
        kinds: dict[str, str] = {"training": "bool"}
        values: dict[str, Any] = {"training": bool(getattr(value, "training", False))}
        names = dict.fromkeys([*tensors, *_children_of(value), *sorted(used)])
        for name in names:
            if name in methods or name in kinds or not hasattr(value, name):
                continue
            item = getattr(value, name)
            if is_module_like(item) or isinstance(item, ScriptModule):
                plan = self._plan(item, f"{where}.{name}")
                kinds[name], values[name] = plan.class_name, plan
            else:
                kinds[name], values[name] = self._kind(value, name, item, where), item
        plan = _Plan(self._class(value, methods, kinds, parameters, buffers), values)
        self._plans[id(value)] = plan
        return plan

    def _kind(self, owner: Any, name: str, item: Any, where: str) -> str:
        annotation = _annotation(type(owner), name)
        if annotation is not None:
            return _type_text(annotation, f"{where}.{name}")
        return _value_text(item, f"{where}.{name}")

    def _class(
        self, value: Any, methods: dict[str, _Method], kinds: dict[str, str], parameters: list[str], buffers: list[str]
    ) -> str:
        cls = type(value)
        key = (cls, tuple(kinds.items()), tuple(parameters), tuple(buffers))
        if key in self._classes:
            return self._classes[key]
        name = cls.__name__
        while name in self._names:
            name = f"{cls.__name__}_{len(self._names)}"
        self._names.add(name)
        self._classes[key] = name
        for method in methods.values():
            lookup = _lookup(method.function)
            self._source.refer(method.text, free_names(method.text.tree, [method.function]), lookup)
        first = methods["forward"].text
        header = [f"class {name}(Module):", f"{_INDENT}__parameters__ = {_names_text(parameters)}"]
        header += [f"{_INDENT}__buffers__ = {_names_text(buffers)}"]
        header += [f"{_INDENT}{attribute} : {kind}" for attribute, kind in kinds.items()]
        for line in header:
            self._source.add_lines([line], first.file, first.line)
        for method in methods.values():
            if method.mark is not None:
                self._source.add_lines([_INDENT + method.mark], method.text.file, method.text.line)
            lines = [_INDENT + line if line else line for line in method.text.lines]
            self._source.add_lines(lines, method.text.file, method.text.line, method.text.columns - len(_INDENT))
        return name


def _lookup(function: Any) -> Callable[[str], Any]:
    return lambda name: outer_value(function, name)


def _names_text(names: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _methods(value: Any) -> dict[str, _Method]:
    """forward, what is marked with @export, and the methods that these call."""
    cls = type(value)
    marked = [name for name, member in inspect.getmembers_static(cls) if getattr(member, "_calque_export", False)]
    marked += [
        name
        for name, member in inspect.getmembers_static(cls)
        if str(getattr(member, "_torchscript_modifier", "")).startswith("export") and name not in marked
    ]
    methods: dict[str, _Method] = {}
    queue = ["forward", *marked]
    while queue:
        name = queue.pop(0)
        member = inspect.getattr_static(cls, name, None)
        if name in methods or function_of(member) is None:
            continue
        methods[name] = _Method(name, member)
        queue += methods[name].attributes()
    return methods


def _tensors_of(value: Any) -> tuple[list[str], list[str], list[str]]:
    """Names of all tensors, of the parameters among them, and of the buffers."""
    content = vars(value)
    if "_parameters" in content and "_buffers" in content:
        parameters = list(content["_parameters"])
        buffers = list(content["_buffers"])
        tensors = [name for name, item in (content["_parameters"] | content["_buffers"]).items() if item is not None]
        rest = [name for name in (*parameters, *buffers) if name not in tensors]
        return [*parameters, *buffers], [n for n in parameters if n not in rest], [n for n in buffers if n not in rest]
    tensors = [name for name, item in content.items() if _is_tensor(item)]
    parameters = [name for name in tensors if type(content[name]).__name__ == "Parameter"]
    return tensors, parameters, [name for name in tensors if name not in parameters]


def _children_of(value: Any) -> list[str]:
    content = vars(value)
    if "_modules" in content:
        return [name for name, child in content["_modules"].items() if child is not None]
    return [name for name, item in content.items() if is_module_like(item) or isinstance(item, ScriptModule)]


def _annotation(cls: type, name: str) -> Any:
    for base in cls.__mro__:
        if base.__module__.split(".")[0] == "torch" or name not in base.__dict__.get("__annotations__", {}):
            continue
        try:
            return inspect.get_annotations(base, eval_str=True)[name]
        except (NameError, SyntaxError, TypeError):
            return None
    return None


def _type_text(annotation: Any, where: str) -> str:
    if annotation is None:
        return "NoneType"
    if isinstance(annotation, type) and annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if getattr(annotation, "__name__", "") in ("Tensor", "Parameter") or annotation is Tensor:
        return "Tensor"
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Final:
        return _type_text(inner[0], where)
    if origin in (typing.Union, types.UnionType):
        kinds = [_type_text(item, where) for item in inner if item is not type(None)]
        if len(kinds) == 1:
            return f"Optional[{kinds[0]}]"
    if origin in (list, tuple, dict) and inner and Ellipsis not in inner:
        name = {list: "List", tuple: "Tuple", dict: "Dict"}[origin]
        return f"{name}[{', '.join(_type_text(item, where) for item in inner)}]"
    raise errors.NotImplementedError(
        f"calque.jit.script: {where} has the type {annotation!r}; attributes are Tensors, numbers, texts, None, lists, tuples, "
        "dicts and Optional of these, and modules"
    )


def _value_text(item: Any, where: str) -> str:
    if _is_tensor(item):
        return "Tensor"
    if isinstance(item, _calque.dtype):
        return "int"
    if isinstance(item, _calque.device):
        return "Device"
    if type(item) in _SIMPLE:
        return _SIMPLE[type(item)]
    if isinstance(item, tuple):
        return f"Tuple[{', '.join(_value_text(part, where) for part in item)}]" if item else "Tuple[()]"
    if isinstance(item, list):
        kinds = {_value_text(part, where) for part in item} or {"Tensor"}
        if len(kinds) == 1:
            return f"List[{kinds.pop()}]"
    if isinstance(item, dict) and item:
        keys = {_value_text(key, where) for key in item}
        kinds = {_value_text(part, where) for part in item.values()}
        if len(keys) == len(kinds) == 1:
            return f"Dict[{keys.pop()}, {kinds.pop()}]"
    raise errors.NotImplementedError(
        f"calque.jit.script: {where} is a {type(item).__name__}; attributes that a program uses are Tensors, numbers, texts, None, "
        "modules, and lists, tuples and dicts of one kind. An annotation in the class may say which"
    )
