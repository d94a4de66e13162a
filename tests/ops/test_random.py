"""Random operators give PyTorch's numbers for the same seed."""

import pytest
import torch

from . import compare
from .wire import DTYPES

LONG, FLOAT, DOUBLE = 4, 6, 7

CASES = [
    ("aten::rand", [[5], None, None, None, None], lambda: torch.rand(5)),
    ("aten::rand", [[3, 2], DOUBLE, None, None, None], lambda: torch.rand(3, 2, dtype=torch.float64)),
    ("aten::rand", [[4], 5, None, None, None], lambda: torch.rand(4, dtype=torch.float16)),
    ("aten::randn", [[7], None, None, None, None], lambda: torch.randn(7)),
    ("aten::randn", [[16], None, None, None, None], lambda: torch.randn(16)),
    ("aten::randn", [[45], None, None, None, None], lambda: torch.randn(45)),
    ("aten::randn", [[3, 7], DOUBLE, None, None, None], lambda: torch.randn(3, 7, dtype=torch.float64)),
    ("aten::randint", [10, [9], LONG, None, None, None], lambda: torch.randint(10, (9,))),
    ("aten::randint.low", [-5, 2**40, [6], LONG, None, None, None], lambda: torch.randint(-5, 2**40, (6,))),
    ("aten::randint.low", [0, 2**30, [6], LONG, None, None, None], lambda: torch.randint(0, 2**30, (6,))),
    ("aten::randint", [7, [9], FLOAT, None, None, None], lambda: torch.randint(7, (9,), dtype=torch.float32)),
    ("aten::randperm", [17, LONG, None, None, None], lambda: torch.randperm(17)),
    ("aten::uniform_", [torch.zeros(6), -1.0, 3.0, None], lambda: torch.zeros(6).uniform_(-1, 3)),
    ("aten::normal_", [torch.zeros(40), 1.0, 2.0, None], lambda: torch.zeros(40).normal_(1, 2)),
    ("aten::normal_", [torch.zeros(5, dtype=torch.float64), 1.0, 2.0, None], lambda: torch.zeros(5, dtype=torch.float64).normal_(1, 2)),
    ("aten::random_.from", [torch.zeros(6), 3, 90, None], lambda: torch.zeros(6).random_(3, 90)),
    ("aten::bernoulli", [torch.full((9,), 0.4), None], lambda: torch.bernoulli(torch.full((9,), 0.4))),
    ("aten::bernoulli_.Tensor", [torch.zeros(9), torch.full((9,), 0.4), None], lambda: torch.zeros(9).bernoulli_(torch.full((9,), 0.4))),
    ("aten::random_.to", [torch.zeros(6), 90, None], lambda: torch.zeros(6).random_(90)),
    ("aten::normal.float_float", [1.0, 2.0, [5], None, None, None, None, None], lambda: torch.normal(1.0, 2.0, (5,))),
    ("aten::randint_like", [torch.zeros(2, 3), 9, None, None, None, None, None], lambda: torch.randint_like(torch.zeros(2, 3), 9)),
    ("aten::randint_like.low_dtype", [torch.zeros(2, 3), -4, 9, LONG, None, None, None, None],
     lambda: torch.randint_like(torch.zeros(2, 3), -4, 9, dtype=torch.int64)),
    ("aten::rand_like", [torch.zeros(2, 3).t(), None, None, None, None, None], lambda: torch.rand_like(torch.zeros(2, 3).t())),
    ("aten::randn_like", [torch.zeros(4, 5), None, None, None, None, None], lambda: torch.randn_like(torch.zeros(4, 5))),
    ("aten::geometric_", [torch.zeros(9), 0.3, None], lambda: torch.zeros(9).geometric_(0.3)),
    ("aten::log_normal_", [torch.zeros(5, dtype=torch.float64), 0.5, 0.25, None], lambda: torch.zeros(5, dtype=torch.float64).log_normal_(0.5, 0.25)),
    ("aten::cauchy_", [torch.zeros(5, dtype=torch.float64), 1.0, 2.0, None], lambda: torch.zeros(5, dtype=torch.float64).cauchy_(1, 2)),
    ("aten::random_", [torch.zeros(6, dtype=torch.int64), None], lambda: torch.zeros(6, dtype=torch.int64).random_()),
    ("aten::random_", [torch.zeros(6), None], lambda: torch.zeros(6).random_()),
    ("aten::random_", [torch.zeros(6, dtype=torch.int32), None], lambda: torch.zeros(6, dtype=torch.int32).random_()),
    ("aten::multinomial", [torch.arange(1.0, 7.0), 12, True, None], lambda: torch.multinomial(torch.arange(1.0, 7.0), 12, True)),
    ("aten::multinomial", [torch.arange(1.0, 7.0).view(2, 3), 4, True, None], lambda: torch.multinomial(torch.arange(1.0, 7.0).view(2, 3), 4, True)),
]  # fmt: skip


@pytest.mark.parametrize("seed", [0, 5, 2**40 + 1])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_numbers_of_a_seed(tool, case, seed):
    name, arguments, reference = CASES[case]
    tool.call("aten::manual_seed", [seed])
    found = [tool.call(name, arguments).results[0] for _ in range(2)]
    torch.manual_seed(seed)
    expected = [reference() for _ in range(2)]
    assert compare.difference(expected, found) is None, (name, expected, found)
    assert DTYPES[found[0].dtype] == DTYPES[expected[0].dtype]
