"""Calls of an archive's methods on tensors by name: what the subcommands share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from calque import _calque, errors, jit
from calque._calque import ScriptModule, Tensor

Path_ = str | os.PathLike[str]


@contextlib.contextmanager
def threads(count: int, affinity: str) -> Iterator[None]:
    """For the duration: so many threads, bound to these processors, the caller's included; 0 and "" leave them as they are."""
    before = _calque.get_num_threads()
    bound, allowed = _calque.get_affinity(), os.sched_getaffinity(0)
    if count:
        _calque.set_num_threads(count)
    try:
        if affinity:
            cpus = _calque.parse_cpu_list(affinity)
            _calque.set_affinity(cpus)
            _calque.pin_thread(cpus[0])
        yield
    finally:
        _calque.set_num_threads(before)
        if affinity:
            os.sched_setaffinity(0, allowed)
            _calque.set_affinity(bound)


def types_of(schema: str) -> list[str]:
    """Types of the arguments without self: `Tensor`, `int`, …"""
    inside, parts, depth = schema[schema.index("(") + 1 : schema.rindex(") ->")], [""], 0
    for character in inside:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    kinds = [part.strip().rsplit(" ", 1)[0] for part in parts if part.strip() != "*"]
    return kinds[1:]


def _argument(kind: str, name: str, tensors: dict[str, Tensor]) -> Any:
    plain = kind.rstrip("?")
    if name in tensors:
        value = tensors.pop(name)
        if plain in ("int", "float", "bool", "number", "Scalar"):
            return {"int": int, "float": float, "bool": bool}.get(plain, lambda item: item)(value.item())
        if plain == "str":
            return bytes(value.tolist()).decode()
        return value.flatten().tolist() if plain in ("int[]", "float[]") else value
    below = sorted((key for key in tensors if key.startswith(name + ".")), key=lambda key: (len(key), key))
    items = [tensors.pop(key) for key in below]
    return tuple(items) if plain.startswith("(") else items


def call_of(module: ScriptModule, method: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    left = {name: _calque.as_tensor(value) for name, value in tensors.items()}
    names, kinds = module.argument_names(method), types_of(module.schema(method))
    kwargs = {}
    for position, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        for key in (f"input.{position}", name):
            if any(found == key or found.startswith(key + ".") for found in left):
                kwargs[name] = _argument(kind, key, left)
                break
    if left:
        raise errors.ValueError(f"no argument is called {', '.join(left)}; the method takes {module.schema(method)}")
    return kwargs


def flatten(value: Any, into: dict[str, Tensor]) -> dict[str, Tensor]:
    if isinstance(value, Tensor):
        into[f"output.{len(into)}"] = value
    elif isinstance(value, str):
        into[f"output.{len(into)}"] = _calque.as_tensor(bytearray(value.encode()))
    elif isinstance(value, (bool, int)):
        into[f"output.{len(into)}"] = _calque.tensor(value)
    elif isinstance(value, float):
        into[f"output.{len(into)}"] = _calque.tensor(value, dtype=_calque.dtype.float64)
    elif isinstance(value, (list, tuple)):
        for item in value:
            flatten(item, into)
    elif isinstance(value, dict):
        for key in sorted(value, key=lambda key: f'"{key}"' if isinstance(key, str) else str(key)):
            flatten(value[key], into)
    elif value is not None:
        raise errors.NotImplementedError(f"the result is a {type(value).__name__}, which no file of tensors can hold")
    return into


def load_to_run(model: Path_, dtype: _calque.dtype | str | None, **options: Any) -> jit.ScriptModule:
    if isinstance(dtype, str):
        return jit.load(model, precision=dtype, **options)
    return jit.load(model, dtype=dtype, **options)


def skips(padding: str) -> bool:
    if padding not in ("zero", "exact"):
        raise ValueError(f"found padding {padding!r}, expected 'zero' or 'exact'")
    return padding == "zero"
