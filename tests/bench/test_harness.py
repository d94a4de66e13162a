"""The benchmark's harness on a tiny model of random weights: what it writes and prints, not how fast anything is."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEER = "openvino"


def run(*words, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "bench/compare.py"), *map(str, words)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment, **options)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Small, and in a folder of its own, so that nothing is kept from earlier runs."""
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("harness") / "checkpoint"
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = transformers.BertConfig(vocab_size=500, max_position_embeddings=64, architectures=["BertModel"], **sizes)
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def comparison(calque, checkpoint):
    """The results and the table of one small run against PyTorch and a peer that the tests' environment lacks."""
    output = checkpoint.parent / "results.json"
    words = ["--model", checkpoint, "--against", f"torch:f32,{PEER}:int8", "--dtype", "float32,bfloat16", "--shapes", "1x8,3x5", "--threads", 1, "--rounds", 2]
    words += ["--burst", 0.001, "--changing", 5, "--calque", calque.path, "--output", output]
    done = run(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(output.read_text()), done.stdout


def test_every_engine_is_measured_at_every_shape(comparison):
    results, _ = comparison
    (session,) = results["sessions"]
    assert list(session["engines"])[:3] == ["calque", "calque:bfloat16", "torch"]
    assert [entry["shape"] for entry in session["workloads"]] == ["1x8", "3x5"]
    for entry in session["workloads"]:
        for label in ("calque", "calque:bfloat16", "torch"):
            result = entry["results"][label]
            assert len(result["rounds"]) == 2
            assert 0 < result["min"] <= result["median"]
            assert result["min"] == min(t for r in result["rounds"] for t in r["times"])
        against = entry["results"]["calque"]["against"]
        assert against["peer"] == "torch"
        assert len(against["ratios"]) == 2
        assert against["ratio_min"] == pytest.approx(entry["results"]["torch"]["min"] / entry["results"]["calque"]["min"])


def test_outputs_are_compared_with_pytorch(comparison):
    results, _ = comparison
    for entry in results["sessions"][0]["workloads"]:
        assert entry["results"]["calque"]["accuracy"]["max_abs"] < 1e-4
        assert entry["results"]["calque"]["agrees"]
        low = entry["results"]["calque:bfloat16"]["accuracy"]
        assert 1e-5 < low["max_abs"] < 0.2 and 0.99 < low["cosine"] < 1


def test_memory_starts_and_changing_lengths_are_measured(comparison):
    results, _ = comparison
    for engine in results["sessions"][0]["engines"].values():
        assert engine["problem"] == ""
        assert engine["start_seconds"] > 0 and engine["load_seconds"] > 0 and engine["first_call_seconds"] > 0
        assert engine["changing"]["calls"] == 5
        assert engine["changing"]["worst_seconds"] >= engine["changing"]["median_seconds"]
        assert engine["changing"]["worst_ratio"] > 0
        assert {"after_load", "after_longest", "idle"} <= set(engine["memory"])
        assert engine["memory"]["idle"]["resident"] > 1e6
        assert engine["installed_bytes"] > 1e6


def test_work_is_that_of_the_model(comparison):
    """GFLOP of real tokens: four products of 32 x 32, two of 32 x 64, scores and their sum, two layers, and the pooler."""
    results, _ = comparison
    for entry, (batch, length) in zip(results["sessions"][0]["workloads"], [(1, 8), (3, 5)]):
        layer = length * (4 * 32 * 32 + 2 * 32 * 64) + 2 * length * length * 32
        assert entry["gflop"] == pytest.approx(2e-9 * batch * (2 * layer + 32 * 32), rel=0.05)


def test_the_roof_is_no_lower_than_peak_or_memory(comparison):
    """Two layers of four products of 32 x 32 and two of 32 x 64: their weights are read once a call at least."""
    (session,) = comparison[0]["sessions"]
    if not session["peak_gflops"]:
        pytest.skip("machine_peak is not built: it is part of the benchmarks")
    weights = 2 * (4 * 32 * 32 + 2 * 32 * 64)
    assert session["weight_seconds"]["f32"] >= weights * 4 / 1e13
    for entry in session["workloads"]:
        result = entry["results"]["calque"]
        assert result["share_of_roof"] >= result["share_of_peak"] > 0
        assert result["share_of_roof"] * result["min"] >= session["weight_seconds"]["f32"] * 0.999


def test_a_missing_peer_is_said_to_be_missing(comparison):
    results, table = comparison
    there = {name for name in (PEER, "nncf") if importlib.util.find_spec(name)}
    if there == {PEER, "nncf"}:
        pytest.skip(f"{PEER} is installed in the tests' environment")
    (entry,) = results["missing"]
    assert entry["engine"] == f"{PEER}:int8"
    assert "missing" in entry["reason"] and "make bench-peers" in entry["reason"]
    assert entry["reason"] in table


def test_the_table_renders(comparison, tmp_path):
    _, table = comparison
    lines = table.splitlines()
    head = next(line for line in lines if line.startswith("ms a call"))
    assert head.split()[-2:] == ["1x8", "3x5"]
    assert any(line.startswith("Calque ") for line in lines) and any(line.startswith("PyTorch eager ") for line in lines)


def test_markdown_has_as_many_cells_in_each_row(comparison, tmp_path):
    results, _ = comparison
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    done = subprocess.run([sys.executable, ROOT / "bench/report.py", path], capture_output=True, text=True, check=True)
    tables = [block.splitlines() for block in done.stdout.split("\n\n") if block.startswith("|")]
    assert len(tables) >= 4
    for rows in tables:
        assert len({row.count("|") for row in rows}) == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--shapes", "8by128"], "'8by128' is no shape"),
        (["--against", "tensorflow"], "there is no engine 'tensorflow'"),
        (["--threads", "0"], "from 1 to 1024"),
        (["--study", "everything"], "'everything' is none of"),
    ],
)
def test_a_wrong_command_line(words, text):
    done = run(*words)
    assert done.returncode == 2 and text in done.stderr


