#!/usr/bin/env python3
"""Calque against other engines: each in a process of its own, with the same threads and the same inputs, taken in turns.

Prints tables, and writes everything that was measured to a JSON file, from which bench/report.py makes the README's tables
and plots. `make bench-peers` installs the peers; one that is missing is said to be missing.
"""

import argparse
import dataclasses
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
    from harness.session import Plan, prepare_all, run_sessions
    from harness.studies import ALL, README, STUDIES, Part
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
    add = parser.add_argument
    add("--study", help=f"a named set of models, shapes and threads: {', '.join(STUDIES)}, or readme for {', '.join(README)}")
    add("--model", help="minilm (default), bert-base[:LAYERS], tiny, a checkpoint folder or an archive; several with commas")
    add("--against", help=f"{', '.join(kind.name for kind in PEERS)}, each at all its precisions or as NAME:PRECISION; or all (default)")
    add("--shapes", help=f"batch x length, 32xreal for 32 real sentences; with commas (default: {SHAPES})")
    add("--threads", help=f"numbers of threads, with commas (default: {ALL})")
    add("--changing", type=int, help="calls over changing lengths (default: 100); 0 leaves them out")
    add("--dtype", default="float32", help="Calque's own --dtype; several with commas")
    add("--rounds", type=int, default=5, help="turns of each engine at each shape (default: 5)")
    add("--burst", type=float, default=0.3, help="seconds of calls in a turn (default: 0.3)")
    add("--longest", type=float, default=60, help="a shape that has taken so many seconds gets three rounds only (default: 60)")
    add("--calque", type=pathlib.Path, default=ROOT / "build/release/calque", help="the command to measure")
    add("--output", type=pathlib.Path, help="JSON file to write (default: build/bench/results/STUDY.json)")
    add("--markdown", action="store_true", help="print tables of Markdown")
    add("--print-json", action="store_true", help="print the JSON in place of tables")
    return parser.parse_args()


def parts_of(options: argparse.Namespace, study: str) -> list[Part]:
    """The parts of a study, with what the command line says in place of theirs. ValueError for what makes no sense."""
    if study and study not in STUDIES:
        raise ValueError(f"--study: '{study}' is none of {', '.join(STUDIES)}, readme")
    given = {}
    if options.model:
        given["models"] = tuple(options.model.split(","))
    if options.shapes:
        given["shapes"] = tuple(options.shapes.split(","))
        for shape in given["shapes"]:
            if not SHAPE.fullmatch(shape):
                raise ValueError(f"--shapes: '{shape}' is no shape such as 8x128, or 32xreal for real sentences")
    if options.threads:
        if not all(count.isdigit() and 1 <= int(count) <= 1024 for count in options.threads.split(",")):
            raise ValueError(f"--threads: '{options.threads}' are no numbers from 1 to 1024")
        given["threads"] = tuple(map(int, options.threads.split(",")))
    if options.against is not None:
        given["against"] = options.against
    if options.changing is not None:
        given["changing"] = options.changing
    base = STUDIES[study] if study else (Part(("minilm",), tuple(SHAPES.split(",")), (ALL,)),)
    parts = [dataclasses.replace(part, **given) for part in base]
    for part in parts:
        choose(part.against, options.dtype.split(","))
    return parts


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


def measure(parts: list[Part], options: argparse.Namespace, output: pathlib.Path) -> dict:
    """Runs the parts one after the other; the file is written anew after each session, so that nothing is lost."""
    results = {"schema": 1, "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "command": sys.argv[1:]}
    results |= {"machine": machine(), "versions": versions(), "missing": [], "sessions": []}
    output.parent.mkdir(parents=True, exist_ok=True)
    for part in parts:
        plan = Plan(list(part.shapes), options.rounds, options.burst, options.longest, part.changing)
        engines = choose(part.against, options.dtype.split(","))
        for name in part.models:
            model = make_model(name, options.calque)
            ready, missing = prepare_all(engines, model, max(part.threads))
            results["missing"] += [entry for entry in missing if entry not in results["missing"]]
            for session in run_sessions(model, ready, list(part.threads), plan, options.calque):
                results["sessions"].append(session)
                results["machine"]["load_after"] = os.getloadavg()[0]
                output.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1) if options.print_json else report.report(results, options.markdown))
    print(f"written: {output}", file=sys.stderr)
    return results


def calque_failed(results: dict) -> bool:
    return any(
        engine["problem"] or not all(entry["results"].get(label, {"agrees": True})["agrees"] for entry in session["workloads"])
        for session in results["sessions"]
        for label, engine in session["engines"].items()
        if label.split(":")[0] == "calque"
    )


def main() -> int:
    options = arguments()
    studies = README if options.study == "readme" else (options.study or "",)
    try:
        parts = {study: parts_of(options, study) for study in studies}
    except ValueError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    if not options.calque.exists():
        print(f"compare.py: {options.calque} is missing: run `make build`, or name the command with --calque", file=sys.stderr)
        return 1
    failed = False
    try:
        for study in studies:
            output = options.output if options.output and len(studies) == 1 else RESULTS / f"{study or 'last'}.json"
            failed |= calque_failed(measure(parts[study], options, output))
    except (ModelError, WorkloadError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
