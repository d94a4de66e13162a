"""Every layer that people stack, one module for each family; losses and activations in lists."""

from typing import Dict, List, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence


class Activations(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.ReLU(), nn.ReLU6(), nn.ELU(0.7), nn.CELU(1.3), nn.SELU(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Sigmoid(), nn.Tanh(), nn.LogSigmoid(),
            nn.Softplus(2.0, 5.0), nn.Softshrink(0.3), nn.Hardshrink(0.3), nn.Tanhshrink(), nn.Softsign(), nn.Hardtanh(-0.5, 0.5), nn.Hardswish(), nn.Hardsigmoid(),
            nn.LeakyReLU(0.2), nn.RReLU(), nn.PReLU(4), nn.Threshold(0.1, -3.0), nn.Softmax(-1), nn.LogSoftmax(1), nn.Softmin(0), nn.GLU(-1), nn.Softmax2d(), nn.Identity(),
            nn.Dropout(0.3), nn.AlphaDropout(0.3), nn.FeatureAlphaDropout(0.3), nn.Dropout2d(0.3), nn.Dropout3d(0.3)])  # fmt: skip

    def forward(self, x: Tensor) -> List[Tensor]:
        out: List[Tensor] = []
        for layer in self.layers:
            out.append(layer(x))
        return out


class Losses(nn.Module):
    def forward(self, x: Tensor, y: Tensor, labels: Tensor, reduction: str) -> List[Tensor]:
        p = torch.sigmoid(x)
        q = torch.sigmoid(y)
        sign = torch.where(y > 0, torch.ones_like(y), -torch.ones_like(y))
        many = torch.where(y > 0, torch.arange(y.size(1)).expand_as(y), torch.full_like(y, -1, dtype=torch.long)).long()
        out = [
            F.mse_loss(x, y, reduction=reduction), F.l1_loss(x, y, reduction=reduction), F.smooth_l1_loss(x, y, reduction=reduction, beta=0.5),
            F.huber_loss(x, y, reduction=reduction, delta=0.7), F.binary_cross_entropy(p, q, reduction=reduction),
            F.binary_cross_entropy_with_logits(x, q, pos_weight=torch.full([x.size(1)], 1.5), reduction=reduction),
            F.kl_div(F.log_softmax(x, -1), F.softmax(y, -1), reduction=reduction), F.kl_div(F.log_softmax(x, -1), F.log_softmax(y, -1), reduction=reduction, log_target=True),
            F.cross_entropy(x, labels, reduction=reduction), F.cross_entropy(x, labels, weight=torch.rand(x.size(1)) * 0 + 0.5, ignore_index=1, reduction=reduction, label_smoothing=0.2),
            F.cross_entropy(x, F.softmax(y, -1), reduction=reduction), F.nll_loss(F.log_softmax(x, -1), labels, reduction=reduction),
            F.hinge_embedding_loss(x, sign, reduction=reduction), F.soft_margin_loss(x, sign, reduction=reduction), F.poisson_nll_loss(x, q, reduction=reduction),
            F.multi_margin_loss(x, labels, reduction=reduction), F.multilabel_margin_loss(x, many, reduction=reduction),
            F.multilabel_soft_margin_loss(x, (y > 0).float(), reduction=reduction), F.margin_ranking_loss(x[:, 0], y[:, 0], sign[:, 0], 0.3, reduction=reduction),
            F.cosine_embedding_loss(x, y, sign[:, 0], 0.1, reduction=reduction), F.triplet_margin_loss(x, y, y.flip(0), reduction=reduction, swap=True)]  # fmt: skip
        return out


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(4)
        self.bn.running_mean.normal_()
        self.bn.running_var.uniform_(0.5, 2)
        self.untracked = nn.BatchNorm2d(4, track_running_stats=False)
        self.plain = nn.BatchNorm2d(4, affine=False)
        self.instance = nn.InstanceNorm2d(4)
        self.tracked = nn.InstanceNorm2d(4, affine=True, track_running_stats=True)
        self.group = nn.GroupNorm(2, 4)
        self.layer = nn.LayerNorm([4, 5, 6])
        self.rms = nn.RMSNorm(6)
        self.local = nn.LocalResponseNorm(2)

    def forward(self, x: Tensor) -> List[Tensor]:
        return [self.bn(x), self.untracked(x), self.plain(x), self.instance(x), self.tracked(x), self.group(x), self.layer(x), self.rms(x), self.local(x)]


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.ModuleList([nn.Conv1d(4, 6, 3, padding="same", padding_mode="circular"), nn.Conv1d(4, 4, 3, stride=2, dilation=2, groups=2, bias=False),
                                  nn.ConvTranspose1d(4, 2, 4, stride=3, padding=1, output_padding=2), nn.Conv1d(4, 2, 2, padding=1, padding_mode="reflect")])  # fmt: skip
        self.two = nn.ModuleList([nn.Conv2d(4, 2, (3, 1), padding=(1, 0), padding_mode="replicate"), nn.ConvTranspose2d(4, 4, 3, stride=2, groups=2, dilation=2), nn.Conv2d(4, 8, 1, groups=4)])
        self.three = nn.ModuleList([nn.Conv3d(2, 3, 2), nn.ConvTranspose3d(2, 2, 2, stride=2)])

    def forward(self, a: Tensor, b: Tensor, c: Tensor) -> List[Tensor]:
        out: List[Tensor] = []
        for layer in self.one:
            out.append(layer(a))
        for layer in self.two:
            out.append(layer(b))
        for layer in self.three:
            out.append(layer(c))
        return out


