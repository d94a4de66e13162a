"""PyTorch's own attention layers, scripted: fused operators, padded batches, nested tensors."""

import torch
from torch import Tensor, nn
from typing import Optional

torch.manual_seed(3)
X = torch.randn(3, 5, 16)
LAST = torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]])
FIRST = LAST.flip(1)
SHORT = torch.tensor([[False] * 2 + [True] * 3] * 3)
CAUSAL = torch.ones(5, 5, dtype=torch.bool).triu(1)


class SelfAttention(nn.Module):
    """The fused operator where PyTorch uses it, weights of the heads included."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x: Tensor, hidden: Optional[Tensor] = None, mask: Optional[Tensor] = None, average: bool = True) -> tuple[Tensor, Optional[Tensor]]:
        return self.attention(x, x, x, key_padding_mask=hidden, attn_mask=mask, average_attn_weights=average)


class CrossAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, kdim=8, vdim=12, add_bias_kv=True, add_zero_attn=True)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Optional[Tensor]]:
        return self.attention(query, key, value, need_weights=False)


class PaddedEncoder(nn.Module):
    """Hidden places at the end make a nested tensor of the batch; others do not."""

    def __init__(self, **options):
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 4, 24, batch_first=True, **options)
        self.encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(16), enable_nested_tensor=not layer.norm_first)

    def forward(self, x: Tensor, hidden: Optional[Tensor] = None, mask: Optional[Tensor] = None) -> Tensor:
        return self.encoder(x, mask=mask, src_key_padding_mask=hidden)


class GeluEncoder(PaddedEncoder):
    def __init__(self):
        super().__init__(activation="gelu")


class NormFirstEncoder(PaddedEncoder):
    def __init__(self):
        super().__init__(norm_first=True)


class SequenceFirstEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 24), 2, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x)


class EncoderDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = nn.Transformer(16, 2, 1, 1, 24, batch_first=True)

    def forward(self, source: Tensor, target: Tensor, hidden: Optional[Tensor] = None) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(target.size(1))
        return self.transformer(source, target, tgt_mask=mask, src_key_padding_mask=hidden, memory_key_padding_mask=hidden)


ENCODER_CALLS = [(X,), (X, LAST), (X, FIRST), (X, SHORT), (X, None, CAUSAL), (X, LAST, CAUSAL), (X[:, :1],), (X[0],)]
EXAMPLES = {
    SelfAttention: [(X,), (X, LAST), (X, FIRST), (X, LAST, CAUSAL), (X, None, CAUSAL, False), (X, LAST.float()), (X[..., :8],)],
    CrossAttention: [(X, torch.randn(4, 5, 8), torch.randn(4, 5, 12))],
    PaddedEncoder: ENCODER_CALLS,
    GeluEncoder: ENCODER_CALLS,
    NormFirstEncoder: ENCODER_CALLS,
    SequenceFirstEncoder: [(X,)],
    EncoderDecoder: [(X, torch.randn(3, 4, 16)), (X, torch.randn(3, 4, 16), LAST)],
}
