"""Archives that real PyTorch wrote, run by `calque run`; and saved again by us, run by PyTorch."""

import json
import os
import pathlib

import bert_models as bert
import pytest
import safetensors.torch
import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = pathlib.Path(os.environ.get("CALQUE_CORPUS", ROOT.parent / "shared/corpus"))
NAMES = ("input_ids", "attention_mask", "token_type_ids")
TOLERANCE = {"float32": 1e-5, "float64": 1e-5, "float16": 4e-3, "bfloat16": 4e-2}


def allowed(dtype: str, theirs: torch.Tensor) -> float:
    """The largest difference. Rounding is relative to what is summed: PyTorch's own float32 results of the translation decoders,
    whose largest value is 4.6, are 2e-5 from those of float64."""
    largest = theirs.double().abs().nan_to_num(0, 0, 0).max().item() if theirs.numel() else 0.0
    return TOLERANCE.get(dtype, 0) * max(1.0, largest)


def corpus_files() -> list[str]:
    return sorted(path.stem for path in CORPUS.glob("*.json"))


def corpus_input(tensors: dict, key: str, shape) -> torch.Tensor:
    """Input tensor of a case. Inputs that are no tensors stand in place of their shape; cases that fail keep shapes only."""
    if not isinstance(shape, list):
        return torch.tensor(shape)
    return tensors[key].contiguous() if key in tensors else torch.ones(shape, dtype=torch.int64)


def run_archive(calque, archive, inputs: dict, folder: pathlib.Path):
    """Output tensors of `calque run`, or the text of its error."""
    safetensors.torch.save_file(inputs, folder / "in.safetensors")
    done = calque.run(
        "run", archive, "--input", folder / "in.safetensors", "--output", folder / "out.safetensors", "--quiet"
    )
    if done.returncode != 0:
        return done.stderr
    outputs = safetensors.torch.load_file(folder / "out.safetensors")
    return [outputs[f"output.{i}"] for i in range(len(outputs))]


# Takes a string argument, which tensor files cannot hold: tests/reader runs it.
NOT_FOR_THE_COMMAND = {"script-Types"}


@pytest.mark.parametrize("name", [name for name in corpus_files() if name not in NOT_FOR_THE_COMMAND])
def test_corpus(calque, corpus, tmp_path, name):
    notes = json.loads((corpus / f"{name}.json").read_text())
    tensors = safetensors.torch.load_file(corpus / f"{name}.safetensors")
    for run in notes["runs"]:
        case = f"case{run['case']}."
        inputs = {f"input.{j}": corpus_input(tensors, f"{case}in.{j}", shape) for j, shape in enumerate(run["shapes"])}
        ours = run_archive(calque, corpus / f"{name}.pt", inputs, tmp_path)
        if run["status"] != "ok":
            assert isinstance(ours, str), f"{case} fails in PyTorch and runs here"
            message = run["error"].split("RuntimeError: ")[-1].splitlines()[0]
            assert message.split("  Target sizes")[0] in ours
            continue
        assert not isinstance(ours, str), f"{case}: {ours}"
        for i, (mine, dtype) in enumerate(zip(ours, run["out_dtypes"], strict=True)):
            theirs = tensors[f"{case}out.{i}"]
            dtype = dtype.removeprefix("torch.")
            assert str(mine.dtype) == f"torch.{dtype}"
            if dtype == "bfloat16" and theirs.dtype == torch.int16:
                theirs = theirs.view(torch.bfloat16)
            difference = bert.largest_difference([mine], [theirs])
            assert difference <= allowed(dtype, theirs), f"{case}out.{i}: {difference}"


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("name", bert.CONFIGS)
@pytest.mark.parametrize("seed", bert.SEEDS)
def test_fresh_trace(calque, tmp_path, name, seed, attention):
    model = bert.make_model(name, seed, attn_implementation=attention)
    traced = torch.jit.trace(model, tuple(bert.make_inputs(model, (2, 7), seed, NAMES).values()), check_trace=False)
    traced.save(str(tmp_path / "model.pt"))
    for shape in bert.SHAPES:
        inputs = bert.make_inputs(model, shape, seed, NAMES)
        ours = run_archive(calque, tmp_path / "model.pt", inputs, tmp_path)
        assert not isinstance(ours, str), ours
        difference = bert.largest_difference(ours, bert.flatten(model(**inputs)))
        assert difference <= 1e-5, f"shape {shape}: {difference}"


def test_saved_again_is_equal_in_pytorch(calque, tmp_path):
    """ours -> load -> save -> PyTorch: the same outputs, and saving twice gives the same bytes."""
    model = bert.make_model("odd", 0)
    checkpoint = bert.save_model(tmp_path / "checkpoint", model)
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
    calque("export", checkpoint, "-o", tmp_path / "a/model.pt")
    calque("convert", tmp_path / "a/model.pt", "-o", tmp_path / "b/model.pt")
    calque("convert", tmp_path / "a/model.pt", "-o", tmp_path / "c/model.pt")
    assert (tmp_path / "b/model.pt").read_bytes() == (tmp_path / "c/model.pt").read_bytes()
    ours, again = (torch.jit.load(str(tmp_path / folder / "model.pt")) for folder in ("a", "b"))
    assert list(ours.state_dict()) == list(again.state_dict())
    for shape in bert.SHAPES:
        inputs = bert.make_inputs(model, shape, 0, NAMES)
        for first, second in zip(ours(*inputs.values()), again(*inputs.values()), strict=True):
            assert torch.equal(first, second)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_trace_of_pytorch_saved_by_us(calque, tmp_path, attention):
    """PyTorch -> load -> save -> PyTorch: equal outputs and state_dict."""
    model = bert.make_model("tiny", 0, transformers.BertForSequenceClassification, attn_implementation=attention)
    traced = torch.jit.trace(model, tuple(bert.make_inputs(model, (2, 7), 0, NAMES).values()), check_trace=False)
    traced.save(str(tmp_path / "theirs.pt"))
    calque("convert", tmp_path / "theirs.pt", "-o", tmp_path / "ours.pt")
    again = torch.jit.load(str(tmp_path / "ours.pt"))
    assert list(again.state_dict()) == list(traced.state_dict())
    for shape in bert.SHAPES:
        inputs = bert.make_inputs(model, shape, 0, NAMES)
        for ours, theirs in zip(bert.flatten(again(*inputs.values())), bert.flatten(traced(*inputs.values())), strict=True):
            assert torch.equal(ours, theirs)


def test_extra_files_survive(calque, tmp_path):
    model = bert.make_model("tiny", 0)
    traced = torch.jit.trace(model, tuple(bert.make_inputs(model, (2, 7), 0, NAMES).values()), check_trace=False)
    torch.jit.save(traced, str(tmp_path / "theirs.pt"), _extra_files={"labels.txt": "a\nb\n"})
    calque("convert", tmp_path / "theirs.pt", "-o", tmp_path / "ours.pt")
    extra = {"labels.txt": ""}
    torch.jit.load(str(tmp_path / "ours.pt"), _extra_files=extra)
    assert extra["labels.txt"] == b"a\nb\n"
