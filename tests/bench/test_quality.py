"""What bench/quality judges by: the ids that a model takes, and models that cannot be compared."""

import pathlib
import subprocess
import sys

import pytest
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench/quality")]

import vocabulary  # noqa: E402
from harness.models import ModelError, make_model  # noqa: E402

WORDS = 523


def checkpoint(folder, words):
    import transformers

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.BertConfig(vocab_size=words, max_position_embeddings=64, architectures=["BertModel"], **sizes)
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def archives(calque, tmp_path_factory):
    """The same model in float32 and in int8."""
    folder = tmp_path_factory.mktemp("quality")
    calque("export", checkpoint(folder / "checkpoint", WORDS), "-o", folder / "float32.pt")
    calque("quantize", folder / "float32.pt", "-o", folder / "int8.pt")
    return folder


@pytest.mark.parametrize("name", ["float32.pt", "int8.pt"])
def test_the_ids_of_an_archive_are_those_of_its_checkpoint(calque, archives, name):
    assert vocabulary.count_ids(make_model(str(archives / name), calque.path), calque.path) == WORDS


class Numbers(torch.nn.Module):
    def forward(self, input_ids, attention_mask):
        return (input_ids * attention_mask).float()


class Refusing(torch.nn.Module):
    def forward(self, input_ids):
        if input_ids.size(1) == 1:
            raise RuntimeError("one token is too few")
        return input_ids.float()


@pytest.mark.parametrize(("module", "problem"), [(Numbers(), "it takes any number as a token's id"), (Refusing(), "one token is too few")])
def test_an_archive_that_looks_no_ids_up(calque, tmp_path, module, problem):
    torch.jit.script(module).save(tmp_path / "m.pt")
    with pytest.raises(ModelError, match=problem):
        vocabulary.count_ids(make_model(str(tmp_path / "m.pt"), calque.path), calque.path)


def test_models_of_other_words_are_not_compared(calque, archives, tmp_path):
    other = checkpoint(tmp_path / "checkpoint", WORDS + 1)
    words = ["--model", archives / "int8.pt", "--reference", other, "--calque", calque.path, "--output", tmp_path / "q.json"]
    done = subprocess.run([sys.executable, ROOT / "bench/quality/quality.py", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not (tmp_path / "q.json").exists()
    assert f"takes the ids 0 … {WORDS - 1}, its reference" in done.stderr and f"0 … {WORDS}:" in done.stderr
