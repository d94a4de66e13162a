"""Real PyTorch loads modules that were built node by node, and computes what they mean."""

import math

import pytest
import torch


def load(folder, name):
    extra = {"note.txt": ""}
    module = torch.jit.load(folder / f"{name}.pt", _extra_files=extra)
    assert extra["note.txt"] == name.encode()
    return module


def test_weights(handmade, records):
    module = load(handmade, "weights")
    base = torch.arange(1.0, 7.0)
    assert [name for name, _ in module.named_parameters()] == ["weight"]
    state = module.state_dict()
    assert torch.equal(state["odd"], base[1::2])
    assert torch.equal(state["transposed"], base.view(2, 3).t())
    assert state["expanded"].stride() == (0, 1) and torch.equal(state["expanded"], base[2:5].expand(4, 3))
    assert state["scalar"].item() == 2.5 and state["scalar"].dtype == torch.float64
    assert state["empty"].shape == (0, 3)
    for name, value in state.items():
        if name.startswith("as_"):
            assert value.dtype == getattr(torch, name[3:]) and value.tolist() == [1, 1]
    assert state["weight"].data_ptr() == state["tied"].data_ptr()
    assert state["odd"].untyped_storage().data_ptr() == state["weight"].data_ptr()
    assert module.weight.requires_grad and not module.odd.requires_grad
    assert torch.equal(module(torch.ones(6)), (1 + base) * base)
    assert sum(name.startswith("data/") for name in records(handmade / "weights.pt")) == 12


@pytest.mark.parametrize("n", [1, 2, 5, 200])
@pytest.mark.parametrize("flag", [True, False])
def test_control(handmade, n, flag):
    module = load(handmade, "control")
    x = torch.tensor([1.0, -2.0])
    before, a, b, left, doubled, chosen, second = module(x, n, flag)
    assert torch.equal(before, -x)
    expected = x, -x
    for i in range(n):
        expected = expected[1], expected[0] + i
    assert torch.equal(a, expected[0]) and torch.equal(b, expected[1])
    assert left == 2 * min(n - 1, 3)
    while n < 100:
        n += n
    assert doubled == n
    assert torch.equal(chosen, -x if flag else -2 * x)
    assert (second is None) == (not flag)


def test_calls(handmade):
    module = load(handmade, "calls")
    x = torch.tensor([1.0, -2.0])
    a, c, d, e, f, waited = module(x)
    assert torch.equal(a, 3 * x) and torch.equal(c, 9 * x) and torch.equal(d, 27 * x)
    assert torch.equal(e, -27 * x) and torch.equal(f, -x) and torch.equal(waited, -3 * x), "methods run without hooks"
    assert torch.equal(module.child(x), 100 - x), "hooks run when a module is called"


def test_values(handmade, records):
    module = load(handmade, "values")
    values = list(module())
    inf = math.inf
    floats = values[:11]
    assert math.isnan(floats.pop(2))
    assert floats == [inf, -inf, 0.1, 0.0, 1e10, 12345678901.0, 1e16, 1e17, 1e22, 5e-324]
    assert all(isinstance(value, float) for value in floats) and math.copysign(1, floats[3]) == -1
    assert values[11:14] == [2**63 - 1, -(2**63), -1]
    assert values[14:18] == ["\r\0\x01\t\n\\'\"\x7f", "żółw", "x" * 60, ""]
    assert values[18:20] == [1.5 - 2j, complex(-0.0, inf)] and math.copysign(1, values[19].real) == -1
    assert values[20] == torch.device("cpu")
    assert values[21:23] == ["RED", 'r"ed']
    assert tuple(values[23]) == (1, None) and values[23].a == 1
    assert values[24:29] == [[], [1.0, 2.5], ["a", "ü"], [1, None], {}]
    assert torch.equal(values[29], torch.tensor([1.0, 2.0])) and torch.equal(values[30], values[29])
    assert values[31].item() == 7 and values[31].shape == ()
    assert values[32:] == [True, None, (1,), ()]
    stored = [name for name in records(handmade / "values.pt") if name.startswith("constants/")]
    assert len(stored) == 2, "equal constants are kept once"


def test_names(handmade):
    module = load(handmade, "names")
    values = list(module(torch.tensor(-3.0)))
    assert values[:9] == [1, 2, 10, 11, 12, 13, 14, 15, 16]
    assert [float(value) for value in values[9:]] == [6.0] * 20
    assert getattr(module, "q\"t") == 12


def test_objects(handmade, records):
    module = load(handmade, "objects")
    assert module() == (7, 17, 2.5), "the two attributes are one object"
    assert module.ints == [1, 300, 70000, 2**40, -3] and module.flags == [True, False]
    assert module.words == ["a", "ż"] and module.table == {"x": [1.5]}
    assert str(module.device) == "cuda:1" and module.nothing is None
    code = [name for name in records(handmade / "objects.pt") if name.startswith("code/")]
    assert code == [f"code/__torch__/handmade{part}.py" for part in ("", "/hidden", "/constant")]


def test_layout(handmade, records):
    for path in sorted(handmade.glob("*.pt")):
        names = list(records(path))
        stages = ["extra/", "data/", "data.pkl", "code/", "constants", ".data/version", "byteorder", ".data/serial"]
        order = [next(i for i, stage in enumerate(stages) if name.startswith(stage)) for name in names]
        assert order == sorted(order)
        assert records(path)[".data/version"] == b"10\n" and records(path)["byteorder"] == b"little"


def test_same_bytes(handmade, tool, tmp_path):
    assert tool("writer_modules", tmp_path).returncode == 0
    for path in sorted(handmade.glob("*.pt")):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_no_half_written_file(tool, tmp_path):
    done = tool("writer_modules", tmp_path / "missing")
    assert done.returncode == 1 and "missing" in done.stderr
    assert list(tmp_path.iterdir()) == []
