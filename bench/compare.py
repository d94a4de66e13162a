#!/usr/bin/env python3
"""Calque against other engines: each in a process of its own, with the same threads and the same inputs, taken in turns.

Prints tables, and writes everything that was measured to a JSON file, from which bench/report.py makes the README's tables
and plots. `make bench-peers` installs the peers; one that is missing is said to be missing.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import sys

try:
    from harness import report
    from harness.engines import PEERS, choose, version_of
    from harness.models import ModelError, make_model
    from harness.paths import RESULTS, ROOT
    from harness.session import Plan, run_sessions
    from harness.workloads import SHAPE, WorkloadError
except ModuleNotFoundError as missing:
    print(
        f"compare.py: {sys.executable} has no module '{missing.name}': run `make bench-peers` in the source tree, and use"
        " build/bench/venv/bin/python, or name a Python that has NumPy with CALQUE_BENCH_PYTHON",
        file=sys.stderr,
    )
    sys.exit(1)

SHAPES = "1x8,1x32,1x128,8x128,32xreal"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="minilm", help="minilm, bert-base[:LAYERS], tiny, a checkpoint folder or an archive; several with commas")
    parser.add_argument("--against", default="all", help="torch, torchscript, compile, onnxruntime, openvino, ctranslate2, each at all its precisions or as NAME:PRECISION; or all")
    parser.add_argument("--shapes", default=SHAPES, help="batch x length, 32xreal for 32 real sentences; with commas")
    parser.add_argument("--dtype", default="float32", help="Calque's own --dtype; several with commas")
    parser.add_argument("--threads", default=str(len(os.sched_getaffinity(0))), help="numbers of threads, with commas")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine at each shape")
    parser.add_argument("--burst", type=float, default=0.3, help="seconds of calls in a turn")
    parser.add_argument("--longest", type=float, default=60, help="a shape that has taken so many seconds gets three rounds only")
    parser.add_argument("--changing", type=int, default=100, help="calls over changing lengths; 0 leaves them out")
    parser.add_argument("--calque", type=pathlib.Path, default=ROOT / "build/release/calque", help="the command to measure")
    parser.add_argument("--output", type=pathlib.Path, help="JSON file to write (default: build/bench/results/DATE.json)")
    parser.add_argument("--markdown", action="store_true", help="print tables of Markdown")
    parser.add_argument("--print-json", action="store_true", help="print the JSON in place of tables")
    return parser.parse_args()


def machine() -> dict:
    name = platform.processor() or platform.machine()
    flags: set[str] = set()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        if key.strip() == "flags":
            flags = set(value.split())
    features = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8") if flag in flags]
    return {
        "processor": name,
        "processors": len(os.sched_getaffinity(0)),
        "features": features,
        "system": platform.platform(),
        "load_before": os.getloadavg()[0],
    }


def versions() -> dict[str, str]:
    names = dict.fromkeys(name for kind in PEERS for name in kind.needs)
    return {name: version for name in (*names, "nncf") if (version := version_of(name))}


def main() -> int:
    options = arguments()
    try:
        engines = choose(options.against, options.dtype.split(","))
        threads = [int(count) for count in options.threads.split(",")]
        if min(threads) < 1:
            raise ValueError("--threads: from 1 on")
        for shape in options.shapes.split(","):
            if not SHAPE.fullmatch(shape):
                raise ValueError(f"--shapes: '{shape}' is no shape such as 8x128, or 32xreal for real sentences")
    except ValueError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    if not options.calque.exists():
        print(f"compare.py: {options.calque} is missing: run `make build`, or name the command with --calque", file=sys.stderr)
        return 1

    plan = Plan(options.shapes.split(","), options.rounds, options.burst, options.longest, options.changing)
    results = {"schema": 1, "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "command": sys.argv[1:]}
    results |= {"machine": machine(), "versions": versions(), "missing": [], "sessions": []}
    output = options.output or RESULTS / f"{results['date'].replace(':', '').split('+')[0]}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        for name in options.model.split(","):
            sessions, missing = run_sessions(make_model(name, options.calque), engines, threads, plan, options.calque)
            results["sessions"] += sessions
            results["missing"] += [entry for entry in missing if entry not in results["missing"]]
            output.write_text(json.dumps(results, indent=1) + "\n")
    except (ModelError, WorkloadError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1
    print(json.dumps(results, indent=1) if options.print_json else report.report(results, options.markdown))
    print(f"written: {output}", file=sys.stderr)
    failed = any(session["engines"][label]["problem"] for session in results["sessions"] for label in session["engines"] if label.startswith("calque"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
