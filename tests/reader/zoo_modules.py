"""Modules: lists, dicts, hooks, interfaces, functions, forks, shared weights, traces, indexing."""

from typing import Dict, Final, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def scaled(x: Tensor, by: float = 2.0, flip: bool = False) -> Tensor:
    return -x * by if flip else x * by


def pair_of(x: Tensor) -> Tuple[Tensor, Tensor]:
    return x + 1, x - 1


@torch.jit.interface
class Layer(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


class AddOne(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


class Uses(nn.Module):
    layer: Layer

    def __init__(self):
        super().__init__()
        self.layer = AddOne()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer.forward(x)


class Stack(nn.Module):
    factor: Final[int]

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.factor = 3
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 4, bias=False)])
        self.named = nn.ModuleDict({"first": nn.Linear(4, 4), "k v": nn.ReLU()})
        self.chain = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 4))
        self.embedding = nn.Embedding(7, 4, padding_idx=0)
        self.register_buffer("offset", torch.arange(4.0))
        self.register_buffer("unused", None)
        self.weight = nn.Parameter(torch.ones(4))
        self.tied = self.layers[0]

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        for name, layer in self.named.items():
            x = layer(x)
            if name == "first":
                x = x + 1
        x = self.chain(x) + self.embedding(ids) * self.weight + self.offset * self.factor
        return self.tied(x) + scaled(x, 3.0) + scaled(x, flip=True)

    @torch.jit.export
    def other(self, x: Tensor, n: int = 2) -> Tuple[Tensor, int]:
        return self.layers[0](x) * n, n + self.factor


def before(module, inputs: Tuple[Tensor]) -> Tuple[Tensor]:
    return (inputs[0] * 2,)


def after(module, inputs: Tuple[Tensor], result: Tensor) -> Tensor:
    return result + 10


class Hooked(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = AddOne()
        self.inner.register_forward_pre_hook(before)
        self.inner.register_forward_hook(after)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


class Forks(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = AddOne()

    def forward(self, x: Tensor) -> Tensor:
        a = torch.jit.fork(self.inner.forward, x)
        b = torch.jit.fork(scaled, x, flip=True)
        c = torch.jit.fork(pair_of, x)
        futures = [torch.jit.fork(scaled, x, float(i)) for i in range(3)]
        total = torch.jit.wait(a) + torch.jit.wait(b) + torch.jit.wait(c)[1]
        for future in futures:
            total = total + torch.jit.wait(future)
        return total


class State(nn.Module):
    names: List[str]

    def __init__(self):
        super().__init__()
        self.count = 0
        self.names = []
        self.register_buffer("seen", torch.zeros(2))

    def forward(self, x: Tensor) -> Tuple[int, Tensor, List[str]]:
        self.count += 1
        self.names.append(str(self.count))
        self.seen += x
        self.seen[0] = 7
        return self.count, self.seen.clone(), self.names


class Indexing(nn.Module):
    def forward(self, x: Tensor, i: Tensor) -> List[Tensor]:
        a = x[0]
        b = x[:, 1:]
        c = x[None, ..., 0]
        d = x[i]
        e = x[:, i, None]
        f = x[x > 2]
        g = x[-1, ::2]
        h = x[..., None]
        y = x.clone()
        y[0, 1] = 9
        y[1] += 2
        y[:, 0] = torch.zeros(2)
        y[i] = 3
        z = x.clone()
        z[z > 3] = -1
        z[i] *= 2
        k = x[:, [0, 2]]
        return [a, b, c, d, e, f, g, h, y, z, k]


class Attributes(nn.Module):
    def forward(self, x: Tensor) -> Tuple[List[int], int, int, bool, Tensor, Tensor, Tensor]:
        rows, columns = x.shape
        y = torch.zeros(2, 3, dtype=torch.int64, device=x.device)
        z = y.to(x.dtype) + torch.ones([2, 3]) @ x.t().new_ones(3, 3) + torch.full((2, 3), 1.5)
        w = x.view(-1, 2).sum(dim=[0], keepdim=True).expand(2, -1).transpose(0, 1)
        values, indices = torch.max(x, dim=1)
        return x.size(), rows * columns, x.dim(), x.is_cuda or x.requires_grad, z, w, values + indices.float()


class DictOutput(nn.Module):
    def forward(self, inputs: Dict[str, Tensor], mask: Optional[Tensor] = None) -> Dict[str, Tensor]:
        x = inputs["x"]
        out = {"y": F.softmax(x, dim=-1), "z": F.relu(x)}
        if mask is not None:
            out["y"] = out["y"].masked_fill(mask == 0, 0.0)
        if "bias" in inputs:
            out["z"] = out["z"] + inputs["bias"]
        return out


EXAMPLES = {
    Uses: [(torch.ones(2),)],
    Stack: [(torch.ones(2, 4), torch.tensor([1, 3]))],
    Hooked: [(torch.ones(2),)],
    Forks: [(torch.ones(2),)],
    State: [(torch.ones(2),)],
    Indexing: [(torch.arange(6.0).view(2, 3), torch.tensor([1, 0]))],
    Attributes: [(torch.arange(6.0).view(2, 3),)],
    DictOutput: [({"x": torch.ones(2, 2)},), ({"x": torch.ones(2, 2), "bias": torch.ones(2)}, torch.tensor([1, 0]))],
}
