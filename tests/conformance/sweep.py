"""Runs archives of the corpus with each pass left out in turn, and prints what differs from PyTorch's results.

    CALQUE_ISA=avx2 python tests/conformance/sweep.py [--sample N] [--seed S] [--archive NAME] [--disable PASS]
"""

import argparse
import json
import os
import pathlib
import random
import sys

import safetensors.torch
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(pathlib.Path(__file__).parent), os.environ.get("CALQUE_PYTHON_PACKAGE", str(ROOT / "build/python/package"))]

import test_archives as archives  # noqa: E402

import calque  # noqa: E402


def tensors_of(value) -> list[torch.Tensor]:
    """Tensors and numbers of a result, depth first, entries of a dict by sorted key, as `calque run` names them."""
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in tensors_of(item)]
    if isinstance(value, dict):
        return [tensor for key in sorted(value) for tensor in tensors_of(value[key])]
    if isinstance(value, calque.Tensor):
        return [torch.from_dlpack(value.clone())]
    return [] if value is None else [torch.tensor(value)]


def differences(name: str, disabled: str):
    notes = json.loads((archives.CORPUS / f"{name}.json").read_text())
    tensors = safetensors.torch.load_file(archives.CORPUS / f"{name}.safetensors")
    module = calque.jit.load(archives.CORPUS / f"{name}.pt", disable_pass=[disabled] if disabled else [])
    for run in notes["runs"]:
        case = f"case{run['case']}."
        if run["status"] != "ok":
            continue
        inputs = [archives.corpus_input(tensors, f"{case}in.{j}", shape) for j, shape in enumerate(run["shapes"])]
        outputs = tensors_of(module(*inputs))
        for i, dtype in enumerate(run["out_dtypes"]):
            dtype, theirs = dtype.removeprefix("torch."), tensors[f"{case}out.{i}"]
            if dtype == "bfloat16" and theirs.dtype == torch.int16:
                theirs = theirs.view(torch.bfloat16)
            off = archives.bert.largest_difference([outputs[i]], [theirs])
            if not off <= archives.allowed(dtype, theirs):
                yield f"{case}out.{i} is off by {off}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, default=0, help="archives for each pass (0: all)")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--archive", action="append")
    parser.add_argument("--disable", action="append")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    names = chosen.archive or [name for name in archives.corpus_files() if not name.startswith("script-")]
    draw = random.Random(chosen.seed)
    isa, wrong, count = os.environ.get("CALQUE_ISA", ""), 0, 0
    for disabled in chosen.disable if chosen.disable is not None else ["", *calque.jit.pass_names()]:
        for name in draw.sample(names, min(chosen.sample, len(names))) if chosen.sample else names:
            count += 1
            try:
                found = list(differences(name, disabled))
            except calque.Error as error:
                found = [str(error)]
            for text in found:
                wrong += 1
                print(f"{name}, {isa or 'best'}, without {disabled or 'nothing'}: {text}")
                print(f"  CALQUE_ISA={isa} python tests/conformance/sweep.py --archive {name} --disable '{disabled}'", flush=True)
    print(f"{count} runs, {wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
