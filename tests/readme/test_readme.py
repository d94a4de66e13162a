"""Every `sh` block of README.md runs as it stands, in order, in one shell; `make` lines are checked to be targets."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CPP = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[str]:
    return BLOCK.findall((ROOT / "README.md").read_text())


def is_long(line: str) -> bool:
    """What a test does not run: set-up, builds and whole suites; see test_docs.py for their targets."""
    return line.startswith(("make ", "git clone", "cd ", "cmake "))


@pytest.fixture(scope="module")
def workdir(calque, minilm, tmp_path_factory):
    """A folder that looks like the project's root after `make demo`."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "build/release").mkdir(parents=True)
    for program in calque.path.parent.iterdir():
        if program.is_file() and os.access(program, os.X_OK):
            (folder / "build/release" / program.name).symlink_to(program)
    (folder / "demo").mkdir()
    (folder / "demo/minilm").symlink_to(minilm)
    calque("export", minilm, "-o", folder / "demo/all-MiniLM-L6-v2.pt")
    return folder


def test_there_are_blocks():
    assert len(blocks()) >= 2


def test_shell_blocks_run(workdir):
    script = "set -e\n"
    for block in blocks():
        lines = [line for line in block.splitlines() if line and not is_long(line)]
        script += "\n".join(lines) + "\n"
    done = subprocess.run(["bash", "-c", script], cwd=workdir, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_cpp_blocks_compile_and_run(workdir, calque, tmp_path):
    programs = [block for block in CPP.findall((ROOT / "README.md").read_text()) if "int main" in block]
    assert programs
    for number, program in enumerate(programs):
        source, binary = tmp_path / f"program{number}.cc", tmp_path / f"program{number}"
        source.write_text(program)
        library = calque.path.parent / "libcalque.a"
        subprocess.run(
            ["g++", "-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", source, library]
            + ["-lsimdjson", "-lz", "-pthread", "-o", binary],
            check=True,
            timeout=300,
        )
        done = subprocess.run([binary], cwd=workdir, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
