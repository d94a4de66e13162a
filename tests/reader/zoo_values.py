"""Values: containers, strings, numbers, classes, named tuples, enums."""

from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(Enum):
    LOW = 1
    HIGH = 9


class Pair(NamedTuple):
    first: Tensor
    second: int = 3


class Inner(NamedTuple):
    pair: Pair
    names: List[str]


@torch.jit.script
class Counter:
    def __init__(self, start: int):
        self.value = start
        self.log: List[str] = []

    def step(self, by: int = 1) -> int:
        self.value += by
        self.log.append(str(by))
        return self.value

    @staticmethod
    def twice(n: int) -> int:
        return n * 2

    @property
    def size(self) -> int:
        return len(self.log)

    def __add__(self, other: int) -> int:
        return self.value + other

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, i: int) -> str:
        return self.log[i]

    def __contains__(self, text: str) -> bool:
        return text in self.log

    def __enter__(self):
        self.value = self.value + 100

    def __exit__(self, kind: Any, value: Any, trace: Any):
        self.value = self.value - 50


class Containers(nn.Module):
    def forward(self, x: Tensor) -> Tuple[List[int], Dict[str, List[int]], List[float], Tuple[int, str], int]:
        items = [3, 1, 2]
        items.append(5)
        items.extend([7, 8])
        items.insert(1, 9)
        last = items.pop()
        items.remove(9)
        items.sort()
        items.reverse()
        copy = items.copy()
        items[0] = 10
        items[-1] += 4
        del items[1]
        part = items[1:3] + copy[::2]
        table: Dict[str, List[int]] = {}
        table["a"] = part
        table["b"] = [last]
        table["a"].append(len(table))
        found = table.get("zz", [0])
        if "a" in table and "q" not in table:
            found.append(items.index(10) + items.count(10))
        table["c"] = found
        del table["b"]
        floats = [1.5, 2.0] * 2
        floats[1] = float(items[0])
        pair = (4, "four")
        n, text = pair
        return items, table, floats, (n + pair[0], text + pair[1]), max(items) - min(copy) + sum(items)


class Strings(nn.Module):
    def forward(self, x: Tensor, text: str) -> Tuple[str, List[str], bool, int, str]:
        joined = "-".join(text.split(" "))
        upper = text.upper() + text.lower().capitalize() + text.strip()
        parts = text.replace("a", "bb").split("b")
        ok = text.startswith("a") or text.endswith("z") or text.isdigit()
        where = text.find("c") + len(text) + ord("a")
        out = f"{joined} has {len(parts)} parts of {x.size(0)}"
        return upper, parts, ok, where, out + text[1:3] + text[0] + "%d %s" % (3, "x") + "{}|{}".format(1.5, True)


class Numbers(nn.Module):
    def forward(self, n: int, f: float) -> Tuple[int, float, float, int, bool, int, float]:
        a = n // 3 + n % 3 - (-n) // 2
        b = f / 2 + n / 4 + f * n - 2.0 ** 0.5
        c = float(n ** 2) + abs(-f) + round(f)
        d = (n & 6) | (n ^ 3) + (n << 2) - (n >> 1)
        e = n < f <= 100 and (n != 3 or f >= 2)
        g = int(f) + int(n > 2) + max(n, 3) + min(4, n, 2)
        return a, b, c, d, e, g, float("2.5") + float(str(n))


class Objects(nn.Module):
    def __init__(self):
        super().__init__()
        self.level = Level.HIGH
        self.names: List[str] = ["a", "b"]
        self.table: Dict[str, int] = {"x": 1}
        self.limit: Optional[int] = None
        self.shape = (2, 3)

    def forward(self, x: Tensor, color: str) -> Tuple[Tensor, str, int, List[str], str, int]:
        counter = Counter(4)
        counter.step()
        counter.step(by=3)
        with counter:
            value = counter.value
        total = counter + Counter.twice(3) + len(counter) + value
        if "3" in counter:
            total += 1
        chosen = Color.RED if color == "red" else Color.BLUE
        if chosen == Color.BLUE or self.level == Level.LOW:
            x = x * 2
        pair = Pair(x, 5)
        inner = Inner(pair=Pair(first=pair.first + 1), names=self.names)
        (first, second), names = inner
        limit = self.limit
        if limit is not None:
            total += limit
        y = first + inner.pair.second + second + self.table["x"] + self.shape[1]
        return y, chosen.value + chosen.name, total, names + counter.log, counter[0], self.level.value


EXAMPLES = {
    Containers: [(torch.ones(1),)],
    Strings: [(torch.ones(2), "abc def ghi"), (torch.ones(1), "z"), (torch.ones(1), "12")],
    Numbers: [(n, f) for n in (1, 3, 10) for f in (0.5, 3.0, 99.5)],
    Objects: [(torch.ones(2), "red"), (torch.ones(2), "blue")],
}
