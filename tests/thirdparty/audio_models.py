"""Speech: state machines over frames, acoustic models, decoders of CTC, features without complex numbers."""

import math
from typing import Dict, List, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.parametrizations import weight_norm


class StftConv(nn.Module):
    """A Fourier transform as a convolution with fixed weights, as Silero has it."""

    def __init__(self, filter_length: int = 16, hop: int = 8):
        super().__init__()
        n = torch.arange(filter_length)
        k = torch.arange(filter_length // 2 + 1).unsqueeze(1)
        window = 0.5 - 0.5 * torch.cos(2 * math.pi * n / filter_length)
        basis = torch.cat([torch.cos(2 * math.pi * k * n / filter_length), -torch.sin(2 * math.pi * k * n / filter_length)]) * window
        self.register_buffer("forward_basis_buffer", basis.unsqueeze(1))
        self.filter_length, self.hop = filter_length, hop

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x.unsqueeze(1), (0, self.filter_length // 2), "reflect").squeeze(1)
        out = F.conv1d(x.unsqueeze(1), self.forward_basis_buffer, stride=self.hop, padding=0)
        cutoff = self.filter_length // 2 + 1
        return torch.sqrt(out[:, :cutoff] ** 2 + out[:, cutoff:] ** 2)


class SileroVad(nn.Module):
    """Keeps context and LSTM state between calls; checks its input; gives one probability for each chunk."""

    def __init__(self):
        super().__init__()
        self.stft = StftConv()
        self.encoder = nn.Sequential(nn.Conv1d(9, 12, 3, padding=1), nn.ReLU(), nn.Conv1d(12, 8, 3, stride=2, padding=1), nn.BatchNorm1d(8), nn.ReLU6())
        self.rnn = nn.LSTMCell(8, 8)
        self.decoder = nn.Sequential(nn.Dropout(0.1), nn.ReLU(), nn.Conv1d(8, 1, 1), nn.Sigmoid())
        self._state = torch.zeros([0])
        self._context = torch.zeros([0])
        self._last_sr = 0
        self._last_batch_size = 0
        self.sample_rates = [8000, 16000]

    @torch.jit.export
    def reset_states(self, batch_size: int = 1):
        self._state = torch.zeros([0])
        self._context = torch.zeros([0])
        self._last_sr = 0
        self._last_batch_size = 0

    def validate(self, x: Tensor, sr: int) -> Tuple[Tensor, int]:
        if x.dim() == 1:
            x = x.unsqueeze(0)
        if x.dim() > 2:
            raise ValueError(f"Too many dimensions for input audio chunk {x.dim()}")
        if sr != 16000 and (sr % 16000 == 0):
            step = sr // 16000
            x = x[:, ::step]
            sr = 16000
        if sr not in self.sample_rates:
            raise ValueError(f"Supported sampling rates: {self.sample_rates} (or multiply of 16000)")
        if sr / x.shape[1] > 1000:
            raise ValueError("Input audio chunk is too short")
        return x, sr

    def forward(self, x: Tensor, sr: int) -> Tensor:
        x, sr = self.validate(x, sr)
        batch = x.shape[0]
        context_size = 8 if sr == 16000 else 4
        if not self._last_batch_size:
            self.reset_states(batch)
        if self._last_sr and (self._last_sr != sr):
            self.reset_states(batch)
        if self._last_batch_size and (self._last_batch_size != batch):
            self.reset_states(batch)
        if not len(self._context):
            self._context = torch.zeros(batch, context_size)
        x = torch.cat([self._context, x], dim=1)
        features = self.encoder(self.stft(x)).mean(-1)
        if len(self._state):
            h, c = self.rnn(features, (self._state[0], self._state[1]))
        else:
            h, c = self.rnn(features)
        self._state = torch.stack([h, c])
        self._context = x[..., -context_size:]
        self._last_sr = sr
        self._last_batch_size = batch
        return torch.mean(self.decoder(h.unsqueeze(-1)).squeeze(1), dim=1, keepdim=True)

    @torch.jit.export
    def audio_forward(self, x: Tensor, sr: int, chunk: int = 32) -> Tensor:
        outs: List[Tensor] = []
        x, sr = self.validate(x, sr)
        self.reset_states(1)
        if x.shape[1] % chunk:
            x = F.pad(x, (0, chunk - (x.shape[1] % chunk)), "constant", value=0.0)
        for i in range(0, x.shape[1], chunk):
            outs.append(self.forward(x[:, i : i + chunk], sr))
        return torch.cat(outs, dim=1)

    @torch.jit.export
    def timestamps(self, probs: List[float], threshold: float = 0.5, min_silence: int = 1) -> List[Dict[str, int]]:
        triggered = False
        speeches: List[Dict[str, int]] = []
        current: Dict[str, int] = {}
        temp_end = 0
        for i, p in enumerate(probs):
            if p >= threshold and temp_end:
                temp_end = 0
            if p >= threshold and not triggered:
                triggered = True
                current["start"] = i
                continue
            if p < threshold - 0.15 and triggered:
                if not temp_end:
                    temp_end = i
                if i - temp_end < min_silence:
                    continue
                current["end"] = temp_end
                speeches.append(current)
                current = torch.jit.annotate(Dict[str, int], {})
                temp_end = 0
                triggered = False
        if current:
            current["end"] = len(probs)
            speeches.append(current)
        return speeches


class DeepSpeech(nn.Module):
    """Convolutions with masks, batch norm over time steps, GRUs that sum their directions, greedy words."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 4, kernel_size=(5, 3), stride=(2, 2), padding=(2, 1)), nn.BatchNorm2d(4), nn.Hardtanh(0.0, 20.0, inplace=True),
            nn.Conv2d(4, 4, kernel_size=(3, 3), stride=(2, 1), padding=(1, 1)), nn.BatchNorm2d(4), nn.Hardtanh(0.0, 20.0, inplace=True))  # fmt: skip
        self.rnns = nn.ModuleList([nn.GRU(16 if i == 0 else 10, 10, bidirectional=True, bias=True) for i in range(2)])
        self.norm = nn.BatchNorm1d(10)
        self.fc = nn.Linear(10, 8, bias=False)
        self.alphabet = "_abcde '"

    def lengths(self, n: Tensor) -> Tensor:
        return torch.div(n - 1, 2, rounding_mode="floor") + 1

    def forward(self, x: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        out_lengths = self.lengths(lengths)
        for module in self.conv:
            x = module(x)
            mask = torch.ones_like(x, dtype=torch.bool)
            for i, length in enumerate(out_lengths):
                length = length.item()
                if (mask[i].size(2) - length) > 0:
                    mask[i].narrow(2, int(length), mask[i].size(2) - int(length)).fill_(False)
            x = x.masked_fill(~mask, 0)
        sizes = x.size()
        x = x.view(sizes[0], sizes[1] * sizes[2], sizes[3]).transpose(1, 2).transpose(0, 1).contiguous()
        for i, rnn in enumerate(self.rnns):
            if i > 0:
                t, n = x.size(0), x.size(1)
                x = self.norm(x.view(t * n, -1)).view(t, n, -1)
            packed = nn.utils.rnn.pack_padded_sequence(x, out_lengths, enforce_sorted=False)
            h, _ = rnn(packed)
            x, _ = nn.utils.rnn.pad_packed_sequence(h)
            x = x.view(x.size(0), x.size(1), 2, -1).sum(2)
        return F.log_softmax(self.fc(x), dim=-1), out_lengths

    @torch.jit.export
    def transcribe(self, x: Tensor, lengths: Tensor) -> List[str]:
        probs, sizes = self.forward(x, lengths)
        _, best = torch.max(probs.transpose(0, 1), 2)
        out: List[str] = []
        for row, size in zip(best, sizes):
            text = ""
            last = -1
            for i in range(int(size)):
                label = int(row[i])
                if label != 0 and label != last:
                    text += self.alphabet[label]
                last = label
            out.append(text.strip())
        return out

    @torch.jit.export
    def loss(self, x: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
        probs, sizes = self.forward(x, lengths)
        return F.ctc_loss(probs, targets, sizes, target_lengths, blank=0, reduction="sum", zero_infinity=True)


class CtcBeamSearch(nn.Module):
    """Prefix beam search with a bigram language model, over dicts of strings."""

    def __init__(self, labels: str = "_ab c"):
        super().__init__()
        self.labels = [c for c in labels]
        self.bigrams: Dict[str, float] = {"ab": -0.2, "ba": -1.1, "a ": -0.4, " c": -0.3}
        self.alpha = 0.4

    def lm(self, prefix: str, c: str) -> float:
        if len(prefix) == 0:
            return 0.0
        return self.bigrams.get(prefix[-1] + c, -2.0)

    def add(self, a: float, b: float) -> float:
        if a == -math.inf:
            return b
        if b == -math.inf:
            return a
        return max(a, b) + math.log1p(math.exp(-abs(a - b)))

    def forward(self, log_probs: Tensor, beam: int = 4, cutoff: float = -6.0) -> List[Tuple[str, float]]:
        beams: Dict[str, Tuple[float, float]] = {"": (0.0, -math.inf)}
        for t in range(log_probs.size(0)):
            following: Dict[str, Tuple[float, float]] = {}
            for prefix, (p_blank, p_symbol) in beams.items():
                for i, c in enumerate(self.labels):
                    p = float(log_probs[t, i])
                    if p < cutoff:
                        continue
                    if i == 0:
                        nb, ns = following.get(prefix, (-math.inf, -math.inf))
                        following[prefix] = (self.add(nb, self.add(p_blank, p_symbol) + p), ns)
                        continue
                    grown = prefix + c
                    nb, ns = following.get(grown, (-math.inf, -math.inf))
                    bonus = self.alpha * self.lm(prefix, c)
                    if len(prefix) > 0 and prefix[-1] == c:
                        following[grown] = (nb, self.add(ns, p_blank + p + bonus))
                        nb, ns = following.get(prefix, (-math.inf, -math.inf))
                        following[prefix] = (nb, self.add(ns, p_symbol + p))
                    else:
                        following[grown] = (nb, self.add(ns, self.add(p_blank, p_symbol) + p + bonus))
            scored = [(self.add(both[0], both[1]), prefix) for prefix, both in following.items()]
            scored.sort(reverse=True)
            beams = {prefix: following[prefix] for _, prefix in scored[:beam]}
        return [(prefix, self.add(both[0], both[1])) for prefix, both in beams.items()]


class LogMel(nn.Module):
    """Framing, window, DFT by matrices, mel filters, log, deltas, mean and variance normalisation, as Kaldi and torchaudio."""

    def __init__(self, n_fft: int = 16, n_mels: int = 6, sample_rate: int = 16000):
        super().__init__()
        self.n_fft = n_fft
        self.hop = n_fft // 2
        self.register_buffer("window", torch.hann_window(n_fft, periodic=False))
        k = torch.arange(n_fft // 2 + 1).unsqueeze(1) * torch.arange(n_fft) * (2 * math.pi / n_fft)
        self.register_buffer("cos", torch.cos(k))
        self.register_buffer("sin", torch.sin(k))
        self.register_buffer("fb", self.filters(n_fft // 2 + 1, n_mels, sample_rate))

    @staticmethod
    def filters(n_freqs: int, n_mels: int, sample_rate: int) -> Tensor:
        all_freqs = torch.linspace(0, sample_rate // 2, n_freqs)
        m_pts = torch.linspace(0, 2595.0 * math.log10(1.0 + sample_rate / 2 / 700.0), n_mels + 2)
        f_pts = 700.0 * (10.0 ** (m_pts / 2595.0) - 1.0)
        slopes = f_pts.unsqueeze(0) - all_freqs.unsqueeze(1)
        f_diff = f_pts[1:] - f_pts[:-1]
        return torch.clamp(torch.min(-slopes[:, :-2] / f_diff[:-1], slopes[:, 2:] / f_diff[1:]), min=0.0)

    def deltas(self, x: Tensor, win_length: int = 5) -> Tensor:
        shape = x.size()
        y = x.reshape(1, -1, shape[-1])
        n = (win_length - 1) // 2
        denom = n * (n + 1) * (2 * n + 1) / 3
        y = F.pad(y, (n, n), mode="replicate")
        kernel = torch.arange(-n, n + 1, 1, dtype=y.dtype).repeat(y.shape[1], 1, 1)
        return (F.conv1d(y, kernel, groups=y.shape[1]) / denom).reshape(shape)

    def forward(self, wave: Tensor, preemphasis: float = 0.97, dither: float = 0.0) -> Tensor:
        if dither > 0:
            wave = wave + dither * torch.zeros_like(wave)
        frames = wave.unfold(-1, self.n_fft, self.hop)
        frames = frames - frames.mean(-1, keepdim=True)
        offset = F.pad(frames, (1, 0), mode="replicate")
        frames = frames - preemphasis * offset[..., :-1]
        frames = frames * self.window
        power = torch.matmul(frames, self.cos.t()).pow(2) + torch.matmul(frames, self.sin.t()).pow(2)
        mel = torch.matmul(power, self.fb).clamp(min=1e-10).log10()
        mel = torch.maximum(mel, mel.amax(dim=(-2, -1), keepdim=True) - 8.0)
        feats = torch.cat([mel, self.deltas(mel.transpose(1, 2)).transpose(1, 2)], dim=-1)
        std, mean = torch.std_mean(feats, dim=1, keepdim=True)
        return (feats - mean) / (std + 1e-5)


class HifiGenerator(nn.Module):
    """Transposed convolutions and dilated residual blocks with weight norm."""

    def __init__(self):
        super().__init__()
        self.pre = weight_norm(nn.Conv1d(6, 8, 7, 1, padding=3))
        self.ups = nn.ModuleList([weight_norm(nn.ConvTranspose1d(8 // 2**i, 8 // 2 ** (i + 1), 4, 2, padding=1)) for i in range(2)])
        self.res = nn.ModuleList([nn.ModuleList([weight_norm(nn.Conv1d(8 // 2 ** (i + 1), 8 // 2 ** (i + 1), 3, dilation=d, padding=d)) for d in (1, 3)]) for i in range(2)])
        self.post = weight_norm(nn.Conv1d(2, 1, 7, 1, padding=3))

    def forward(self, mel: Tensor) -> Tensor:
        x = self.pre(mel)
        for up, blocks in zip(self.ups, self.res):
            x = up(F.leaky_relu(x, 0.1))
            for conv in blocks:
                x = conv(F.leaky_relu(x, 0.1)) + x
        return torch.tanh(self.post(F.leaky_relu(x)))


class WavClassifier(nn.Module):
    """Group norm features, gated blocks, statistics pooling, speaker embedding."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv1d(1, 8, 10, stride=5, bias=False), nn.GroupNorm(8, 8), nn.GELU())
        self.glu = nn.Conv1d(8, 16, 3, padding=1)
        self.se = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Conv1d(8, 4, 1), nn.ReLU(), nn.Conv1d(4, 8, 1), nn.Sigmoid())
        self.attention = nn.Sequential(nn.Conv1d(8, 4, 1), nn.Tanh(), nn.Conv1d(4, 8, 1))
        self.bn = nn.BatchNorm1d(16)
        self.fc = nn.Linear(16, 5)

    def forward(self, x: Tensor, lengths: Optional[Tensor] = None) -> Tensor:
        x = F.layer_norm(x, x.shape[-1:])
        x = self.features(x.unsqueeze(1))
        x = x + F.glu(self.glu(x), dim=1)
        x = x * self.se(x)
        scores = self.attention(x)
        if lengths is not None:
            frames = (lengths * x.size(-1)).round().long()
            valid = torch.arange(x.size(-1)).expand(x.size(0), -1) < frames.unsqueeze(1)
            scores = scores.masked_fill(valid.unsqueeze(1) == 0, float("-inf"))
        w = torch.softmax(scores, dim=2)
        mean = (x * w).sum(2)
        std = ((x**2 * w).sum(2) - mean**2).clamp(1e-5).sqrt()
        return F.normalize(self.fc(self.bn(torch.cat([mean, std], 1))))


class Spectrograms(nn.Module):
    """torchaudio's way: a transform of short stretches, powers, phases, and the signal back."""

    def __init__(self, n_fft: int = 16, hop: int = 4):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft))

    def forward(self, wave: Tensor, power: float = 2.0) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        spec = torch.stft(wave, self.n_fft, self.hop, window=self.window, center=True, pad_mode="reflect", normalized=False, onesided=True, return_complex=True)
        parts = torch.view_as_real(spec)
        energy = spec.abs().pow(power)
        assert torch.is_complex(spec)
        cepstrum = torch.fft.irfft(torch.complex(torch.log(energy + 1e-6), torch.zeros_like(energy)), dim=-2)
        back = torch.istft(spec, self.n_fft, self.hop, window=self.window, length=wave.size(-1))
        return parts, torch.cos(torch.angle(spec)), cepstrum, back


