"""Tensors against PyTorch's: making, printing, indexing, arithmetic; memory shared with NumPy and torch."""

import copy
import math

import numpy
import pytest
import torch

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

DTYPES = ["uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bool", "bfloat16"]
PRINTED = [
    [1, 2, 3],
    [[1.0, 2.5], [-3.25, 1e-3]],
    [True, False],
    [],
    [[]],
    3,
    2.5,
    [1e-6, 1.0],
    [1e9, 2e9],
    [1.0, 2.0, 3.0],
    [math.nan, math.inf, -1.5],
    [0.0],
    [[[1, -20], [300, 4]]],
    [12345.678, 0.001],
]


def values_equal(ours, theirs):
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert str(ours.dtype).replace("calque.", "") == str(theirs.dtype).replace("torch.", "")
    theirs = theirs.float() if theirs.dtype in (torch.bfloat16, torch.float16) else theirs
    ours = ours.float() if ours.dtype in (calque.bfloat16, calque.float16) else ours
    numpy.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("data", PRINTED, ids=str)
def test_prints_like_torch(data):
    ours, theirs = calque.tensor(data), torch.tensor(data)
    values_equal(ours, theirs)
    assert repr(ours) == repr(theirs).replace("torch.", "calque.")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (40, 50), (2, 3, 4), (1500,), (0, 4), (7, 9, 11, 2)], ids=str)
def test_prints_large_tensors_like_torch(shape, dtype):
    generator = torch.Generator().manual_seed(1)
    theirs = (torch.randn(shape, generator=generator) * 20).abs().to(getattr(torch, dtype))
    ours = calque.from_dlpack(theirs)
    assert repr(ours) == repr(theirs).replace("torch.", "calque.")


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_both_ways(dtype):
    theirs = torch.tensor([[0, 1, 2], [3, 4, 5]]).to(getattr(torch, dtype))
    ours = calque.tensor([[0, 1, 2], [3, 4, 5]], dtype=getattr(calque, dtype))
    values_equal(ours, theirs)
    assert torch.equal(torch.from_dlpack(ours), theirs)
    assert calque.equal(calque.from_dlpack(theirs), ours)
    assert ours.tolist() == theirs.tolist()


def test_memory_is_shared():
    array = numpy.arange(12, dtype=numpy.float32).reshape(3, 4)
    ours = calque.from_numpy(array[:, ::2])
    assert ours.stride() == (4, 2)
    array[1, 2] = 50
    assert ours[1, 1].item() == 50
    ours[0, 0] = 7
    assert array[0, 0] == 7
    torch.from_dlpack(ours)[2, 1] = 9
    assert array[2, 2] == 9
    assert ours.numpy().base is not None and numpy.shares_memory(ours.numpy(), array)
    assert numpy.shares_memory(numpy.from_dlpack(ours), array)
    assert numpy.shares_memory(numpy.asarray(memoryview(ours)), array)
    assert numpy.shares_memory(numpy.asarray(ours), array)
    assert not numpy.shares_memory(numpy.array(ours), array)


def test_memory_outlives_its_maker():
    def make():
        return calque.from_numpy(numpy.full(1000, 3.5))

    assert make().sum().item() == 3500
    assert calque.tensor([1.5, 2.5]).numpy().sum() == 4


def test_read_only_arrays_are_copied():
    array = numpy.arange(4)
    array.flags.writeable = False
    ours = calque.from_numpy(array)
    ours[0] = 9
    assert array[0] == 0 and ours[0].item() == 9


def test_odd_arrays():
    array = numpy.arange(6)[::-1]
    assert calque.from_numpy(array).tolist() == array.tolist()
    assert calque.as_tensor(numpy.float32(2.5)).item() == 2.5
    assert calque.as_tensor(numpy.zeros((0, 3))).shape == (0, 3)
    assert calque.as_tensor(numpy.broadcast_to(numpy.arange(3), (2, 3))).tolist() == [[0, 1, 2], [0, 1, 2]]
    assert calque.as_tensor(bytearray(b"ab")).tolist() == [97, 98]
    crooked = numpy.frombuffer(bytearray(b"x" + numpy.arange(3.0).tobytes()), numpy.float64, offset=1)
    assert calque.from_numpy(crooked).tolist() == [0, 1, 2] and calque.from_numpy(crooked).data_ptr() % 8 == 0
    fields = numpy.zeros(3, [("a", "i1"), ("b", "<i4")])
    fields["b"] = [1, 2, 3]
    assert calque.from_numpy(fields["b"]).tolist() == [1, 2, 3]
    with pytest.raises(TypeError, match="datetime64"):
        calque.from_numpy(numpy.zeros(2, "datetime64[s]"))
    with pytest.raises(TypeError, match="uint32"):
        calque.from_numpy(numpy.zeros(2, numpy.uint32))
    with pytest.raises(TypeError):
        calque.from_numpy(numpy.zeros(2, ">f4"))


