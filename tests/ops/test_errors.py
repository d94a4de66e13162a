"""Messages that users search the web for are PyTorch's, word by word."""

import pytest
import torch

from . import oracle
from .wire import ToolError

Z = torch.zeros
I64 = torch.int64


def ids(*values):
    return torch.tensor(values)


CASES = [
    ("aten::expand", [Z(1, 1, 7), [1, 3, 3], False]),
    ("aten::expand", [Z(2, 3), [3], False]),
    ("aten::expand", [Z(2, 3), [-1, 2, 3], False]),
    ("aten::view", [Z(9), [1, 1, 1, 3]]),
    ("aten::view", [Z(2, 3).t(), [6]]),
    ("aten::view", [Z(2, 3), [-1, -1]]),
    ("aten::view", [Z(2, 3), [-2]]),
    ("aten::view", [Z(0, 3), [-1, 0]]),
    ("aten::reshape", [Z(2, 3), [4]]),
    ("aten::transpose.int", [Z(2, 3), 0, 2]),
    ("aten::permute", [Z(2, 3), [0]]),
    ("aten::permute", [Z(2, 3), [0, 0]]),
    ("aten::select.int", [Z(2, 3), 0, 5]),
    ("aten::select.int", [torch.tensor(1.0), 0, 0]),
    ("aten::slice.Tensor", [Z(2, 3), 0, 0, 2, -1]),
    ("aten::unsqueeze", [Z(2, 3), 5]),
    ("aten::squeeze.dim", [Z(2, 3), 5]),
    ("aten::flatten.using_ints", [Z(2, 3), 1, 0]),
    ("aten::narrow", [Z(2, 3), 1, 2, 5]),
    ("aten::chunk", [Z(2, 3), 0, 0]),
    ("aten::split.Tensor", [Z(2, 3), 0, 1]),
    ("aten::split_with_sizes", [Z(2, 3), [1, 1], 1]),
    ("aten::t", [Z(2, 3, 4)]),
    ("aten::add.Tensor", [Z(1, 2, 3, 3), Z(1, 2, 3, 7), 1]),
    ("aten::add.Tensor", [Z(2, dtype=I64), Z(2, dtype=I64), 1.5]),
    ("aten::add_.Tensor", [Z(2, 3), Z(4, 2, 3), 1]),
    ("aten::add_.Tensor", [Z(2, dtype=I64), Z(2), 1]),
    ("aten::add_.Tensor", [Z(1, 3).expand(2, 3), Z(3), 1]),
    ("aten::sub.Tensor", [Z(2).bool(), Z(2).bool(), 1]),
    ("aten::neg", [Z(2).bool()]),
    ("aten::div.Tensor_mode", [Z(2), Z(2), "up"]),
    ("aten::pow.Tensor_Scalar", [Z(2, dtype=I64), -1]),
    ("aten::floor_divide", [ids(1), ids(0)]),
    ("aten::copy_", [Z(2, 3), Z(2, 4), False]),
    ("aten::cat", [[Z(2, 3), Z(2, 4)], 0]),
    ("aten::cat", [[Z(2, 3), Z(2)], 0]),
    ("aten::cat", [[torch.tensor(1.0)], 0]),
    ("aten::stack", [[Z(2, 3), Z(2)], 0]),
    ("aten::matmul", [Z(2, 3), Z(4, 5)]),
    ("aten::matmul", [Z(3), Z(4)]),
    ("aten::matmul", [Z(2, 3), Z(4)]),
    ("aten::matmul", [Z(2, 3, 4), Z(3, 4, 5)]),
    ("aten::matmul", [Z(2, 3), Z(3, 4, dtype=torch.float64)]),
    ("aten::matmul", [torch.tensor(1.0), Z(2)]),
    ("aten::mm", [Z(2, 3), Z(3)]),
    ("aten::bmm", [Z(2, 3, 4), Z(2, 3, 5)]),
    ("aten::bmm", [Z(2, 3, 4), Z(2, 4, 5, dtype=torch.float64)]),
    ("aten::linear", [Z(2, 3), Z(4, 5), None]),
    ("aten::linear", [Z(2, 3, 3), Z(4, 5), None]),
    ("aten::addmm", [Z(3), Z(2, 3), Z(3, 4), 1, 1]),
    ("aten::einsum", ["ij,jk", [Z(2, 3), Z(4, 5)], None]),
    ("aten::einsum", ["ij,jk->iz", [Z(2, 3), Z(3, 5)], None]),
    ("aten::einsum", ["i1", [Z(2, 2)], None]),
    ("aten::layer_norm", [Z(2, 3), [4], None, None, 1e-5, True]),
    ("aten::layer_norm", [Z(2, 3), [3], Z(4), None, 1e-5, True]),
    ("aten::layer_norm", [Z(2, 3, dtype=torch.int32), [3], None, None, 1e-5, True]),
    ("aten::embedding", [Z(3, 4), ids(5), -1, False, False]),
    ("aten::embedding", [Z(3, 4), ids(-1), -1, False, False]),
    ("aten::embedding", [Z(3, 4), Z(1), -1, False, False]),
    ("aten::scaled_dot_product_attention", [Z(1, 2, 3, 4), Z(1, 2, 3, 4), Z(1, 2, 3, 4), Z(3, 3, dtype=I64), 0.0, False, None, False]),
    ("aten::scaled_dot_product_attention", [Z(1, 2, 3, 4), Z(1, 2, 3, 4), Z(1, 2, 3, 4, dtype=torch.float64), None, 0.0, False, None, False]),
    ("aten::index.Tensor", [Z(2, 3), [ids(5)]]),
    ("aten::index.Tensor", [Z(2, 3), [None, ids(-4)]]),
    ("aten::index.Tensor", [Z(2, 3), [Z(1)]]),
    ("aten::index.Tensor", [Z(2, 3), [torch.tensor([True, False, True])]]),
    ("aten::index.Tensor", [Z(2, 3), [ids(0, 1), ids(0, 1, 2)]]),
    ("aten::index.Tensor", [Z(2, 3), [ids(0), ids(0), ids(0)]]),
    ("aten::index_put", [Z(2, 3), [ids(0, 1)], Z(4), False]),
    ("aten::index_put", [Z(2, 3), [ids(0, 1)], Z(3, dtype=I64), False]),
    ("aten::gather", [Z(2, 3), 0, torch.tensor([[5]]), False]),
    ("aten::gather", [Z(2, 3), 1, torch.tensor([1]), False]),
    ("aten::gather", [Z(2, 3), 1, torch.tensor([[0], [0], [0]]), False]),
    ("aten::scatter.src", [Z(2, 3), 0, torch.tensor([[0]]), Z(1, 1, dtype=I64)]),
    ("aten::index_select", [Z(2, 3), 0, ids(5)]),
    ("aten::masked_fill.Scalar", [Z(2, 3), ids(1), 1]),
    ("aten::masked_fill.Tensor", [Z(2, 3), torch.tensor([True]), Z(2)]),
    ("aten::masked_fill_.Scalar", [Z(2, 3), Z(2, 2, 3).bool(), 1]),
    ("aten::where.self", [Z(1), Z(1), Z(1)]),
    ("aten::sum.dim_IntList", [Z(2, 3), [0, 0], False, None]),
    ("aten::sum.dim_IntList", [Z(2, 3), [5], False, None]),
    ("aten::mean", [Z(2, dtype=I64), None]),
    ("aten::max", [Z(0)]),
    ("aten::max.dim", [Z(2, 0), 1, False]),
    ("aten::argmax", [Z(0), None, False]),
    ("aten::var", [Z(2, dtype=I64), True]),
    ("aten::softmax.int", [Z(2, 3), 2, None]),
    ("aten::gelu", [Z(2), "nope"]),
    ("aten::dropout", [Z(2), 1.5, False]),
    ("aten::glu", [Z(2, 3), -1]),
    ("aten::item", [Z(2, 3)]),
    ("aten::Int.Tensor", [Z(2)]),
    ("aten::Bool.Tensor", [Z(2)]),
    ("aten::Bool.Tensor", [Z(0)]),
    ("aten::zeros", [[-1, 2], None, None, None, None]),
    ("aten::zeros", [[2**40, 2**40], None, None, None, None]),
    ("aten::arange.start_step", [0, 5, 0, None, None, None, None]),
    ("aten::arange.start_step", [0, 5, -1, None, None, None, None]),
    ("aten::full", [[2], -0.5, torch.uint8, None, None, None]),
    ("aten::repeat", [Z(2, 3), [2]]),
    ("aten::topk", [Z(3), 5, -1, True, True]),
    ("aten::conv1d", [Z(2, 2, 5), Z(4, 3, 3), None, [1], [0], [1], 1]),
    ("aten::conv1d", [Z(2, 3, 2), Z(4, 3, 3), None, [1], [0], [1], 1]),
    ("aten::pad", [Z(2, 3), [1], "constant", None]),
    ("aten::one_hot", [ids(5), 3]),
    ("aten::cdist", [Z(2, 3), Z(2, 4), 2.0, None]),
    ("aten::linalg_vector_norm", [Z(2, dtype=I64), 2, None, False, None]),
    ("aten::nll_loss", [Z(2, 3), ids(0, 7), None, 1, -100]),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda i: f"{i}-{CASES[i][0]}")
