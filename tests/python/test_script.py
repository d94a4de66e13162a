"""calque.jit.script: functions, classes, modules; the same programs under torch.jit.script."""

import copy
import importlib.util
import io
import pathlib
import sys
import textwrap

import numpy
import pytest
import torch

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

HERE = pathlib.Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("scripted", HERE / "scripted.py")
scripted = importlib.util.module_from_spec(SPEC)
sys.modules["scripted"] = scripted
SPEC.loader.exec_module(scripted)
LINES = (HERE / "scripted.py").read_text().splitlines()


def line_of(text: str) -> int:
    (number,) = [i for i, line in enumerate(LINES, 1) if line.strip() == text]
    return number


def close(a, b):
    numpy.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)


def test_function():
    here, there = calque.jit.script(scripted.pooled), scripted.pooled
    hidden, mask = torch.randn(2, 4, 5), torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])
    close(here(hidden, mask), there(hidden, mask))
    close(here(hidden.numpy(), mask=mask), there(hidden, mask))
    assert here.name == "pooled" and here.schema == "pooled(Tensor hidden, Tensor mask) -> Tensor"
    assert "def pooled" in here.code and "aten::sum" in here.inlined_graph and "pooled" in repr(here)
    assert here.__wrapped__ is scripted.pooled and calque.jit.script(here) is here
    buffer = io.BytesIO()
    calque.jit.save(here, buffer)
    buffer.seek(0)
    close(torch.jit.load(buffer)(hidden, mask), there(hidden, mask))


def test_function_with_all_that_it_refers_to():
    here, there = calque.jit.script(scripted.many), scripted.many
    x = torch.ones(2)
    for arguments in (([1, 2], "n"), ([], None)):
        found, expected = here(x, *arguments), there(x, *arguments)
        close(found[0], expected[0])
        assert found[1:] == expected[1:]
    wrapped = calque.jit.script(calls_others)
    assert wrapped(x).tolist() == calls_others(x).tolist()


SHIFT = calque.jit.script(scripted.fails_when_run)


def calls_others(x: torch.Tensor):
    kind = scripted_kind(x)
    return x + kind


def scripted_kind(x: torch.Tensor) -> int:
    return 3 if x.dim() == 1 else 4


def test_nested_functions_and_decorators():
    factor = 2.5

    @calque.jit.script
    def scaled(x: torch.Tensor, unused_name: int = 1):
        EPSILON = x * factor
        return EPSILON

    assert scaled(torch.ones(2)).tolist() == [2.5, 2.5]


def test_classes():
    assert calque.jit.script(scripted.Counter) is scripted.Counter
    with pytest.raises(calque.LoadError, match="a module is an object that Python makes"):
        calque.jit.script(scripted.Classifier)


def test_modules_of_torch():
    torch.manual_seed(0)
    model = scripted.Classifier().eval()
    here, there = calque.jit.script(model), torch.jit.script(model)
    ids = torch.tensor([[1, 2, 0], [4, 19, 3]])
    close(here(ids), there(ids))
    close(here(ids, scale=2.0), there(ids, 2.0))
    assert here.classes(ids).tolist() == there.classes(ids).tolist()
    assert list(here.state_dict()) == list(there.state_dict())
    assert [n for n, _ in here.named_parameters()] == [n for n, _ in there.named_parameters()]
    assert [n for n, _ in here.named_buffers()] == [n for n, _ in there.named_buffers()]
    assert [n for n, _ in here.named_modules()] == [n for n, _ in model.named_modules()]
    assert here.original_name == "Classifier" and not here.training and not hasattr(here, "in_python_only")
    # The weights are the model's own, and shared ones stay shared.
    model.first.bias.data += 1
    close(here(ids), model(ids))
    buffer = io.BytesIO()
    here.save(buffer)
    buffer.seek(0)
    loaded = torch.jit.load(buffer)
    close(here(ids), loaded(ids))
    assert loaded.first.weight.data_ptr() == loaded.again.weight.data_ptr()
    close(copy.deepcopy(here).half().float()(ids).round(), loaded(ids).round())
    training = calque.jit.script(copy.deepcopy(model).train())
    assert training.training


def test_plain_objects():
    weight = numpy.eye(3, dtype=numpy.float32)
    here = calque.jit.script(scripted.Plain(weight))
    found, count = here(torch.ones(1, 3))
    assert found.tolist() == [[2.0, 2.0, 2.0]] and count == 2
    assert list(here.state_dict()) == ["weight"]
    there = torch.jit.load(io.BytesIO(here.save_to_buffer()))
    close(there(torch.ones(1, 3))[0], found)


