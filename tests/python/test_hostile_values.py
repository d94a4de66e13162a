"""Values that no program wants: wrong types, odd arrays, odd memory, objects that raise. Errors, never crashes."""

import copy
import gc
import importlib
import pickle
import sys
import weakref

import numpy
import pytest
import torch

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

REFUSED = [
    ("object array", lambda: numpy.array([object()])),
    ("text array", lambda: numpy.array(["a"])),
    ("dates", lambda: numpy.zeros(2, "datetime64[s]")),
    ("big-endian", lambda: numpy.zeros(2, ">i8")),
    ("long double", lambda: numpy.zeros(2, numpy.longdouble)),
    ("uint64", lambda: numpy.zeros(2, numpy.uint64)),
    ("records", lambda: numpy.zeros(2, [("a", "i4"), ("b", "f4")])),
    ("object", object),
    ("class", lambda: int),
    ("generator", lambda: (i for i in range(3))),
    ("sparse", lambda: torch.eye(2).to_sparse()),
    ("meta device", lambda: torch.empty(2, device="meta")),
]


@pytest.mark.parametrize(("name", "make"), REFUSED, ids=[name for name, _ in REFUSED])
def test_what_is_no_tensor_is_refused(name, make):
    for take in (calque.from_numpy, calque.as_tensor, calque.tensor):
        with pytest.raises((TypeError, ValueError)):
            take(make())


TAKEN = {
    "0-d": numpy.array(2.5),
    "empty": numpy.zeros((0, 3), numpy.float32),
    "empty inside": numpy.zeros((2, 0, 3)),
    "negative strides": numpy.arange(12).reshape(3, 4)[::-1, ::-2],
    "not contiguous": numpy.arange(24.0).reshape(2, 3, 4)[:, 1:, ::2].transpose(2, 0, 1),
    "Fortran order": numpy.asfortranarray(numpy.arange(6).reshape(2, 3)),
    "broadcast": numpy.broadcast_to(numpy.float32(3), (2, 2)),
    "overlapping": numpy.lib.stride_tricks.as_strided(numpy.arange(4), (3, 2), (8, 8)),
    "not aligned": numpy.frombuffer(bytearray(b"x" + numpy.arange(3).tobytes()), numpy.int64, offset=1),
    "read-only": numpy.frombuffer(numpy.arange(3).tobytes(), numpy.int64),
    "one element, odd stride": numpy.arange(10)[3:4:7],
    "many dimensions": numpy.zeros((1,) * 20),
}


@pytest.mark.parametrize("name", TAKEN)
def test_odd_arrays_come_in_as_they_are(name):
    array = TAKEN[name]
    for take in (calque.as_tensor, calque.tensor, calque.from_numpy):
        tensor = take(array)
        assert tensor.shape == array.shape and tensor.tolist() == array.tolist()
        numpy.testing.assert_array_equal(numpy.from_dlpack(tensor), array)
        assert torch.from_dlpack(tensor).tolist() == array.tolist()
    assert pickle.loads(pickle.dumps(calque.as_tensor(array))).tolist() == array.tolist()


def test_numbers_that_do_not_fit():
    for number in (2**63, -(2**63) - 1, 10**400):
        with pytest.raises(RuntimeError, match="Overflow when unpacking long"):
            calque.tensor(number)
        with pytest.raises((RuntimeError, OverflowError)):
            calque.tensor([1, 2])[number]
    assert calque.tensor(-(2**63)).item() == -(2**63) and calque.tensor(2**63 - 1).item() == 2**63 - 1
    assert calque.tensor([1, 2.5, True]).tolist() == [1.0, 2.5, 1.0]
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        calque.zeros(-1)
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        calque.zeros(2**62, 2**62)


def test_objects_that_raise():
    class Rude:
        def __dlpack__(self, **kwargs):
            raise KeyError("rude")

        def __dlpack_device__(self):
            return (1, 0)

    class RudeSequence(list):
        def __len__(self):
            raise KeyError("rude")

        def __iter__(self):
            raise KeyError("rude")

    with pytest.raises((TypeError, KeyError)):
        calque.from_dlpack(Rude())
    with pytest.raises((TypeError, KeyError)):
        calque.tensor(RudeSequence([1]))
    with pytest.raises((TypeError, KeyError)):
        calque.tensor([Rude()])


def test_large_lists():
    numbers = list(range(200_000))
    assert calque.tensor(numbers)[-1].item() == 199_999
    deep = 1
    for _ in range(70):
        deep = [deep]
    with pytest.raises(ValueError, match="64 dimensions"):
        calque.tensor(deep)


def test_copies_and_weak_references():
    tensor = calque.tensor([[1.0, 2.0], [3.0, 4.0]])[:, 1:]
    deep, same = copy.deepcopy(tensor), copy.copy(tensor)
    tensor[0, 0] = 9
    assert deep.tolist() == [[2.0], [4.0]] and same.tolist() == [[9.0], [4.0]]
    values = [calque.tensor([1, 0, 1]).to(getattr(calque, dtype)) for dtype in ("float16", "bfloat16", "bool", "int8", "float64")]
    for value in [*values, calque.from_numpy(numpy.array([1j, 2.0]))]:
        again = pickle.loads(pickle.dumps(value))
        assert again.dtype is value.dtype and again.numpy().tobytes() == value.numpy().tobytes()
    reference = weakref.ref(tensor)
    del tensor
    gc.collect()
    assert reference() is None and same.tolist() == [[9.0], [4.0]]
    with pytest.raises(ValueError, match="bytes"):
        calque._pickling.tensor(b"1234", "float32", (3,))
    with pytest.raises(ValueError, match="no dtype"):
        calque._pickling.tensor(b"", "nonsense", (0,))


