"""PyTorch's archives on each instruction set, with each pass left out in turn: `make conformance-sweep`, a sample in `make test`.

CALQUE_SWEEP=1 runs every archive; otherwise a few are drawn for each combination, by CALQUE_SEED.
"""

import json
import os
import random
import re

import bert_models as bert
import pytest
import safetensors.torch
import test_archives as archives
import torch

INSTRUCTION_SETS = ("scalar", "avx2", "avx512")
SAMPLE = 2
FULL = bool(os.environ.get("CALQUE_SWEEP"))


def passes(calque) -> list[str]:
    """Names of all passes, which the message about an unknown one lists."""
    name = archives.corpus_files()[0]
    done = calque.run("inspect", archives.CORPUS / f"{name}.pt", "--disable-pass", "no_such_pass")
    return re.search(r"the passes are: (.*)", done.stderr).group(1).split(", ")


def chosen(isa: str, disabled: str) -> list[str]:
    names = [name for name in archives.corpus_files() if name not in archives.NOT_FOR_THE_COMMAND]
    seed = f"{os.environ.get('CALQUE_SEED', 0)} {isa} {disabled}"
    return names if FULL else random.Random(seed).sample(names, SAMPLE)


def differences(calque, name: str, isa: str, disabled: str, folder):
    """What is wrong with the results of one archive, each with the command that repeats it."""
    notes = json.loads((archives.CORPUS / f"{name}.json").read_text())
    tensors = safetensors.torch.load_file(archives.CORPUS / f"{name}.safetensors")
    environment = {**os.environ, "CALQUE_ISA": isa}
    for run in notes["runs"]:
        if run["status"] != "ok":
            continue
        case = f"case{run['case']}."
        inputs = {f"input.{j}": archives.corpus_input(tensors, f"{case}in.{j}", shape) for j, shape in enumerate(run["shapes"])}
        given, result = folder / f"{name}.{case}safetensors", folder / "out.safetensors"
        safetensors.torch.save_file(inputs, given)
        arguments = ["run", archives.CORPUS / f"{name}.pt", "-i", given, "-o", result, "-q"]
        if disabled:
            arguments += ["--disable-pass", disabled]
        done = calque.run(*arguments, env=environment)
        repeat = f"CALQUE_ISA={isa} {' '.join(map(str, done.args))}"
        if done.returncode != 0:
            yield f"{case} exit code {done.returncode}: {done.stderr[:300]}\n  {repeat}"
            continue
        outputs = safetensors.torch.load_file(result)
        for i, dtype in enumerate(run["out_dtypes"]):
            dtype, theirs = dtype.removeprefix("torch."), tensors[f"{case}out.{i}"]
            if dtype == "bfloat16" and theirs.dtype == torch.int16:
                theirs = theirs.view(torch.bfloat16)
            difference = bert.largest_difference([outputs[f"output.{i}"]], [theirs])
            if not difference <= archives.TOLERANCE.get(dtype, 0):
                yield f"{case}out.{i}: off by {difference}\n  {repeat}"
        given.unlink()


@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
def test_each_pass_left_out(calque, corpus, tmp_path, isa):
    del corpus  # skips where there is none
    wrong = []
    for disabled in ["", *passes(calque)]:
        for name in chosen(isa, disabled):
            wrong += differences(calque, name, isa, disabled, tmp_path)
    assert not wrong, "\n".join(wrong)