def test_tensors_with_gradients_come_in():
    with torch.enable_grad():
        theirs = torch.ones(2, requires_grad=True) * 2
    assert calque.as_tensor(theirs).tolist() == [2, 2]


def test_bfloat16_by_ml_dtypes():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = numpy.array([1.5, -2.0], dtype=ml_dtypes.bfloat16)
    ours = calque.from_numpy(array)
    assert ours.dtype is calque.bfloat16 and ours.tolist() == [1.5, -2.0]
    assert ours.numpy().dtype == ml_dtypes.bfloat16 and numpy.shares_memory(ours.numpy(), array)


INDICES = [
    0, -1, slice(None), slice(1, None), slice(None, None, 2), slice(-2, None), None, ..., (0, 1), (slice(None), 0),
    (..., 0), (None, 1), (slice(1, 3), slice(None), 1), (0, ..., None), (1, 2, 3), [0, 2], ([0, 1], [1, 2]),
    (slice(None), [2, 0]),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indices(index):
    theirs = torch.arange(60).reshape(3, 4, 5)
    ours = calque.arange(60).reshape(3, 4, 5)
    values_equal(ours[index], theirs[index])
    theirs[index] = 7
    ours[index] = 7
    values_equal(ours, theirs)


def test_index_by_tensors():
    theirs, ours = torch.arange(6).reshape(2, 3), calque.arange(6).reshape(2, 3)
    values_equal(ours[ours > 2], theirs[theirs > 2])
    values_equal(ours[:, calque.tensor([2, 0])], theirs[:, torch.tensor([2, 0])])
    assert [row.tolist() for row in ours] == [[0, 1, 2], [3, 4, 5]] and len(ours) == 2


UNARY = {
    "sum": lambda t: t.sum(), "sum1": lambda t: t.sum(1), "sumk": lambda t: t.sum(dim=1, keepdim=True),
    "mean": lambda t: t.mean(-1), "max": lambda t: t.max(), "max1": lambda t: t.max(1)[0], "min1": lambda t: t.min(1)[1],
    "argmax": lambda t: t.argmax(-1), "argmin": lambda t: t.argmin(), "softmax": lambda t: t.softmax(-1),
    "exp": lambda t: t.exp(), "tanh": lambda t: t.tanh(), "sqrt": lambda t: t.abs().sqrt(), "neg": lambda t: -t,
    "clamp": lambda t: t.clamp(min=0.1), "norm": lambda t: t.norm(p=2, dim=1), "norm0": lambda t: t.norm(),
    "sigmoid": lambda t: t.sigmoid(), "topk": lambda t: t.topk(2)[0], "topki": lambda t: t.topk(2)[1],
    "t": lambda t: t.t(), "T": lambda t: t.T, "flat": lambda t: t.flatten(), "unsq": lambda t: t.unsqueeze(-1).squeeze(-1),
    "expand": lambda t: t.unsqueeze(0).expand(2, 3, 4), "view": lambda t: t.view(2, -1), "perm": lambda t: t.permute(1, 0),
    "long": lambda t: t.long(), "half": lambda t: t.half(), "bool": lambda t: t.bool(), "gt": lambda t: t > 0,
    "any": lambda t: (t > 0).any(1), "all": lambda t: (t > -9).all(), "inv": lambda t: ~(t > 0), "isnan": lambda t: t.isnan(),
    "argsort": lambda t: t.argsort(descending=True), "clone": lambda t: t.T.clone(), "rsub": lambda t: 1 - t,
    "rdiv": lambda t: 2 / (t + 10), "pow": lambda t: t**2, "int": lambda t: (t * 3).int() / 2,
}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_functions_of_one(name, dtype):
    theirs = torch.randn(3, 4, generator=torch.Generator().manual_seed(2)).to(getattr(torch, dtype))
    ours, expected = UNARY[name](calque.from_dlpack(theirs)), UNARY[name](theirs)
    assert tuple(ours.shape) == tuple(expected.shape)
    assert str(ours.dtype).replace("calque", "torch") == str(expected.dtype)
    tolerance = {"float16": 2e-3, "bfloat16": 2e-2}.get(dtype, 1e-5)
    numpy.testing.assert_allclose(ours.double().numpy(), expected.double().numpy(), rtol=tolerance, atol=tolerance)


BINARY = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "==": lambda a, b: a == b, "<": lambda a, b: a < b, ">=": lambda a, b: a >= b, "!=": lambda a, b: a != b,
}  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("second", ["float32", "float16", "int64", "int32", "uint8", "bool", "number", "whole", "zero-dim"])
@pytest.mark.parametrize("first", ["float32", "float16", "int64", "uint8"])
def test_functions_of_two_promote_as_torch_does(name, first, second):
    a = torch.tensor([[1, 2, 3], [4, 5, 6]]).to(getattr(torch, first))
    special = {"number": 2.5, "whole": 3, "zero-dim": torch.tensor(2.5, dtype=torch.float64)}
    b = special[second] if second in special else torch.tensor([1, 1, 2]).to(getattr(torch, second))
    if name == "-" and second == "bool":
        pytest.skip("PyTorch refuses to subtract booleans")
    expected = BINARY[name](a, b)
    ours = BINARY[name](calque.as_tensor(a), calque.as_tensor(b) if isinstance(b, torch.Tensor) else b)
    assert str(ours.dtype).replace("calque", "torch") == str(expected.dtype)
    numpy.testing.assert_allclose(ours.double().numpy(), expected.double().numpy(), rtol=1e-3)


