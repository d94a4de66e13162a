"""jit_tool, and the modules that no test of this folder chose."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import warnings

import pytest
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path += [str(pathlib.Path(__file__).parents[1] / folder) for folder in ("reader", "writer")]
ROOT = pathlib.Path(__file__).resolve().parents[2]


class JitTool:
    def __init__(self):
        command = pathlib.Path(os.environ.get("CALQUE_COMMAND", ROOT / "build/release/calque"))
        self.path = command.parent / "jit_tool"
        assert self.path.exists(), f"{self.path} is missing: run `make build`, or set CALQUE_COMMAND"

    def run(self, *arguments):
        command = [self.path, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    def __call__(self, *arguments) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, f"{' '.join(map(str, done.args))}\n{done.stdout}{done.stderr}"
        return done.stdout

    def describe(self, file):
        return json.loads(self("describe", file))


@pytest.fixture(scope="session")
def jit_tool():
    return JitTool()


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        yield


def reader_conftest():
    spec = importlib.util.spec_from_file_location("reader_conftest", ROOT / "tests/reader/conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


agrees = reader_conftest().agrees
