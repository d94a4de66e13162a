"""Seeded BERT checkpoints of several shapes, as Transformers saves them, and inputs to run them on."""

import functools
import pathlib

import torch
import transformers

# Sizes are odd on purpose: nothing is a multiple of a vector's length.
CONFIGS = {
    "tiny": dict(vocab_size=120, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64),
    "odd": dict(
        vocab_size=131,
        hidden_size=51,
        num_hidden_layers=3,
        num_attention_heads=3,
        intermediate_size=77,
        max_position_embeddings=40,
        type_vocab_size=3,
    ),
    "gelu_new": dict(
        vocab_size=99,
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=128,
        hidden_act="gelu_new",
        layer_norm_eps=1e-5,
    ),
    "deep": dict(vocab_size=300, hidden_size=24, num_hidden_layers=8, num_attention_heads=2, intermediate_size=96),
}
SEEDS = (0, 1, 2)
# The dummy input of an export has none of these shapes.
SHAPES = ((1, 3), (2, 5), (3, 12), (5, 1), (2, 37))


def make_model(name: str, seed: int, cls=transformers.BertModel, **extra) -> torch.nn.Module:
    """The model in eval mode, with weights a little livelier than Transformers' initial ones."""
    torch.manual_seed(seed)
    config = transformers.BertConfig(torchscript=True, **(CONFIGS[name] | extra))
    model = cls(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def save_model(folder: pathlib.Path, model: torch.nn.Module) -> pathlib.Path:
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def make_inputs(model: torch.nn.Module, shape: tuple[int, int], seed: int, names: tuple[str, ...]) -> dict:
    """Random ids, a mask that pads each row to another length, random segments."""
    generator = torch.Generator().manual_seed(1000 * seed + 31 * shape[0] + shape[1])
    draw = functools.partial(torch.randint, size=shape, generator=generator)
    mask = torch.ones(shape, dtype=torch.int64)
    for row in range(1, shape[0]):
        mask[row, max(1, shape[1] - row) :] = 0
    everything = {
        "input_ids": draw(0, model.config.vocab_size),
        "attention_mask": mask,
        "token_type_ids": draw(0, model.config.type_vocab_size),
    }
    return {name: everything[name] for name in names}


def flatten(value) -> list[torch.Tensor]:
    """Tensors of an output, depth first, entries of a dict by sorted key."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    return [tensor for item in value for tensor in flatten(item)]


def largest_difference(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> float:
    assert [tuple(t.shape) for t in ours] == [tuple(t.shape) for t in theirs]
    assert [t.dtype for t in ours] == [t.dtype for t in theirs]
    return max(
        ((a.double() - b.double()).abs().max().item() for a, b in zip(ours, theirs, strict=True) if a.numel()),
        default=0.0,
    )
