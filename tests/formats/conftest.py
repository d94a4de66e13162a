"""The program that calls the readers and writers of src/formats."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class FormatsTool:
    def __init__(self):
        command = pathlib.Path(os.environ.get("CALQUE_COMMAND", ROOT / "build/release/calque"))
        self.path = pathlib.Path(os.environ.get("CALQUE_FORMATS_TOOL", command.parent / "formats_tool"))

    def __call__(self, *arguments) -> bytes:
        """Standard output of a call that must succeed."""
        done = subprocess.run([self.path, *map(str, arguments)], capture_output=True, timeout=300, check=False)
        assert done.returncode == 0, f"{' '.join(map(str, done.args))}\n{done.stderr.decode(errors='replace')}"
        return done.stdout

    def refuses(self, *arguments) -> str:
        """The message of a call that must fail with an error of ours."""
        done = subprocess.run([self.path, *map(str, arguments)], capture_output=True, timeout=300, check=False)
        assert done.returncode == 1, f"{' '.join(map(str, done.args))}\nexit code {done.returncode}"
        return done.stderr.decode()

    def check(self, kind: str, files: list[pathlib.Path]) -> list[str]:
        """"ok" or "refused: message" for each file."""
        verdicts = []
        for start in range(0, len(files), 500):
            verdicts += self("check", kind, *files[start : start + 500]).decode().splitlines()
        assert len(verdicts) == len(files)
        return verdicts


@pytest.fixture(scope="session")
def tool() -> FormatsTool:
    program = FormatsTool()
    assert program.path.exists(), f"{program.path} is missing: run `make test`, or set CALQUE_FORMATS_TOOL"
    return program
