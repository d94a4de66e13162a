"""Arguments of recurrent layers, normalisations, resampling, pooling, patches and losses."""

from __future__ import annotations

import math

import torch

from .samples import FLOATS
from .specific import floating, indices, real, sample


def wide(s):
    """float32 or float64, ordinary values."""
    s.dtype = s.choice([torch.float32, torch.float64])
    s.special = False


def tensor(s, sizes):
    return s.tensor(sizes) if s.coin() else s.tensor(sizes, plain=True)


# --- recurrent layers


def layer_weights(s, gates: int, inputs: int, hidden: int, layers: int, directions: int, biases: bool, projection: int = 0):
    out = hidden if projection == 0 else projection
    flat = []
    for layer in range(layers):
        for _ in range(directions):
            width = inputs if layer == 0 else out * directions
            flat += [s.tensor([gates * hidden, width]), s.tensor([gates * hidden, out])]
            if biases:
                flat += [s.tensor([gates * hidden]), s.tensor([gates * hidden])]
            if projection:
                flat.append(s.tensor([projection, hidden]))
    return flat


def recurrent_parts(s, batch: int):
    gates = {"aten::lstm": 4, "aten::gru": 3}.get(s.name, 1)
    inputs, hidden, layers, directions = s.integer(1, 4), s.integer(1, 4), s.integer(1, 2), s.integer(1, 2)
    biases = s.coin()
    projection = s.integer(1, 3) if gates == 4 and s.coin(0.3) else 0
    if projection == hidden:
        projection = 0
    params = layer_weights(s, gates, inputs, hidden, layers, directions, biases, projection)
    state = s.tensor([layers * directions, batch, projection or hidden])
    hx = [state, s.tensor([layers * directions, batch, hidden])] if gates == 4 else state
    return inputs, hx, params, [biases, layers, 0.0, False, directions == 2]


@sample("aten::lstm.input", "aten::gru.input", "aten::rnn_tanh.input", "aten::rnn_relu.input")
def _(s):
    wide(s)
    batch, steps, first = s.integer(1, 3), s.integer(1, 4), s.coin()
    inputs, hx, params, options = recurrent_parts(s, batch)
    return [s.tensor([batch, steps, inputs] if first else [steps, batch, inputs]), hx, params, *options, first]


@sample("aten::lstm.data", "aten::gru.data", "aten::rnn_tanh.data", "aten::rnn_relu.data")
def _(s):
    wide(s)
    counts = sorted((s.integer(1, 3) for _ in range(s.integer(1, 4))), reverse=True)
    inputs, hx, params, options = recurrent_parts(s, counts[0])
    return [s.tensor([sum(counts), inputs]), torch.tensor(counts), hx, params, *options]


@sample("aten::lstm_cell", "aten::gru_cell", "aten::rnn_tanh_cell", "aten::rnn_relu_cell")
def _(s):
    wide(s)
    gates = {"aten::lstm_cell": 4, "aten::gru_cell": 3}.get(s.name, 1)
    batch, inputs, hidden = s.integer(1, 3), s.integer(1, 4), s.integer(1, 4)
    state = s.tensor([batch if s.coin(0.95) else batch + 1, hidden])
    biases = [s.tensor([gates * hidden]), s.tensor([gates * hidden])] if s.coin() else [None, None]
    hx = [state, s.tensor([batch, hidden])] if gates == 4 else state
    return [s.tensor([batch, inputs if s.coin(0.95) else inputs + 1]), hx, s.tensor([gates * hidden, inputs]), s.tensor([gates * hidden, hidden]), *biases]


@sample("aten::_pack_padded_sequence")
def _(s):
    batch, steps, first = s.integer(1, 4), s.integer(1, 5), s.coin()
    lengths = sorted((s.integer(1, steps) if s.coin(0.97) else 0 for _ in range(batch)), reverse=s.coin(0.95))
    shape = [batch, steps] if first else [steps, batch]
    return [s.tensor([*shape, *s.sizes(0, 1)]), torch.tensor(lengths), first]


@sample("aten::_pad_packed_sequence")
def _(s):
    counts = sorted((s.integer(1, 3) for _ in range(s.integer(1, 4))), reverse=True)
    return [s.tensor([sum(counts), *s.sizes(0, 2)]), torch.tensor(counts), s.coin(), s.choice([0, 1, -1.0]) if s.dtype != torch.bool else 0, s.choice([-1, 0, 4, 6, 1])]


