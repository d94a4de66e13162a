"""PyTorch's archives on each instruction set, with each pass left out in turn: `make conformance-sweep`, a sample in `make test`.

CALQUE_SWEEP=1 runs every archive; otherwise a few are drawn for each pass, by CALQUE_SEED.
"""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = os.environ.get("CALQUE_PYTHON_PACKAGE", str(ROOT / "build/python/package"))
SAMPLE = 6


@pytest.mark.skipif(PACKAGE != "installed" and not os.path.isdir(PACKAGE), reason="the Python package is not built: run python/build.sh")
@pytest.mark.parametrize("isa", ["scalar", "avx2", "avx512"])
def test_each_pass_left_out(corpus, isa):
    del corpus  # skips where there is none
    command = [sys.executable, ROOT / "tests/conformance/sweep.py", "--seed", f"{os.environ.get('CALQUE_SEED', 0)} {isa}"]
    if not os.environ.get("CALQUE_SWEEP"):
        command += ["--sample", str(SAMPLE)]
    environment = {**os.environ, "CALQUE_ISA": isa, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment, timeout=7200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(" runs, 0 differences\n")
