"""The guide's script, letter for letter but for its imports, under both libraries."""

import pathlib

import numpy
import pytest
import torch

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

SCRIPT = pathlib.Path(__file__).with_name("guide_script.py.txt").read_text()
IMPORTS = {
    "from transformers import BertModel, BertTokenizer, BertConfig\n": (
        "from calque.transformers import BertModel, BertTokenizer, BertConfig\n"
    ),
    "import torch\n": "import calque as torch\n",
}


def run(text: str, checkpoint: pathlib.Path, folder: pathlib.Path, monkeypatch) -> dict:
    # The script's name of the model is a folder below the one where it runs.
    (folder / "google-bert").mkdir(parents=True)
    (folder / "google-bert/bert-base-uncased").symlink_to(checkpoint)
    monkeypatch.chdir(folder)
    names: dict = {}
    exec(compile(text, "guide_script.py.txt", "exec"), names)
    return names


def with_our_imports(text: str) -> str:
    for theirs, ours in IMPORTS.items():
        assert text.count(theirs) == 1
        text = text.replace(theirs, ours)
    return text


def test_only_imports_differ():
    ours = with_our_imports(SCRIPT).splitlines()
    changed = [(a, b) for a, b in zip(SCRIPT.splitlines(), ours, strict=True) if a != b]
    assert changed == [(a.rstrip(), b.rstrip()) for a, b in IMPORTS.items()]


@pytest.mark.parametrize("name", ["tiny", "minilm"])
def test_script_under_both_libraries(name, request, tmp_path, monkeypatch):
    checkpoint = request.getfixturevalue(name)
    theirs = run(SCRIPT, checkpoint, tmp_path / "theirs", monkeypatch)
    ours = run(with_our_imports(SCRIPT), checkpoint, tmp_path / "ours", monkeypatch)
    assert ours["indexed_tokens"] == theirs["indexed_tokens"]
    for output in ("all_encoder_layers", "pooled_output"):
        numpy.testing.assert_allclose(ours[output].numpy(), theirs[output].numpy(), rtol=1e-5, atol=1e-5)

    ids, segments = [ours["indexed_tokens"]], [ours["segments_ids"]]
    there = torch.jit.load(tmp_path / "ours/traced_bert.pt")(torch.tensor(ids), torch.tensor(segments))
    here = calque.jit.load(tmp_path / "theirs/traced_bert.pt")(calque.tensor(ids), calque.tensor(segments))
    for a, b in zip(here, there, strict=True):
        numpy.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-5)
