"""Passes seen from outside: left out by name, timed, and their graphs written to files that read back."""

import os
import random
import re

import pytest
import torch

import zoo as writer_zoo
import zoo_modules

PASSES = ("inline_calls", "fuse_linear", "fuse_attention", "remove_dead_code", "remove_padding")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("phases") / "model.pt"
    layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(4, 2)).eval()
    torch.jit.save(torch.jit.trace(layers, torch.zeros(1, 3)), str(path))
    return path


def phases(folder):
    """Pass -> text of the graph after it."""
    return {re.search(r"\.\d\d-(\w+)\.txt$", path.name).group(1): path.read_text() for path in folder.iterdir()}


def read_back(archive, folder, calque, jit_tool):
    done = calque.run("inspect", archive, "--dump-phases", folder)
    assert done.returncode == 0, done.stderr
    assert int(jit_tool("reparse", folder)) == len(list(folder.iterdir())) > len(PASSES)


def test_phases_read_back(model, tmp_path, calque, jit_tool):
    read_back(model, tmp_path / "new/folder", calque, jit_tool)
    graphs = phases(tmp_path / "new/folder")
    assert set(PASSES) | {"input"} <= set(graphs)
    assert "aten::dropout" in graphs["inline_calls"] and "aten::dropout" not in graphs["remove_dead_code"]
    assert "calque::linear" in graphs["fuse_linear"] and "calque::" not in graphs["inline_calls"]


@pytest.mark.parametrize("kind", [zoo_modules.Stack, zoo_modules.State, zoo_modules.Hooked, writer_zoo.Submodules])
def test_phases_of_scripts_read_back(kind, tmp_path, calque, jit_tool):
    module = writer_zoo.make(kind) if hasattr(writer_zoo, kind.__name__) else torch.jit.script(kind())
    torch.jit.save(module, str(tmp_path / "m.pt"))
    read_back(tmp_path / "m.pt", tmp_path / "phases", calque, jit_tool)


def test_phases_of_the_corpus_read_back(corpus, tmp_path, calque, jit_tool):
    files = sorted(corpus.glob("*.pt"))
    for file in random.Random(5).sample(files, 25):
        read_back(file, tmp_path / file.stem, calque, jit_tool)


def test_passes_are_timed(model, calque):
    for command in (("inspect", model), ("bench", model, "-i", model.with_suffix(".npz"), "--repeat", 1)):
        if command[0] == "bench":
            import numpy

            numpy.savez(model.with_suffix(".npz"), **{"input.0": numpy.zeros((1, 3), numpy.float32)})
        text = calque(*command, "--time-passes")
        for name in PASSES:
            assert re.search(rf"^{name} +[\d.]+ (ns|µs|us|ms|s) ", text, re.MULTILINE), (name, text)
        assert "fuse_linear " not in calque(*command)


def test_passes_are_left_out(model, tmp_path, calque):
    text = calque("inspect", model, "--disable-pass", "fuse_linear,remove_dead_code", "--dump-phases", tmp_path / "a", "--time-passes")
    assert "fuse_attention " in text and "fuse_linear " not in text
    graphs = phases(tmp_path / "a")
    assert "fuse_linear" not in graphs and "aten::linear" in graphs["remove_padding"]


def timed(calque, model) -> list[str]:
    table = calque("inspect", model, "--time-passes").partition("pass ")[2].splitlines()[1:]
    return [line.split()[0] for line in table if line.strip()]


def listed(error: str) -> list[str]:
    return re.search(r"the most similar first: ([\w, ]+)", error).group(1).strip().split(", ")


@pytest.mark.parametrize("command", ["run", "inspect", "bench"])
def test_an_unknown_pass_is_a_wrong_command_line(command, model, calque):
    done = calque.run(command, model, "--disable-pass", "fuse_linear,fuse_atention")
    assert done.returncode == 2
    assert 'there is no pass called "fuse_atention"' in done.stderr
    assert listed(done.stderr)[0] == "fuse_attention"
    assert set(listed(done.stderr)) == set(timed(calque, model))
    assert "--time-passes shows" in " ".join(calque(command, "--help").split())


def test_an_unknown_pass_of_the_environment(model, calque):
    done = calque.run("inspect", model, env=os.environ | {"CALQUE_DISABLE_PASS": "fuse_linear,remove_pading"})
    assert done.returncode == 1 and "CALQUE_DISABLE_PASS: there is no pass" in done.stderr
    assert listed(done.stderr)[0] == "remove_padding"


def test_the_passes_can_be_asked_for(model, calque):
    jit = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh").jit
    assert jit.pass_names() == timed(calque, model)
    with pytest.raises(ValueError, match="there is no pass called .fuse_liner.; .* first: fuse_linear, "):
        jit.load(model, disable_pass=["fuse_liner"])


def test_a_folder_that_cannot_be_written_is_named(model, tmp_path, calque):
    (tmp_path / "file").write_text("")
    done = calque.run("inspect", model, "--dump-phases", tmp_path / "file")
    assert done.returncode != 0 and str(tmp_path / "file") in done.stderr
