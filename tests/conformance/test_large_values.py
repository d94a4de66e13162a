"""GELU and layer norm of infinities and of values whose squares overflow, on every instruction set. PyTorch in double
precision is the oracle: in float32 it gives NaN or zeros for some of them. What PyTorch has a number for is never NaN here."""

import os

import numpy
import pytest
import torch

INF = float("inf")
VALUES = [INF, -INF, float("nan"), 3e38, -3e38, 1e30, -1e30, 1e20, -1e20, 1e13, -1e13, 14.5, -14.5, 1e-20, 1e-40, -1e-45, 0.0, -0.0]
# A processor that lacks one runs the best that it has.
ISAS = ["scalar", "avx2", "avx512"]
COLUMNS = [2, 5, 16, 37, 64, 384, 768]


class Gelu(torch.nn.Module):
    """By itself, behind a linear layer, and as older programs write it."""

    def __init__(self, approximate):
        super().__init__()
        self.approximate = approximate
        self.linear = torch.nn.Linear(1, 1, bias=False)
        self.linear.weight.data.fill_(1)

    def forward(self, x):
        gelu, y = torch.nn.functional.gelu, self.linear(x)
        if self.approximate == "none":
            written = x * 0.5 * (1.0 + torch.erf(x / 1.4142135623730951))
        else:
            written = 0.5 * x * (1.0 + torch.tanh(0.7978845608028654 * (x + 0.044715 * torch.pow(x, 3.0))))
        return gelu(x, approximate=self.approximate), gelu(y, approximate=self.approximate), written


class Norm(torch.nn.Module):
    """By itself, and behind an addition."""

    def __init__(self, columns):
        super().__init__()
        self.norm = torch.nn.LayerNorm(columns)
        torch.nn.init.normal_(self.norm.weight)
        torch.nn.init.normal_(self.norm.bias)

    def forward(self, x, y):
        return self.norm(x), self.norm(x + y)


def outputs(calque, module, inputs, folder, isa):
    archive, given, found = folder / "m.pt", folder / "in.npz", folder / f"{isa}.npz"
    torch.jit.trace(module, inputs, check_trace=False).save(archive)
    numpy.savez(given, **{f"input.{i}": value.numpy() for i, value in enumerate(inputs)})
    done = calque.run("run", archive, "-i", given, "-o", found, env=os.environ | {"CALQUE_ISA": isa})
    assert done.returncode == 0, done.stderr
    with numpy.load(found) as arrays:
        return [torch.from_numpy(arrays[f"output.{i}"]) for i in range(len(arrays))]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("repeat", [1, 9])
def test_gelu(calque, tmp_path, approximate, repeat, isa):
    module, x = Gelu(approximate).eval(), torch.tensor(VALUES * repeat)[:, None]
    with torch.no_grad():
        there, exact = module(x), module.double()(x.double())[0].float()
        module.float()
    # The limit, which the formula has as 0 times infinity: PyTorch gives NaN.
    exact = torch.where(x == INF, x, exact)
    for found, torchs in zip(outputs(calque, module, (x,), tmp_path, isa), there):
        assert not (found.isnan() & ~torchs.isnan()).any()
        torch.testing.assert_close(found, exact, rtol=2e-6, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("columns", COLUMNS)
def test_layer_norm(calque, tmp_path, columns, isa):
    torch.manual_seed(columns)
    module, generator = Norm(columns).eval(), torch.Generator().manual_seed(columns)
    rows = [torch.randn(2, columns, generator=generator) * size for size in (1.0, 1e15, 1e18, 3e18, 1e19, 1e20, 1e25, 1e30, 3e37)]
    alternating, lone, endless = torch.full((1, columns), 1e20), torch.randn(2, columns, generator=generator), torch.zeros(2, columns)
    alternating[:, ::2] *= -1
    lone[0, 0], lone[1, -1] = 1e20, -3e38
    endless[0, -1], endless[1, 0] = INF, float("nan")
    x = torch.cat([*rows, alternating, lone, endless])
    y = torch.randn(x.shape, generator=generator) * x.abs().amax(-1, keepdim=True).nan_to_num(0, 0) / 9
    with torch.no_grad():
        there = module(x, y)
        exact = [value.float() for value in (module.double()(x.double(), y.double())[0], module(x.double(), (x + y).double() - x.double())[1])]
        module.float()
    for found, torchs, wanted in zip(outputs(calque, module, (x, y), tmp_path, isa), there, exact):
        assert not (found.isnan() & ~torchs.isnan()).any()
        torch.testing.assert_close(found, wanted, rtol=2e-5, atol=2e-5, equal_nan=True)
