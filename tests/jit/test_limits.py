"""Limits of `calque run`, on programs that would take all memory, all time, or both."""

import pytest
import torch
from torch import nn


class Greedy(nn.Module):
    def forward(self, n: int) -> torch.Tensor:
        return torch.zeros([n, 1000]).sum()


class Endless(nn.Module):
    def forward(self, n: int) -> int:
        while n != 0:
            n += 1
        return n


@pytest.fixture
def run(tmp_path, calque):
    """run(module, n, options...) -> (exit code, stderr)"""

    def call(module, number, *options):
        path, inputs = tmp_path / "m.pt", tmp_path / "in.json"
        torch.jit.script(module).save(str(path))
        inputs.write_text(f'{{"n": {number}}}')
        done = calque.run("run", path, "--input", inputs, *options)
        return done.returncode, done.stderr

    return call


def test_memory(run):
    assert run(Greedy(), 100, "--max-memory", "1MB") == (0, "")
    code, error = run(Greedy(), 1000, "--max-memory", "1MB")
    assert code == 1 and "this run may hold 1000000 bytes of tensors" in error and "asks for 4000000 more" in error


def test_seconds(run):
    code, error = run(Endless(), 1, "--max-seconds", "0.1")
    assert code == 1 and "the run took longer than the 0.1 s" in error


def test_iterations(run):
    assert run(Endless(), 0, "--max-iterations", "1") == (0, "")
    code, error = run(Endless(), 1, "--max-iterations", "1000")
    assert code == 1 and "more than the 1000 loop iterations" in error


@pytest.mark.parametrize("option", [("--max-seconds", "-1"), ("--max-memory", "lots"), ("--max-iterations", "0")], ids=lambda o: o[0])
def test_limits_that_make_no_sense(run, option):
    assert run(Endless(), 0, *option)[0] == 2
