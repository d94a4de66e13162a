"""From Python objects to source text: what torch.jit.script does with functions, classes and modules."""

from __future__ import annotations

import ast
import builtins
import enum
import inspect
import math
import re
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any

from calque import _calque, errors
from calque._calque import Tensor

_TYPING = ("typing", "typing_extensions", "collections.abc")
_TORCH = ("torch", "calque")
_LITERALS = (bool, int, float, str, type(None))


def _fail(where: str, message: str) -> errors.NotImplementedError:
    return errors.NotImplementedError(f"calque.jit.script: {where}: {message}")


class Text:
    """Source text of one function or class, and where it stands."""

    def __init__(self, target: Any) -> None:
        name = getattr(target, "__qualname__", repr(target))
        try:
            lines, first = inspect.getsourcelines(target)
            self.file = inspect.getsourcefile(target) or "<unknown>"
        except (OSError, TypeError):
            raise errors.RuntimeError(
                f"calque.jit.script: the source of {name} cannot be read; it has to stand in a file "
                "(or pass text to calque.jit.CompilationUnit)"
            ) from None
        if "<lambda>" in name:
            raise _fail(f"{self.file}:{first}", "a lambda is not part of TorchScript; write a function")
        text = "".join(lines).expandtabs()
        dedented = textwrap.dedent(text)
        self.line = max(first, 1)
        self.columns = len(lines[0].expandtabs()) - len(lines[0].expandtabs().lstrip())
        self.lines = dedented.rstrip("\n").split("\n")
        self.tree = ast.parse(dedented).body[0]

    def without_decorators(self) -> Text:
        """The same from its `def` or `class` on."""
        skipped = self.tree.lineno - 1
        self.line += skipped
        self.lines = self.lines[skipped:]
        return self

    def rename(self, old: str, new: str) -> None:
        """Another name behind `def` or `class`."""
        index = self.tree.lineno - 1 if self.lines and len(self.lines) >= self.tree.lineno else 0
        for at in (index, 0):
            changed = re.sub(rf"\b(def|class)\s+{re.escape(old)}\b", rf"\1 {new}", self.lines[at], count=1)
            if changed != self.lines[at]:
                self.lines[at] = changed
                return


def _annotations(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        for child in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(child, ast.Constant) and isinstance(child.value, str):
                yield ast.parse(child.value, mode="eval")
            elif child is not None:
                yield child


def _names_of_code(code: types.CodeType) -> set[str]:
    names = {*code.co_names, *code.co_freevars}
    return names.union(*(_names_of_code(part) for part in code.co_consts if isinstance(part, types.CodeType)))


def free_names(tree: ast.AST, functions: list[Any]) -> list[str]:
    """Names that functions take from outside: globals, variables of enclosing functions, names in types."""
    loaded: set[str] = set().union(*(_names_of_code(function.__code__) for function in functions))
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in loaded]
    for annotation in _annotations(tree):
        names += [node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)]
    return list(dict.fromkeys(names))


def outer_value(function: Any, name: str) -> Any:
    """What a global or a variable of an enclosing function stands for; the function itself when there is none."""
    function = inspect.unwrap(function)
    closure = inspect.getclosurevars(function) if function.__closure__ else None
    if closure is not None and name in closure.nonlocals:
        return closure.nonlocals[name]
    return function.__globals__.get(name, outer_value)


