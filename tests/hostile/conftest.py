"""The command on hostile files: its exit code, what it says, and what it takes."""

import dataclasses
import io
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile

import pytest
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent))

SECONDS = 20
MEGABYTE = 1 << 20
# Sanitizers take address space and memory of their own.
SANITIZED = "ASAN_OPTIONS" in os.environ
ADDRESS_SPACE = 16 << 30


@dataclasses.dataclass
class Outcome:
    code: int
    out: str
    error: str
    seconds: float
    memory: int  # most that was resident, in bytes

    @property
    def first_line(self) -> str:
        return self.error.split("\n", 1)[0]


def limit_address_space():
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


class Hostile:
    """hostile(arguments...) runs the command: it may not crash, hang, or take memory beyond `megabytes`."""

    def __init__(self, command: pathlib.Path):
        self.command = command

    def __call__(self, *arguments, megabytes: int = 120, seconds: float = SECONDS, cwd=None) -> Outcome:
        line = [str(self.command), *map(str, arguments)]
        limit = None if SANITIZED else limit_address_space
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
            begin = time.monotonic()
            process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=out, stderr=error, preexec_fn=limit, cwd=cwd)
            code, memory = self.wait(process, begin + seconds * (10 if SANITIZED else 1))
            took = time.monotonic() - begin
            texts = []
            for file in (out, error):
                file.seek(0)
                texts.append(file.read().decode(errors="replace"))
        shown = f"{' '.join(line)}\n{texts[0][-1000:]}{texts[1][:2000]}"
        assert code is not None, f"it does not end\n{shown}"
        assert code in (0, 1, 2), f"ended with {code}\n{shown}"
        assert SANITIZED or memory < megabytes * MEGABYTE, f"{memory >> 20} MB of memory\n{shown}"
        return Outcome(code, *texts, took, memory)

    @staticmethod
    def wait(process, deadline):
        """Exit code, None when it had to be stopped, and the most that was resident. (What wait4 tells holds the memory of
        this program too, from before the command took its place.)"""
        memory = 0
        while time.monotonic() < deadline:
            try:
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                status = ""
            peak = re.search(r"VmHWM:\s+(\d+) kB", status)
            memory = max(memory, int(peak[1]) * 1024 if peak else 0)
            if process.poll() is not None:
                return process.returncode, memory
            time.sleep(0.001)
        process.kill()
        process.wait()
        return None, memory

    def refuses(self, arguments, *words, **limits) -> Outcome:
        """Exit code 1, and a first line of the error that says the file and all of `words`."""
        done = self(*arguments, **limits)
        assert done.code == 1, f"exit code {done.code}: {arguments}\n{done.out[-500:]}{done.error[:2000]}"
        assert done.first_line.startswith("calque: error: "), done.error[:2000]
        assert len(done.error) < 6000, "an error that nobody reads"
        for word in words:
            assert word in done.first_line, f"{word!r} is not in {done.error[:2000]}"
        return done

    def refuses_file(self, path, *words, **limits):
        """The same from `inspect`, `run` and `check`, which reports it."""
        self.refuses(("inspect", path), *words, **limits)
        self.refuses(("run", path), *words, **limits)
        done = self("check", path, **limits)
        assert done.code == 1, done.out
        for word in words:
            assert word in done.out, f"{word!r} is not in {done.out[:2000]}"


@pytest.fixture(scope="session")
def hostile(calque) -> Hostile:
    return Hostile(calque.path)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        yield


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 4)
        self.register_buffer("table", torch.arange(6.0).reshape(2, 3))
        self.names = ["a", "b"]

    def forward(self, x: torch.Tensor):
        return self.linear(x + self.table[0]) * 2.5


@pytest.fixture(scope="session")
def real() -> dict[str, bytes]:
    """The records of an archive that torch.jit.save wrote."""
    torch.manual_seed(0)
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Small().eval()), buffer)
    with zipfile.ZipFile(buffer) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.fixture(scope="session")
def weights() -> bytes:
    """model.safetensors of the small checkpoint, as Transformers writes it."""
    import hostile_checkpoints as checkpoints
    import safetensors.torch
    import transformers

    torch.manual_seed(0)
    model = transformers.BertModel(transformers.BertConfig(**checkpoints.CONFIG))
    return safetensors.torch.save({name: value.contiguous() for name, value in model.state_dict().items()}, {"format": "pt"})


@pytest.fixture
def exports(hostile, weights, tmp_path):
    """exports(files...): `calque export` of the small checkpoint with these files in place of its own."""
    import hostile_checkpoints as checkpoints

    def export(**limits):
        return hostile("export", tmp_path / "checkpoint", "-o", tmp_path / "out.pt", **limits)

    def prepare(files: dict, without=()):
        good = {"config.json": checkpoints.CONFIG, "model.safetensors": weights} | files
        checkpoints.write(tmp_path / "checkpoint", {name: content for name, content in good.items() if name not in without})
        return export

    return prepare


@pytest.fixture
def export_refused(exports, hostile, tmp_path):
    """export_refused(files, words...): the export fails, leaves nothing behind, and says the words."""

    def check(files: dict, *words, without=(), **limits):
        exports(files, without)
        hostile.refuses(("export", tmp_path / "checkpoint", "-o", tmp_path / "out.pt"), *words, **limits)
        assert not (tmp_path / "out.pt").exists()

    return check