def test_a_model_that_is_not_there(calque):
    done = run("--model", "no/such/model", "--calque", calque.path)
    assert done.returncode == 1 and "no/such/model" in done.stderr


def test_a_dtype_that_the_command_refuses_is_a_problem_of_ours(calque, checkpoint):
    words = ["--model", checkpoint, "--against", "", "--shapes", "1x4", "--changing", 0, "--rounds", 1, "--burst", 0.001]
    done = run(*words, "--dtype", "int3", "--calque", calque.path, "--output", checkpoint.parent / "int3.json")
    assert done.returncode == 1
    assert "int3" in done.stdout


def test_the_command_serves_requests(calque, checkpoint, tmp_path):
    archive, inputs, output = tmp_path / "m.pt", tmp_path / "in.npz", tmp_path / "out.npy"
    calque("export", checkpoint, "-o", archive)
    ids = numpy.arange(10).reshape(2, 5)
    numpy.savez(inputs, input_ids=ids, attention_mask=numpy.ones_like(ids), token_type_ids=numpy.zeros_like(ids))
    requests = [
        {"do": "run", "input": str(inputs), "warmup": 0, "calls": 1},
        {"do": "load"},
        {"do": "run", "input": str(inputs), "warmup": 1, "calls": 3},
        {"do": "output", "input": str(inputs), "to": str(output)},
        {"do": "sing"},
        {"do": "quit"},
        {"do": "load"},
    ]
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = calque.run("bench", archive, "--worker", "--threads", 1, input=lines)
    assert done.returncode == 0
    ready, early, load, times, written, unknown, bye = map(json.loads, done.stdout.splitlines())
    assert ready == {"ready": True} and bye == {"bye": True}
    assert "nothing is loaded" in early["error"] and "'sing'" in unknown["error"]
    assert load["seconds"] > 0 and len(times["times"]) == 3 and written["seconds"] > 0
    assert numpy.load(output).shape == (2, 5, 32)


def test_the_command_hands_comparisons_over(calque, checkpoint):
    if not (calque.path.resolve().parents[2] / "bench/compare.py").exists():
        pytest.skip("the command is not that of a build in a source tree")
    environment = os.environ | {"CALQUE_BENCH_PYTHON": sys.executable, "HF_HUB_OFFLINE": "1"}
    words = ["bench", checkpoint, "--against", f"{PEER}:int8", "--shapes", "1x6", "--threads", 1, "--json"]
    done = calque.run(*words, env=environment)
    assert done.returncode == 0, done.stderr
    (session,) = json.loads(done.stdout)["sessions"]
    assert session["threads"] == 1 and list(session["engines"])[0] == "calque"
    assert calque.run("bench", checkpoint, "--against", "tensorflow", env=environment).returncode == 2


def test_the_command_says_how_to_get_python(calque, checkpoint):
    environment = os.environ | {"CALQUE_BENCH_PYTHON": "/nowhere/python"}
    done = calque.run("bench", checkpoint, "--against", "torch", env=environment)
    assert done.returncode == 1 and "CALQUE_BENCH_PYTHON" in done.stderr
