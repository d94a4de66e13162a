"""The rest of the language: classes with methods of Python's own names, Any, Union, Enum, export, unused, constants."""

from enum import Enum
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import Tensor, nn


class Priority(Enum):
    LOW = 1
    HIGH = 5


class Unit(Enum):
    CELSIUS = "C"
    KELVIN = "K"


class Reading(NamedTuple):
    value: float
    unit: Unit
    tags: Dict[str, str]
    note: Optional[str] = None


@torch.jit.script
class Queue:
    """A list with a few of Python's own methods."""

    def __init__(self, items: List[int]):
        self.items = items
        self.calls = 0

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, at: int) -> int:
        self.calls += 1
        return self.items[at]

    def __setitem__(self, at: int, value: int) -> None:
        self.items[at] = value

    def __contains__(self, value: int) -> bool:
        return value in self.items

    def __eq__(self, other: int) -> bool:
        return len(self.items) == other

    def __lt__(self, other: int) -> bool:
        return len(self.items) < other

    def __neg__(self) -> int:
        return -len(self.items)

    def __bool__(self) -> bool:
        return len(self.items) > 0

    def __call__(self, k: int) -> int:
        return k * len(self.items)

    def __mul__(self, k: int) -> List[int]:
        return [item * k for item in self.items]

    def __iadd__(self, value: int):
        self.items.append(value)
        return self

    def push(self, value: int):
        self.items.append(value)
        return self

    @property
    def first(self) -> int:
        return self.items[0]

    @first.setter
    def first(self, value: int) -> None:
        self.items[0] = value


@torch.jit.script
class Node:
    """A tree in arrays: classes that hold containers of each other's numbers."""

    def __init__(self):
        self.values: List[float] = []
        self.parents: List[int] = []
        self.names: Dict[str, int] = {}

    def add(self, name: str, value: float, parent: Optional[int] = None) -> int:
        at = len(self.values)
        self.values.append(value)
        self.parents.append(-1 if parent is None else parent)
        self.names[name] = at
        return at

    def path(self, name: str) -> List[float]:
        out: List[float] = []
        at = self.names[name]
        while at >= 0:
            out.append(self.values[at])
            at = self.parents[at]
        return out


@torch.jit.script
class Outer:
    def __init__(self, n: int):
        self.queue = Queue([n, n + 1])
        self.tree = Node()
        self.pair = (n, "x")

    def run(self) -> int:
        self.queue.push(7)
        self.tree.add("root", 1.5)
        return len(self.queue) + self.pair[0]


class Magic(nn.Module):
    def forward(self, n: int):
        queue = Queue([1, 2, n])
        queue[0] = 9
        queue += 5
        queue.first += 1
        outer = Outer(n)
        empty = Queue(torch.jit.annotate(List[int], []))
        facts = (n in queue, queue == 4, queue < 4, -queue, queue(3), queue * 2, len(queue), queue[1], queue.first, queue.calls)
        return facts, outer.run(), outer.queue.items, 1 if empty else 0, outer.tree.path("root")


class Tree(nn.Module):
    def forward(self, x: float) -> Tuple[List[float], Dict[str, int], int]:
        tree = Node()
        root = tree.add("root", x)
        left = tree.add("left", x * 2, root)
        tree.add("leaf", x * 3, parent=left)
        return tree.path("leaf"), tree.names, len(tree.values)


class Enums(nn.Module):
    def __init__(self):
        super().__init__()
        self.level = Priority.HIGH

    def rank(self, level: Priority) -> int:
        if level is Priority.LOW:
            return 0
        return level.value

    def forward(self, kelvin: bool):
        unit = Unit.KELVIN if kelvin else Unit.CELSIUS
        reading = Reading(20.5, unit, {"room": "a"})
        shifted = reading.value + (273.15 if reading.unit == Unit.KELVIN else 0.0)
        names: List[str] = []
        for member in Priority:
            names.append(member.name)
        note = reading.note
        table = {Priority.LOW.value: 1.5, Priority.HIGH.value: 2.5}
        return shifted, unit.value, unit.name, self.rank(self.level), self.level == Priority.LOW, names, note is None, table[self.level.value], reading.tags


class AnyValues(nn.Module):
    def describe(self, value: Any) -> str:
        if isinstance(value, int):
            return "int {}".format(value + 1)
        elif isinstance(value, str):
            return "str " + value.upper()
        elif isinstance(value, List[int]):
            return "list of {}".format(len(value))
        elif isinstance(value, Tensor):
            return "tensor of {}".format(value.dim())
        elif isinstance(value, (float, bool)):
            return "float or bool"
        return "something"

    def forward(self, x: Tensor) -> List[str]:
        return [self.describe(1), self.describe("a"), self.describe([1, 2]), self.describe(x), self.describe(2.5),
                self.describe(True), self.describe((1, 2)), self.describe(None)]


class Unions(nn.Module):
    def width(self, value: Union[int, List[int], Tensor, None]) -> int:
        if value is None:
            return -1
        if isinstance(value, int):
            return value
        elif isinstance(value, Tensor):
            return value.numel()
        else:
            assert isinstance(value, list)
            return len(value)

    def forward(self, x: Tensor, n: Union[int, str]) -> Tuple[List[int], Union[int, str], str]:
        out: Union[int, str] = "none"
        if isinstance(n, int):
            out = n + 1
        mixed: List[Union[int, str]] = [1, "b", 4]
        texts = ""
        for item in mixed:
            if isinstance(item, str):
                texts += item
            else:
                texts += str(item)
        return [self.width(3), self.width([1, 2]), self.width(x), self.width(None)], out, texts