@sample("aten::pad_sequence")
def _(s):
    tail = s.sizes(0, 2)
    rows = [s.tensor([s.integer(0, 4), *tail]) for _ in range(s.integer(1, 4))]
    return [rows, s.coin(), s.choice([0.0, 1.0]), s.choice(["right", "left", "right", "up"])]


# --- embeddings and normalisation


@sample("aten::embedding_bag", "aten::embedding_bag.padding_idx")
def _(s):
    wide(s)
    rows, width, count = s.integer(1, 5), s.integer(1, 4), s.integer(0, 6)
    mode, last = s.integer(0, 2), s.coin(0.3)
    starts = sorted(s.integer(0, count) for _ in range(s.integer(0, 2)))
    offsets = [0, *starts, *([count] if last else [])]
    weights = s.tensor([count], plain=True) if mode == 0 and s.coin(0.4) else None
    dtype = s.choice([torch.int64, torch.int64, torch.int32])
    out = [s.tensor([rows, width], plain=True), indices(s, [count], rows, dtype=dtype), torch.tensor(offsets, dtype=dtype), False, mode, False, weights, last]
    return out if s.overload == "" else [*out, s.choice([None, 0, -1])]


@sample("aten::embedding_renorm_")
def _(s):
    wide(s)
    rows = s.integer(1, 5)
    return [s.tensor([rows, s.integer(1, 4)], plain=True), indices(s, [s.integer(0, 4)], rows), s.choice([0.5, 1.0, 2.0]), s.choice([1.0, 2.0, 3.0])]


@sample("aten::native_batch_norm")
def _(s):
    wide(s)
    n = s.integer(1, 4)
    vector = lambda: s.tensor([n], plain=True)
    training = s.coin()
    stats = [vector(), vector().abs() + 0.5] if s.coin() or not training else [None, None]
    return [s.tensor([s.integer(2, 3), n, *s.sizes(0, 2)], plain=True), s.maybe(vector()), s.maybe(vector()), *stats, training, 0.1, 1e-5]


@sample("aten::instance_norm")
def _(s):
    wide(s)
    n = s.integer(1, 4)
    vector = lambda: s.tensor([n], plain=True)
    use_input = s.coin(0.7)
    stats = [vector(), vector().abs() + 0.5] if s.coin() or not use_input else [None, None]
    affine = [vector(), vector()] if s.coin() else [None, None]
    return [s.tensor([s.integer(1, 3), n, s.integer(2, 4), *s.sizes(0, 1)], plain=True), *affine, *stats, use_input, 0.1, 1e-5, True]


@sample("aten::_weight_norm")
def _(s):
    wide(s)
    shape = [s.integer(1, 4) for _ in range(s.integer(2, 3))]
    d = s.choice([0, len(shape) - 1])
    return [tensor(s, shape), s.tensor([n if i == d else 1 for i, n in enumerate(shape)], plain=True), d]


@sample("aten::norm_except_dim")
def _(s):
    wide(s)
    shape = [s.integer(1, 4) for _ in range(s.integer(2, 3))]
    return [s.tensor(shape, plain=True), s.integer(1, 3), s.choice([0, len(shape) - 1, -1])]


# --- resampling


def image(s, n: int, dtypes=None):
    s.dtype = s.choice(dtypes or [torch.float32, torch.float32, torch.float64])
    s.special = False
    return s.tensor([s.integer(1, 2), s.integer(1, 2), *(s.integer(1, 6) for _ in range(n))], plain=s.coin())


RESAMPLERS = {"nearest1d": (1, False), "nearest2d": (2, False), "nearest3d": (3, False), "linear1d": (1, True), "bilinear2d": (2, True), "bicubic2d": (2, True), "trilinear3d": (3, True)}


@sample(*(f"aten::upsample_{name}{form}" for name in RESAMPLERS for form in ("", ".vec")),
        *(f"aten::_upsample_{name}{form}" for name in ("nearest_exact1d", "nearest_exact2d", "nearest_exact3d", "bilinear2d_aa", "bicubic2d_aa", "lanczos2d_aa") for form in ("", ".vec")))  # fmt: skip
