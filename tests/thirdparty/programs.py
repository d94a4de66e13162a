"""Programs and modules of other test folders."""

import importlib.util
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def program(name: str) -> pathlib.Path:
    command = pathlib.Path(os.environ.get("CALQUE_COMMAND", ROOT / "build/release/calque"))
    path = command.parent / name
    assert path.exists(), f"{path} is missing: run `make build`, or set CALQUE_COMMAND"
    return path


def run_program(name: str, *arguments) -> subprocess.CompletedProcess:
    command = [program(name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def neighbour(folder: str, name: str):
    """A module of another test folder."""
    spec = importlib.util.spec_from_file_location(f"{folder}_{name}", HERE.parent / folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
