"""Fixtures of the model suites: the driver, seeded checkpoints, inputs."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import torch  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True, scope="session")
def one_thread_and_no_gradients():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)


class ToolError(Exception):
    """What the driver wrote: `kind` is the class of the error."""

    def __init__(self, text: str):
        super().__init__(text)
        self.kind, _, self.message = text.partition(": ")


class Tool:
    """The driver models_tool; CALQUE_MODELS_TOOL chooses another build of it."""

    def __init__(self):
        self.path = pathlib.Path(os.environ.get("CALQUE_MODELS_TOOL", ROOT / "build/release/models_tool"))

    def __call__(self, *arguments) -> subprocess.CompletedProcess:
        command = [str(self.path), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode in (0, 1), f"{' '.join(command)}\nended with {done.returncode}\n{done.stderr}"
        if done.returncode == 1:
            raise ToolError(done.stderr.strip())
        return done

    def info(self, directory, *options) -> dict:
        return json.loads(self("info", directory, *options).stdout)


@pytest.fixture(scope="session")
def tool() -> Tool:
    found = Tool()
    assert found.path.exists(), f"{found.path} is missing: run `make build`, or set CALQUE_MODELS_TOOL"
    return found


@pytest.fixture
def run(tool, tmp_path):
    """run("forward" or "run", what, inputs, *options): the outputs, in order."""
    import safetensors.torch

    def outputs(command, target, inputs, *options):
        source, result = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
        safetensors.torch.save_file({k: v.contiguous() for k, v in inputs.items()}, source)
        tool(command, target, source, result, *options)
        tensors = safetensors.torch.load_file(result)
        return [tensors[f"output.{i}"] for i in range(len(tensors))]

    return outputs


@pytest.fixture
def trace(tool, tmp_path):
    """trace(directory, inputs, *options): path of the archive."""
    import safetensors.torch

    def archive(directory, inputs, *options, name="traced.pt"):
        source, result = tmp_path / "example.safetensors", tmp_path / name
        safetensors.torch.save_file({k: v.contiguous() for k, v in inputs.items()}, source)
        tool("trace", directory, source, result, *options)
        return result

    return archive