def test_the_buffer_lives_as_long_as_its_views():
    array = numpy.arange(1000)
    tensor = calque.from_numpy(array)
    with pytest.raises(ValueError, match="resize|references"):
        array.resize(2000)
    view = tensor[5:10].numpy()
    del array, tensor
    gc.collect()
    assert view.tolist() == [5, 6, 7, 8, 9]
    content = bytearray(b"abc")
    held = calque.as_tensor(content)
    with pytest.raises(BufferError):
        content.append(1)
    del held
    gc.collect()
    content.append(1)


def test_in_place_operators_keep_the_memory():
    array = numpy.ones(3, numpy.float32)
    tensor = calque.from_numpy(array)
    tensor += 1
    tensor *= 3
    tensor -= calque.tensor([1.0, 2.0, 3.0])
    tensor /= 2
    assert array.tolist() == [2.5, 2.0, 1.5]
    whole = calque.ones(2, dtype=calque.int64)
    with pytest.raises(RuntimeError, match="can't be cast"):
        whole += 0.5
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        whole += calque.ones(3, 2, dtype=calque.int64)


def test_comparisons_with_anything():
    tensor = calque.tensor([1, 2])
    assert (tensor == "a") is False and (tensor != object()) is True and (tensor == None) is False  # noqa: E711
    assert tensor in [tensor] and (tensor == [1, 3]).tolist() == [True, False]
    assert (numpy.array([1, 3]) == tensor).tolist() == [True, False]
    with pytest.raises(TypeError):
        tensor < object()  # noqa: B015
    with pytest.raises(TypeError):
        tensor + object()


MISTAKES = [
    ("dim", IndexError, "Dimension out of range", lambda m: m.ones(2, 2).sum(5)),
    ("index", IndexError, "out of bounds|out of range", lambda m: m.ones(2, 2)[[5]]),
    ("max", RuntimeError, "Expected reduction dim", lambda m: m.zeros(0).max()),
    ("cat", RuntimeError, "", lambda m: m.cat([m.ones(2, 2), m.ones(1, 1)])),
    ("stack", RuntimeError, "stack expects each tensor to be equal size", lambda m: m.stack([m.ones(2), m.ones(3)])),
    ("matmul", RuntimeError, "cannot be multiplied|must match", lambda m: m.ones(2, 3) @ m.ones(2, 3)),
    ("dot", RuntimeError, "both arguments to matmul need to be at least 1D", lambda m: m.tensor(1.0) @ m.tensor(1.0)),
    ("norm", RuntimeError, "Expected a floating point", lambda m: m.tensor([1]).norm()),
    ("topk", RuntimeError, "out of range", lambda m: m.ones(3).topk(5)),
    ("arange", RuntimeError, "inconsistent with step sign", lambda m: m.arange(0, 5, -1)),
    ("step", RuntimeError, "nonzero", lambda m: m.arange(0, 5, 0)),
    ("zero", RuntimeError, "ZeroDivisionError", lambda m: m.tensor([1]) // 0),
    ("power", RuntimeError, "negative integer powers", lambda m: m.tensor([2]) ** -1),
    ("size", TypeError, "", lambda m: m.zeros(None)),
    ("float size", TypeError, "", lambda m: m.zeros(1.5)),
    ("t", RuntimeError, "<= 2 dimensions", lambda m: m.ones(2, 3, 4).t()),
    ("randint", TypeError, "", lambda m: m.randint(0, 2.5, (1,))),
    ("device", RuntimeError, "", lambda m: m.ones(1).to("float16")),
]


@pytest.mark.parametrize(("name", "kind", "text", "mistake"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_mistakes_are_torchs_mistakes(name, kind, text, mistake):
    with pytest.raises(kind, match=text):
        mistake(torch)
    with pytest.raises((kind, ValueError) if name == "device" else kind, match=text) as error:
        mistake(calque)
    assert isinstance(error.value, calque.Error) or kind is TypeError


def test_dtypes_of_torch_are_understood():
    assert calque.ones(1).to(torch.float16).dtype is calque.float16 and calque.ones(1).to(torch.device("cpu")).tolist() == [1]
    assert calque.ones(1).to(calque.ones(1, dtype=calque.int8)).dtype is calque.int8
    with pytest.raises(TypeError, match="found builtins.int"):
        calque.ones(1).to(5)
    with pytest.raises(TypeError, match="no dtype torch.complex32|no dtype"):
        calque.ones(1).to(torch.uint32)
    device = calque.device("cuda", 0)
    assert repr(device) == repr(torch.device("cuda", 0)) and pickle.loads(pickle.dumps(device)) == device == calque.device(device)


def test_arrays_leave_arithmetic_to_tensors():
    result = numpy.ones((2, 2)) + calque.ones(2, 2)
    assert isinstance(result, calque.Tensor) and result.dtype is calque.float64
    assert isinstance(numpy.float32(2) * calque.ones(2), calque.Tensor)
    assert calque.ones(2, 3, 4).T.shape == (4, 3, 2) and calque.ones(2, 3, 4).mT.shape == (2, 4, 3)
    assert calque.cat([numpy.ones(2), numpy.zeros(1)]).tolist() == [1, 1, 0]
    assert calque.where(calque.tensor([True, False]), 1, 0).tolist() == [1, 0]


def test_configurations_say_which_value_is_wrong():
    with pytest.raises(TypeError, match="hidden_size is 'a'; expected int"):
        calque.transformers.BertConfig(hidden_size="a")
    with pytest.raises(ValueError, match="below zero"):
        calque.jit.RunOptions(max_seconds=-1)


def test_reload():
    module = importlib.reload(sys.modules["calque.jit"])
    assert module.ScriptModule is calque.jit.ScriptModule
    importlib.reload(sys.modules["calque"])
    assert calque.tensor(1).item() == 1
