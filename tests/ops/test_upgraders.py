"""Operators whose meaning changed: hand-made archives with old version numbers, compared with torch.jit.load of the same file."""

import io
import zipfile

import numpy
import pytest
import torch

VERSIONS = range(2, 11)

# Bodies of `forward(self, x: Tensor, y: Tensor, i: Tensor, j: Tensor)`: floats and whole numbers.
BODIES = {
    "div_tensor": "return [torch.div(x, y), torch.div(i, j), torch.div(x, j), torch.div(i, y)]",
    "div_scalar": "return [torch.div(x, 2), torch.div(i, 2), torch.div(i, 2.5), torch.div(x, 0.3)]",
    "div_number_tensor": "return [torch.div(7, j), torch.div(7., y)]",
    "div_mode": 'return [torch.div(i, j, rounding_mode="floor"), torch.div(i, j, rounding_mode="trunc"), torch.div(x, 2, rounding_mode="floor"), torch.div(i, 3, rounding_mode=None)]',
    "div_in_place": "a = torch.clone(x)\n    b = torch.clone(i)\n    c = torch.clone(x)\n    d = torch.clone(i)\n    return [torch.div_(a, y), torch.div_(b, j), torch.div_(c, j), torch.div_(d, 2)]",
    "div_in_place_mode": 'a = torch.clone(i)\n    b = torch.clone(x)\n    return [torch.div_(a, j, rounding_mode="trunc"), torch.div_(b, 2, rounding_mode="floor")]',
    "divide": "return [torch.divide(x, y), torch.true_divide(i, j), torch.floor_divide(i, j)]",
    "full": "return [torch.full([2, 3], 7), torch.full([2], 1.5), torch.full([2], True), torch.full([2], 7, dtype=4), torch.full([0], 2)]",
    "full_like": "return [torch.full_like(x, 2), torch.full_like(i, 2)]",
    "linspace": "return [torch.linspace(0, 5, 6), torch.linspace(0, 1, 11, dtype=7)]",
    "linspace_without_steps": "return [torch.linspace(0, 5), torch.linspace(0, 5, None), torch.linspace(-1., 1., dtype=7)]",
    "logspace": "return [torch.logspace(0, 2, 3), torch.logspace(0, 2, 3, 2.)]",
    "logspace_without_steps": "return [torch.logspace(0, 2), torch.logspace(0, 1, None, 3.)]",
    "gelu": "return [torch.gelu(x), torch.gelu(y)]",
    "gelu_form": 'return [torch.gelu(x, approximate="tanh"), torch.gelu(y, approximate="none")]',
    "arange": "return [torch.arange(3), torch.arange(0, 2.5), torch.arange(1, 9, 3)]",
}  # fmt: skip


def archive(body: str, version: int) -> bytes:
    source = (
        "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n"
        f"  def forward(self: __torch__.M,\n    x: Tensor,\n    y: Tensor,\n    i: Tensor,\n    j: Tensor) -> List[Tensor]:\n    {body}\n"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        written.writestr("m/data.pkl", b"\x80\x02c__torch__\nM\n)\x81}(X\x08\x00\x00\x00training\x89ub.")
        written.writestr("m/code/__torch__.py", source)
        written.writestr("m/constants.pkl", b"\x80\x02).")
        written.writestr("m/version", f"{version}\n")
    return out.getvalue()


X = torch.tensor([1.5, -2.0, 7.25, 0.5])
Y = torch.tensor([0.5, 3.0, -2.0, 0.25])
I = torch.tensor([7, -7, 9, 2])  # noqa: E741
J = torch.tensor([2, 2, -4, 5])


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("version", VERSIONS)
def test_means_what_it_meant(calque, tmp_path, name, version):
    path = tmp_path / "m.pt"
    path.write_bytes(archive(BODIES[name], version))
    inputs = {"x": X, "y": Y, "i": I, "j": J}
    try:
        expected = torch.jit.load(path)(*inputs.values())
    except RuntimeError as error:
        expected = error
    numpy.savez(tmp_path / "in.npz", **{key: value.numpy() for key, value in inputs.items()})
    done = calque.run("run", path, "--input", tmp_path / "in.npz", "--output", tmp_path / "out.npz")
    if isinstance(expected, RuntimeError) and "File a bug report" in str(expected):
        pytest.skip("PyTorch cannot load a number divided by a tensor at this version")
    if isinstance(expected, RuntimeError):
        assert done.returncode == 1, f"PyTorch: {expected}\nhere: {done.stdout}"
        return
    assert done.returncode == 0, done.stderr
    with numpy.load(tmp_path / "out.npz") as found:
        results = [torch.from_numpy(found[key]) for key in found.files]
    assert [(r.dtype, r.shape) for r in results] == [(e.dtype, e.shape) for e in expected]
    for a, b in zip(expected, results):
        assert torch.allclose(a, b, rtol=1e-6, atol=1e-7)


def test_every_operator_that_pytorch_upgrades():
    """PyTorch's own table: a new entry there is looked at here."""
    upgraded = {name for name in torch._C._get_operator_version_map() if not name.endswith((".out", ".out_mode"))}
    assert upgraded == {
        "aten::div.Tensor", "aten::div.Scalar", "aten::div_.Tensor", "aten::div_.Scalar",
        "aten::div.Tensor_mode", "aten::div.Scalar_mode", "aten::div_.Tensor_mode", "aten::div_.Scalar_mode",
        "aten::full", "aten::linspace", "aten::logspace", "aten::gelu",
    }  # fmt: skip