class Own(calque.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = calque.nn.Parameter(calque.ones(2, 3))
        self.register_buffer("offset", calque.zeros(3))
        self.register_parameter("absent", None)
        self.part = Part()

    def forward(self, x: calque.Tensor) -> calque.Tensor:
        if self.absent is not None:
            return x
        return self.part(x @ self.weight) + self.offset


class Part(calque.nn.Module):
    def forward(self, x):
        return x * 2


def test_modules_of_ours():
    model = Own().eval()
    x = calque.ones(1, 2)
    assert model(x).tolist() == [[4.0, 4.0, 4.0]]
    here = calque.jit.script(model)
    assert here(x).tolist() == [[4.0, 4.0, 4.0]] and here.part(x).tolist() == [[2.0, 2.0]]
    assert list(here.state_dict()) == list(model.state_dict()) == ["weight", "offset"]
    assert torch.jit.load(io.BytesIO(here.save_to_buffer()))(torch.ones(1, 2)).tolist() == [[4.0, 4.0, 4.0]]
    with pytest.raises(AttributeError, match="before Module.__init__"):
        NotReady()
    with pytest.raises(AttributeError, match="nonsense"):
        model.nonsense  # noqa: B018


class NotReady(calque.nn.Module):
    def __init__(self):
        self.weight = calque.nn.Parameter(calque.ones(1))


def test_errors_name_the_place_in_the_file():
    with pytest.raises(calque.LoadError) as error:
        calque.jit.script(scripted.uses_numpy)
    assert f"scripted.py:{line_of('import numpy')}:5:" in str(error.value)
    nested = scripted.Wrong().inner()
    with pytest.raises(RuntimeError) as error:
        calque.jit.script(nested)
    line = line_of("return x.no_such_method(1)")
    column = LINES[line - 1].index("x.no_such") + 1
    assert f"scripted.py:{line}:" in str(error.value) or f"scripted.py line {line}" in str(error.value)
    places = [int(part.split(":")[1]) for part in str(error.value).split("scripted.py:")[1:]]
    assert all(place >= column for place in places), str(error.value)
    with pytest.raises(RuntimeError, match="shape '\\[7\\]' is invalid") as error:
        SHIFT(torch.ones(2))
    assert f"scripted.py line {line_of('return y.view(7)')}" in str(error.value)


def test_errors_in_methods_name_the_place():
    class Broken:
        def forward(self, x: torch.Tensor):
            y = x + 1
            return undefined_name + y

    lines = pathlib.Path(__file__).read_text().splitlines()
    (number,) = [i for i, text in enumerate(lines, 1) if text.strip() == "return undefined_name + y"]
    with pytest.raises(calque.LoadError) as error:
        calque.jit.script(Broken())
    column = lines[number - 1].index("undefined_name") + 1
    assert f"test_script.py:{number}:{column}:" in str(error.value)


def test_mistakes():
    class Odd:
        def __init__(self):
            self.thing = object()

        def forward(self, x: torch.Tensor):
            return self.thing

    class Holder:
        def __init__(self, child):
            self.child = child

        def forward(self, x: torch.Tensor):
            return self.child(x)

    with pytest.raises(NotImplementedError, match="Odd.thing is a object"):
        calque.jit.script(Odd())
    with pytest.raises(NotImplementedError, match="Holder.child is a ScriptModule already"):
        calque.jit.script(Holder(calque.jit.script(Own())))
    with pytest.raises(NotImplementedError, match="lambda"):
        calque.jit.script(lambda x: x)
    with pytest.raises(TypeError, match="found int"):
        calque.jit.script(5)
    made = {}
    exec("def without_file(x):\n    return x\n", made)
    with pytest.raises(RuntimeError, match="source of without_file cannot be read"):
        calque.jit.script(made["without_file"])


def test_compilation_unit():
    text = textwrap.dedent("""
        def twice(x, n: int = 2):
            return x * n

        def both(x):
            return twice(x), x
    """)
    unit = calque.jit.CompilationUnit(text, label="both.py")
    assert unit.function_names() == ["twice", "both"]
    assert unit.twice(torch.ones(1), n=5).tolist() == [5.0] and unit.find_function("absent") is None
    assert [value.tolist() for value in unit.both(calque.ones(1))] == [[2.0], [1.0]]
    with pytest.raises(AttributeError, match="absent"):
        unit.absent  # noqa: B018
    with pytest.raises(calque.LoadError, match="wrong.py:2:12"):
        calque.jit.CompilationUnit("def f(x):\n    return y\n", label="wrong.py")
    assert calque.jit.annotate(int, 3) == 3 and not calque.jit.is_scripting() and not calque.jit.is_tracing()
