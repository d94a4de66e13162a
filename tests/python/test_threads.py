"""Many threads, asyncio, fork and spawn; Ctrl-C."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest
import torch

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

IDS = numpy.array([[101, 7592, 2088, 102], [101, 2023, 102, 0]])


@pytest.fixture(scope="module")
def model(tiny):
    return calque.transformers.BertModel.from_pretrained(tiny, torchscript=True)


@pytest.fixture(scope="module")
def archive(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("threads") / "tiny.pt"
    calque.jit.save(calque.jit.trace(model, IDS), path)
    return path


class Forever(torch.nn.Module):
    def forward(self, x: torch.Tensor):
        n = 0
        while bool(x.sum() >= 0):
            n = (n + 1) % 1000
        return n


@pytest.fixture(scope="module")
def endless(tmp_path_factory):
    path = tmp_path_factory.mktemp("threads") / "forever.pt"
    torch.jit.script(Forever()).save(str(path))
    return path


def test_hammer(model, archive, tiny, full):
    """Threads load, call, convert and fail at once; every result is right."""
    threads, rounds = (64, 50) if full else (8, 10)
    module = calque.jit.load(archive)
    tokenizer = calque.transformers.AutoTokenizer.from_pretrained(tiny)
    expected = module(IDS)[0].numpy().copy()

    def work(seed):
        random = numpy.random.default_rng(seed)
        for _ in range(rounds):
            own = calque.jit.load(archive) if random.random() < 0.2 else module
            assert numpy.allclose(own(IDS)[0].numpy(), expected, atol=1e-6)
            assert numpy.allclose(model(IDS)[0], expected, atol=1e-5)
            assert tokenizer(["hello world"] * 3)["input_ids"][2] == [101, 7592, 2088, 102]
            with pytest.raises(IndexError):
                own(numpy.array([[10**6]]))
            array = random.random((5, 7))
            assert calque.as_tensor(array).sum().item() == pytest.approx(array.sum())
        return True

    with ThreadPoolExecutor(threads) as pool:
        assert all(pool.map(work, range(threads)))


def test_the_interpreter_runs_while_a_program_does(endless):
    module = calque.jit.load(endless)
    options = calque.jit.RunOptions()
    ended = []

    def run():
        try:
            module.run([calque.ones(1)], options=options)
        except calque.CancelledError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.05)
    assert thread.is_alive()
    options.cancel()
    thread.join(10)
    assert len(ended) == 1


def test_asyncio(archive):
    module = calque.jit.load(archive)

    async def main():
        return await asyncio.gather(*(asyncio.to_thread(module, IDS) for _ in range(5)))

    results = asyncio.run(main())
    assert all(calque.equal(result[0], results[0][0]) for result in results)


def call_in_child(archive, queue):
    queue.put(calque.jit.load(archive)(IDS)[0].numpy())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(method, archive, package_environment, monkeypatch):
    calque.set_num_threads(2)
    try:
        module = calque.jit.load(archive)
        expected = module(numpy.tile(IDS, (40, 8)))[0]
        del expected
        expected = module(IDS)[0].numpy()
        if method == "spawn":
            # A fresh interpreter cannot import this file, so it is told what to do.
            code = "import sys, numpy, calque\nnumpy.save(sys.argv[2], calque.jit.load(sys.argv[1])(numpy.load(sys.argv[3]))[0].numpy())"
            folder = archive.parent
            numpy.save(folder / "ids.npy", IDS)
            subprocess.run(
                [sys.executable, "-c", code, archive, folder / "out.npy", folder / "ids.npy"],
                env=package_environment, check=True, timeout=100,
            )  # fmt: skip
            found = numpy.load(folder / "out.npy")
        else:
            context = multiprocessing.get_context("fork")
            queue = context.Queue()
            child = context.Process(target=call_in_child, args=(archive, queue))
            child.start()
            found = queue.get(timeout=60)
            child.join(20)
            assert child.exitcode == 0
        numpy.testing.assert_allclose(found, expected, atol=1e-6)
    finally:
        calque.set_num_threads(1)


INTERRUPTED = """
import signal, sys, calque
module = calque.jit.load(sys.argv[1])
# A program that was started in the background ignores the signal, and hands that on.
signal.signal(signal.SIGINT, signal.default_int_handler)
if sys.argv[2] == "handler":
    signal.signal(signal.SIGINT, lambda *a: print("handled", flush=True))
if sys.argv[2] == "ignored":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready", flush=True)
try:
    options = calque.jit.RunOptions(max_seconds=1)
    if sys.argv[2] == "ignored":
        module.run([calque.ones(1)], options=options)
    module(calque.ones(1))
except BaseException as error:
    print(type(error).__name__, flush=True)
try:
    module.run([calque.ones(1)], options=calque.jit.RunOptions(max_iterations=10))
except calque.LimitError:
    print("goes on", flush=True)
