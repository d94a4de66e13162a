"""Random numbers: PyTorch's generator on a CPU, so that a seed gives the numbers that it gives there.

Source: the Mersenne Twister (Matsumoto and Nishimura 1998) seeded as init_genrand, 24 bits for a float32 and 53 for a float64, and
the transform of Box and Muller (1958) in blocks of 16 for normal numbers.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from calque import _calque, errors
from calque._calque import Tensor

_FLOAT32, _FLOAT64, _INT64 = _calque.dtype.float32, _calque.dtype.float64, _calque.dtype.int64
_BLOCK = 16


class Generator:
    """A stream of random numbers of its own; `manual_seed` starts it anew. Safe from many threads."""

    def __init__(self, device: Any = "cpu") -> None:
        del device
        self._lock = threading.Lock()
        self.seed()

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream that belongs to a number."""
        with self._lock:
            self._seed = int(seed)
            self._bits = np.random.MT19937()
            state: Any = np.random.RandomState(self._seed & 0xFFFFFFFF).get_state(legacy=False)
            self._bits.state = state
            self._next_normal: float | None = None
        return self

    def seed(self) -> int:
        """Starts a stream that nobody knows, and gives its number."""
        self.manual_seed(int.from_bytes(os.urandom(7), "little"))
        return self._seed

    def initial_seed(self) -> int:
        """The number that this stream was started with."""
        return self._seed

    def words(self, count: int) -> Any:
        """`count` numbers of 32 bits."""
        with self._lock:
            return np.asarray(self._bits.random_raw(count), dtype=np.uint64)

    def long_words(self, count: int) -> Any:
        """`count` numbers of 64 bits."""
        pairs = self.words(2 * count)
        return (pairs[0::2] << np.uint64(32)) | pairs[1::2]

    def floats(self, count: int) -> Any:
        """float32 from 0 to 1, without 1."""
        return ((self.words(count) & np.uint64((1 << 24) - 1)).astype(np.float32) * np.float32(2.0**-24)).astype(np.float32)

    def doubles(self, count: int) -> Any:
        """float64 from 0 to 1, without 1."""
        return (self.long_words(count) & np.uint64((1 << 53) - 1)).astype(np.float64) * 2.0**-53

    def normal(self) -> float:
        """One normal number; they come in pairs."""
        if self._next_normal is not None:
            value, self._next_normal = self._next_normal, None
            return value
        first, second = self.doubles(2).tolist()
        radius = math.sqrt(-2.0 * math.log1p(-second))
        self._next_normal = radius * math.sin(2.0 * math.pi * first)
        return radius * math.cos(2.0 * math.pi * first)


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Starts the common stream of random numbers anew. The numbers are PyTorch's for that seed, on a CPU."""
    return default_generator.manual_seed(seed)


def initial_seed() -> int:
    """The number that the common stream was started with."""
    return default_generator.initial_seed()


def _shape(size: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], (list, tuple)) else size


def rand(
    *size: int | Sequence[int], generator: Generator | None = None, dtype: _calque.dtype | None = None, device: Any = None
) -> Tensor:
    """Numbers from 0 to 1, without 1."""
    del device
    stream, shape = generator or default_generator, _shape(size)
    draw = stream.doubles if dtype is _FLOAT64 else stream.floats
    return _calque.as_tensor(draw(math.prod(shape)).reshape(shape), dtype or _FLOAT32)


def _normal_blocks(uniform: Any) -> Any:
    pairs = uniform.reshape(-1, 2, _BLOCK // 2)
    radius = np.sqrt(-2 * np.log(1 - pairs[:, 0]))
    angle = uniform.dtype.type(2 * math.pi) * pairs[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)


def randn(
    *size: int | Sequence[int], generator: Generator | None = None, dtype: _calque.dtype | None = None, device: Any = None
) -> Tensor:
    """Normal numbers of mean 0 and variance 1."""
    del device
    stream, shape = generator or default_generator, _shape(size)
    count = math.prod(shape)
    if count < _BLOCK:
        values = np.array([stream.normal() for _ in range(count)])
    else:
        draw = stream.doubles if dtype is _FLOAT64 else stream.floats
        uniform = draw(count)
        values = np.empty_like(uniform)
        whole = count - count % _BLOCK
        values[:whole] = _normal_blocks(uniform[:whole])
        if whole != count:
            # What is left over is drawn again, with what stands before it, as one whole block.
            values[-_BLOCK:] = _normal_blocks(draw(_BLOCK))
    return _calque.as_tensor(values.reshape(shape), dtype or _FLOAT32)


def randint(
    low: int,
    high: Any = None,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    dtype: _calque.dtype | None = None,
    device: Any = None,
) -> Tensor:
    """Whole numbers from `low` (0) to `high`, without it: `randint(10, (2, 3))` or `randint(5, 10, (2, 3))`."""
    del device
    if size is None:
        low, high, size = 0, low, high
    if size is None:
        raise errors.TypeError("randint(): the size is missing: randint(high, size) or randint(low, high, size)")
    if not isinstance(low, int) or not isinstance(high, int):
        raise errors.TypeError(f"randint(): the bounds are whole numbers; found {type(low).__name__}, {type(high).__name__}")
    if high <= low:
        raise errors.RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    stream, span = generator or default_generator, high - low
    draw = stream.long_words if span >= 1 << 28 else stream.words
    values = (draw(math.prod(size)) % np.uint64(span)).astype(np.int64) + low
    return _calque.as_tensor(values.reshape(tuple(size)), dtype or _INT64)


def randperm(n: int, *, generator: Generator | None = None, dtype: _calque.dtype | None = None) -> Tensor:
    """The numbers from 0 to n, without it, in random order."""
    stream = generator or default_generator
    order = np.arange(n, dtype=np.int64)
    if n > 1:
        steps = stream.words(n - 1)
        for i in range(n - 1):
            other = i + int(steps[i]) % (n - i)
            order[i], order[other] = order[other], order[i]
    return _calque.as_tensor(order, dtype or _INT64)
