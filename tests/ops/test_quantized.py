"""Dynamically quantised layers: archives of real PyTorch run here, saved again, and loaded by PyTorch."""

import copy
import warnings

import numpy
import pytest
import torch
from torch.ao import quantization

# PyTorch on this processor computes the same integers; only the order of float additions elsewhere differs.
TOLERANCE = 1e-5

SCHEMES = {
    "per_tensor": quantization.default_dynamic_qconfig,
    "per_channel": quantization.per_channel_dynamic_qconfig,
    "float16": quantization.float16_dynamic_qconfig,
}


class Layers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(37, 50)
        self.second = torch.nn.Linear(50, 19, bias=False)

    def forward(self, x):
        return self.second(torch.tanh(self.first(x)))


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def quantised(module, scheme):
    return quantization.quantize_dynamic(module.eval(), {torch.nn.Linear: SCHEMES[scheme]})


def run(calque, archive, folder, **inputs):
    numpy.savez(folder / "in.npz", **{name: x.numpy() for name, x in inputs.items()})
    calque("run", archive, "--input", folder / "in.npz", "--output", folder / "out.npz")
    with numpy.load(folder / "out.npz") as found:
        return [torch.from_numpy(found[name]) for name in found.files]


def assert_close(expected, found):
    scale = max(1.0, float(expected.abs().max()))
    assert expected.shape == found.shape and expected.dtype == found.dtype
    assert float((expected - found).abs().max()) <= TOLERANCE * scale


