#!/usr/bin/env python3
"""One-token steps of a translation decoder with past keys and values, against the speed at which this machine reads memory.

The model has the size of the opus-mt models (Marian, 6 layers of 512, 58101 words) and seeded random weights; it is traced
by PyTorch. A step has to read every weight that it multiplies by once, and the past; the share is these bytes over time and
over the bandwidth of a loop that only reads, measured in the same process before and after each ten calls: the median of these
ratios, and that of the least time and the greatest bandwidth. In bf16 and int8 the bytes are still those of float32.
"""

import argparse
import json
import pathlib
import subprocess

import numpy
import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/release/decoder_step"
FOLDER = ROOT / "build/bench/decoder_step"
LAYERS, HEADS, HIDDEN, WORDS = 6, 8, 512, 58101
SOURCE, PAST = 32, 32


class Step(torch.nn.Module):
    """Logits of the next token, and the keys and values of self-attention with the new token's."""

    def __init__(self, model):
        super().__init__()
        self.decoder = model.get_decoder()
        self.lm_head = model.lm_head
        self.register_buffer("final_logits_bias", model.final_logits_bias)

    def forward(self, ids, encoder_hidden, encoder_mask, *past):
        layers = tuple(tuple(past[4 * i : 4 * i + 4]) for i in range(len(past) // 4))
        result = self.decoder(
            ids,
            encoder_hidden_states=encoder_hidden,
            encoder_attention_mask=encoder_mask,
            past_key_values=transformers.cache_utils.EncoderDecoderCache.from_legacy_cache(layers),
            use_cache=True,
        )
        present = result[1].to_legacy_cache()
        return (self.lm_head(result[0]) + self.final_logits_bias, *(tensor for layer in present for tensor in layer[:2]))


def make_model():
    torch.manual_seed(0)
    config = transformers.MarianConfig(
        vocab_size=WORDS,
        d_model=HIDDEN,
        encoder_layers=1,
        decoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=2048,
        decoder_ffn_dim=2048,
        activation_function="swish",
        scale_embedding=True,
        pad_token_id=WORDS - 1,
        eos_token_id=0,
        decoder_start_token_id=WORDS - 1,
        forced_eos_token_id=0,
    )
    model = transformers.MarianMTModel(config).eval()
    torch.nn.init.normal_(model.final_logits_bias)
    return Step(model).eval()


def make_inputs(batch):
    generator = torch.Generator().manual_seed(batch)

    def random(length):
        return torch.randn(batch, HEADS, length, HIDDEN // HEADS, generator=generator)

    past = [random(length) for _ in range(LAYERS) for length in (PAST, PAST, SOURCE, SOURCE)]
    ids = torch.randint(1, WORDS - 1, (batch, 1), generator=generator)
    return (ids, torch.randn(batch, SOURCE, HIDDEN, generator=generator), torch.ones(batch, SOURCE).long(), *past)


def bytes_of_step(step, inputs):
    """Weights of the layers that a step calls, each once; past that it reads, present and logits that it writes."""
    weights = set()
    hooks = [
        module.register_forward_hook(lambda module, *_: weights.update(module.parameters()))
        for module in step.modules()
        if isinstance(module, (torch.nn.Linear, torch.nn.LayerNorm))
    ]
    outputs = step(*inputs)
    for hook in hooks:
        hook.remove()
    tensors = [*weights, step.final_logits_bias, *inputs[3:], *outputs]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def write_inputs(path, inputs):
    numpy.savez(path, **{f"input.{i}": tensor.numpy() for i, tensor in enumerate(inputs)})


def prepare(batches):
    """Bytes of a step for each batch; the archive and the inputs lie in FOLDER."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    step = make_model()
    sizes = {}
    with torch.no_grad():
        for batch in batches:
            inputs = make_inputs(batch)
            write_inputs(FOLDER / f"{batch}.npz", inputs)
            sizes[batch] = bytes_of_step(step, inputs)
        if not (FOLDER / "step.pt").exists():
            torch.jit.trace(step, make_inputs(2), check_trace=False).save(str(FOLDER / "step.pt"))
    return sizes


def measure(batch, size, threads, dtype, rounds):
    command = [PROGRAM, FOLDER / "step.pt", FOLDER / f"{batch}.npz", size, threads, dtype, rounds]
    result = json.loads(subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout)
    return {"batch": batch, "threads": threads, "dtype": dtype, "megabytes": round(size / 1e6, 1), **result}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dtype", choices=["float32", "bf16", "int8"], default="float32")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    print(f"{'batch':>5} {'threads':>7} {'MB':>6} {'first ms':>8} {'ms':>6} {'least':>6} {'GB/s':>6} {'share':>6} {'least':>6}")
    for batch, size in prepare(options.batches).items():
        for threads in options.threads:
            row = measure(batch, size, threads, options.dtype, options.rounds)
            print(
                f"{batch:>5} {threads:>7} {row['megabytes']:>6} {row['first_ms']:>8.2f} {row['median_ms']:>6.2f}"
                f" {row['least_ms']:>6.2f} {row['bandwidth']:>6.1f} {row['share']:>6.1%} {row['least_share']:>6.1%}"
            )


if __name__ == "__main__":
    main()
