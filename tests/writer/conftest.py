"""The small programs of this folder, and what stands in an archive."""

import os
import pathlib
import subprocess
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run_tool(name: str, *arguments) -> subprocess.CompletedProcess:
    """Runs a program of this folder from the build that CALQUE_COMMAND belongs to."""
    command = pathlib.Path(os.environ.get("CALQUE_COMMAND", ROOT / "build/release/calque"))
    tool = command.parent / name
    assert tool.exists(), f"{tool} is missing: run `make build`, or set CALQUE_COMMAND"
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="session")
def tool():
    return run_tool


@pytest.fixture(scope="session")
def handmade(tmp_path_factory) -> pathlib.Path:
    """A folder with the modules of writer_modules.h."""
    folder = tmp_path_factory.mktemp("handmade")
    done = run_tool("writer_modules", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def records():
    return read_records


def read_records(path: pathlib.Path) -> dict[str, bytes]:
    """Content of every record, without the root folder, in the order of the archive."""
    with zipfile.ZipFile(path) as archive:
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
