"""Archives with inputs and the results of real PyTorch, for reader_tool to repeat."""

import os
import pathlib
import subprocess
import sys
import warnings

import pytest
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent))
ROOT = pathlib.Path(__file__).resolve().parents[2]


def run_tool(*arguments) -> subprocess.CompletedProcess:
    command = pathlib.Path(os.environ.get("CALQUE_COMMAND", ROOT / "build/release/calque"))
    tool = command.parent / "reader_tool"
    assert tool.exists(), f"{tool} is missing: run `make build`, or set CALQUE_COMMAND"
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)


def plain(value):
    """Named tuples as tuples, so that the type of an attribute can be inferred."""
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value.detach() if isinstance(value, torch.Tensor) else value


class Cases(torch.nn.Module):
    def forward(self):
        return 0


def expected(model, method, inputs):
    """(`out`, result) or (`err`, the last line of the message), from real PyTorch."""
    try:
        with torch.no_grad():
            return "out", plain(getattr(model, method)(*inputs))
    except Exception as error:  # noqa: BLE001: any error of the program counts
        return "err", str(error).strip().splitlines()[-1].split(": ", 1)[-1].strip()


def write_cases(path, model, calls, tolerance=1e-5):
    """Runs `model` in PyTorch on every (method, inputs) and writes what comes out, errors included."""
    cases = Cases()
    cases.tolerance = tolerance
    for number, (method, inputs) in enumerate(calls):
        copies = tuple(item.clone() if isinstance(item, torch.Tensor) else item for item in inputs)
        setattr(cases, f"in_{number}", plain(copies))
        kind, value = expected(model, method, inputs)
        setattr(cases, f"{kind}_{number}", value)
        if method != "forward":
            setattr(cases, f"method_{number}", method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(cases).save(str(path))


@pytest.fixture(scope="session")
def tool():
    return run_tool


@pytest.fixture
def agrees(tmp_path):
    """agrees(file, calls): Calque gives what PyTorch gives for each (method, inputs)."""

    def check(file, calls, tolerance=1e-5):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = torch.jit.load(str(file))
        cases = tmp_path / "cases.pt"
        write_cases(cases, model, calls, tolerance)
        done = run_tool("check", file, cases)
        assert done.returncode == 0, f"reader_tool check {file} {cases}\n{done.stdout}{done.stderr}"

    return check