def test_text(tool, case):
    full, arguments = CASES[case]
    with pytest.raises(ToolError) as found:
        tool.call(full, arguments)
    with pytest.raises(Exception) as expected:
        oracle.call(full, arguments)
    text = str(expected.value).split("\nException raised from")[0]
    assert found.value.message == text
    kind = type(expected.value).__name__
    assert found.value.kind == ("RuntimeError" if kind == "OutOfMemoryError" else kind)


HUGE = 2**50


@pytest.mark.parametrize(
    "full, arguments",
    [
        ("aten::zeros", [[HUGE], None, None, None, None]),
        ("aten::full", [[HUGE], 1, None, None, None, None]),
        ("aten::arange", [HUGE, None, None, None, None]),
        ("aten::repeat", [Z(1), [HUGE]]),
        ("aten::repeat_interleave.self_int", [Z(1), HUGE, None, None]),
        ("aten::add.Tensor", [Z(1).expand(HUGE), Z(1), 1]),
        ("aten::clone", [Z(1).expand(HUGE), None]),
        ("aten::sum", [Z(1).expand(HUGE), None]),
        ("aten::nonzero", [Z(1).expand(HUGE)]),
        ("aten::constant_pad_nd", [Z(1), [0, HUGE], 0]),
        ("aten::eye", [2**20, None, None, None, None]),
        ("aten::one_hot", [ids(0), HUGE]),
        ("aten::mul.left_t", [[1], HUGE]),
        ("aten::ljust", ["a", HUGE, " "]),
        ("aten::linspace", [0, 1, HUGE, None, None, None, None]),
        ("aten::tril_indices", [2**20, 2**20, 0, I64, None, None, None]),
        ("aten::randperm", [HUGE, None, None, None, None]),
        ("aten::outer", [Z(1).expand(2**30), Z(1).expand(2**30)]),
        ("aten::embedding", [Z(1, 2**14), Z(1, dtype=I64).expand(2**20), -1, False, False]),
        ("aten::index.Tensor", [Z(2, 3), [Z(1, dtype=I64).expand(2**28)]]),
        ("aten::conv1d", [Z(1, 1, 4), Z(1, 1, 1), None, [1], [2**40], [1], 1]),
        ("aten::diag_embed", [Z(2), 2**40, 0, 1]),
        ("aten::bincount", [ids(HUGE), None, 0]),
        ("prim::rangelist", [HUGE]),
    ],
    ids=str,
)
def test_absurd_sizes_end_at_the_limit(tool, full, arguments):
    with pytest.raises(ToolError) as found:
        tool.call(full, arguments)
    assert found.value.kind in ("LimitError", "RuntimeError"), found.value
