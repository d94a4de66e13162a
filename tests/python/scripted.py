"""What test_script.py compiles: it has to stand in a file, and its lines are named in messages."""

import enum
import math
from typing import List, NamedTuple, Optional

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-9
DEPTH = 3


class Kind(enum.Enum):
    MEAN = 1
    MAX = 2


class Pair(NamedTuple):
    first: Tensor
    second: int


class Counter:
    def __init__(self, start: int):
        self.count = start

    def step(self, by: int = 1) -> int:
        self.count += by
        return self.count


def pooled(hidden: Tensor, mask: Tensor) -> Tensor:
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return F.normalize((hidden * weights).sum(1) / weights.sum(1).clamp(min=EPSILON), dim=-1)


def many(x: Tensor, sizes: List[int], name: Optional[str] = None):
    counter = Counter(DEPTH)
    for size in sizes:
        counter.step(size)
    pair = Pair(x * math.sqrt(4.0), counter.count)
    text = "none" if name is None else name
    return pair.first, pair.second, text


def by_kind(x: Tensor, kind: Kind) -> Tensor:
    return x.mean() if kind == Kind.MEAN else x.max()


def uses_numpy(x: Tensor):
    import numpy

    return numpy.sum(x)


class Wrong:
    def inner(self):
        def nested(x: Tensor):
            return x.no_such_method(1)

        return nested


def fails_when_run(x: Tensor):
    y = x + 1
    return y.view(7)


class Plain:
    """No nn.Module: an object with a forward."""

    scale = 2.0

    def __init__(self, weight):
        self.weight = weight
        self.names = ["a", "b"]
        self.unused = object()

    def helper(self, x: Tensor) -> Tensor:
        return x @ self.weight * self.scale

    def forward(self, x: Tensor):
        return self.helper(x), len(self.names)


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(20, 6, padding_idx=0)
        self.norm = torch.nn.LayerNorm(6)
        self.first = torch.nn.Linear(6, 8)
        self.again = self.first
        self.second = torch.nn.Linear(8, 3, bias=False)
        self.dropout = torch.nn.Dropout(0.5)
        self.activation = torch.nn.GELU()
        self.register_buffer("offset", torch.ones(3))
        self.limit: Optional[float] = None

    def forward(self, ids: Tensor, scale: float = 1.0) -> Tensor:
        x = self.norm(self.embedding(ids)).mean(1)
        x = self.dropout(self.activation(self.first(x)))
        x = self.second(x) * scale + self.offset
        limit = self.limit
        if limit is not None:
            x = x.clamp(max=limit)
        return x

    @torch.jit.export
    def classes(self, ids: Tensor) -> Tensor:
        return self.forward(ids, 1.0).argmax(-1)

    def in_python_only(self):
        return [x for x in range(3) if print(x)]
