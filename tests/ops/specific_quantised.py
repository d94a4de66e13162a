"""Arguments of operators of quantised tensors and packed Linear layers."""

from __future__ import annotations

import warnings

import torch

from .samples import Sampler
from .specific import sample
from .wire import Packed

QUANTISED = [torch.qint8, torch.quint8, torch.qint32]


def quantised(s: Sampler, sizes=None, dtype=None, channels: bool | None = None):
    """A quantised tensor; with one scale for each index of a dimension, which is not empty, when `channels`."""
    dtype = dtype or s.choice(QUANTISED)
    s.special = False
    x = s.tensor(sizes, torch.float32)
    zero = 0 if dtype == torch.quint8 else -5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        axis = s.integer(0, max(x.dim() - 1, 0))
        if channels and x.dim() > 0 and x.size(axis) > 0:
            count = x.size(axis)
            scales = torch.rand(count, generator=s.generator, dtype=torch.float64) + 0.01
            zero_points = torch.randint(zero, 9, (count,), generator=s.generator)
            return torch.quantize_per_channel(x, scales, zero_points, axis, dtype)
        return torch.quantize_per_tensor(x, s.choice([0.02, 0.5, 0.1]), s.integer(zero, 9), dtype)


@sample("aten::dequantize.self", "aten::int_repr")
def any_scale(s):
    return [s.tensor() if s.coin(0.1) else quantised(s, channels=s.coin())]


@sample("aten::dequantize.tensors")
def several(s):
    return [[quantised(s, channels=s.coin()) for _ in range(s.integer(1, 3))]]


@sample("aten::q_scale", "aten::q_zero_point")
def one_scale(s):
    return [s.tensor() if s.coin(0.1) else quantised(s, channels=s.coin(0.1))]


@sample("aten::q_per_channel_scales", "aten::q_per_channel_zero_points", "aten::q_per_channel_axis")
def scale_per_channel(s):
    return [s.tensor() if s.coin(0.1) else quantised(s, s.sizes(1), channels=s.coin(0.9))]


def float_tensor(s, **options):
    s.special = False
    return s.tensor(dtype=torch.float32 if s.coin(0.9) else s.dtype, **options)


@sample("aten::quantize_per_tensor")
def quantize(s):
    dtype = s.choice([*QUANTISED, torch.int8]) if s.coin(0.2) else s.choice(QUANTISED)
    zero_point = s.integer(0, 100) if s.coin(0.85) else s.choice([-3, 200, 300, -200])
    return [float_tensor(s), s.choice([0.1, 0.02, 1.0, 7.5]), zero_point, dtype]


@sample("aten::quantize_per_tensor.tensor_qparams")
def quantize_tensors(s):
    return [float_tensor(s), torch.tensor(s.choice([0.1, 0.02, 1.0])), torch.tensor(s.integer(0, 100)), s.choice(QUANTISED)]


@sample("aten::quantize_per_tensor_dynamic")
def quantize_dynamic(s):
    return [float_tensor(s, sizes=s.sizes(1)), s.choice(QUANTISED), s.coin()]


@sample("aten::quantize_per_channel")
def quantize_channels(s):
    shape = s.sizes(1)
    axis = s.integer(0, len(shape) - 1)
    shape[axis] = shape[axis] or 3
    count = shape[axis] + s.coin(0.05)
    scales = torch.rand(count, generator=s.generator, dtype=s.choice([torch.float32, torch.float64])) + 0.01
    zero_points = torch.randint(0, 20, (count,), generator=s.generator)
    return [float_tensor(s, sizes=shape), scales, zero_points, axis, s.choice(QUANTISED)]


def weight(s, n: int, k: int, kind: str):
    if kind == "float16":
        return s.tensor([n, k], torch.float32, plain=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = torch.randn(n, k, generator=s.generator)
        if kind == "channels":
            scales = torch.rand(n, generator=s.generator, dtype=torch.float64) + 0.01
            return torch.quantize_per_channel(x, scales, torch.zeros(n, dtype=torch.int64), 0, torch.qint8)
        return torch.quantize_per_tensor(x, 0.02, s.integer(-5, 9), torch.qint8)


def parameters(s, kind: str | None = None):
    n, k = s.integer(1, 20), s.integer(1, 40)
    s.special = False
    # PyTorch does not look at the bias of a float16 layer, and reads behind its end.
    wrong = kind != "float16" and s.coin(0.04)
    bias = s.maybe(s.tensor([n + wrong], torch.float32, plain=True))
    return weight(s, n, k, kind or s.choice(["tensor", "channels"])), bias


@sample("quantized::linear_prepack")
def prepack(s):
    return list(parameters(s))


@sample("quantized::linear_prepack_fp16")
def prepack_fp16(s):
    return list(parameters(s, "float16"))


def packed(s, kind: str | None = None):
    while True:
        w, bias = parameters(s, kind)
        if bias is None or bias.numel() == w.size(0):
            return Packed(w, bias)


@sample("quantized::linear_unpack")
def unpack(s):
    return [packed(s)]


@sample("quantized::linear_unpack_fp16")
def unpack_fp16(s):
    return [packed(s, "float16")]


def activations(s, p: Packed):
    sizes = [*s.sizes(1, 3), p.weight.size(1) + s.coin(0.04)]
    return s.tensor(sizes[1:] if s.coin(0.05) else sizes, s.dtype if s.coin(0.05) else torch.float32)


@sample("quantized::linear_dynamic", "quantized::linear_relu_dynamic")
def linear_dynamic(s):
    p = packed(s)
    return [activations(s, p), p, True]


@sample("quantized::linear_dynamic_fp16", "quantized::linear_relu_dynamic_fp16")
def linear_dynamic_fp16(s):
    p = packed(s, "float16")
    return [activations(s, p), p]