class Source:
    """A source that grows by what its parts refer to, and a table of where its lines come from."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.parts: list[tuple[int, str, int, int]] = []
        self._known: dict[str, Any] = {}

    def compile(self, modules: bool = False) -> _calque.CompiledSource:
        """The compiled source, with `modules` of classes that are modules. Errors name the places in the files of the parts."""
        text = "\n".join(self.lines) + "\n"
        return _calque.compile(text, self.parts[0][1] if self.parts else "<script>", self.parts, modules)

    def add_lines(self, lines: list[str], file: str, line: int, columns: int = 0) -> None:
        """Puts lines at the end."""
        self.parts.append((len(self.lines) + 1, file, line, columns))
        self.lines += lines

    def add_text(self, text: Text) -> None:
        """Puts a function or class at the end."""
        self.add_lines(text.lines, text.file, text.line, text.columns)

    def refer(self, text: Text, names: list[str], lookup: Callable[[str], Any]) -> None:
        """Brings in what names in `text` stand for. Names that mean nothing are left to the compiler."""
        for name in names:
            value = lookup(name)
            if value is outer_value:
                continue
            if name not in self._known:
                self._bring(name, value, text)
            elif not _is_same(self._known[name], value):
                raise _fail(f"{text.file}:{text.line}", f"the name {name!r} stands for two things; rename one of them")

    def _bring(self, name: str, value: Any, text: Text) -> None:
        self._known[name] = value
        if isinstance(value, types.ModuleType):
            self._line(text, _import_of_module(name, value))
        elif isinstance(value, ScriptFunction):
            self._known[name] = value.original
            self.function(value.original, name)
        elif isinstance(value, types.FunctionType) and not _is_library(value.__module__):
            self.function(value, name)
        elif isinstance(value, type) and not _is_library(value.__module__):
            self.cls(value, name)
        elif isinstance(value, _LITERALS) or _is_literal_tuple(value):
            self._line(text, _literal(name, value))
        else:
            self._line(text, _import_of_member(name, value))

    def _line(self, text: Text, line: str | None) -> None:
        if line is not None:
            self.add_lines([line], text.file, text.line)

    def function(self, function: Any, name: str | None = None) -> str:
        """Adds a function and what it refers to; gives its name in the source."""
        function = inspect.unwrap(function)
        text = Text(function).without_decorators()
        own = function.__name__
        if name is not None and name != own:
            text.rename(own, name)
        self._known.setdefault(name or own, function)
        self.refer(text, free_names(text.tree, [function]), lambda wanted: outer_value(function, wanted))
        self.add_text(text)
        return name or own

    def cls(self, cls: type, name: str | None = None) -> None:
        """Adds a class (also a NamedTuple or an Enum) and what it refers to."""
        text = Text(cls).without_decorators()
        if name is not None and name != cls.__name__:
            text.rename(cls.__name__, name)
        self._known.setdefault(name or cls.__name__, cls)
        scope = vars(inspect.getmodule(cls) or builtins)
        functions = [function for value in vars(cls).values() if (function := function_of(value)) is not None]

        def lookup(wanted: str) -> Any:
            for function in functions:
                value = outer_value(function, wanted)
                if value is not outer_value:
                    return value
            return scope.get(wanted, outer_value)

        self.refer(text, free_names(text.tree, functions), lookup)
        self.add_text(text)


def function_of(member: Any) -> Any:
    """The function of a method, static method or property; None for others."""
    member = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    return member if isinstance(member, types.FunctionType) else None


def _is_same(a: Any, b: Any) -> bool:
    if isinstance(a, ScriptFunction) or isinstance(b, ScriptFunction):
        return getattr(a, "original", a) is getattr(b, "original", b)
    return a is b or (isinstance(a, _LITERALS) and type(a) is type(b) and a == b)


def _is_library(module: str | None) -> bool:
    root = (module or "builtins").split(".")[0]
    return module in (*_TYPING, "builtins", "enum", "math") or root in _TORCH


def _is_literal_tuple(value: Any) -> bool:
    return isinstance(value, tuple) and type(value) is tuple and all(isinstance(item, _LITERALS) for item in value)


def _literal(name: str, value: Any) -> str | None:
    if isinstance(value, enum.Enum):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return f"from math import {'nan' if math.isnan(value) else 'inf'} as {name}" if value != -math.inf else None
    return f"{name} = {value!r}"


def _import_of_module(name: str, module: types.ModuleType) -> str:
    path = module.__name__
    if path.split(".")[0] == "calque":
        path = "torch" + path[len("calque") :]
    # A folder's member is not bound by `import a.b`, so it is named.
    return f"import {path}" if name == path else f"import {path} as {name}"


def _import_of_member(name: str, value: Any) -> str | None:
    if isinstance(value, _calque.dtype):
        return f"from torch import {str(value).removeprefix('calque.')} as {name}"
    if type(value).__module__ == "torch" and type(value).__name__ == "dtype":
        return f"from torch import {str(value).removeprefix('torch.')} as {name}"
    module = getattr(value, "__module__", None) or type(value).__module__
    own = getattr(value, "__name__", None) or getattr(value, "_name", None) or name
    root = module.split(".")[0]
    if value is Tensor or (root == "torch" and own == "Tensor"):
        return None if name == "Tensor" else f"from torch import Tensor as {name}"
    if module in _TYPING:
        return f"from typing import {own}" if own == name else f"from typing import {own} as {name}"
    if module == "math":
        return f"from math import {own} as {name}"
    if root in _TORCH:
        path = "torch.nn.functional" if "nn.functional" in module else "torch.jit" if ".jit" in module else "torch"
        return f"from {path} import {own} as {name}"
    return None


class ScriptFunction:
    """A compiled function: called like the original, saved like a module."""

    def __init__(self, compiled: _calque.CompiledSource, name: str, original: Any) -> None:
        self._compiled, self._name, self.original = compiled, name, original
        self.__name__ = name
        self.__doc__ = getattr(original, "__doc__", None)
        self.__wrapped__ = original

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the program. Arrays, torch tensors and whatever has DLPack are taken without a copy."""
        return self._compiled.run(self._name, *args, **kwargs)

    @property
    def name(self) -> str:
        """Of the function."""
        return self._name

    @property
    def qualified_name(self) -> str:
        """As archives name it."""
        return f"__torch__.{self._name}"

    @property
    def schema(self) -> str:
        """Arguments and results: `f(Tensor x, int n=3) -> Tensor`."""
        return self._compiled.schema(self._name)

    @property
    def code(self) -> str:
        """The function as PyTorch prints it."""
        return self._compiled.code(self._name)

    @property
    def graph(self) -> str:
        """The graph of the function, as a module's forward."""
        return self._module().graph

    @property
    def inlined_graph(self) -> str:
        """The graph with all calls replaced by their bodies."""
        return self._module().inlined_graph

    def _module(self) -> _calque.ScriptModule:
        return self._compiled.module(self._name)

    def save(self, f: Any, _extra_files: dict[str, Any] | None = None) -> None:
        """Writes an archive whose forward is the function."""
        self._module().save(f, _extra_files)

    def save_to_buffer(self, _extra_files: dict[str, Any] | None = None) -> bytes:
        """The archive as bytes."""
        return self._module().save_to_buffer(_extra_files)

    def __repr__(self) -> str:
        return f"<calque.jit.ScriptFunction {self.schema}>"


