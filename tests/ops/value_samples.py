"""Random numbers, strings, lists and dicts for the arguments of a schema."""

from __future__ import annotations

import random
import re

import torch

from .wire import Typed

INTS = [0, 1, -1, 2, 3, -3, 7, -8, 10, 63, 1000]
FLOATS = [0.0, 1.0, -1.5, 2.5, 0.5, -0.25, 1e-3, 100.25, float("inf"), float("nan")]
STRINGS = ["", "a", "abc", "Ab c", " x ", "1,2", "ab", "b", "12"]
KINDS = ("int", "float", "str", "bool")

# Numbers on which PyTorch ends the process, or computes what no two builds agree on.
NO_ZERO = {"aten::floordiv", "aten::remainder", "aten::__round_to_zero_floordiv", "aten::divmod", "aten::mathremainder", "aten::fmod"}
# An order with NaN in it is no order.
ORDERS = {"aten::sort", "aten::sorted", "prim::min", "prim::max", "aten::dict"}
FINITE = {"aten::ceil", "aten::floor", "aten::Int", "aten::round", "aten::gcd", "aten::divmod", "aten::floordiv", "aten::remainder", "aten::tensor",
          "aten::as_tensor"}  # fmt: skip


# Arguments with which PyTorch's own code runs off, by name: an empty text to look for, a negative width, an end
# before the start.
LIMITED = {
    "width": [0, 1, 3, 7], "tabsize": [1, 4, 8], "fillchar": ["*", " "], "substr": ["a", "b", "ab", "z"], "old": ["a", "b", "ab", "z"],
    "separator": [",", " ", "a", "ab", "zz"], "start": [0], "end": [-1, 2, 9], "max": [-1, 0, 1, 2],
    ("aten::chr", "i"): [0, 65, 97, 127], ("aten::slice", "start"): [None, 0, 1, -2, 9], ("aten::slice", "end"): [None, 0, 3, -1, 9],
    ("aten::slice", "step"): [1, 2, -1, -2], ("aten::mul", "n"): [0, 1, 3], ("prim::rangelist", "n"): [0, 1, 4],
}  # fmt: skip


class ValueSampler:
    """One call of `full`; the type variables of the schema keep their kinds within it."""

    def __init__(self, full: str, seed: int):
        self.rng = random.Random(f"{full} {seed}")
        self.name = full.split(".")[0]
        # PyTorch computes these in float32, where they overflow earlier.
        self.small = full.endswith(".Scalar")
        self.bound: dict = {}

    def plain(self, kind: str):
        if kind == "int":
            values = [v for v in INTS if v != 0] if self.name in NO_ZERO else INTS
            if "shift" in self.name or self.name == "aten::factorial":
                values = [0, 1, 3, 7]
            return self.rng.choice(values)
        if kind == "float":
            usable = [v for v in FLOATS if v == v and abs(v) < 20] if self.name in FINITE or self.small else FLOATS
            if self.name == "aten::divmod":
                usable = [-1.5, 2.5, 0.5, -0.25, 1.0]
            if self.name in ORDERS:
                usable = [v for v in FLOATS if v == v]
            return self.rng.choice([v for v in usable if v != 0] if self.name in NO_ZERO else usable)
        if kind == "bool":
            return self.rng.random() < 0.5
        if kind == "str":
            return self.rng.choice(STRINGS)
        if kind == "Tensor":
            return torch.tensor([self.rng.choice(FLOATS[:8])])
        if kind == "Device":
            return torch.device("cpu")
        raise NotImplementedError(f"no value of type {kind}")

    def variable(self, name: str) -> str:
        return self.bound.setdefault(name, self.rng.choice(KINDS))

    def value(self, kind: str, argument: str):
        if (optional := re.fullmatch(r"Optional\[(.*)\]", kind)) is not None:
            return None if self.rng.random() < 0.3 else self.value(optional[1], argument)
        if (items := re.fullmatch(r"List\[(.*)\]", kind)) is not None:
            return self.items(items[1], argument)
        if (entry := re.fullmatch(r"Dict\[(\w+), (\w+)\]", kind)) is not None:
            return self.entries(self.concrete(entry[1]), self.concrete(entry[2]))
        if kind in ("number", "Scalar"):
            return self.plain(self.rng.choice(["int", "float"]))
        if argument == "dtype":
            return self.rng.choice([torch.float32, torch.float64, torch.int64, torch.int32, torch.bool, torch.float16])
        if (self.name, argument) in LIMITED or argument in LIMITED:
            return self.rng.choice(LIMITED.get((self.name, argument)) or LIMITED[argument])
        if kind == "int" and argument in ("type1", "type2", "from_", "to"):
            return self.rng.choice([torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool, torch.float16])
        if kind == "int" and argument in ("idx", "index", "n"):
            return self.rng.choice([0, 0, 1, -1, 2, 5, -9])
        return self.plain(self.concrete(kind))

    def concrete(self, kind: str) -> str:
        return self.variable(kind) if re.fullmatch(r"t\d?|tVal", kind) else kind

    def items(self, element: str, argument: str):
        if (pair := re.fullmatch(r"Tuple\[(\w+), (\w+)\]", element)) is not None:
            key, value = self.concrete(pair[1]), self.concrete(pair[2])
            return Typed([(self.plain(key), self.plain(value)) for _ in range(self.rng.randint(1, 3))], f"({key}, {value})")
        if self.name in ("aten::_infer_size", "aten::Size"):
            return Typed([self.rng.choice([1, 1, 3, 0]) for _ in range(self.rng.randint(0, 3))], "int")
        kind = self.concrete(element)
        low = 1 if argument in ("self", "l") and self.name in ("prim::min", "prim::max") else 0
        return Typed([self.plain(kind) for _ in range(self.rng.randint(low, 4))], kind)

    def entries(self, key: str, value: str):
        keys = {self.plain(key) for _ in range(self.rng.randint(1, 4))} if key != "Tensor" else {self.plain(key)}
        return Typed({k: self.plain(value) for k in sorted(keys, key=repr) if k == k}, value, key)


def arguments(full: str, schema, seed: int) -> list:
    """A key or element that is looked for is often there."""
    s = ValueSampler(full, seed)
    out = [s.value(str(a.type), a.name) for a in schema.arguments]
    first = out[0] if out and isinstance(out[0], Typed) else None
    looked_for = [i for i, a in enumerate(schema.arguments[: len(out)]) if a.name in ("key", "item", "el") and i > 0]
    if first is not None and first.value and looked_for and s.rng.random() < 0.6 and "[" not in str(schema.arguments[looked_for[0]].type):
        same = s.rng.choice(list(first.value))
        if type(same) is type(out[looked_for[0]]) or isinstance(same, torch.Tensor):
            out[looked_for[0]] = same
    return out