def _speech():
    return torch.randn(3, 1, 16, 11), torch.tensor([11, 5, 8])


EXAMPLES = {
    StftConv: [("forward", lambda: (torch.randn(2, 40),))],
    SileroVad: [("forward", lambda: (torch.randn(40), 16000)), ("forward", lambda: (torch.randn(1, 40), 16000)), ("forward", lambda: (torch.randn(2, 80), 32000)),
                ("forward", lambda: (torch.randn(2, 40), 8000)), ("forward", lambda: (torch.randn(2, 40), 11025)), ("forward", lambda: (torch.randn(1, 2, 40), 16000)),
                ("forward", lambda: (torch.randn(4), 16000)), ("audio_forward", lambda: (torch.randn(100), 16000)),
                ("timestamps", lambda: ([0.1, 0.9, 0.8, 0.2, 0.1, 0.7, 0.6],))],
    DeepSpeech: [("forward", _speech), ("transcribe", _speech), ("loss", lambda: (*_speech(), torch.tensor([[1, 2, 2], [3, 0, 0], [4, 5, 0]]), torch.tensor([3, 1, 2])))],
    CtcBeamSearch: [("forward", lambda: (torch.log_softmax(torch.randn(7, 5), -1),)), ("forward", lambda: (torch.log_softmax(torch.randn(3, 5) * 3, -1), 2, -3.0))],
    LogMel: [("forward", lambda: (torch.randn(2, 100),)), ("forward", lambda: (torch.randn(1, 64), 0.5, 0.1)), ("forward", lambda: (torch.randn(1, 8),))],
    Spectrograms: [("forward", lambda: (torch.randn(2, 60),)), ("forward", lambda: (torch.randn(30), 1.0)), ("forward", lambda: (torch.randn(7),))],
    HifiGenerator: [("forward", lambda: (torch.randn(1, 6, 5),))],
    WavClassifier: [("forward", lambda: (torch.randn(2, 60),)), ("forward", lambda: (torch.randn(2, 60), torch.tensor([1.0, 0.5])))],
}  # fmt: skip
