"""Runs an operator in real PyTorch."""

from __future__ import annotations

import functools
import re
import warnings

import torch

from .wire import Packed, Typed


@functools.cache
def schemas_of(name: str) -> dict:
    """Full name -> schema, in order of registration."""
    return {full_name(s): s for s in torch._C._jit_get_schemas_for_operator(name)}


def full_name(schema) -> str:
    return f"{schema.name}.{schema.overload_name}" if schema.overload_name else schema.name


@functools.cache
def operation(full: str):
    name, _, overload = full.partition(".")
    return torch._C._get_operation_overload(name, overload)[0]


def plain(value):
    if isinstance(value, Typed):
        return {k: plain(v) for k, v in value.value.items()} if value.key else [plain(v) for v in value.value]
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, Packed):
        pack = torch.ops.quantized.linear_prepack if value.weight.is_quantized else torch.ops.quantized.linear_prepack_fp16
        return pack(value.weight, value.bias)
    return value


def seen(result):
    """A result as the tool gives it."""
    if isinstance(result, torch.ScriptObject):
        return Packed(*torch.ops.quantized.linear_unpack(result))
    return result


def call(full: str, arguments: list) -> list:
    """All results. Arguments in the order of the schema; trailing ones may be left out."""
    schema = schemas_of(full.partition(".")[0])[full]
    positional, named = [], {}
    for i, value in enumerate(arguments):
        if i < len(schema.arguments) and schema.arguments[i].kwarg_only:
            named[schema.arguments[i].name] = plain(value)
        else:
            positional.append(plain(value))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = operation(full)(*positional, **named)
    if len(schema.returns) == 0:
        return []
    return list(result) if len(schema.returns) > 1 else [seen(result)]


def ir_type(value) -> str:
    if isinstance(value, Typed):
        return f"Dict({value.key}, {value.element})" if value.key else f"{value.element}[]"
    if isinstance(value, torch.Tensor):
        return "Tensor"
    if isinstance(value, list):
        return (ir_type(value[0]) if value else "int") + "[]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(ir_type, value)) + ")"
    if value is None:
        return "NoneType"
    return {bool: "bool", int: "int", float: "float", str: "str", torch.dtype: "int", torch.device: "Device"}[type(value)]


def concrete(schema_type: str, arguments: list, schema) -> str:
    """The type of a return, with the variables of the schema bound to the arguments' types."""
    bound: dict = {}
    for argument, value in zip(schema.arguments, arguments):
        pattern = str(argument.type)
        for variable in re.findall(r"\bt(?:Val)?\b", pattern):
            regex = re.escape(pattern).replace(variable, "(.+)", 1)
            found = re.fullmatch(regex, ir_type(value))
            if found and value is not None:
                bound.setdefault(variable, found.group(1))
    for variable, kind in bound.items():
        schema_type = re.sub(rf"\b{variable}\b", kind, schema_type)
    return schema_type


def graph_type(annotation) -> str:
    """A schema's type as graphs spell it."""
    text = str(annotation)
    if text.startswith("Optional["):
        return graph_type(text[9:-1]) + "?"
    if text.startswith("List["):
        return graph_type(text[5:-1]) + "[]"
    if text.startswith("Dict["):
        key, value = text[5:-1].split(", ", 1)
        return f"Dict({graph_type(key)}, {graph_type(value)})"
    if text.startswith("Tuple["):
        return "(" + ", ".join(graph_type(x) for x in text[6:-1].split(", ")) + ")"
    if text == "number":
        return "Scalar"
    return text


def call_in_graph(full: str, arguments: list) -> tuple[list, list]:
    """Results and arguments afterwards, by way of a TorchScript graph: lists and dicts are changed in place there."""
    name = full.partition(".")[0]
    schema = schemas_of(name)[full]
    values = list(arguments)
    names = [f"%a{i}" for i in range(len(values))]
    types = [ir_type(v) for v in values]
    for i, argument in enumerate(schema.arguments[: len(values)]):
        declared = graph_type(argument.type)
        if not re.search(r"\bt[12]?\b|\btVal\b", declared):
            types[i] = declared
    outs = [concrete(graph_type(r.type), values, schema) for r in schema.returns]
    left = ", ".join(f"%r{i} : {kind}" for i, kind in enumerate(outs)) + (" = " if outs else "")
    everything = [f"%r{i}" for i in range(len(outs))] + names
    all_types = outs + types
    lines = [
        f"graph({', '.join(f'{n} : {t}' for n, t in zip(names, types))}):",
        f"  {left}{name}({', '.join(names)})",
        f"  %t : ({', '.join(all_types)}) = prim::TupleConstruct({', '.join(everything)})",
        "  return (%t)",
    ]
    function = torch._C._create_function_from_graph("f", torch._C.parse_ir("\n".join(lines) + "\n"))
    result = function(*[plain(v) for v in values])
    return list(result[: len(outs)]), list(result[len(outs) :])
