"""An engine's process as the driver sees it: requests and answers, signals that stop it between its turns, and what the
system says of its memory and processor time."""

import json
import os
import pathlib
import selectors
import signal
import subprocess
import sys
import time

from .engines import Chosen
from .models import Model
from .paths import LOGS, ROOT

TICKS = os.sysconf("SC_CLK_TCK")


class EngineError(Exception):
    """The engine refused a request, took too long or ended."""


def environment(threads: int) -> dict[str, str]:
    """No hub, and the same number of threads for whatever pool a library brings."""
    fixed = {
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": str(ROOT / "bench"),
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
    }
    return os.environ | fixed


def serve_command(chosen: Chosen, model: Model, threads: int, calque: pathlib.Path) -> list[str]:
    if chosen.kind is None:
        words = [str(calque), "bench", str(model.archive), "--worker", "--threads", str(threads)]
        # float32 is what the archives hold: nothing to convert.
        return words if chosen.dtype == "float32" else [*words, "--dtype", chosen.dtype]
    return [sys.executable, "-m", "harness.serve", chosen.kind.name, chosen.precision, str(threads), str(model.folder)]


def prepare_command(chosen: Chosen, model: Model, threads: int) -> list[str]:
    words = ["harness.serve", "--prepare", chosen.kind.name, chosen.precision, str(threads), str(model.folder)]
    return [sys.executable, "-m", *words]


class Process:
    """One engine. Between `with process.turn():` blocks it is stopped: it cannot spin in another's turn."""

    def __init__(self, chosen: Chosen, model: Model, threads: int, calque: pathlib.Path, timeout: float):
        self.chosen, self.timeout = chosen, timeout
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{model.folder.name}-{chosen.label.replace(':', '-')}.log"
        start = time.perf_counter()
        with self.log.open("w") as log:
            self.popen = subprocess.Popen(
                serve_command(chosen, model, threads, calque),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment(threads),
                start_new_session=True,
            )
        self.buffer = b""
        try:
            self.read_answer()
        except EngineError:
            self.end()
            raise
        self.start_seconds = time.perf_counter() - start

    def signal(self, number: int) -> None:
        try:
            os.killpg(self.popen.pid, number)
        except ProcessLookupError:
            pass

    def __enter__(self):
        self.signal(signal.SIGCONT)
        return self

    def __exit__(self, *_):
        self.signal(signal.SIGSTOP)

    def turn(self):
        return self

    def read_answer(self) -> dict:
        stream = self.popen.stdout
        deadline = time.monotonic() + self.timeout
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while b"\n" not in self.buffer:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise EngineError(f"no answer within {self.timeout:.0f} s")
                data = os.read(stream.fileno(), 1 << 16)
                if not data:
                    raise EngineError(self.last_words())
                self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"ended with code {self.popen.wait()}"

    def ask(self, what: str, **fields) -> dict:
        try:
            self.popen.stdin.write(json.dumps({"do": what, **fields}).encode() + b"\n")
            self.popen.stdin.flush()
        except BrokenPipeError as error:
            raise EngineError(self.last_words()) from error
        return self.read_answer()

    def memory(self) -> dict[str, int]:
        """Bytes: `resident` with what is mapped from files, `own` without, `peak` of resident so far."""
        fields = {}
        for line in pathlib.Path(f"/proc/{self.popen.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            fields[name] = value.split()
        names = {"resident": "VmRSS", "own": "RssAnon", "peak": "VmHWM"}
        return {name: int(fields[field][0]) * 1024 for name, field in names.items()}

    def processor_seconds(self) -> float:
        stat = pathlib.Path(f"/proc/{self.popen.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def end(self) -> None:
        """Kills the process group, which this class has started; a stopped one, too."""
        self.signal(signal.SIGKILL)
        self.popen.wait()
        self.popen.stdin.close()
        self.popen.stdout.close()
