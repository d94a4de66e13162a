"""Modules that use the language widely, each with inputs: what torch.jit.script and torch.jit.trace make of them is
loaded and saved again by us.

A name that begins with an underscore is a helper; every other class of the file is an animal: a module whose `inputs`
gives the argument tuples to run it with.
"""

from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import Tensor, nn


def _x():
    return torch.arange(12.0).reshape(3, 4) / 7 - 0.5


class _Color(Enum):
    RED = 1
    BLUE = 2


class _Pair(NamedTuple):
    a: Tensor
    n: int = 3
    note: Optional[str] = None


@torch.jit.script
class _Counter:
    def __init__(self, n: int):
        self.n = n

    def step(self, k: int = 1) -> int:
        self.n += k
        return self.n

    def __add__(self, other: int) -> int:
        return self.n + other

    def __enter__(self):
        self.n += 100
        return self.n

    def __exit__(self, kind: Any, value: Any, trace: Any):
        self.n -= 1


@torch.jit.interface
class _Layer(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


class _AddOne(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


def _scale(x: Tensor, k: float = 2.0, flip: bool = False) -> Tensor:
    return -x if flip else x * k


class Linear(nn.Module):
    inputs = staticmethod(lambda: [(_x(),)])

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Dropout(0.1), nn.Linear(8, 2))
        self.tied = nn.Linear(4, 4)
        self.again = nn.Linear(4, 4)
        self.again.weight = self.tied.weight

    def forward(self, x):
        return self.layers(x), self.again(self.tied(x))


class IfElse(nn.Module):
    inputs = staticmethod(lambda: [(_x(), None, 3), (_x(), _x() > 0, 0), (_x(), _x() > 0, 7)])

    def forward(self, x: Tensor, mask: Optional[Tensor] = None, n: int = 1):
        y = x
        if mask is not None:
            y = y.masked_fill(mask, float("-inf"))
        elif n > 2:
            y = y + n
        if n > 1 and n < 5 or not n == 7:
            z: Optional[int] = None
        else:
            z = n
        assert n < 100, "too big"
        return torch.softmax(y, -1) if n > 0 else y, z, n if n > 3 else -n


class Loops(nn.Module):
    inputs = staticmethod(lambda: [(_x(), 0), (_x(), 4), (_x(), 9)])

    def forward(self, x: Tensor, n: int):
        best: Optional[Tensor] = None
        for i in range(n):
            if i == 3:
                break
            x = x + i
            if bool(x.sum() > 20):
                continue
            best = x
        w = 0
        while w < 10:
            w += 1
            if w == 5:
                continue
            x = x * 1.1
        total = 0
        for i in range(1, 10, 2):
            total += i
        for row in [[1, 2], [3]]:
            for item in row:
                total += item
        squares = [k * k for k in range(n)]
        for i, v in enumerate(squares):
            total += i * v
        for a, b in zip([1, 2], [3.0, 4.0]):
            x = x + a * b
        a, b = n, 1
        for i in range(n):
            a, b = b, a + b
        return x, best, w, total, squares, a, b


class EarlyReturn(nn.Module):
    inputs = staticmethod(lambda: [(_x(), 0), (_x(), 3), (_x(), 9)])

    def forward(self, x: Tensor, n: int) -> Tensor:
        if n == 0:
            return x
        while True:
            if n > 4:
                return x * n
            for i in range(n):
                if i == 2:
                    return x - i
            n += 1
        return x


class Containers(nn.Module):
    inputs = staticmethod(lambda: [(_x(), 2)])

    def forward(self, x: Tensor, n: int):
        ints = [1, 2, 3]
        ints.append(n)
        ints[0] = 5
        ints.extend([7, 8])
        ints.sort()
        last = ints.pop()
        table = {"a": x}
        table["b"] = x + 1
        counts: Dict[int, List[str]] = {1: ["a"], 2: ["b"]}
        counts[3] = ["z"]
        optional: List[Optional[Tensor]] = [None, x]
        empty: Dict[str, int] = {}
        total = torch.zeros(1)
        for key, value in table.items():
            total = total + value.sum()
            empty[key] = len(key)
        del empty["a"]
        has = "b" in table
        pair = (x, (n, "s"))
        first, (second, third) = pair
        nested = [[1.5], [2.5, 3.0]]
        words = ["b", "a"]
        text = ",".join(sorted(words)) + "!" + third.upper()
        return ints, last, table, counts, optional, empty, total, has, second, text, nested[1][0], ints[1:3], pair[1]


class Strings(nn.Module):
    inputs = staticmethod(lambda: [(3, "żółw")])

    def forward(self, n: int, s: str):
        a = "x{}y{}".format(n, s)
        b = f"{n} and {s}"
        c = "tab\t quote\" ' back\\slash \x01 é"
        d = "%d items" % n
        long = "a text that is rather long, so that the printer gives it a line of its own"
        return a, b, c, d, s + c, len(s), s[0:2], "abc"[1], str(n) + str(1.5), long + long, s == "x", n, 1e10, 1e16, -0.0


class Tensors(nn.Module):
    inputs = staticmethod(lambda: [(_x(),)])

    def forward(self, x: Tensor):
        y = x[0, :, None]
        z = x[..., 1]
        w = x[1:3, ::2]
        v = x[x > 0]
        u = x[torch.tensor([0, 1])]
        t = x.clone()
        t[0] = 1.0
        t[1:, 2] = x[0, 0]
        t += 1
        t[t > 2] = 0
        values, indices = torch.max(x, 1)
        q = x.to(torch.float64).view(-1).to(x.dtype)
        a, b, c, d = x.unbind(1)
        n = x.size(0) * x.shape[1] + x.dim()
        mean = x.mean([0, 1]).item()
        return (y, z, w, v, u, t, values, indices, q, a + b * c - d / 2, n, mean, int(x.sum()), float(x.sum()),
                bool(x.sum() > 0), x @ x.t(), x**2, 2**x, x // 2, x % 2, -x, abs(x), ~(x > 0), (x > 0) & (x < 1),
                torch.cat([x, x], 1), torch.stack([x, x]), torch.where(x > 0, x, torch.zeros_like(x)),
                torch.full([2], 2.5), torch.arange(3), torch.ones(2, dtype=torch.int64), x.sum(dtype=torch.float64),
                torch.add(x, x, alpha=2), torch.gelu(x) if False else nn.functional.gelu(x, approximate="tanh"),
                nn.functional.layer_norm(x, [4]), x.softmax(-1, dtype=torch.float64), x.tolist() if False else [1.0])


class Classes(nn.Module):
    inputs = staticmethod(lambda: [(_x(), 2), (_x(), 5)])

    def __init__(self):
        super().__init__()
        self.color = _Color.BLUE
        self.calls = 0
        self.register_buffer("seen", torch.zeros(2))
        self.register_buffer("nothing", None)

    def forward(self, x: Tensor, n: int):
        counter = _Counter(3)
        first = counter.step()
        second = counter.step(10) + (counter + 4)
        with _Counter(1) as entered:
            second += entered
        pair = _Pair(x, n)
        if self.color == _Color.BLUE:
            self.calls += n
        self.seen += 1
        return first, second, pair, pair.n + 1, pair[0], self.color == _Color.RED, self.calls, self.seen.clone()


class Unions(nn.Module):
    inputs = staticmethod(lambda: [(3, (1, _x())), ("text", (2, _x())), (None, (3, _x()))])

    def forward(self, a: Union[int, str, None], t: Tuple[int, Tensor]):
        out = 0
        if isinstance(a, int):
            out += a
        elif isinstance(a, str):
            out += len(a)
        u: Union[int, str] = 3
        if out > 3:
            u = "s"
        n, x = t
        return out, u, x * n


class Submodules(nn.Module):
    inputs = staticmethod(lambda: [(_x(), torch.tensor([0, 2, 1]))])

    layer: _Layer

    def __init__(self):
        super().__init__()
        self.layer = _AddOne()
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU()])
        self.table = nn.ModuleDict({"k v": nn.Linear(4, 4, bias=False), "from": nn.Linear(4, 4)})
        self.embedding = nn.Embedding(7, 4, padding_idx=0)
        self.pair = (1, "a")
        self.numbers = [1, 2, 3]

    def helper(self, x: Tensor, k: int) -> Tensor:
        return x * k

    def forward(self, x: Tensor, ids: Tensor):
        for module in self.layers:
            x = module(x)
        for name, module in self.table.items():
            x = module(x)
        x = x + self.embedding(ids)
        x = _scale(x, 3.0) + _scale(x, flip=True)
        return self.layer(self.helper(x, len(self.numbers) + self.pair[0]))


