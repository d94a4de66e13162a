"""Arguments of operators whose shapes or values must fit together. Each function takes a Sampler."""

from __future__ import annotations

import math

import torch

from .samples import ALL, FLOATS, Sampler

SPECIFIC: dict = {}


def sample(*names: str):
    def register(function):
        for name in names:
            SPECIFIC[name] = function
        return function

    return register


def options(s: Sampler, dtypes=ALL, chance: float = 0.4) -> list:
    """dtype, layout, device, pin_memory"""
    return [s.maybe(s.choice(dtypes), chance), None, None, None]


def small(s: Sampler, low: int = 0, high: int = 3) -> list[int]:
    return [s.integer(0, 4) if s.coin(0.95) else -1 for _ in range(s.integer(low, high))]


def indices(s, shape, size: int, wrap: bool = False, dtype=torch.int64, wrong: float = 0.04) -> torch.Tensor:
    count = math.prod(shape)
    low = -size if wrap else 0
    flat = [s.integer(low, max(size - 1, low)) for _ in range(count)]
    if count and s.coin(wrong):
        flat[s.integer(0, count - 1)] = s.choice([size, -size - 1, 2**31])
    return torch.tensor(flat, dtype=torch.int64).reshape(shape).to(dtype)


def real(s, dtypes=(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32)):
    if s.dtype not in dtypes and s.coin(0.9):
        s.dtype = s.choice([torch.float32, torch.float64, *dtypes])
    s.special = False


def floating(s, dtypes=FLOATS):
    if s.dtype not in dtypes and s.coin(0.95):
        s.dtype = s.choice([torch.float32, *dtypes])


def mask_for(s, shape):
    return s.tensor(s.broadcastable(shape), torch.bool)
