"""Code that a file wants run while it is loaded: never. Packed weights, which PyTorch restores so, are known by type."""

import pathlib
import zipfile
from typing import Tuple

import pytest
import torch
from torch import nn

from jit_compare import same

REFUSAL = "has a __setstate__ method: code that would have to run while the file is loaded"


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = 3
        self.w = torch.ones(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.n + self.w

    @torch.jit.export
    def __getstate__(self):
        return (self.n, self.w, self.training)

    @torch.jit.export
    def __setstate__(self, state: Tuple[int, torch.Tensor, bool]):
        self.n = state[0] + 1
        self.w = state[1]
        self.training = state[2]


class Holder(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Stateful()

    def forward(self, x):
        return self.inner(x)


class TwoLinears(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a = nn.Linear(8, 6)
        self.b = nn.Linear(6, 2)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


@pytest.mark.parametrize(("kind", "place"), [(Stateful, "the root"), (Holder, "attribute inner")])
def test_refused(kind, place, tmp_path, calque):
    path = tmp_path / "m.pt"
    torch.jit.script(kind().eval()).save(str(path))
    for command in (["check", path], ["inspect", path], ["run", path], ["convert", path, "-o", tmp_path / "out.safetensors"]):
        done = calque.run(*command)
        assert done.returncode == 1
        assert REFUSAL in done.stdout + done.stderr, command
        assert place in done.stdout + done.stderr


def test_endless_setstate_does_not_hang(tmp_path, calque):
    """The same archive with a __setstate__ that never ends: the refusal comes at once."""
    plain, bad = tmp_path / "plain.pt", tmp_path / "bad.pt"
    torch.jit.script(Holder().eval()).save(str(plain))
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(bad, "w") as new:
        for record in old.infolist():
            content = old.read(record)
            if record.filename.endswith(".py"):
                text = content.decode()
                assert "    return None\n" in text
                content = text.replace("    return None\n", "    while True:\n      print(1)\n    return None\n").encode()
            new.writestr(record.filename, content)
    done = calque.run("run", bad)
    assert done.returncode == 1 and REFUSAL in done.stderr


def test_freezing_in_pytorch_helps(tmp_path, calque, jit_tool, agrees):
    """As the message says."""
    path = tmp_path / "m.pt"
    torch.jit.freeze(torch.jit.script(Holder().eval())).save(str(path))
    agrees(path, [("forward", (torch.ones(3, 2),))])


@pytest.mark.parametrize("dtype", [torch.qint8, torch.float16], ids=str)
@pytest.mark.parametrize("how", ["script", "trace"])
def test_packed_weights_are_read_by_type(how, dtype, tmp_path, agrees, jit_tool, calque):
    """Dynamically quantised Linears; frozen by us, PyTorch reads them back."""
    model = torch.ao.quantization.quantize_dynamic(TwoLinears().eval(), {nn.Linear}, dtype=dtype)
    inputs = torch.linspace(-1, 1, 24).reshape(3, 8)
    path, frozen = tmp_path / "m.pt", tmp_path / "frozen.pt"
    made = torch.jit.script(model) if how == "script" else torch.jit.trace(model, inputs)
    torch.jit.save(made, str(path))
    agrees(path, [("forward", (inputs,))])
    jit_tool("freeze", path, frozen)
    agrees(frozen, [("forward", (inputs,))])
    mine = torch.jit.load(str(frozen))
    same(mine(inputs), model(inputs), 1e-6)
    assert "CONSTANTS" in mine.code and [name for name, _ in mine.named_modules()] == [""]
    assert '"weight_bytes": 0' not in calque("check", path, "--json")


def test_unknown_native_classes_are_refused(tmp_path, calque):
    path = tmp_path / "m.pt"
    torch.jit.script(torch.ao.nn.quantized.Conv2d(2, 2, 3)).save(str(path))
    done = calque.run("check", path)
    assert done.returncode == 1 and "torch.classes.quantized" in done.stdout + done.stderr


def test_documented():
    text = (pathlib.Path(__file__).resolve().parents[2] / "docs/safety.md").read_text()
    assert "LinearPackedParamsBase" in text and "__setstate__" in text
