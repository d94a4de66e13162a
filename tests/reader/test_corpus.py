"""Every archive of the corpus loads, and gives the results of real PyTorch."""

import json
import os
import pathlib

import pytest
import torch
from safetensors.torch import load_file

CORPUS = pathlib.Path(os.environ.get("CALQUE_CORPUS", pathlib.Path(__file__).resolve().parents[3] / "shared/corpus"))
ARCHIVES = sorted(CORPUS.glob("*.pt"))


def calls_of(archive: pathlib.Path):
    facts = json.loads(archive.with_suffix(".json").read_text())
    tensors = load_file(archive.with_suffix(".safetensors"))
    for run in facts["runs"]:
        inputs = []
        for position, shape in enumerate(run["shapes"]):
            name = f"case{run['case']}.in.{position}"
            # Runs that fail keep the shapes of their inputs only.
            other = torch.ones(shape, dtype=torch.int64) if isinstance(shape, list) else shape
            inputs.append(tensors.get(name, other))
        yield "forward", tuple(inputs)


@pytest.mark.skipif(ARCHIVES != [], reason="the corpus is there")
def test_corpus_is_absent():
    pytest.skip(f"no corpus of archives in {CORPUS}; CALQUE_CORPUS names another folder")


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.stem)
def test_gives_pytorch_s_results(archive, agrees):
    tolerance = 8e-2 if "bfloat16" in archive.stem else 1e-2 if "float16" in archive.stem else 1e-5
    agrees(archive, list(calls_of(archive)), tolerance=tolerance)


def test_loads_all_at_once(tool):
    if not ARCHIVES:
        pytest.skip(f"no corpus of archives in {CORPUS}")
    done = tool("load", *ARCHIVES)
    assert done.returncode == 0, done.stdout