class Pools(nn.Module):
    def __init__(self):
        super().__init__()
        self.two = nn.ModuleList([
            nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False), nn.AdaptiveAvgPool2d((3, 2)), nn.AdaptiveMaxPool2d((2, 3)),
            nn.LPPool2d(3, 2), nn.ZeroPad2d((1, 2, 0, 1)), nn.ReflectionPad2d(1), nn.ReplicationPad2d((0, 1, 2, 0)), nn.ConstantPad2d(1, 2.5), nn.CircularPad2d(1),
            nn.Upsample(scale_factor=1.7), nn.Upsample(size=(7, 3), mode="bilinear"), nn.Upsample(scale_factor=(2.0, 1.5), mode="bicubic"), nn.UpsamplingNearest2d(scale_factor=2),
            nn.UpsamplingBilinear2d(size=4), nn.Upsample(scale_factor=1.3, mode="nearest-exact"), nn.Flatten(2), nn.Unfold(2, padding=1)])  # fmt: skip
        self.three = nn.ModuleList([nn.MaxPool3d(2), nn.AvgPool3d(2, stride=1, padding=1), nn.AdaptiveAvgPool3d(2), nn.AdaptiveMaxPool3d((1, 2, 2)), nn.Upsample(scale_factor=2, mode="trilinear"),
                                    nn.ReplicationPad3d(1), nn.Upsample(size=(3, 4, 5))])  # fmt: skip
        self.one = nn.ModuleList([nn.MaxPool1d(2), nn.AvgPool1d(3, 2, 1), nn.AdaptiveAvgPool1d(3), nn.AdaptiveMaxPool1d(2), nn.Upsample(scale_factor=2.5, mode="linear"), nn.Upsample(size=9), nn.LPPool1d(2, 3)])
        self.indices = nn.MaxPool2d(2, return_indices=True)

    def forward(self, a: Tensor, b: Tensor, c: Tensor) -> List[Tensor]:
        out: List[Tensor] = []
        for layer in self.one:
            out.append(layer(a))
        for layer in self.two:
            out.append(layer(b))
        for layer in self.three:
            out.append(layer(c))
        y, at = self.indices(b)
        out.append(y)
        out.append(at)
        out.append(F.interpolate(b, scale_factor=0.5, mode="area"))
        return out


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 4, num_layers=2, bidirectional=True, batch_first=True)
        self.projected = nn.LSTM(5, 6, proj_size=3)
        self.gru = nn.GRU(5, 4, bias=False)
        self.rnn = nn.RNN(5, 4, nonlinearity="relu", batch_first=True)
        self.tanh = nn.RNN(5, 4, num_layers=2)
        self.cells = nn.ModuleList([nn.GRUCell(5, 4), nn.RNNCell(5, 4)])
        self.lstm_cell = nn.LSTMCell(5, 4)

    def forward(self, x: Tensor, h0: Optional[Tensor] = None) -> Tuple[List[Tensor], Tuple[Tensor, Tensor], Dict[str, Tensor]]:
        y, state = self.lstm(x)
        p, _ = self.projected(x)
        g, hg = self.gru(x, h0)
        r, _ = self.rnn(x)
        t, ht = self.tanh(x)
        unbatched, _ = self.rnn(x[0])
        h = torch.zeros(x.size(0), 4)
        c = torch.zeros(x.size(0), 4)
        for i in range(x.size(1)):
            h, c = self.lstm_cell(x[:, i], (h, c))
        cells: Dict[str, Tensor] = {"lstm": h}
        for i, cell in enumerate(self.cells):
            cells[str(i)] = cell(x[:, 0], h)
        return [y, p, g, hg, r, t, ht, unbatched], state, cells


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 4, num_layers=2, bidirectional=True)
        self.rnn = nn.RNN(8, 2)

    def forward(self, x: Tensor, lengths: Tensor, sorted_: bool) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        packed = pack_padded_sequence(x, lengths, enforce_sorted=sorted_)
        y, h = self.gru(packed)
        z, _ = self.rnn(y)
        out, sizes = pad_packed_sequence(z, padding_value=-1.0)
        return out, sizes, h, packed.batch_sizes


class Embeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = nn.Embedding(10, 4, padding_idx=2)
        self.limited = nn.Embedding(10, 4, max_norm=1.0)
        self.bags = nn.ModuleList([nn.EmbeddingBag(10, 4, mode=mode) for mode in ("sum", "mean", "max")])
        self.padded = nn.EmbeddingBag(10, 4, mode="mean", padding_idx=3, include_last_offset=True)
        self.weighted = nn.EmbeddingBag(10, 4, mode="sum")

    def forward(self, ids: Tensor, offsets: Tensor, weights: Tensor) -> List[Tensor]:
        out = [self.plain(ids), self.limited(ids), self.padded(ids, offsets), self.weighted(ids, offsets, weights), F.one_hot(ids, 10)]
        for bag in self.bags:
            out.append(bag(ids, offsets))
            out.append(bag(ids.view(2, -1)))
        return out


class Distances(nn.Module):
    def __init__(self):
        super().__init__()
        self.bilinear = nn.Bilinear(4, 3, 5)
        self.cosine = nn.CosineSimilarity(dim=-1)
        self.pair = nn.PairwiseDistance(p=1.0, keepdim=True)

    def forward(self, x: Tensor, y: Tensor) -> List[Tensor]:
        return [self.bilinear(x, y), self.cosine(x, x.flip(0)), self.pair(x, x.flip(0)), torch.cdist(x, x), torch.pdist(x), F.normalize(x, p=1.0), x.renorm(2, 0, 1.0)]