@pytest.mark.parametrize("form", ["trace", "script", "frozen"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_archives(calque, tmp_path, scheme, form):
    torch.manual_seed(3)
    model = quantised(Layers(), scheme)
    x = torch.randn(5, 37) * 2 + 0.3
    module = torch.jit.script(model) if form == "script" else torch.jit.trace(model, x)
    if form == "frozen":
        module = torch.jit.freeze(module)
    module.save(tmp_path / "m.pt")
    calque("convert", tmp_path / "m.pt", "-o", tmp_path / "again.pt")
    again = torch.jit.load(tmp_path / "again.pt")
    for x in (x, torch.randn(2, 3, 37), torch.zeros(1, 37), torch.rand(4, 37) + 1, -torch.rand(4, 37), torch.randn(300, 37) * 1e-7):
        expected = module(x)
        assert_close(expected, run(calque, tmp_path / "m.pt", tmp_path, x=x)[0])
        assert torch.equal(expected, again(x))
    calque("convert", tmp_path / "again.pt", "-o", tmp_path / "third.pt")
    assert (tmp_path / "again.pt").read_bytes() == (tmp_path / "third.pt").read_bytes()


def test_bert(calque, tmp_path):
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(vocab_size=200, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, torchscript=True)
    model = quantised(BertModel(config), "per_tensor")
    ids, mask = torch.randint(0, 200, (2, 9)), torch.ones(2, 9, dtype=torch.int64)
    mask[1, 6:] = 0
    traced = torch.jit.trace(model, (ids, mask))
    traced.save(tmp_path / "bert.pt")
    expected, found = traced(ids, mask), run(calque, tmp_path / "bert.pt", tmp_path, input_ids=ids, attention_mask=mask)
    # An activation that lies within rounding of a quantum's border may fall on its other side, one step away.
    for a, b in zip(expected, found):
        assert float((a - b).abs().max()) <= 2e-2 and float((a - b).abs().median()) <= 1e-5
    calque("convert", tmp_path / "bert.pt", "-o", tmp_path / "again.pt")
    for a, b in zip(expected, torch.jit.load(tmp_path / "again.pt")(ids, mask)):
        assert torch.equal(a, b)


class Functions(torch.nn.Module):
    """Packs, unpacks and quantises in the program itself."""

    def forward(self, x, w, bias):
        q = torch.quantize_per_tensor(w, 0.02, 3, torch.qint8)
        scales = torch.abs(w).amax(1).to(torch.float64) / 127.0
        channels = torch.quantize_per_channel(w, scales, torch.zeros(w.size(0), dtype=torch.int64), 0, torch.qint8)
        packed = torch.ops.quantized.linear_prepack(q, bias)
        weight, b = torch.ops.quantized.linear_unpack(packed)
        byte = torch.quantize_per_tensor_dynamic(x, torch.quint8, True)
        half = torch.ops.quantized.linear_prepack_fp16(w, bias)
        return [torch.ops.quantized.linear_dynamic(x, packed, True), torch.ops.quantized.linear_relu_dynamic(x, packed),
                torch.ops.quantized.linear_dynamic(x, torch.ops.quantized.linear_prepack(channels, None), False),
                torch.ops.quantized.linear_relu_dynamic_fp16(x, half), torch.ops.quantized.linear_unpack_fp16(half)[0],
                weight.dequantize(), b if b is not None else x, weight.int_repr(), channels.int_repr(), channels.dequantize(),
                channels.q_per_channel_scales(), channels.q_per_channel_zero_points(), byte.int_repr(), byte.dequantize(),
                torch.tensor([byte.q_scale(), float(byte.q_zero_point()), float(channels.q_per_channel_axis())]),
                torch.tensor([weight.is_quantized, x.is_quantized])]  # fmt: skip


@pytest.mark.parametrize("spread", [1.0, 30.0, 1e-3])
def test_functions(calque, tmp_path, spread):
    torch.manual_seed(5)
    module = torch.jit.script(Functions())
    module.save(tmp_path / "f.pt")
    x, w, bias = torch.randn(7, 33) * spread, torch.randn(21, 33), torch.randn(21)
    found = run(calque, tmp_path / "f.pt", tmp_path, x=x, w=w, bias=bias)
    expected = module(x, w, bias)
    assert len(expected) == len(found)
    for a, b in zip(expected, found):
        assert a.dtype == b.dtype and a.shape == b.shape
        assert torch.equal(a, b) if not a.is_floating_point() else torch.allclose(a, b, rtol=1e-5, atol=1e-5 * spread)


class Wrong(torch.nn.Module):
    def forward(self, x, w, kind):
        packed = torch.ops.quantized.linear_prepack(torch.quantize_per_tensor(w, 0.02, 3, torch.qint8), None)
        if int(kind) == 0:
            x = x[0]
        elif int(kind) == 1:
            x = x.double()
        elif int(kind) == 2:
            x = x[:, 1:]
        else:
            x = x * float("nan")
        return torch.ops.quantized.linear_dynamic(x, packed)


TEXTS = [
    "The dimension of input tensor should be larger than or equal to 2",
    "expected scalar type Float but found Double",
    "The number of rows in the packB should be equal to K: 5",
    "In ChooseQuantizationParams, min should be less than or equal to max",
]


@pytest.mark.parametrize("kind", range(len(TEXTS)))
def test_errors(calque, tmp_path, kind):
    module = torch.jit.script(Wrong())
    x, w, kind = torch.randn(2, 6), torch.randn(4, 6), torch.tensor(kind)
    with pytest.raises(RuntimeError, match=TEXTS[kind]):
        module(x, w, kind)
    module.save(tmp_path / "e.pt")
    numpy.savez(tmp_path / "in.npz", x=x.numpy(), w=w.numpy(), kind=kind.numpy())
    done = calque.run("run", tmp_path / "e.pt", "--input", tmp_path / "in.npz", "--output", tmp_path / "out.npz")
    assert done.returncode == 1 and TEXTS[kind] in done.stderr


def test_copies_keep_the_scale(calque, tmp_path):
    class Parameter(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("q", torch.quantize_per_tensor(torch.randn(4, 6), 0.02, 3, torch.quint8))

        def forward(self, x):
            return self.q[1:, 2:].clone().dequantize() + x, self.q.t().contiguous().dequantize()

    module = torch.jit.script(Parameter())
    module.save(tmp_path / "p.pt")
    x = torch.randn(3, 4)
    for a, b in zip(module(x), run(calque, tmp_path / "p.pt", tmp_path, x=x)):
        assert torch.allclose(a, b)
    calque("convert", tmp_path / "p.pt", "-o", tmp_path / "again.pt")
    for a, b in zip(copy.copy(module)(x), torch.jit.load(tmp_path / "again.pt")(x)):
        assert torch.equal(a, b)
