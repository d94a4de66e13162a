#!/usr/bin/env python3
"""What a call from Python costs on top of C++: an empty module, microseconds a call.

    python/build.sh && PYTHONPATH=build/python/package .venv/bin/python bench/python_overhead.py

torch writes the empty module; its own call is timed as well, for scale.
"""

import io
import subprocess
import sys
import tempfile
import time

import calque
import numpy
import torch

LOOPS = 20_000
CPP = """
#include <calque/jit.h>
#include <chrono>
#include <cstdio>
int main(int, char** argv) {
  const calque::jit::Module module = calque::jit::load(argv[1]);
  const calque::Tensor x = calque::ones({2, 3});
  double best = 1e9;
  for (int round = 0; round < 7; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 20000; ++i) module.forward({x});
    const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
    best = std::min(best, taken.count() / 20000);
  }
  std::printf("%f", best);
}
"""


class Empty(torch.nn.Module):
    def forward(self, x):
        return x


def microseconds(call) -> float:
    """Best of several rounds."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(LOOPS):
            call()
        times.append((time.perf_counter() - start) / LOOPS * 1e6)
    return min(times)


def cpp_microseconds(library: str, archive: bytes) -> float:
    with tempfile.TemporaryDirectory() as folder:
        source, model = f"{folder}/call.cc", f"{folder}/empty.pt"
        with open(source, "w") as file:
            file.write(CPP)
        with open(model, "wb") as file:
            file.write(archive)
        links = [library, "-lsimdjson", "-lz", "-pthread"]
        subprocess.run(["g++", "-std=c++20", "-O2", "-Iinclude", source, *links, "-o", f"{folder}/call"], check=True)
        return float(subprocess.run([f"{folder}/call", model], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    theirs = torch.jit.script(Empty())
    archive = io.BytesIO()
    torch.jit.save(theirs, archive)
    ours = calque.jit.load(io.BytesIO(archive.getvalue()))
    tensor, array, torch_tensor = calque.ones(2, 3), numpy.ones((2, 3), numpy.float32), torch.ones(2, 3)
    library = sys.argv[1] if len(sys.argv) > 1 else "build/python/libcalque.a"
    cpp = cpp_microseconds(library, archive.getvalue())
    print(f"C++            {cpp:6.2f} us a call")
    for name, call in {
        "calque tensor": lambda: ours(tensor),
        "NumPy array": lambda: ours(array),
        "torch tensor": lambda: ours(torch_tensor),
    }.items():
        taken = microseconds(call)
        print(f"{name:14s} {taken:6.2f} us a call, {taken - cpp:5.2f} over C++")
    print(f"torch itself   {microseconds(lambda: theirs(torch_tensor)):6.2f} us a call")


if __name__ == "__main__":
    main()