class Branches(nn.Module):
    """Training and evaluation, what only Python sees, gradients off."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.register_buffer("seen", torch.zeros(1))
        self.calls = 0

    @torch.jit.unused
    def debug(self, x: Tensor) -> Tensor:
        return x.detach() * len(dir(self))

    @torch.jit.ignore
    def plot(self, x: Tensor) -> None:
        raise AssertionError("only in Python")

    @property
    def scale(self) -> float:
        return 2.0 if self.training else 0.5

    def forward(self, x: Tensor) -> Tuple[Tensor, float, int]:
        if not torch.jit.is_scripting():
            self.plot(x)
        if self.training:
            x = self.debug(x)
        with torch.no_grad():
            self.seen += 1
        if torch.is_grad_enabled():
            self.calls += 1
        return self.fc(x) * self.scale, float(self.seen.item()), self.calls


class Hooks(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

        def scale(self, inputs: Tuple[Tensor]) -> Tuple[Tensor]:
            return (inputs[0] / (inputs[0].norm() + 1.0),)

        def shift(self, inputs: Tuple[Tensor], output: Tensor) -> Tensor:
            return output + inputs[0].mean()

        self.fc.register_forward_pre_hook(scale)
        self.fc.register_forward_hook(shift)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.fc(x))


class PackedPair(nn.Module):
    """PackedSequence as a value that is taken apart and made."""

    def forward(self, x: List[Tensor]) -> Tuple[Tensor, Tensor, Tensor]:
        padded = torch.nn.utils.rnn.pad_sequence(x, batch_first=True, padding_value=-1.0)
        lengths = torch.tensor([t.size(0) for t in x])
        p = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
        doubled = PackedSequence(p.data * 2, p.batch_sizes, p.sorted_indices, p.unsorted_indices)
        out, sizes = pad_packed_sequence(doubled, batch_first=True)
        return out, sizes, padded


class Parallel(nn.Module):
    def __init__(self):
        super().__init__()
        self.towers = nn.ModuleDict({name: nn.Sequential(nn.Linear(4, 3), nn.Tanh()) for name in ("left", "right")})

    def reduce(self, parts: List[Tensor], how: str) -> Tensor:
        if how == "sum":
            return torch.stack(parts).sum(0)
        assert how == "max", f"cannot reduce by {how}"
        return torch.stack(parts).max(dim=0).values

    def forward(self, x: Tensor, how: str) -> Tensor:
        futures: List[torch.jit.Future[Tensor]] = []
        for tower in self.towers.values():
            futures.append(torch.jit.fork(tower, x))
        return self.reduce([torch.jit.wait(f) for f in futures], how)


EXAMPLES = {
    Activations: [("forward", lambda: (torch.randn(2, 4, 4, 6),))],
    Losses: [("forward", lambda r=r: (torch.randn(4, 5), torch.randn(4, 5), torch.tensor([0, 1, 4, 2]), r)) for r in ("mean", "sum", "none")],
    Norms: [("forward", lambda: (torch.randn(3, 4, 5, 6),)), ("forward", lambda: (torch.randn(3, 4, 5),))],
    Convolutions: [("forward", lambda: (torch.randn(2, 4, 9), torch.randn(2, 4, 6, 5), torch.randn(1, 2, 4, 3, 5))), ("forward", lambda: (torch.randn(2, 3, 9), torch.randn(2, 4, 6, 5), torch.randn(1, 2, 4, 3, 5)))],
    Pools: [("forward", lambda: (torch.randn(2, 4, 9), torch.randn(2, 4, 6, 5), torch.randn(1, 2, 4, 3, 5)))],
    Recurrent: [("forward", lambda: (torch.randn(3, 4, 5),)), ("forward", lambda: (torch.randn(3, 4, 5), torch.randn(1, 4, 4))), ("forward", lambda: (torch.randn(3, 4, 6),)), ("forward", lambda: (torch.randn(3, 4, 5), torch.randn(1, 3, 4)))],
    Packed: [("forward", lambda: (torch.randn(5, 3, 3), torch.tensor([5, 3, 1]), True)), ("forward", lambda: (torch.randn(5, 3, 3), torch.tensor([2, 5, 3]), False)),
             ("forward", lambda: (torch.randn(5, 3, 3), torch.tensor([2, 5, 3]), True))],
    Embeddings: [("forward", lambda: (torch.randint(0, 10, (6,)), torch.tensor([0, 2, 2, 6]), torch.rand(6))), ("forward", lambda: (torch.tensor([1, 10, 0, 0]), torch.tensor([0, 4]), torch.rand(4)))],
    Distances: [("forward", lambda: (torch.randn(3, 4), torch.randn(3, 3)))],
    Branches: [("forward", lambda: (torch.randn(2, 3),)), ("forward", lambda: (torch.randn(2, 3),))],
    Hooks: [("forward", lambda: (torch.randn(2, 4),))],
    PackedPair: [("forward", lambda: ([torch.randn(2, 3), torch.randn(4, 3), torch.randn(1, 3)],))],
    Parallel: [("forward", lambda: (torch.randn(2, 4), "sum")), ("forward", lambda: (torch.randn(2, 4), "max")), ("forward", lambda: (torch.randn(2, 4), "min"))],
}  # fmt: skip