def test_joining_and_products():
    a, b = torch.arange(6.0).reshape(2, 3), torch.ones(2, 3)
    x, y = calque.as_tensor(a), calque.as_tensor(b)
    values_equal(calque.cat([x, y], dim=1), torch.cat([a, b], dim=1))
    values_equal(calque.stack([x, y]), torch.stack([a, b]))
    values_equal(x @ y.T, a @ b.T)
    values_equal(calque.where(x > 2, x, 0.0), torch.where(a > 2, a, 0.0))
    values_equal(calque.arange(1, 2, 0.25), torch.arange(1, 2, 0.25))
    functional, theirs = calque.nn.functional, torch.nn.functional
    values_equal(functional.normalize(x), theirs.normalize(a))
    values_equal(functional.cosine_similarity(x, y), theirs.cosine_similarity(a, b))


MORE = {
    "round": lambda m, t: t.round(), "floor": lambda m, t: t.floor(), "ceil": lambda m, t: t.ceil(), "relu": lambda m, t: m.relu(t),
    "std": lambda m, t: t.std(), "var1": lambda m, t: t.var(1), "cumsum": lambda m, t: t.cumsum(-1), "floordiv": lambda m, t: t // 2,
    "mod": lambda m, t: t % 3, "rpow": lambda m, t: 2**t, "log_softmax": lambda m, t: t.log_softmax(-1), "repeat": lambda m, t: t.repeat(2, 1),
    "masked_fill": lambda m, t: t.masked_fill(t > 0, -1.0), "split": lambda m, t: t.split(3, dim=1)[1], "chunk": lambda m, t: t.chunk(2)[1],
    "sizes": lambda m, t: m.split(t, [1, 3], 1)[0], "sort": lambda m, t: t.sort(descending=True)[0], "unbind": lambda m, t: t.unbind(1)[2],
    "gather": lambda m, t: t.gather(1, m.tensor([[0, 1], [2, 3], [3, 3]])), "select": lambda m, t: t.index_select(1, m.tensor([3, 0])),
    "nonzero": lambda m, t: (t > 0).nonzero(), "isinf": lambda m, t: (t / 0).isinf(), "finite": lambda m, t: m.isfinite(t / 0),
    "like": lambda m, t: m.ones_like(t) + m.zeros_like(t, dtype=m.int64), "full": lambda m, t: m.full((2, 2), 7), "max2": lambda m, t: m.maximum(t, -t),
    "full_like": lambda m, t: m.full_like(t, 2.5), "methods": lambda m, t: t.add(1).mul(2).sub(t).div(3).pow(2), "type_as": lambda m, t: m.tensor([1]).type_as(t),
    "max": lambda m, t: m.max(t, 1)[1], "bmm": lambda m, t: m.bmm(t.unsqueeze(0), t.T.unsqueeze(0)), "neg": lambda m, t: m.neg(t), "xor": lambda m, t: (t > 0) ^ (t > 1),
    "device": lambda m, t: m.ones(2, device="cpu", requires_grad=False) + m.as_tensor([1.0], device=m.device("cpu")), "ge": lambda m, t: t.ge(0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", MORE)
def test_further_functions(name):
    theirs = torch.randn(3, 4, generator=torch.Generator().manual_seed(3)) * 3
    expected, found = MORE[name](torch, theirs), MORE[name](calque, calque.from_dlpack(theirs.clone()))
    values_equal(found, expected)


def test_functions_that_take_and_give_no_tensor():
    a = calque.tensor([1.0, 2.0])
    assert a.equal(a.clone()) and a.allclose(a + 1e-9) and not calque.is_grad_enabled() and not calque.cuda.is_available()
    assert calque.is_floating_point(a) and calque.numel(a) == 2 and math.isinf(calque.inf) and not a.is_cuda
    assert a.requires_grad_() is not None and a.cuda().tolist() == a.data.tolist() and a.nelement() == 2
    with calque.set_grad_enabled(False), calque.enable_grad():
        pass
    with pytest.raises(RuntimeError, match="boolean masks"):
        a.masked_fill(a, 1.0)
    with pytest.raises(RuntimeError, match="sum exactly to 2"):
        a.split([1, 2])


RANDOM = {
    "rand": lambda m: m.rand(7), "rand2": lambda m: m.rand((2, 3), dtype=m.float64), "randn": lambda m: m.randn(5), "randn2": lambda m: m.randn(3, 11),
    "randn3": lambda m: m.randn(64), "randint": lambda m: m.randint(0, 1000, (3, 5)), "high": lambda m: m.randint(10, (4,)),
    "wide": lambda m: m.randint(-(2**40), 2**40, (4,)), "randperm": lambda m: m.randperm(9), "int32": lambda m: m.randint(3, (5,), dtype=m.int32),
    "own": lambda m: m.rand(3, generator=m.Generator().manual_seed(4)),
}  # fmt: skip


@pytest.mark.parametrize("seed", [0, 5, 2**40 + 3])
def test_random_numbers_are_torchs(seed):
    torch.manual_seed(seed)
    assert calque.manual_seed(seed).initial_seed() == calque.initial_seed() == seed
    for draw in RANDOM.values():
        values_equal(draw(calque), draw(torch))
    with pytest.raises(RuntimeError, match="from=3 >= to=3"):
        calque.randint(3, 3, (1,))


ERRORS = [
    (ValueError, "expected sequence of length 2 at dim 1 (got 1)", lambda m: m.tensor([[1, 2], [3]])),
    (IndexError, "too many indices for tensor of dimension 1", lambda m: m.tensor([1])[0, 0]),
    (IndexError, "index 5 is out of bounds for dimension 0 with size 2", lambda m: m.tensor([1, 2])[5]),
    (RuntimeError, "shape '[4]' is invalid for input of size 3", lambda m: m.tensor([1, 2, 3]).view(4)),
    (RuntimeError, "must match", lambda m: m.tensor([1, 2, 3]) + m.tensor([1, 2])),
    (RuntimeError, "elements cannot be converted to Scalar", lambda m: m.tensor([1, 2]).item()),
    (RuntimeError, "Boolean value of Tensor with more than one value is ambiguous", lambda m: bool(m.tensor([1, 2]))),
    (TypeError, "len() of a 0-d tensor", lambda m: len(m.tensor(1))),
    (TypeError, "iteration over a 0-d tensor", lambda m: list(m.tensor(1))),
    (ValueError, "step must be greater than zero", lambda m: m.tensor([1, 2])[::-1]),
]


@pytest.mark.parametrize(("kind", "text", "mistake"), ERRORS, ids=[text for _, text, _ in ERRORS])
def test_mistakes_are_torchs_errors(kind, text, mistake):
    with pytest.raises(kind) as theirs:
        mistake(torch)
    with pytest.raises(kind) as ours:
        mistake(calque)
    assert text in str(theirs.value) and text in str(ours.value)
    assert isinstance(ours.value, calque.Error)


def test_lists_that_hold_themselves():
    endless = []
    endless.append(endless)
    with pytest.raises((ValueError, RecursionError)):
        calque.tensor(endless)


def test_small_things():
    tensor = calque.tensor([[1, 2]])
    assert tensor.size() == (1, 2) and tensor.size(1) == 2 and tensor.numel() == 2 and tensor.ndim == 2
    assert tensor.to("cpu").is_same(tensor) or tensor.to("cpu").tolist() == [[1, 2]]
    assert tensor.to(calque.float16).dtype is calque.float16 and tensor.device == "cpu"
    assert float(calque.tensor(2.5)) == 2.5 and int(calque.tensor(3)) == 3 and [10, 20][calque.tensor(1)] == 20
    assert f"{calque.tensor(2.5):.2f}" == "2.50" and hash(tensor) == hash(tensor)
    assert calque.zeros(2, 3).shape == calque.ones((2, 3)).shape == calque.empty(2, 3).shape == (2, 3)
    assert (tensor == None) is False and calque.is_tensor(tensor)  # noqa: E711
    assert repr(calque.float32) == "calque.float32" and calque.float is calque.float32
    assert copy.copy(calque.float32) is calque.float32
    with calque.no_grad(), calque.inference_mode():
        assert calque.allclose(tensor.float(), tensor.float() + 1e-9)
    device = calque.device("cuda:1")
    assert (device.type, device.index, str(device)) == ("cuda", 1, "cuda:1")
