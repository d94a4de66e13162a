"""calque.optimize: torch modules in, the same callable out, checked."""

import pytest
import torch
import transformers

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(5, 3)
        self.extra = 7

    def forward(self, x, y):
        hidden = torch.tanh(self.linear(x))
        return hidden, hidden.sum() + y


@pytest.fixture
def small():
    torch.manual_seed(0)
    return Small().eval()


def test_script_module(small):
    inputs = (torch.ones(2, 5), torch.tensor(1.0))
    traced = torch.jit.trace(small, inputs)
    fast = calque.optimize(traced, inputs)
    assert fast.report.max_difference < 1e-5 and fast.report.speed_up > 0 and "times as fast" in str(fast.report)
    x, y = torch.randn(4, 5), torch.tensor(2.0)
    found, expected = fast(x, y), traced(x, y)
    assert isinstance(found, tuple) and all(isinstance(value, torch.Tensor) for value in found)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_path_is_verified_at_the_first_call(small, tmp_path):
    inputs = (torch.ones(2, 5), torch.tensor(1.0))
    path = tmp_path / "small.pt"
    torch.jit.trace(small, inputs).save(str(path))
    fast = calque.optimize(path)
    assert fast.report is None
    torch.testing.assert_close(fast(*inputs)[0], small(*inputs)[0])
    assert fast.report is not None


def test_eager_transformers_model(tiny):
    model = transformers.AutoModel.from_pretrained(tiny)
    ids = torch.tensor([[101, 7592, 2088, 102]])
    example = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    fast = calque.optimize(model, example)
    assert fast.config is model.config
    longer = torch.tensor([[101, 7592, 2088, 2088, 2023, 102], [101, 2023, 102, 0, 0, 0]])
    inputs = {"input_ids": longer, "attention_mask": (longer > 0).long()}
    found, expected = fast(**inputs), model(**inputs)
    assert type(found) is type(expected)
    torch.testing.assert_close(found.last_hidden_state, expected.last_hidden_state, rtol=1e-4, atol=1e-5)


def test_eager_module_is_traced_for_each_set_of_arguments(tiny):
    model = transformers.AutoModel.from_pretrained(tiny)
    fast = calque.optimize(model)
    assert fast.report is None
    ids = torch.tensor([[101, 7592, 2088, 102]])
    mask = torch.tensor([[1, 1, 1, 0]])
    for args, kwargs in (((ids,), {}), ((ids, mask), {}), ((), {"input_ids": ids, "token_type_ids": 1 - mask}), ((ids, None), {})):
        found, expected = fast(*args, **kwargs), model(*args, **kwargs)
        assert type(found) is type(expected)
        torch.testing.assert_close(found[0], expected[0], rtol=1e-4, atol=1e-5)
    assert fast.report.max_difference < 1e-4 and fast.module.argument_names()


def test_a_trace_that_has_baked_in_its_shape_is_found():
    class Baked(torch.nn.Module):
        def forward(self, x):
            return x * float(x.shape[0])

    fast = calque.optimize(Baked().eval())
    assert fast(torch.ones(2)).tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="outputs differ.*baked-in sizes"):
        fast(torch.ones(3))


def test_other_kinds_of_tensors(small):
    class Kinds(torch.nn.Module):
        def forward(self, x):
            return {"a": [x.to(torch.bfloat16), x > 0], "b": (x.sum().long(), None)}

    fast = calque.optimize(torch.jit.script(Kinds()))
    with torch.enable_grad():
        x = torch.randn(4, 6, requires_grad=True)[:, ::2].t()
    found, expected = fast(x), Kinds()(x)
    assert found["a"][0].dtype is torch.bfloat16 and torch.equal(found["a"][1], expected["a"][1])
    assert found["b"] == (expected["b"][0], None)


def test_mistakes(small):
    class Noisy(torch.nn.Module):
        def forward(self, x):
            return x + torch.rand(3)

    with pytest.raises(RuntimeError, match="outputs differ"):
        calque.optimize(torch.jit.script(Noisy()), torch.ones(3))
    with pytest.raises(ValueError, match="is traced when it is called"):
        calque.optimize(small).module  # noqa: B018
    with pytest.raises(TypeError, match="the argument 'y' is a int"):
        calque.optimize(small)(torch.ones(2, 5), 1)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        calque.optimize(small)(torch.ones(2, 5))
    with pytest.raises(ValueError, match="training mode"):
        calque.optimize(small.train(), torch.ones(2, 5))
    with pytest.raises(TypeError, match="found int"):
        calque.optimize(5)
    with pytest.raises(calque.LoadError):
        calque.optimize("absent.pt")
    with pytest.raises(AttributeError):
        calque.optimize(torch.jit.script(Noisy())).nonsense  # noqa: B018