class Exports(nn.Module):
    limit: Final[int] = 3
    names: Final[List[str]]
    __constants__ = ["table"]

    def __init__(self):
        super().__init__()
        self.names = ["a", "b"]
        self.table = (1, 2.5, "c")
        self.scale = 2.0

    @torch.jit.export
    def encode(self, text: str, *, times: int) -> str:
        return text + ("+" + text) if times > 1 else text

    @torch.jit.unused
    def only_python(self, x: Tensor) -> Tensor:
        import math

        return x * math.pi

    @torch.jit.ignore
    def logged(self, x: Tensor) -> Tensor:
        print(x)
        return x

    def forward(self, x: Tensor, debug: bool = False) -> Tuple[Tensor, int, List[str], str]:
        if debug:
            x = self.only_python(x)
        n = 0
        for _ in range(self.limit):
            n += self.table[0]
        if torch.jit.is_scripting():
            n += 100
        return x * self.scale + self.table[1], n, self.names, self.encode("q", times=self.limit) + self.table[2]


class Calls(nn.Module):
    """Methods that call each other, with defaults and keywords."""

    def even(self, n: int, depth: int = 0) -> bool:
        return self.parity(n, depth=depth + 1) == 0

    def parity(self, n: int, *, depth: int) -> int:
        return (n + depth) % 2

    def both(self, x: Tensor, k: float = 2.0, flip: bool = False) -> Tuple[Tensor, Optional[Tensor]]:
        return (-x, x) if flip else (x * k, None)

    def forward(self, x: Tensor, n: int) -> Tuple[bool, Tensor, bool]:
        first, second = self.both(x, flip=n > 2)
        if second is not None:
            first = first + second * 3
        third = self.both(x, k=0.5)[0]
        return self.even(n), first + third, second is None


class Futures(nn.Module):
    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleList([nn.Linear(3, 3) for _ in range(2)])
        for branch in self.branches:
            nn.init.constant_(branch.weight, 0.5)
            nn.init.constant_(branch.bias, 0.25)

    def work(self, x: Tensor, k: int) -> Dict[str, Tensor]:
        return {"k": x * k}

    def forward(self, x: Tensor, n: int) -> Tensor:
        futures: List[torch.jit.Future[Dict[str, Tensor]]] = []
        for i in range(n):
            futures.append(torch.jit.fork(self.work, x, i))
        total = torch.zeros_like(x)
        for future in futures:
            total = total + torch.jit.wait(future)["k"]
        for branch in self.branches:
            total = total + torch.jit.wait(torch.jit.fork(branch, x))
        return total


class Guards(nn.Module):
    """Gradient modes, asserts, exceptions, refinement that outlives its branch."""

    def __init__(self):
        super().__init__()
        self.bias: Optional[Tensor] = torch.ones(2)

    def forward(self, x: Optional[Tensor], n: Optional[int], names: Optional[List[str]] = None) -> Tuple[Tensor, int, str]:
        assert x is not None
        if n is None:
            n = 4
        elif n < 0:
            raise ValueError("n is negative: {}".format(n))
        bias = self.bias
        if bias is None:
            raise RuntimeError("no bias")
        with torch.no_grad():
            y = x + bias
            with torch.no_grad():
                y += n
        text = "" if names is None or len(names) == 0 else names[0]
        while n is not None and n > 2:
            n -= 1
        return y, n, text


class Slices(nn.Module):
    def forward(self, x: Tensor, i: int, spans: List[Tuple[int, int]]) -> List[Tensor]:
        out = [x[i], x[i:], x[:, -i:], x[..., i % 2], x[-1, :i], x[None, i], x[[0, 1], i]]
        for begin, end in spans:
            out.append(x[begin:end].sum(0, keepdim=True))
        y = x.clone()
        y[i, :] = y[0]
        y[:, i] *= -1
        y[y < 0] += 100
        y[..., 0], y[..., 1] = y[..., 1].clone(), y[..., 0].clone()
        a, *b = x[0], x[1], x[0] + 1
        out.append(y)
        out.append(a)
        out.append(b[0] + b[1])
        return out


class Dicts(nn.Module):
    def forward(self, n: int) -> Tuple[Dict[int, List[str]], List[Tuple[str, int]], int, Dict[str, int], bool]:
        groups: Dict[int, List[str]] = {}
        for word in "the quick brown fox jumps over the lazy dog".split(" "):
            key = len(word)
            if key in groups:
                groups[key].append(word)
            else:
                groups[key] = [word]
        counts: Dict[str, int] = {}
        for words in groups.values():
            for word in words:
                counts[word] = counts.get(word, 0) + 1
        pairs = [(word, count) for word, count in counts.items()]
        pairs.sort()
        popped = counts.pop("the")
        counts.setdefault("new", n)
        other = {"new": 1, "x": 2}
        counts.update(other)
        copy = counts.copy()
        copy["only"] = 1
        del counts["x"]
        return groups, pairs, popped, counts, "only" in counts


EXAMPLES = {
    Magic: [(4,), (0,)],
    Tree: [(1.5,)],
    Enums: [(True,), (False,)],
    AnyValues: [(torch.ones(2, 2),)],
    Unions: [(torch.ones(2, 2), 3), (torch.ones(1), "s")],
    Exports: [(torch.ones(2),)],
    Calls: [(torch.ones(2), 2), (torch.ones(2), 3)],
    Futures: [(torch.arange(3.0), 3)],
    Guards: [(torch.ones(2), None), (torch.ones(2), 5, ["a"]), (torch.ones(2), -1), (None, 1)],
    Slices: [(torch.arange(6.0).view(2, 3), 1, [(0, 1), (1, 2), (0, 2)])],
    Dicts: [(3,)],
}
