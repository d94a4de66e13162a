"""What is run: `8x128` is a batch of 8 sequences of 128 tokens; `32xreal` are 32 real sentences, lengths as they come (128
tokens at most), padded to the longest, with the mask that says so. Every engine reads the same file of token ids."""

import dataclasses
import hashlib
import importlib.util
import json
import pathlib
import random
import re

import numpy

from .models import Model, minilm_checkpoint
from .paths import INPUTS, ROOT

SHAPE = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5}|real)")
LONGEST_REAL = 128
REAL_SENTENCES = 2000


class WorkloadError(Exception):
    """A shape that makes no sense; the text says why."""


@dataclasses.dataclass
class Workload:
    name: str
    path: pathlib.Path
    lengths: list[int]
    longest: int

    @property
    def batch(self) -> int:
        return len(self.lengths)

    @property
    def padded_tokens(self) -> int:
        return self.batch * self.longest

    @property
    def real_tokens(self) -> int:
        return sum(self.lengths)


def real_sentences() -> list[list[int]]:
    """Token ids of real sentences of the documentation on this machine, by MiniLM's tokenizer. Kept in a file."""
    cache = INPUTS / "real_sentences.json"
    if cache.exists():
        return json.loads(cache.read_text())
    import tokenizers

    spec = importlib.util.spec_from_file_location("sentences", ROOT / "tests/conformance/sentences.py")
    sentences = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sentences)
    tokenizer = tokenizers.Tokenizer.from_file(str(minilm_checkpoint() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST_REAL)
    ids = [entry.ids for entry in tokenizer.encode_batch(sentences.collect(REAL_SENTENCES))]
    INPUTS.mkdir(parents=True, exist_ok=True)
    cache.write_text(json.dumps(ids))
    return ids


def token_ids(model: Model, batch: int, length: str) -> list[list[int]]:
    if length == "real":
        sentences = real_sentences()
        if batch > len(sentences):
            raise WorkloadError(f"{batch}xreal: there are {len(sentences)} real sentences")
        return [[i % model.vocabulary for i in ids[: model.longest]] for ids in sentences[:batch]]
    if int(length) > model.longest:
        raise WorkloadError(f"{batch}x{length}: {model.name} takes {model.longest} tokens at most")
    generator = random.Random(f"{batch}x{length}")
    first = min(1000, model.vocabulary // 10)
    return [[generator.randrange(first, model.vocabulary) for _ in range(int(length))] for _ in range(batch)]


def make_workload(model: Model, name: str) -> Workload:
    """Writes the inputs of a shape to a file; the content does not depend on the machine, but for real sentences."""
    match = SHAPE.fullmatch(name)
    if match is None:
        raise WorkloadError(f"'{name}' is no shape such as 8x128, or 32xreal for real sentences")
    rows = token_ids(model, int(match[1]), match[2])
    longest = max(map(len, rows))
    ids = numpy.zeros((len(rows), longest), numpy.int64)
    mask = numpy.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = row, 1
    arrays = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
    chosen = {argument: arrays[argument] for argument in model.arguments if argument in arrays}
    if len(chosen) != len(model.arguments):
        raise WorkloadError(f"{model.name} takes {model.arguments}: only token ids, masks and segment ids can be made up")
    digest = hashlib.sha256(ids.tobytes() + str(model.arguments).encode()).hexdigest()[:8]
    path = INPUTS / f"{name}-{digest}.npz"
    if not path.exists():
        INPUTS.mkdir(parents=True, exist_ok=True)
        numpy.savez(path, **chosen)
    return Workload(name, path, [len(row) for row in rows], longest)
