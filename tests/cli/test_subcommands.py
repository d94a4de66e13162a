"""What each subcommand prints and writes."""

import json

import numpy
import pytest
import safetensors.numpy


@pytest.fixture(scope="module")
def archive(calque, minilm, tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "model.pt"
    calque("export", minilm, "-o", path)
    return path


def test_inspect(calque, archive):
    text = calque("inspect", archive)
    assert "input_ids : Tensor" in text
    assert "attention_mask : Tensor" in text
    assert "BertEncoder" in text
    assert "22 713 216 parameters of float32" in text
    assert "aten::linear" in text


def test_inspect_json(calque, archive):
    summary = json.loads(calque("inspect", archive, "--json"))
    assert summary["version"] == "10"
    (forward,) = [method for method in summary["methods"] if method["name"] == "forward"]
    assert [argument["name"] for argument in forward["arguments"]] == ["input_ids", "attention_mask", "token_type_ids"]
    assert summary["modules"][0]["class"] == "BertModel"
    assert summary["modules"][0]["parameters"] == 22713216
    assert summary["operators"]["aten::linear"] == 37
    assert {"name": "pooler.dense.weight", "dtype": "float32", "shape": [384, 384]} in summary["parameters"]


def test_inspect_code_and_graph(calque, archive):
    assert "def forward(self," in calque("inspect", archive, "--code")
    assert "def forward(self," in calque("inspect", archive, "--code", "--module", "encoder.layer.0.attention")
    assert calque("inspect", archive, "--graph").startswith("graph(")
    assert "aten::linear" in calque("inspect", archive, "--graph", "--inlined")


def test_tokenize(calque, minilm):
    ids = calque("tokenize", minilm, "Who was Jim Henson ?", "--ids")
    assert ids == "101 2040 2001 3958 27227 1029 102\n"
    assert calque("tokenize", minilm, "Who was Jim Henson ?", "--tokens") == "[CLS] who was jim henson ? [SEP]\n"
    table = calque("tokenize", minilm, "Who was Jim Henson ?").splitlines()
    assert table[0].split() == ["#", "token", "id", "type", "mask", "characters"]
    assert table[2].split() == ["1", "who", "2040", "0", "1", "0-3"]


def test_tokenize_pair_json(calque, minilm):
    encoding = json.loads(calque("tokenize", minilm, "Who ?", "Jim", "--json"))
    assert encoding["tokens"] == ["[CLS]", "who", "?", "[SEP]", "jim", "[SEP]"]
    assert encoding["token_type_ids"] == [0, 0, 0, 0, 1, 1]
    assert encoding["offset_mapping"][1] == [0, 3]


def test_tokenize_options(calque, minilm):
    assert calque("tokenize", minilm, "who was jim", "--no-special-tokens", "--tokens") == "who was jim\n"
    cut = calque("tokenize", minilm, "who was jim", "--truncation", "longest_first", "--max-length", 4, "--tokens")
    assert cut == "[CLS] who was [SEP]\n"
    padded = calque("tokenize", minilm, "who", "--padding", "max_length", "--max-length", 5, "--ids")
    assert padded == "101 2040 102 0 0\n"
    parts = calque(
        "tokenize", minilm, "who was jim", "--truncation", "longest_first", "--max-length", 4, "--stride", 1, "--tokens"
    )
    assert parts == "[CLS] who was [SEP]\n[CLS] was jim [SEP]\n"


def test_tokenize_standard_input_and_decode(calque, minilm):
    assert calque("tokenize", minilm, "--file", "-", "--ids", input="who\nwas\n") == "101 2040 102\n101 2001 102\n"
    assert calque("tokenize", minilm, "--decode", "101 2040,2001 102") == "[CLS] who was [SEP]\n"
    assert calque("tokenize", minilm, "--decode", "101 2040", "--skip-special-tokens") == "who\n"
    assert calque.run("tokenize", minilm, "--decode", "101 x").returncode == 2


def test_tokenize_batch_file(calque, minilm, tmp_path):
    (tmp_path / "lines.txt").write_text("who\nwho was jim\n")
    done = calque.run("tokenize", minilm, "--file", tmp_path / "lines.txt", "-o", tmp_path / "in.npz")
    assert done.returncode == 2 and "--padding longest" in done.stderr
    calque("tokenize", minilm, "--file", tmp_path / "lines.txt", "--padding", "longest", "-o", tmp_path / "in.npz")
    batch = numpy.load(tmp_path / "in.npz")
    assert batch["input_ids"].tolist() == [[101, 2040, 102, 0, 0], [101, 2040, 2001, 3958, 102]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch["token_type_ids"].dtype == numpy.int64


@pytest.mark.parametrize("form", ["npz", "safetensors", "json"])
def test_run_reads_and_writes_each_form(calque, minilm, archive, tmp_path, form):
    calque("tokenize", minilm, "Who was Jim Henson ?", "-o", tmp_path / f"in.{form}")
    text = calque("run", archive, "--input", tmp_path / f"in.{form}", "--output", tmp_path / f"out.{form}")
    assert "output.0  float32[1, 7, 384]  result[0]" in text
    if form == "npz":
        out = dict(numpy.load(tmp_path / "out.npz"))
    elif form == "safetensors":
        out = safetensors.numpy.load_file(tmp_path / "out.safetensors")
    else:
        raw = json.loads((tmp_path / "out.json").read_text())
        out = {name: numpy.array(value["data"], value["dtype"]) for name, value in raw.items()}
    assert out["output.0"].shape == (1, 7, 384)
    assert out["output.1"].shape == (1, 384)
    calque("run", archive, "--input", tmp_path / f"in.{form}", "--output", tmp_path / "again.npz", "--threads", 1)
    numpy.testing.assert_allclose(numpy.load(tmp_path / "again.npz")["output.0"], out["output.0"], atol=1e-6)


def test_run_takes_inputs_by_position(calque, minilm, archive, tmp_path):
    calque("tokenize", minilm, "Who was Jim Henson ?", "-o", tmp_path / "in.npz")
    named = numpy.load(tmp_path / "in.npz")
    order = ("input_ids", "attention_mask", "token_type_ids")
    numpy.savez(tmp_path / "position.npz", **{f"input.{i}": named[name] for i, name in enumerate(order)})
    for name in ("in", "position"):
        calque("run", archive, "--input", tmp_path / f"{name}.npz", "--output", tmp_path / f"{name}.out.npz")
    first, second = (numpy.load(tmp_path / f"{name}.out.npz")["output.0"] for name in ("in", "position"))
    numpy.testing.assert_array_equal(first, second)


def test_run_repeat_prints_times(calque, minilm, archive, tmp_path):
    calque("tokenize", minilm, "Who?", "-o", tmp_path / "in.npz")
    assert "median of the other 4" in calque("run", archive, "--input", tmp_path / "in.npz", "--repeat", 5)
    assert calque("run", archive, "--input", tmp_path / "in.npz", "--quiet") == ""


def test_bench_json(calque, archive):
    result = json.loads(calque("bench", archive, "--shapes", "1x4,2x9", "--repeat", 3, "--threads", 1, "--json"))
    assert result["threads"] == 1
    assert [run["shape"] for run in result["runs"]] == ["1x4", "2x9"]
    assert all(run["calls"] == 3 and 0 < run["median_seconds"] <= run["p99_seconds"] for run in result["runs"])
    assert result["peak_bytes"] > 10_000_000


def test_convert_dtype(calque, archive, tmp_path):
    calque("convert", archive, "-o", tmp_path / "half.pt", "--dtype", "bfloat16")
    summary = json.loads(calque("inspect", tmp_path / "half.pt", "--json"))
    assert {parameter["dtype"] for parameter in summary["parameters"]} == {"bfloat16"}
    assert (tmp_path / "half.pt").stat().st_size < archive.stat().st_size * 0.55


def test_export_inputs(calque, minilm, tmp_path):
    calque("export", minilm, "-o", tmp_path / "ids.pt", "--inputs", "input_ids")
    summary = json.loads(calque("inspect", tmp_path / "ids.pt", "--json"))
    assert [argument["name"] for argument in summary["methods"][0]["arguments"]] == ["input_ids"]
