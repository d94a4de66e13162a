"""The language as people write it: PyTorch's own compiler against ours."""

import types
import warnings

import pytest
import torch

from conftest import run_tool, write_cases
from snippets import EXPRESSIONS, FUNCTIONS

HEAD = "def f(x: Tensor, n: int):\n    return "


def check(source, calls, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unit = torch.jit.CompilationUnit(source)
    text = tmp_path / "source.py"
    text.write_text(source)
    cases = tmp_path / "cases.pt"
    write_cases(cases, types.SimpleNamespace(f=unit.f), [("f", inputs) for inputs in calls])
    done = run_tool("source", text, cases)
    assert done.returncode == 0, f"reader_tool source {text} {cases}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression(expression, tmp_path):
    check(HEAD + expression + "\n", [(torch.arange(6.0).view(2, 3), 3)], tmp_path)


@pytest.mark.parametrize("source", FUNCTIONS)
def test_function(source, tmp_path):
    x = torch.arange(6.0).view(2, 3)
    check(source.lstrip("\n"), [(x, n) for n in (0, 1, 2, 3, 4, 7)], tmp_path)