class Forks(nn.Module):
    inputs = staticmethod(lambda: [(_x(), 3)])

    def work(self, x: Tensor, k: int) -> Tensor:
        return x * k + 1

    def forward(self, x: Tensor, n: int):
        future = torch.jit.fork(self.work, x, n)
        other = torch.jit.fork(_scale, x, 4.0)
        y = x + 1
        return torch.jit.wait(future) + y, torch.jit.wait(other)


class Hooks(nn.Module):
    inputs = staticmethod(lambda: [(_x(),)])

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)

        def before(self, inputs: Tuple[Tensor]) -> Tuple[Tensor]:
            return (inputs[0] + 1,)

        def after(self, inputs: Tuple[Tensor], output: Tensor) -> Tensor:
            return output * 2

        self.inner.register_forward_pre_hook(before)
        self.inner.register_forward_hook(after)

    def forward(self, x: Tensor):
        return self.inner(x)


class Raises(nn.Module):
    inputs = staticmethod(lambda: [(_x(), 2)])

    def forward(self, x: Tensor, n: int):
        if n > 10:
            raise ValueError("n is {}".format(n))
        if x.size(0) > 1000:
            raise RuntimeError("too large")
        return x * n


class Methods(nn.Module):
    inputs = staticmethod(lambda: [(_x(),)])

    def __init__(self):
        super().__init__()
        self.k = 4

    @torch.jit.export
    def encode(self, x: Tensor, *, scale: float) -> Tensor:
        return x * scale

    @torch.jit.export
    def lookup(self, words: List[str], table: Dict[str, int]) -> List[int]:
        return [table[word] for word in words]

    @property
    def size(self) -> int:
        return self.k + 1

    def forward(self, x: Tensor):
        return self.encode(x, scale=2.0) + self.size


class Traced(nn.Module):
    """Traced, not scripted: shape arithmetic, in-place writes to views, constants, shared submodules."""

    inputs = staticmethod(lambda: [(_x(), torch.tensor([[0, 1, 2]])), (torch.ones(2, 4), torch.tensor([[1, 2]]))])
    traced = True

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.dense = nn.Linear(4, 4)
        self.register_buffer("positions", torch.arange(8))

    def forward(self, x, ids):
        n = ids.size(1)
        y = self.embedding(ids)[0] + x
        y = self.dense(self.dense(y)) / 0.7
        z = y.clone()
        z[:, 1:] += 2
        z[0].mul_(3)
        heads = z.view(z.size(0), 2, 2).permute(1, 0, 2).contiguous().view(2, n * 2)
        mask = (1.0 - x.gt(0).to(torch.float32)) * torch.finfo(torch.float32).min
        first, second = y.split(2, dim=-1)
        return {"z": z, "heads": heads, "mask": mask, "pos": self.positions[:n], "split": torch.tanh(first) * second}


def make(kind):
    module = kind().eval()
    if getattr(kind, "traced", False):
        return torch.jit.trace(module, kind.inputs()[0], strict=False)
    return torch.jit.script(module)
