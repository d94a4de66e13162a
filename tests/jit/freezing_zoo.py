"""Modules whose attributes are hard to decide about: written through views, containers, other names; swapped; preserved."""

from typing import Dict, List, Tuple

import torch
from torch import Tensor, nn


@torch.jit.interface
class Step(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


class Doubles(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor([2.0, 3.0]))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class ThroughInterface(nn.Module):
    inputs = [(torch.ones(2),)]
    step: Step

    def __init__(self):
        super().__init__()
        self.step = Doubles()

    def forward(self, x: Tensor) -> Tensor:
        return self.step.forward(x) + 1


class WritesThroughView(nn.Module):
    inputs = [(torch.ones(2),), (torch.ones(2),)]

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(2, 2))
        self.register_buffer("still", torch.ones(2))
        self.register_buffer("flat", self.seen.view(4))

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        self.seen[0].view(2).add_(x)
        return self.seen + self.still, self.flat * 2


class WritesThroughContainers(nn.Module):
    inputs = [(torch.ones(2),), (torch.ones(2),)]

    def __init__(self):
        super().__init__()
        self.register_buffer("a", torch.zeros(2))
        self.register_buffer("b", torch.zeros(2))
        self.register_buffer("c", torch.zeros(2))
        self.sizes: List[int] = [1, 2]
        self.names: Dict[str, int] = {"x": 1}

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor, int, int]:
        pair = (self.a, [self.b])
        first, rest = pair
        for item in rest:
            item.add_(x)
        if x.sum() > 100:
            first = self.c
        self.names["y"] = 2
        return first + 1, self.b * 2, self.c * 3, len(self.names), self.sizes[1]


class WritesInBranch(nn.Module):
    inputs = [(torch.ones(2), True), (torch.ones(2), False), (torch.ones(2), True)]

    def __init__(self):
        super().__init__()
        self.register_buffer("a", torch.zeros(2))
        self.register_buffer("b", torch.ones(2))

    def forward(self, x: Tensor, first: bool) -> Tuple[Tensor, Tensor]:
        chosen = self.a if first else self.b
        chosen.mul_(2.0).add_(x)
        return self.a + 0, self.b + 0


class WritesInLoop(nn.Module):
    inputs = [(torch.ones(2), 3), (torch.ones(2), 0)]

    def __init__(self):
        super().__init__()
        self.register_buffer("start", torch.zeros(2))
        self.register_buffer("other", torch.ones(2))

    def forward(self, x: Tensor, n: int) -> Tuple[Tensor, Tensor]:
        state = self.start
        for i in range(n):
            state += x * i
            state = state[:]
        return state + self.other, self.start + 0


class NewMemory(nn.Module):
    """Writes to tensors of its own only: everything can be folded."""

    inputs = [(torch.ones(2, 3),)]

    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(3, 2)
        self.register_buffer("base", torch.ones(2))

    def forward(self, x: Tensor) -> Tensor:
        out = self.base.clone()
        out.add_(self.lin(x).sum(0))
        table = torch.zeros(2)
        table[0] = 4
        out += table
        return out


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0
        self.lin = nn.Linear(2, 2)
        self.drop = nn.Dropout(0.5)
        self.unused = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if self.training:
            x = x * 100
        return self.drop(self.lin(x)) + self.calls

    @torch.jit.export
    def reset(self):
        self.calls = 0


class KeepsState(nn.Module):
    inputs = [(torch.ones(2),), (torch.ones(2),)]

    def __init__(self):
        super().__init__()
        self.one = nn.Sequential(Deep(), nn.ReLU())
        self.two = nn.ModuleDict({"a": Deep(), "b": Deep()})
        self.shared = self.one[0]
        self.scale = 3.5

    def forward(self, x: Tensor) -> Tensor:
        return (self.two["b"](self.one(x)) + self.shared(x)) * self.scale

    @torch.jit.export
    def other(self, x: Tensor) -> Tensor:
        return self.two["a"](x) * self.scale

    @torch.jit.export
    def calls(self) -> int:
        return self.shared.calls


class Convolutions(nn.Module):
    inputs = [(torch.linspace(-1, 1, 3 * 8 * 8).reshape(1, 3, 8, 8),)]

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, bias=False), nn.BatchNorm2d(4))
        for norm in (self.layers[1], self.layers[4]):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.running_mean)
            nn.init.uniform_(norm.running_var, 0.5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


KINDS = [ThroughInterface, WritesThroughView, WritesThroughContainers, WritesInBranch, WritesInLoop, NewMemory, KeepsState, Convolutions]
EXAMPLES = {kind: kind.inputs for kind in KINDS}
