"""Arguments of the fused operators of nn.MultiheadAttention and nn.TransformerEncoderLayer."""

from __future__ import annotations

import torch

from .specific import sample


def shape_of(s) -> tuple[int, int, int, int]:
    """batch, length, heads, embed_dim"""
    s.dtype = s.choice([torch.float32, torch.float32, torch.float64])
    s.special = False
    heads = s.integer(1, 3)
    return s.integer(1, 3), s.integer(1, 4), heads, heads * s.choice([2, 4])


def wrong(s, size: int, chance: float = 0.03) -> int:
    return size + 1 if s.coin(chance) else size


def heads_mask(s, batch: int, length: int, heads: int) -> list:
    """mask, mask_type. The first place is always seen."""
    kind = s.choice([None, None, 0, 1, 2])
    if kind is None:
        return [None, None]
    shape = {0: [length, length], 1: [batch, length], 2: [batch, heads, length, length]}[kind]
    shape[-1] = wrong(s, shape[-1])
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(s.integer(0, 10**6))) < 0.4
    mask[..., 0] = False
    return [mask, s.choice([kind] * 12 + [None, 3])]


def projections(s, embed: int) -> list:
    """Small ones: large scores make a softmax that rounding moves."""
    sizes = [wrong(s, 3 * embed), embed], [wrong(s, 3 * embed)], [embed, wrong(s, embed)], [embed]
    return [s.tensor(size) * 0.25 for size in sizes]


@sample("aten::_native_multi_head_attention")
def _(s):
    batch, length, heads, embed = shape_of(s)
    query = s.tensor([batch, wrong(s, length), embed])
    key = query if s.coin() else s.tensor([batch, length, embed])
    value = key if s.coin() else s.tensor([batch, length, embed])
    mask, kind = heads_mask(s, batch, length, heads)
    return [query, key, value, embed, wrong(s, heads), *projections(s, embed), mask, s.coin(), s.coin(), kind]


@sample("aten::_transformer_encoder_layer_fwd")
def _(s):
    batch, length, heads, embed = shape_of(s)
    mask, kind = heads_mask(s, batch, length, heads)
    norms = [s.tensor([embed]) for _ in range(4)]
    feed = [s.tensor([5, embed]), s.tensor([5]), s.tensor([embed, 5]), s.tensor([embed])]
    length = s.choice([length] * 20 + [0])
    return [s.tensor([batch, length, embed]), embed, heads, *projections(s, embed), s.coin(), s.coin(), 1e-5, *norms, *feed, mask, kind]


@sample("aten::_nested_tensor_from_mask_left_aligned")
def _(s):
    shape = [s.integer(1, 3), s.integer(0 if s.coin(0.1) else 1, 4), s.integer(1, 3)]
    lengths = torch.tensor([s.integer(0, shape[1]) for _ in range(shape[0])])
    mask = torch.arange(shape[1])[None] < lengths[:, None]
    if s.coin(0.3):
        mask = mask.flip(1)
    return [s.tensor(shape), mask if s.coin(0.9) else s.choice([mask.float(), mask[0], mask[:, :1]])]
