"""Seeded BERT checkpoints, as Transformers saves them, and inputs for them."""

import random

import torch
import transformers

TINY = dict(
    vocab_size=97,
    hidden_size=24,
    num_hidden_layers=2,
    num_attention_heads=3,
    intermediate_size=40,
    max_position_embeddings=32,
)
# No size is a multiple of a vector's length.
SIZES = {
    "tiny": TINY,
    "odd": TINY | dict(vocab_size=131, hidden_size=35, num_attention_heads=5, intermediate_size=77, type_vocab_size=3),
    "one_head": TINY | dict(num_attention_heads=1, num_hidden_layers=1),
    "deep": TINY | dict(num_hidden_layers=6, hidden_size=12, num_attention_heads=4, layer_norm_eps=1e-5),
}
HEADS = [
    "BertModel",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "BertForQuestionAnswering",
    "BertForMaskedLM",
    "BertForNextSentencePrediction",
    "BertForPreTraining",
]


def make(cls: str = "BertModel", seed: int = 0, dtype=torch.float32, **config) -> torch.nn.Module:
    """In evaluation mode, with weights livelier than Transformers' initial ones, biases and norms included."""
    torch.manual_seed(seed)
    settings = transformers.BertConfig(return_dict=False, **(TINY | config))
    attention = config.get("attn_implementation", "eager")
    model = getattr(transformers, cls)._from_config(settings, attn_implementation=attention).eval()
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.to(dtype)


def save(model: torch.nn.Module, folder, **options):
    model.save_pretrained(folder, safe_serialization=True, **options)
    return folder


def inputs(model, batch: int, length: int, names=("input_ids", "attention_mask", "token_type_ids"), seed: int = 0):
    """Random ids and segments; a mask that pads each row but the first to another length."""
    generator = torch.Generator().manual_seed(seed * 1009 + batch * 31 + length)
    mask = torch.ones(batch, length, dtype=torch.int64)
    for row in range(1, batch):
        mask[row, max(1, length - row) :] = 0
    config = model.config
    everything = {
        "input_ids": torch.randint(0, config.vocab_size, (batch, length), generator=generator),
        "attention_mask": mask,
        "token_type_ids": torch.randint(0, config.type_vocab_size, (batch, length), generator=generator),
        "position_ids": torch.randint(0, config.max_position_embeddings, (batch, length), generator=generator),
    }
    return {name: everything[name] for name in names}


def flatten(value) -> list:
    if isinstance(value, torch.Tensor):
        return [value]
    return [tensor for item in value for tensor in flatten(item)]


def expected(model, given: dict) -> list:
    return flatten(model(**given, return_dict=False))


def difference(ours: list, theirs: list) -> float:
    assert [tuple(t.shape) for t in ours] == [tuple(t.shape) for t in theirs]
    assert [t.dtype for t in ours] == [t.dtype for t in theirs]
    return max((a.double() - b.double()).abs().max().item() for a, b in zip(ours, theirs, strict=True))


def random_config(seed: int) -> dict:
    """A small configuration; `seed` decides everything."""
    draw = random.Random(seed)
    heads = draw.choice([1, 2, 3, 4, 7])
    return dict(
        vocab_size=draw.randint(5, 300),
        num_attention_heads=heads,
        hidden_size=heads * draw.randint(1, 20),
        num_hidden_layers=draw.randint(1, 4),
        intermediate_size=draw.randint(1, 130),
        max_position_embeddings=draw.randint(12, 64),
        type_vocab_size=draw.randint(1, 4),
        hidden_act=draw.choice(["gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "relu", "silu", "tanh"]),
        layer_norm_eps=draw.choice([1e-12, 1e-5]),
        position_embedding_type=draw.choice(["absolute", "absolute", "relative_key", "relative_key_query"]),
        num_labels=2,
    )