def _(s):
    n = int(s.name.replace("_aa", "")[-2])
    corners = [s.coin(0.4)] if "nearest" not in s.name else []
    if "_aa" in s.name:
        corners = [False]
    x = image(s, n)
    # PyTorch repeats the first row of what its filters make one column wide.
    sizes = [s.integer(2 if "_aa" in s.name else 1, 7) if s.coin(0.97) else 0 for _ in range(n)]
    if "_aa" in s.name:
        x = torch.cat([x, x.flip(3)], 3)
    if s.overload == "vec":
        by_size = s.coin()
        factors = [s.choice([1.0, 1.5, 2.0] if "_aa" in s.name else [0.5, 1.0, 1.5, 2.0, 0.7]) for _ in range(n)]
        return [x, sizes if by_size else None, *corners, None if by_size else factors]
    return [x, sizes, *corners, *(s.choice([None, None, out / x.shape[i + 2] or None]) for i, out in enumerate(sizes))]


@sample("aten::__interpolate", "aten::__interpolate.size_list", "aten::__interpolate.scale_list", "aten::__interpolate.size_list_scale_list")
def _(s):
    n = s.integer(1, 3)
    x = image(s, n)
    mode = s.choice(["nearest", "area", ["linear", "bilinear", "trilinear"][n - 1], "bicubic" if n == 2 else "nearest"])
    size = s.integer(1, 6) if s.coin() else None
    scale = None if size is not None else s.choice([0.5, 1.5, 2.0])
    if "size_list" in s.overload and size is not None:
        size = [s.integer(1, 6) for _ in range(n)]
    if "scale_list" in s.overload and scale is not None:
        scale = [s.choice([0.5, 1.5, 2.0]) for _ in range(n)]
    corners = s.choice([None, True, False]) if mode.endswith(("linear", "cubic")) else None
    return [x, size, scale, mode, corners, None, False]


@sample("aten::__upsample", "aten::__upsample.size_list", "aten::__upsample_nearest", "aten::__upsample_nearest.size_list", "aten::__upsample_bilinear", "aten::__upsample_bilinear.size_list",
        "aten::__upsample_bilinear.scale_list", "aten::__upsample_bilinear.size_list_scale_list")  # fmt: skip
def _(s):
    x = image(s, 2)
    size = s.integer(1, 6) if s.coin() else None
    scale = None if size is not None else s.integer(1, 3)
    if "size_list" in s.overload and size is not None:
        size = [s.integer(1, 6), s.integer(1, 6)]
    if "scale_list" in s.overload and scale is not None:
        scale = [s.integer(1, 3), s.integer(1, 3)]
    return [x, size, scale, *([s.choice(["nearest", "bilinear"]), None] if s.name == "aten::__upsample" else [])]


@sample("aten::grid_sampler", "aten::grid_sampler_2d")
def _(s):
    wide(s)
    n = s.integer(1, 2)
    grid = s.tensor([n if s.coin(0.95) else 3, s.integer(1, 4), s.integer(1, 4), 2]) * 0.5
    return [s.tensor([n, s.integer(1, 2), s.integer(1, 5), s.integer(1, 5)]), grid, s.integer(0, 2), s.integer(0, 2), s.coin()]


@sample("aten::affine_grid_generator")
def _(s):
    wide(s)
    n = s.integer(1, 2)
    return [s.tensor([n, 2, 3]), [n, s.integer(1, 3), s.integer(1, 4), s.integer(1, 4)], s.coin()]


# --- pools and patches


def volume(s, n: int):
    real(s, (torch.float32, torch.float64))
    lead = [s.integer(1, 2)] if s.coin(0.3) else [s.integer(1, 2), s.integer(1, 2)]
    return s.tensor([*lead, *(s.integer(2, 5) for _ in range(n))])