class CompilationUnit:
    """The functions of a source text, as attributes: `CompilationUnit(text).f(x)`.

    `label` names the text in messages, for example its path. Raises LoadError with line and column, NotImplementedError that lists
    every missing operator.
    """

    def __init__(self, lang: str, *, label: str = "<string>", max_depth: int = 400, max_memory: int = 8 << 30) -> None:
        self._compiled = _calque.compile(lang, label, [], False, max_depth, max_memory)

    def function_names(self) -> list[str]:
        """Names of the functions, in the order of the source."""
        return self._compiled.function_names()

    def find_function(self, name: str) -> ScriptFunction | None:
        """The function of that name."""
        return ScriptFunction(self._compiled, name, None) if name in self.function_names() else None

    def __getattr__(self, name: str) -> ScriptFunction:
        if name.startswith("_") or name not in self.function_names():
            raise AttributeError(f"'CompilationUnit' object has no attribute {name!r}")
        return ScriptFunction(self._compiled, name, None)


def script_function(function: Any) -> ScriptFunction:
    """Compiles a function of Python."""
    source = Source()
    name = source.function(function)
    return ScriptFunction(source.compile(), name, function)


def script_class(cls: type) -> None:
    """Compiles a class, to find its mistakes."""
    source = Source()
    source.cls(cls)
    source.compile()
