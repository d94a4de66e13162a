#!/usr/bin/env python3
"""Exports a small seeded BERT and writes what Transformers computes with it: make_cases.py FOLDER.

FOLDER gets model.pt and cases.safetensors, with tensors `caseI.in.J` and `caseI.out.J`.
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/conformance"))

import bert_models as bert  # noqa: E402
import safetensors.torch  # noqa: E402
import torch  # noqa: E402

NAMES = ("input_ids", "attention_mask", "token_type_ids")


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    model = bert.make_model("odd", 0)
    checkpoint = bert.save_model(folder / "checkpoint", model)
    subprocess.run([ROOT / "build/release/calque", "export", checkpoint, "-o", folder / "model.pt"], check=True)
    tensors = {}
    with torch.no_grad():
        for case, shape in enumerate(bert.SHAPES):
            inputs = bert.make_inputs(model, shape, 0, NAMES)
            tensors |= {f"case{case}.in.{j}": value for j, value in enumerate(inputs.values())}
            tensors |= {f"case{case}.out.{j}": value.contiguous() for j, value in enumerate(bert.flatten(model(**inputs)))}
    safetensors.torch.save_file(tensors, folder / "cases.safetensors")


if __name__ == "__main__":
    main()