@sample("aten::max_pool3d", "aten::max_pool3d_with_indices")
def _(s):
    kernel = [s.integer(1, 2) for _ in range(3)]
    return [volume(s, 3), kernel, s.choice([[], [1], [2, 1, 1]]), [s.integer(0, k // 2) for k in kernel], s.choice([[1], [1, 1, 2]]), s.coin()]


@sample("aten::avg_pool3d")
def _(s):
    kernel = [s.integer(1, 2) for _ in range(3)]
    return [volume(s, 3), kernel, s.choice([[], [1], [2, 1, 1]]), [s.integer(0, k // 2) for k in kernel], s.coin(), s.coin(), s.choice([None, None, 3])]


@sample("aten::adaptive_avg_pool3d", "aten::adaptive_max_pool1d", "aten::adaptive_max_pool2d", "aten::adaptive_max_pool3d")
def _(s):
    n = int(s.name[-2])
    return [volume(s, n), [s.integer(1, 6) for _ in range(n)]]


@sample("aten::max_unpool2d")
def _(s):
    wide(s)
    h, w = s.integer(1, 3), s.integer(1, 3)
    shape = [s.integer(1, 2), s.integer(1, 2), h, w]
    places = torch.stack([torch.randperm(4 * h * w, generator=s.generator)[: h * w] for _ in range(shape[0] * shape[1])]).reshape(shape)
    return [s.tensor(shape), places, [2 * h, 2 * w]]


@sample("aten::im2col")
def _(s):
    floating(s, [torch.float32, torch.float64])
    lead = [s.integer(1, 2)] if s.coin(0.3) else [s.integer(1, 2), s.integer(1, 2)]
    pair = lambda low, high: [s.integer(low, high), s.integer(low, high)]
    return [s.tensor([*lead, s.integer(2, 5), s.integer(2, 5)]), pair(1, 3), pair(1, 2), pair(0, 1), pair(1, 2)]


@sample("aten::col2im")
def _(s):
    floating(s, [torch.float32, torch.float64])
    kernel, size, stride, padding = [s.integer(1, 2), s.integer(1, 2)], [s.integer(2, 5), s.integer(2, 5)], [s.integer(1, 2), s.integer(1, 2)], [s.integer(0, 1), s.integer(0, 1)]
    blocks = math.prod((size[i] + 2 * padding[i] - kernel[i]) // stride[i] + 1 for i in range(2))
    lead = [] if s.coin(0.3) else [s.integer(1, 2)]
    return [s.tensor([*lead, 2 * math.prod(kernel), blocks if s.coin(0.95) else blocks + 1]), size, kernel, [1, 1], padding, stride]


@sample("aten::pixel_shuffle", "aten::pixel_unshuffle", "aten::channel_shuffle", "aten::native_channel_shuffle")
def _(s):
    r = s.integer(1, 3)
    lead = [s.integer(1, 2)] if "channel" in s.name else [max(n, 1) for n in s.sizes(0, 2)]
    if s.name == "aten::pixel_unshuffle":
        return [s.tensor([*lead, 2, r * s.integer(1, 2), r * 2 if s.coin(0.95) else r * 2 + 1]), r]
    return [s.tensor([*lead, r * r * 2 if s.coin(0.95) else 7, 2, 3]), r]


@sample("aten::conv_tbc")
def _(s):
    wide(s)
    inputs, outputs = s.integer(1, 3), s.integer(1, 3)
    return [s.tensor([s.integer(3, 6), s.integer(1, 2), inputs], plain=True), s.tensor([s.integer(1, 3), inputs, outputs], plain=True), s.tensor([outputs], plain=True), s.integer(0, 2)]


@sample("aten::conv_transpose3d.input")
def _(s):
    wide(s)
    groups = s.integer(1, 2)
    x = s.tensor([s.integer(1, 2), groups * 2, s.integer(1, 3), s.integer(1, 3), s.integer(1, 3)])
    weight = s.tensor([groups * 2, s.integer(1, 2), s.integer(1, 2), s.integer(1, 2), 1])
    stride = [s.integer(1, 2) for _ in range(3)]
    return [x, weight, s.maybe(s.tensor([weight.shape[1] * groups])), stride, [0, 0, 0], [s.integer(0, n - 1) for n in stride], groups, [1, 1, s.integer(1, 2)]]


@sample("aten::reflection_pad3d", "aten::replication_pad3d")
def _(s):
    wide(s)
    lead = [s.integer(1, 2)] if s.coin(0.3) else [1, s.integer(1, 2)]
    return [s.tensor([*lead, s.integer(2, 4), s.integer(2, 4), s.integer(2, 4)]), [s.integer(0, 2) for _ in range(6)]]


@sample("aten::bilinear")
def _(s):
    wide(s)
    lead, a, b, out = s.sizes(0, 2), s.integer(1, 3), s.integer(1, 3), s.integer(1, 3)
    return [s.tensor([*lead, a]), s.tensor([*lead, b if s.coin(0.95) else b + 1]), s.tensor([out, a, b]), s.maybe(s.tensor([out]))]


# --- losses


def pair(s):
    wide(s)
    shape = [s.integer(1, 4), s.integer(1, 4)]
    return s.tensor(shape), s.tensor(shape)


@sample("aten::smooth_l1_loss", "aten::huber_loss")
def _(s):
    return [*pair(s), s.integer(0, 2), s.choice([1.0, 0.5, 2.0, -1.0])]


@sample("aten::kl_div")
def _(s):
    x, y = pair(s)
    return [x, y if (log := s.coin()) else y.abs(), s.integer(0, 2), log]


@sample("aten::binary_cross_entropy")
def _(s):
    x, y = pair(s)
    weight = s.maybe(torch.rand(x.shape, generator=s.generator).to(x.dtype), 0.4)
    return [torch.sigmoid(x) if s.coin(0.95) else x + 2, torch.sigmoid(y), weight, s.integer(0, 2)]


@sample("aten::soft_margin_loss")
def _(s):
    x, y = pair(s)
    return [x, torch.where(y > 0, 1.0, -1.0).to(x.dtype), s.integer(0, 2)]


@sample("aten::hinge_embedding_loss")
def _(s):
    x, y = pair(s)
    return [x, torch.where(y > 0, 1.0, -1.0).to(x.dtype), s.choice([1.0, 0.5]), s.integer(0, 2)]


@sample("aten::margin_ranking_loss")
def _(s):
    x, y = pair(s)
    return [x, y, torch.where(x > 0, 1.0, -1.0).to(x.dtype), s.choice([0.0, 0.5]), s.integer(0, 2)]


@sample("aten::cosine_embedding_loss")
def _(s):
    x, y = pair(s)
    target = torch.where(x[:, 0] > 0, 1.0, -1.0).to(x.dtype)
    return [x, y, target if s.coin(0.95) else target.unsqueeze(1), s.choice([0.0, 0.3]), s.integer(0, 2)]


@sample("aten::triplet_margin_loss")
def _(s):
    x, y = pair(s)
    return [x, y, s.tensor(list(x.shape)), s.choice([1.0, 0.2]), s.choice([2.0, 1.0]), 1e-6, s.coin(), s.integer(0, 2)]


@sample("aten::poisson_nll_loss")
def _(s):
    x, y = pair(s)
    log = s.coin()
    return [x if log else x.abs(), y.abs() * 2, log, s.coin(), 1e-8, s.integer(0, 2)]


@sample("aten::multi_margin_loss")
def _(s):
    x, _ = pair(s)
    rows, classes = x.shape
    return [x, indices(s, [rows], classes), s.choice([1, 2]), s.choice([1, 0.5]), s.maybe(s.tensor([classes], plain=True), 0.4), s.integer(0, 2)]


@sample("aten::multilabel_margin_loss")
def _(s):
    x, _ = pair(s)
    rows, classes = x.shape
    target = torch.full((rows, classes), -1)
    for i in range(rows):
        count = s.integer(0, classes)
        target[i, :count] = torch.randperm(classes, generator=s.generator)[:count]
    return [x, target, s.integer(0, 2)]


@sample("aten::ctc_loss.IntList", "aten::ctc_loss.Tensor")
def _(s):
    wide(s)
    steps, batch, classes, longest = s.integer(3, 6), s.integer(1, 3), s.integer(2, 4), s.integer(1, 3)
    log_probs = torch.log_softmax(s.tensor([steps, batch, classes], plain=True), -1)
    lengths = [s.integer(longest, steps) for _ in range(batch)]
    counts = [s.integer(1, longest) for _ in range(batch)]
    targets = torch.tensor([[s.integer(1, classes - 1) for _ in range(longest)] for _ in range(batch)])
    if s.coin(0.3):
        targets = torch.cat([row[:n] for row, n in zip(targets, counts)])
    if s.overload == "Tensor":
        lengths, counts = torch.tensor(lengths), torch.tensor(counts)
    return [log_probs, targets, lengths, counts, 0, s.integer(0, 2), s.coin()]


# --- what is random only in training


@sample("aten::rrelu", "aten::rrelu_")
def _(s):
    floating(s, FLOATS)
    return [tensor(s, s.sizes()) if s.name == "aten::rrelu" else s.tensor(plain=True), s.choice([0.125, 0.1]), s.choice([1 / 3, 0.5]), False, None]


@sample("aten::feature_alpha_dropout", "aten::feature_alpha_dropout_", "aten::feature_dropout_", "aten::alpha_dropout_")
def _(s):
    floating(s)
    return [s.tensor([2, *s.sizes(1, 2)]), s.choice([0.1, 0.5]), False]


@sample("aten::celu_")
def _(s):
    floating(s)
    return [s.tensor(plain=True), s.choice([1.0, 0.5, 2])]


@sample("aten::logit_", "aten::special_logit")
def _(s):
    floating(s)
    return [s.tensor(plain=True), s.choice([None, 1e-6, 0.1])]
