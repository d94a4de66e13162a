"""Archives of real PyTorch from Python: calls, values, attributes, saving, limits, errors."""

import io
import os
import pathlib
import pickle
import weakref

import numpy
import pytest
import torch

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")


class Everything(torch.nn.Module):
    """Takes and gives values of many kinds."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.register_buffer("offset", torch.tensor([1.0, 2.0]))
        self.count = 3

    def forward(self, x: torch.Tensor, scale: float = 2.0, names: list[str] | None = None):
        y = self.linear(x) * scale + self.offset
        if names is None:
            names = ["a"]
        return {name: y for name in names}

    @torch.jit.export
    def values(self, numbers: list[int], table: dict[str, torch.Tensor], pair: tuple[int, float], flag: bool = True):
        total = 0
        for number in numbers:
            total += number
        found = table["k"] if "k" in table else None
        return total, [pair[1] * pair[0]], "text" if flag else "", found, numbers

    @torch.jit.export
    def nested(self, rows: list[list[int]]) -> int:
        return rows[0][0] + len(rows[1])

    @torch.jit.export
    def forever(self) -> int:
        n = 0
        while n >= 0:
            n = (n + 1) % 1000
        return n

    @torch.jit.export
    def fails(self, x: torch.Tensor):
        return x.view(7)


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(3)
    return torch.jit.script(Everything().eval())


@pytest.fixture(scope="module")
def path(theirs, tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("jit") / "everything.pt"
    theirs.save(str(path), _extra_files={"notes.txt": "hello"})
    return path


@pytest.fixture
def ours(path):
    return calque.jit.load(path)


@pytest.mark.parametrize("kind", ["calque", "numpy", "torch"])
def test_calls_take_every_array(ours, theirs, kind):
    x = torch.randn(4, 3)
    given = {"calque": calque.tensor(x.numpy()), "numpy": x.numpy(), "torch": x}[kind]
    expected = theirs(x)["a"]
    numpy.testing.assert_allclose(ours(given)["a"].numpy(), expected.numpy(), rtol=1e-6)
    numpy.testing.assert_allclose(ours(x=given, names=["b"])["b"].numpy(), expected.numpy(), rtol=1e-6)
    numpy.testing.assert_allclose(ours.forward(given, 4.0)["a"].numpy(), theirs(x, 4.0)["a"].numpy(), rtol=1e-6)


def test_values_of_every_kind(ours, theirs):
    table = {"k": calque.tensor([1, 2])}
    total, products, text, found, numbers = ours.values([1, 2, 3], table, (2, 1.5))
    assert (total, products, text, numbers) == (6, [3.0], "text", [1, 2, 3])
    assert found.tolist() == [1, 2]
    assert ours.values([], {}, (0, 0.0), flag=False)[2:4] == ("", None)
    assert ours.run_method("nested", [[5], [1, 2]]) == theirs.nested([[5], [1, 2]]) == 7


def test_attributes(ours, theirs, path):
    assert ours.original_name == "Everything" and not ours.training
    assert ours.count == 3
    ours.setattr("count", 4)
    assert ours.count == 4
    assert ours.linear.weight.shape == (2, 3)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert [name for name, _ in ours.named_children()] == ["linear"]
    assert [name for name, _ in ours.named_buffers()] == ["offset"]
    assert set(ours.method_names()) >= {"forward", "values"}
    assert ours.argument_names() == ["x", "scale", "names"] and ours.schema().startswith("forward(")
    assert "def forward" in ours.code and "aten::" in ours.inlined_graph and "graph(" in ours.graph
    assert repr(ours) == repr(torch.jit.load(path))
    assert [type(child) for child in ours.children()] == [calque.jit.ScriptModule] and len(ours.modules()) == 2
    assert {"linear", "count", "values", "forward", "state_dict"} <= set(dir(ours))
    assert ours.train().training and not ours.eval().training
    ours.count = 6
    assert ours.count == 6
    with pytest.raises(AttributeError, match="'Everything' object has no attribute 'nonsense'"):
        ours.nonsense = 1
    with pytest.raises(TypeError, match="attribute 'count'"):
        ours.count = "text"
    with pytest.raises(AttributeError, match="'Everything' object has no attribute 'nonsense'"):
        ours.nonsense  # noqa: B018


def test_saving(ours, theirs, tmp_path):
    x = torch.ones(1, 3)
    calque.jit.save(ours, tmp_path / "a.pt", _extra_files={"more.bin": b"\0\1"})
    numpy.testing.assert_allclose(torch.jit.load(tmp_path / "a.pt")(x)["a"].numpy(), theirs(x)["a"].numpy(), rtol=1e-6)
    found = {"more.bin": "", "absent": ""}
    calque.jit.load(tmp_path / "a.pt", _extra_files=found)
    assert found == {"more.bin": b"\0\1", "absent": b""}
    buffer = io.BytesIO()
    calque.jit.save(ours, buffer)
    buffer.seek(0)
    numpy.testing.assert_allclose(calque.jit.load(buffer)(x)["a"].numpy(), theirs(x)["a"].numpy(), rtol=1e-6)


def test_saving_to_every_kind_of_file(ours, theirs, tmp_path):
    x = torch.ones(1, 3)
    expected = theirs(x)["a"].numpy()
    extra = {"notes.txt": "ü"}
    name = tmp_path / "zażółć 模型 🙂.pt"
    for place in (str(name), name, os.fsencode(name)):
        ours.save(place, _extra_files=extra)
        found = {"notes.txt": ""}
        numpy.testing.assert_allclose(calque.jit.load(place, _extra_files=found)(x)["a"].numpy(), expected, rtol=1e-6)
        assert found["notes.txt"].decode() == "ü"
    undecodable = os.fsencode(tmp_path) + b"/\xff.pt"
    ours.save(os.fsdecode(undecodable))
    numpy.testing.assert_allclose(calque.jit.load(undecodable)(x)["a"].numpy(), expected, rtol=1e-6)
    with open(tmp_path / "b.pt", "wb") as file:
        ours.save(file, extra)
    with open(tmp_path / "b.pt", "rb") as file:
        found = {"notes.txt": "", "absent": ""}
        calque.jit.load(file, "cpu", found)
        assert found == {"notes.txt": "ü".encode(), "absent": b""}
    assert ours.save_to_buffer(extra) == (tmp_path / "b.pt").read_bytes() == name.read_bytes()
    with pytest.raises(ValueError, match="closed"):
        calque.jit.load(file)
    with open(tmp_path / "b.pt", "wb") as file:
        pass
    with pytest.raises(ValueError, match="closed"):
        ours.save(file)
    with pytest.raises(TypeError, match="expected bytes"):
        calque.jit.load(io.StringIO("text"))
    with pytest.raises(TypeError, match="expected a path or a file"):
        calque.jit.load(5)
    with pytest.raises(TypeError, match="expected a path or a file"):
        ours.save(5)
    with pytest.raises(TypeError, match="trace or script it first"):
        calque.jit.save(torch.nn.Linear(1, 1), tmp_path / "c.pt")
    with pytest.raises(TypeError, match="_extra_files"):
        ours.save(tmp_path / "c.pt", _extra_files=["a"])
    with pytest.raises(TypeError, match="_extra_files"):
        calque.jit.load(name, _extra_files={"notes.txt": 5})
    with pytest.raises(ValueError, match="null"):
        calque.jit.load("a\0b")
    with pytest.raises(calque.LoadError):
        ours.save(tmp_path / "absent/d.pt")


def test_a_file_that_fails_while_it_is_written(ours):
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        ours.save(Full())


def test_copies_by_pickle(ours, theirs):
    x = torch.ones(1, 3)
    again = pickle.loads(pickle.dumps(ours))
    numpy.testing.assert_allclose(again(x)["a"].numpy(), theirs(x)["a"].numpy(), rtol=1e-6)
    assert weakref.ref(again)() is again


def test_extra_files_of_torch(path):
    found = {"notes.txt": ""}
    calque.jit.load(path, map_location="cpu", _extra_files=found)
    assert found == {"notes.txt": b"hello"}


def test_dtype_and_copies(path):
    half = calque.jit.load(path, dtype=calque.float16)
    assert half.linear.weight.dtype is calque.float16 and half.count == 3
    module = calque.jit.load(path)
    shared, apart = module.copy(), __import__("copy").deepcopy(module)
    module.linear.bias.fill_(5)
    assert shared.linear.bias.tolist() == [5, 5] and apart.linear.bias.tolist() != [5, 5]
    assert module.to(calque.float64).offset.dtype is calque.float64


def test_limits(ours):
    with pytest.raises(calque.LimitError):
        ours.run([], method="forever", options=calque.jit.RunOptions(max_iterations=1000))
    with pytest.raises(calque.LimitError):
        ours.run([], method="forever", options=calque.jit.RunOptions(max_seconds=0.05))
    with pytest.raises(TypeError, match="a list or a tuple"):
        ours.run(calque.tensor([1.0]))
    cancelled = calque.jit.RunOptions()
    cancelled.cancel()
    with pytest.raises(calque.CancelledError):
        ours.run([], method="forever", options=cancelled)


def test_errors(ours, path, tmp_path):
    with pytest.raises(RuntimeError, match="shape '\\[7\\]' is invalid for input of size 3") as error:
        ours.fails(calque.tensor([1, 2, 3]))
    assert isinstance(error.value, calque.errors.RuntimeError)
    with pytest.raises(TypeError, match="missing value for argument 'x'"):
        ours()
    with pytest.raises(TypeError, match="Unknown keyword argument 'y'"):
        ours(calque.tensor([1.0]), y=1)
    with pytest.raises(TypeError, match="Expected a value of type 'Tensor"):
        ours("text")
    with pytest.raises(TypeError, match="object of type set"):
        ours({1})
    with pytest.raises(calque.LoadError, match="absent.pt"):
        calque.jit.load(tmp_path / "absent.pt")
    broken = tmp_path / "broken.pt"
    broken.write_bytes(path.read_bytes()[:500])
    for kind in (calque.LoadError, OSError, RuntimeError, calque.Error):
        with pytest.raises(kind):
            calque.jit.load(broken)
    with pytest.raises(TypeError, match="calque.optimize"):
        calque.jit.trace(torch.nn.Linear(1, 1), torch.ones(1))
    with pytest.raises(RuntimeError, match="Overflow when unpacking long"):
        ours.values([10**30], {}, (0, 0.0))
    endless = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        ours(endless)


def test_arguments_stay_as_they_are(ours):
    x = numpy.ones((1, 3), numpy.float32)
    before = x.copy()
    ours(x)
    assert (x == before).all()


def test_freezing(ours, theirs):
    x = torch.ones(1, 3)
    frozen = calque.jit.freeze(ours, ["values", "count"])
    numpy.testing.assert_allclose(frozen(x)["a"].numpy(), theirs(x)["a"].numpy(), rtol=1e-6)
    assert frozen.count == 3 and frozen.values([1], {}, (0, 0.0))[0] == 1 and not frozen.state_dict()
    ready = calque.jit.optimize_for_inference(ours)
    numpy.testing.assert_allclose(ready(x)["a"].numpy(), theirs(x)["a"].numpy(), rtol=1e-6)
    with pytest.raises(RuntimeError, match="nonsense"):
        calque.jit.freeze(ours, ["nonsense"])
    with pytest.raises(RuntimeError, match="eval mode"):
        calque.jit.freeze(ours.train())


def test_check(path, tmp_path):
    report = calque.jit.check(path)
    assert report.loads and report.runs and not report.trace and report.error == "" and report.parameters == 8
    assert report.schema.startswith("forward(") and not report.costs and "would load here: yes" in str(report)
    assert any(use.name.startswith("aten::linear") and use.support == "fast" for use in report.operators)
    module = torch.jit.trace(torch.nn.Linear(4, 2).eval(), torch.ones(1, 4))
    module.save(str(tmp_path / "linear.pt"))
    report = calque.jit.check(tmp_path / "linear.pt", shapes=[(3, 4)])
    assert report.trace and report.costs[0].ran and report.costs[0].shape == [3, 4] and report.costs[0].multiply_adds > 0
    assert calque.jit.check(calque.jit.load(tmp_path / "linear.pt"), [[1, 5]]).runs is False
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"nothing")
    report = calque.jit.check(broken)
    assert not report.loads and report.error_kind == "LoadError" and "loads=False" in repr(report)