"""


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("plain", ["KeyboardInterrupt", "goes on"]),
        ("handler", ["handled", "CancelledError", "goes on"]),
        ("ignored", ["LimitError", "goes on"]),
    ],
)
def test_interrupt(case, expected, endless, package_environment):
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, endless, case], stdout=subprocess.PIPE, text=True, env=package_environment
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.4)
    os.kill(child.pid, signal.SIGINT)
    output, _ = child.communicate(timeout=60)
    assert output.split("\n")[:-1] == expected
    assert child.returncode == 0


DAEMONS = """
import sys, threading, time, numpy, calque
module = calque.jit.load(sys.argv[1])
ids = numpy.ones((2, 60), numpy.int64)
def run():
    while True:
        module(ids)
for _ in range(4):
    threading.Thread(target=run, daemon=True).start()
time.sleep(float(sys.argv[2]))
print("end", flush=True)
"""


def test_daemon_threads_that_compute_at_exit(archive, package_environment):
    for k in range(25):
        # Where the end meets the threads is luck: while they compute, while they give their array back, between calls.
        delay = str(0.003 * k)
        done = subprocess.run(
            [sys.executable, "-c", DAEMONS, archive, delay], capture_output=True, text=True, env=package_environment, timeout=100
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_ctrl_c_ends_a_run_with_options_of_its_own(endless, package_environment):
    code = """
import signal, sys, calque
signal.signal(signal.SIGINT, signal.default_int_handler)
module, options = calque.jit.load(sys.argv[1]), calque.jit.RunOptions(max_seconds=60)
print("ready", flush=True)
try:
    module.run([calque.ones(1)], options=options)
except KeyboardInterrupt:
    print("interrupted", flush=True)
options.max_iterations = 10
try:
    module.run([calque.ones(1)], options=options)
except calque.LimitError:
    print("goes on", flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", code, endless], stdout=subprocess.PIPE, text=True, env=package_environment)
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.4)
    os.kill(child.pid, signal.SIGINT)
    output, _ = child.communicate(timeout=60)
    assert output == "interrupted\ngoes on\n" and child.returncode == 0


def test_affinity_is_set_for_the_librarys_threads():
    allowed = sorted(os.sched_getaffinity(0))
    try:
        calque.set_affinity([allowed[0], allowed[-1]])
        assert calque.get_affinity() == [allowed[0], allowed[-1]]
        x = numpy.ones((300, 300), numpy.float32)
        numpy.testing.assert_allclose(calque.matmul(calque.tensor(x), calque.tensor(x)).numpy(), x @ x)
        assert sorted(os.sched_getaffinity(0)) == allowed
        with pytest.raises(ValueError, match="set_affinity: found processor 4095, expected those that this process may use"):
            calque.set_affinity([4095])
    finally:
        calque.set_affinity([])
    assert calque.get_affinity() == []


def test_affinity_of_a_command_ends_with_it(tmp_path):
    allowed = os.sched_getaffinity(0)
    module = calque.jit.script(_Double())
    module.save(tmp_path / "m.pt")
    result = calque.commands.run(tmp_path / "m.pt", {"x": [1.0, 2.0]}, affinity=str(max(allowed)))
    assert result["output.0"].tolist() == [2, 4]
    assert (os.sched_getaffinity(0), calque.get_affinity()) == (allowed, [])
    with pytest.raises(ValueError, match="found processors \"a\", expected numbers and ranges such as 0,2,4-7"):
        calque.commands.run(tmp_path / "m.pt", {"x": [1.0]}, affinity="a")


class _Double(torch.nn.Module):
    def forward(self, x):
        return x * 2


def test_spin_time_is_bounded():
    for wrong in (-1, 1_000_001):
        with pytest.raises(ValueError, match="expected 0..1000000"):
            calque.set_spin_time(wrong)
    calque.set_spin_time(0)
    calque.set_spin_time(50)


MEMORY = """
import sys, numpy, calque
def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) >> 10
script = calque.jit.CompilationUnit("def f(x: Tensor) -> Tensor:\\n    return ((x * 2 + 1) * (x + 3)).sum()\\n")
small, large = numpy.ones(10, numpy.float32), numpy.ones(20_000_000, numpy.float32)
script.f(small)
before = resident()
script.f(large)
kept = resident()
if sys.argv[1] == "release":
    calque.release_memory()
else:
    for _ in range(17):
        script.f(small)
print(kept - before, resident() - before)
"""


@pytest.mark.parametrize("how", ["release", "small calls"])
def test_memory_of_a_large_call_is_given_back(how, package_environment):
    output = subprocess.run([sys.executable, "-c", MEMORY, how], env=package_environment, check=True, capture_output=True, text=True)
    kept, left = map(int, output.stdout.split())
    assert kept > 100, "the next call would find the memory of this one"
    assert left < 20
