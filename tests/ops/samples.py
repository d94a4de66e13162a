"""Random arguments for operators, driven by their schemas."""

from __future__ import annotations

import math
import random

import torch

ALL = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
       torch.float32, torch.float64]  # fmt: skip
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
INTS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]


class Sampler:
    """One random call. `dtype` is what tensors have unless something else is drawn."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.dtype = self.rng.choice([*ALL, torch.float32, torch.float32, torch.float32, torch.int64])
        self.special = self.rng.random() < 0.25
        self.shape: list[int] | None = None

    # --- tensors

    def sizes(self, low: int = 0, high: int = 4, largest: int = 5) -> list[int]:
        rank = self.rng.randint(low, high)
        return [self.rng.choice([1, 2, 3, 4, largest, 0 if self.rng.random() < 0.15 else 2]) for _ in range(rank)]

    def values(self, count: int, dtype: torch.dtype) -> torch.Tensor:
        if dtype == torch.bool:
            return torch.randint(0, 2, (count,), generator=self.generator).bool()
        if dtype in FLOATS:
            flat = torch.randn(count, generator=self.generator, dtype=torch.float64) * 2
            if self.special and count:
                for v in (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e4):
                    flat[self.rng.randrange(count)] = v
            return flat.to(dtype)
        low = 0 if dtype == torch.uint8 else -9
        flat = torch.randint(low, 10, (count,), generator=self.generator)
        if self.special and count:
            limits = torch.iinfo(dtype)
            for v in (limits.min, limits.max, 0):
                flat[self.rng.randrange(count)] = v
        return flat.to(dtype)

    def tensor(self, sizes: list[int] | None = None, dtype: torch.dtype | None = None, plain: bool = False):
        sizes = self.sizes() if sizes is None else list(sizes)
        dtype = dtype or self.dtype
        layout = "plain" if plain or not sizes else self.rng.choice(["plain"] * 3 + ["permuted", "sliced", "offset", "expanded"])
        if layout == "permuted":
            order = list(range(len(sizes)))
            self.rng.shuffle(order)
            base = self.dense([sizes[i] for i in order], dtype)
            return base.permute([order.index(i) for i in range(len(sizes))])
        if layout == "sliced":
            d = self.rng.randrange(len(sizes))
            wide = [s * 2 + 1 if i == d else s for i, s in enumerate(sizes)]
            return self.dense(wide, dtype).narrow(d, 1, sizes[d] * 2)[tuple(slice(None, None, 2 if i == d else 1) for i in range(len(sizes)))]
        if layout == "offset":
            wide = [sizes[0] + 2, *sizes[1:]]
            return self.dense(wide, dtype).narrow(0, 1, sizes[0])
        if layout == "expanded":
            d = self.rng.randrange(len(sizes))
            return self.dense([1 if i == d else s for i, s in enumerate(sizes)], dtype).expand(sizes)
        return self.dense(sizes, dtype)

    def dense(self, sizes: list[int], dtype: torch.dtype) -> torch.Tensor:
        return self.values(math.prod(sizes), dtype).reshape(sizes)

    def broadcastable(self, shape: list[int]) -> list[int]:
        out = [1 if self.rng.random() < 0.25 else s for s in shape]
        if self.rng.random() < 0.3:
            out = out[self.rng.randint(0, len(out)) :]
        if out and self.rng.random() < 0.05:
            out[self.rng.randrange(len(out))] = 7
        return out

    def other_dtype(self) -> torch.dtype:
        return self.dtype if self.rng.random() < 0.7 else self.rng.choice(ALL)

    # --- other arguments

    def dim(self, rank: int) -> int:
        if self.rng.random() < 0.07:
            return self.rng.choice([rank, rank + 1, -rank - 1])
        rank = max(rank, 1)
        return self.rng.randint(-rank, rank - 1)

    def dims(self, rank: int, count: int | None = None) -> list[int]:
        rank = max(rank, 1)
        if count is None:
            count = self.rng.randint(0, rank)
        chosen = self.rng.sample(range(rank), min(count, rank))
        return [d - rank if self.rng.random() < 0.4 else d for d in chosen]

    def number(self):
        kind = self.rng.random()
        if kind < 0.45:
            return self.rng.randint(-3, 4)
        if kind < 0.95:
            return self.rng.choice([0.5, -1.5, 2.0, 0.0, 1.0, 3.25, -0.25])
        return self.rng.random() < 0.5

    def maybe(self, value, chance: float = 0.5):
        return value if self.rng.random() < chance else None

    def choice(self, options):
        return self.rng.choice(options)

    def coin(self, chance: float = 0.5) -> bool:
        return self.rng.random() < chance

    def integer(self, low: int, high: int) -> int:
        return self.rng.randint(low, high)


def argument(s: Sampler, name: str, kind: str, position: int):
    """A value for one argument of a schema, by its type and name."""
    rank = len(s.shape) if s.shape is not None else 2
    if kind == "Tensor":
        if s.shape is None:
            s.shape = s.sizes()
            return s.tensor(s.shape)
        return s.tensor(s.broadcastable(s.shape), s.other_dtype())
    if kind == "Optional[Tensor]":
        return s.maybe(s.tensor(s.broadcastable(s.shape or [2]), s.other_dtype()))
    if kind == "number":
        return s.number()
    if kind == "Optional[number]":
        return s.maybe(s.number(), 0.7)
    if kind == "bool":
        return s.coin()
    if kind == "Optional[bool]":
        return s.maybe(s.coin(), 0.2)
    if kind == "float":
        return s.choice([0.5, 1.0, 2.0, 1e-3, -1.5])
    if kind == "Optional[float]":
        return s.maybe(s.choice([0.5, 2.0, -1.5]))
    if kind == "int":
        if name in ("dtype",):
            return s.choice(ALL)
        return s.dim(rank) if "dim" in name or "axis" in name else s.integer(-2, 4)
    if kind == "Optional[int]":
        if name == "dtype":
            return s.maybe(s.choice(ALL), 0.4)
        if name == "layout":
            return s.maybe(torch.strided, 0)
        if name == "memory_format":
            return None
        return s.maybe(s.dim(rank) if "dim" in name else s.integer(-2, 4))
    if kind in ("List[int]", "Optional[List[int]]"):
        if kind.startswith("Optional") and s.coin(0.3):
            return None
        if "dim" in name or "axis" in name:
            return s.dims(rank)
        return [s.integer(0, 4) for _ in range(s.integer(0, 3))]
    if kind in ("Optional[Device]", "Optional[Generator]"):
        return None
    if kind == "List[Tensor]":
        shape = s.sizes(1)
        s.shape = shape
        return [s.tensor(shape, s.dtype if s.coin(0.9) else s.choice(ALL)) for _ in range(s.integer(1, 4))]
    raise NotImplementedError(f"no sample for {kind} {name}")


def generic(s: Sampler, schema) -> list:
    """Arguments for any schema whose types are known above."""
    return [argument(s, a.name, str(a.type), i) for i, a in enumerate(schema.arguments)]
