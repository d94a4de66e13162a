#!/usr/bin/env python3
"""Memory and time of loading a 440 MB archive: a BERT-base of random weights, made by `calque export` of a checkpoint
that this script writes with NumPy's generator.

Prints the peak memory of load plus first call against the weights, and the time of a warm load. Exits 1 when the peak is
more than weights + 15 %, or the load takes 0.3 s or more.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import safetensors.numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALQUE = ROOT / "build/release/calque"
CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}
MOST_MEMORY = 1.15
MOST_SECONDS = 0.3


def weight_shapes() -> dict[str, tuple[int, ...]]:
    hidden, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]

    def linear(name, rows, columns):
        return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}

    def norm(name):
        return {f"{name}.weight": (hidden,), f"{name}.bias": (hidden,)}

    shapes = {
        "embeddings.word_embeddings.weight": (CONFIG["vocab_size"], hidden),
        "embeddings.position_embeddings.weight": (CONFIG["max_position_embeddings"], hidden),
        "embeddings.token_type_embeddings.weight": (CONFIG["type_vocab_size"], hidden),
        **norm("embeddings.LayerNorm"),
    }
    for i in range(CONFIG["num_hidden_layers"]):
        layer = f"encoder.layer.{i}"
        for part in ("query", "key", "value"):
            shapes |= linear(f"{layer}.attention.self.{part}", hidden, hidden)
        shapes |= linear(f"{layer}.attention.output.dense", hidden, hidden) | norm(f"{layer}.attention.output.LayerNorm")
        shapes |= linear(f"{layer}.intermediate.dense", inner, hidden)
        shapes |= linear(f"{layer}.output.dense", hidden, inner) | norm(f"{layer}.output.LayerNorm")
    return shapes | linear("pooler.dense", hidden, hidden)


def write_checkpoint(folder: pathlib.Path) -> int:
    """Writes config.json and model.safetensors; returns the bytes of the weights."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    generator = numpy.random.default_rng(0)
    weights = {
        name: generator.standard_normal(shape, dtype=numpy.float32) * numpy.float32(0.02)
        for name, shape in weight_shapes().items()
    }
    safetensors.numpy.save_file(weights, folder / "model.safetensors")
    return sum(weight.nbytes for weight in weights.values())


def run(*arguments) -> str:
    return subprocess.run([str(CALQUE), *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        weights = write_checkpoint(folder / "checkpoint")
        archive = folder / "bert_base.pt"
        run("export", folder / "checkpoint", "-o", archive, "--no-check-trace")
        archive.read_bytes()
        # One call of a short sentence and its repetition: what a service does before it answers.
        results = [
            json.loads(run("bench", archive, "--shapes", "1x16", "--repeat", 1, "--json")) for _ in range(options.rounds)
        ]
        size = archive.stat().st_size
    peak = max(result["peak_bytes"] for result in results)
    load = min(result["load_seconds"] for result in results)
    first = min(result["runs"][0]["first_seconds"] for result in results)
    print(f"archive {size / 1e6:.1f} MB, weights {weights / 1e6:.1f} MB")
    print(f"peak memory of load and first call {peak / 1e6:.1f} MB = weights {100 * (peak / weights - 1):+.1f} %")
    print(f"warm load {load * 1e3:.1f} ms, first call (1 x 16 tokens) {first * 1e3:.1f} ms")
    return 0 if peak <= MOST_MEMORY * weights and load < MOST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
