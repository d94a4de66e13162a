"""A session: one model, one number of threads, all engines. What is measured stands in `Session.result`, plain JSON."""

import dataclasses
import json
import math
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

from .engines import PEERS, Chosen, installed_bytes, missing_packages, version_of
from .models import Model
from .paths import LOGS
from .process import EngineError, Process, environment, prepare_command
from .workloads import Workload, make_workload

AGREEMENT = 1e-3
MOST_CALLS = 200
LEAST_ROUNDS = 3
# What machine_peak knows.
PRECISIONS = ("f32", "bf16", "int8")


@dataclasses.dataclass
class Plan:
    shapes: list[str]
    rounds: int = 5
    burst_seconds: float = 0.3
    # A workload that has taken so long gets no more than the least number of rounds.
    workload_seconds: float = 60
    changing_calls: int = 100
    changing_lengths: tuple[int, int] = (4, 128)
    timeout: float = 900


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def reference_path(scratch: pathlib.Path, model: Model, workload: Workload) -> pathlib.Path:
    return scratch / f"{model.folder.name}-{workload.path.stem}.npy"


def machine_limits(model: Model, calque: pathlib.Path, threads: int) -> tuple[dict[str, float], dict[str, float]]:
    """By precision, GFLOP/s of register-only loops, and the least time in which the model's weights are read over and over, from
    the program beside the command; empty when it is not there."""
    program = calque.parent / "machine_peak"
    if not program.exists():
        return {}, {}
    weights = model.weight_bytes()
    sizes = [str(size) for size in weights.values()]
    done = subprocess.run([str(program), str(threads), *sizes], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    seconds = {precision: size * 1e-9 / speed for (precision, size), speed in zip(weights.items(), found["read"])}
    return {name: found[name] for name in PRECISIONS if found[name] > 0}, seconds


def compare(output: numpy.ndarray, reference: numpy.ndarray, lengths: list[int]) -> dict[str, float]:
    """Largest difference and cosines of the tokens that are there; what stands at padding is nobody's business."""
    if output.shape != reference.shape:
        return {"max_abs": math.inf, "cosine": 0.0, "least_cosine": 0.0, "note": f"shape {output.shape}"}
    if reference.ndim >= 2 and reference.shape[:2] == (len(lengths), max(lengths)):
        real = numpy.arange(max(lengths)) < numpy.array(lengths)[:, None]
        output, reference = output[real], reference[real]
    output, reference = output.astype(numpy.float64), reference.astype(numpy.float64)
    if not numpy.isfinite(output).all():
        return {"max_abs": math.inf, "cosine": 0.0, "least_cosine": 0.0, "note": "not finite"}
    scale = numpy.linalg.norm(output, axis=-1) * numpy.linalg.norm(reference, axis=-1)
    cosines = (output * reference).sum(-1) / numpy.maximum(scale, 1e-30)
    return {
        "max_abs": float(numpy.abs(output - reference).max()),
        "cosine": float(cosines.mean()),
        "least_cosine": float(cosines.min()),
    }


class Session:
    def __init__(self, model: Model, engines: list[Chosen], threads: int, plan: Plan, calque: pathlib.Path, scratch: pathlib.Path):
        self.model, self.engines, self.threads, self.plan, self.calque = model, engines, threads, plan, calque
        self.scratch = scratch
        self.workloads = [make_workload(model, shape) for shape in plan.shapes]
        self.processes: dict[str, Process] = {}
        peaks, weight_seconds = machine_limits(model, calque, threads)
        self.result = {
            "model": model.name,
            "threads": threads,
            "peak_gflops": peaks,
            "weight_seconds": weight_seconds,
            "engines": {chosen.label: self.entry(chosen) for chosen in engines},
            "workloads": [self.workload_entry(workload) for workload in self.workloads],
        }

    def entry(self, chosen: Chosen) -> dict:
        return {"title": chosen.title, "precision": chosen.precision, "problem": ""}

    def workload_entry(self, workload: Workload) -> dict:
        return {
            "shape": workload.name,
            "batch": workload.batch,
            "longest": workload.longest,
            "real_tokens": workload.real_tokens,
            "padded_tokens": workload.padded_tokens,
            "gflop": self.model.gflop(workload.lengths),
            "results": {},
        }

    def fail(self, label: str, stage: str, error: Exception) -> None:
        self.result["engines"][label]["problem"] = f"{stage}: {error}"
        say(f"  {label}: {stage}: {error}")
        process = self.processes.pop(label, None)
        if process:
            process.end()

    def run(self) -> dict:
        try:
            self.start_all()
            self.verify_all()
            self.take_turns()
            self.change_shapes()
            self.measure_memory()
        finally:
            for process in self.processes.values():
                process.end()
        return self.result

    def each(self, stage: str, work) -> None:
        """Gives every engine one turn of `work(label, process)`."""
        for label in list(self.processes):
            try:
                with self.processes[label].turn() as process:
                    work(label, process)
            except EngineError as error:
                self.fail(label, stage, error)

    def start_all(self) -> None:
        for chosen in self.engines:
            try:
                process = Process(chosen, self.model, self.threads, self.calque, self.plan.timeout)
                self.processes[chosen.label] = process
                with process.turn():
                    self.start(chosen, process)
            except EngineError as error:
                self.fail(chosen.label, "load", error)

    def start(self, chosen: Chosen, process: Process) -> None:
        entry = self.result["engines"][chosen.label]
        entry["start_seconds"] = process.start_seconds
        entry["load_seconds"] = process.ask("load")["seconds"]
        entry["memory"] = {"after_load": process.memory()}
        entry["installed_bytes"] = installed_bytes(chosen.kind) if chosen.kind else self.calque.stat().st_size
        first = process.ask("run", input=str(self.workloads[0].path), warmup=0, calls=1)
        entry["first_call_seconds"] = first["times"][0]
        say(f"  {chosen.label}: started {process.start_seconds:.1f} s, loaded {entry['load_seconds']:.2f} s")

    def verify_all(self) -> None:
        """Every engine's output of every workload against PyTorch's float32; the call is the first of its shape."""
        for workload, entry in zip(self.workloads, self.result["workloads"]):
            known = reference_path(self.scratch, self.model, workload)
            reference = numpy.load(known) if known.exists() else None

            def verify(label, process, workload=workload, entry=entry, reference=reference):
                target = self.scratch / "output.npy"
                first = process.ask("output", input=str(workload.path), to=str(target))["seconds"]
                accuracy = {} if reference is None else compare(numpy.load(target), reference, workload.lengths)
                exact = self.result["engines"][label]["precision"] == "f32"
                agrees = not (exact and accuracy) or accuracy["max_abs"] <= AGREEMENT
                (time_of_call,) = process.ask("run", input=str(workload.path), warmup=0, calls=1)["times"]
                entry["results"][label] = {
                    "first_seconds": first,
                    "accuracy": accuracy,
                    "agrees": agrees,
                    "calls": min(MOST_CALLS, max(1, math.ceil(self.plan.burst_seconds / time_of_call))),
                    "rounds": [],
                }
                if not agrees:
                    say(f"  {label} {workload.name}: DISAGREES with PyTorch by {accuracy['max_abs']:.3g}")

            self.each("first call", verify)

    def take_turns(self) -> None:
        spent = [0.0] * len(self.workloads)
        for turn in range(self.plan.rounds):
            say(f"  round {turn + 1} of {self.plan.rounds}")
            for i, (workload, entry) in enumerate(zip(self.workloads, self.result["workloads"])):
                if turn >= LEAST_ROUNDS and spent[i] > self.plan.workload_seconds:
                    continue
                start = time.monotonic()
                self.one_round(turn, workload, entry["results"])
                spent[i] += time.monotonic() - start
        for entry in self.result["workloads"]:
            self.summarise(entry)

    def one_round(self, turn: int, workload: Workload, results: dict) -> None:
        labels = [label for label in self.processes if label in results]
        shift = turn % max(1, len(labels))
        for label in labels[shift:] + labels[:shift]:
            calls = results[label]["calls"]
            try:
                with self.processes[label].turn() as process:
                    # A long call needs no warm-up of its own: the caches that others left cold are a small part of it.
                    times = process.ask("run", input=str(workload.path), warmup=min(1, calls - 1), calls=calls)["times"]
            except EngineError as error:
                self.fail(label, workload.name, error)
                continue
            results[label]["rounds"].append({"median": statistics.median(times), "min": min(times), "times": times})

    def summarise(self, entry: dict) -> None:
        peaks, weight_seconds = self.result["peak_gflops"], self.result["weight_seconds"]
        for label, result in entry["results"].items():
            rounds = result["rounds"]
            if not rounds:
                continue
            result["median"] = statistics.median(t for r in rounds for t in r["times"])
            result["min"] = min(r["min"] for r in rounds)
            precision = self.result["engines"][label]["precision"]
            peak = peaks.get(precision)
            if peak and entry["gflop"]:
                least = entry["gflop"] / peak
                result["share_of_peak"] = least / result["min"]
                result["share_of_roof"] = max(least, weight_seconds.get(precision, 0)) / result["min"]
        for label, result in entry["results"].items():
            if label.split(":")[0] == "calque" and "min" in result:
                result["against"] = against_fastest(self.result["engines"], label, entry["results"])

    def change_shapes(self) -> None:
        """Calls at lengths that change each time: the worst of them, and the worst beside steady calls of its own length."""
        shortest, longest = self.plan.changing_lengths
        lengths = list(range(shortest, min(longest, self.model.longest) + 1))
        random.Random(0).shuffle(lengths)
        lengths = lengths[: self.plan.changing_calls]
        if not lengths:
            return
        say(f"  {len(lengths)} calls over changing lengths")
        inputs = [make_workload(self.model, f"1x{length}").path for length in lengths]

        def change(label, process):
            times = [process.ask("run", input=str(path), warmup=0, calls=1)["times"][0] for path in inputs]
            steady = [min(process.ask("run", input=str(path), warmup=0, calls=2)["times"]) for path in inputs]
            worst = max(range(len(times)), key=times.__getitem__)
            self.result["engines"][label]["changing"] = {
                "calls": len(times),
                "worst_seconds": times[worst],
                "worst_length": lengths[worst],
                "median_seconds": statistics.median(times),
                "total_seconds": sum(times),
                "worst_ratio": max(first / again for first, again in zip(times, steady)),
            }

        self.each("changing lengths", change)

    def measure_memory(self) -> None:
        largest = max(self.workloads, key=lambda workload: workload.padded_tokens)

        def measure(label, process):
            memory = self.result["engines"][label]["memory"]
            process.ask("run", input=str(largest.path), warmup=0, calls=1)
            memory["after_longest"] = process.memory()
            before = process.processor_seconds()
            time.sleep(1)
            self.result["engines"][label]["idle_processor_seconds"] = process.processor_seconds() - before
            memory["idle"] = process.memory()

        self.each("memory", measure)


def against_fastest(engines: dict, label: str, results: dict) -> dict:
    """The fastest peer of the same precision by its least time, and its time over ours: median of the rounds, least times."""
    precision = engines[label]["precision"]
    peers = {
        name: result
        for name, result in results.items()
        if name.split(":")[0] != "calque" and engines[name]["precision"] == precision and "min" in result and result["agrees"]
    }
    if not peers:
        return {}
    fastest = min(peers, key=lambda name: peers[name]["min"])
    ratios = [theirs["median"] / ours["median"] for theirs, ours in zip(peers[fastest]["rounds"], results[label]["rounds"])]
    return {
        "peer": fastest,
        "ratio_median": statistics.median(ratios),
        "ratio_min": peers[fastest]["min"] / results[label]["min"],
        "ratios": ratios,
    }


def usable(engines: list[Chosen], model: Model) -> tuple[list[Chosen], list[dict]]:
    """The engines that can run here, and the others with the reason."""
    there, missing = [], []
    for chosen in engines:
        lacks = missing_packages(chosen) if chosen.kind else []
        if lacks:
            reason = f"missing: {', '.join(lacks)} not installed (make bench-peers installs the peers)"
        elif chosen.kind and chosen.kind.needs_checkpoint and not model.checkpoint:
            reason = "needs the checkpoint: give its folder in place of the archive"
        else:
            there.append(chosen)
            continue
        missing.append({"engine": chosen.label, "title": chosen.title, "reason": reason})
    return there, missing


def prepare(chosen: Chosen, model: Model, threads: int) -> str:
    """Conversions ahead of time, in a process of their own; remembered. Returns what went wrong, or nothing."""
    if chosen.kind is None or not chosen.kind.converts:
        return ""
    stamp = model.folder / f"{chosen.label.replace(':', '-')}.prepared"
    source = model.checkpoint / "model.safetensors" if model.checkpoint else model.archive
    versions = {name: version_of(name) for name in chosen.kind.needs}
    key = json.dumps([str(source), source.stat().st_mtime_ns if source.exists() else 0, versions])
    if stamp.exists() and stamp.read_text() == key:
        return ""
    say(f"  {chosen.label}: preparing the model")
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{model.folder.name}-{chosen.label.replace(':', '-')}-prepare.log"
    with log.open("w") as stream:
        words = prepare_command(chosen, model, threads)
        done = subprocess.run(words, stdout=stream, stderr=stream, env=environment(threads), check=False)
    if done.returncode != 0:
        lines = log.read_text(errors="replace").strip().splitlines()
        return f"preparing: {lines[-1] if lines else done.returncode} ({log})"
    stamp.write_text(key)
    return ""


def write_references(model: Model, shapes: list[str], scratch: pathlib.Path, calque: pathlib.Path, threads: int) -> str:
    """PyTorch's float32 output of each workload, as the oracle of all engines. Returns why there is none, or nothing."""
    oracle = Chosen(PEERS[0] if model.checkpoint else PEERS[1], "f32")
    lacks = missing_packages(oracle)
    if lacks:
        return f"{', '.join(lacks)} not installed: no output is compared"
    problem = prepare(oracle, model, threads)
    if problem:
        return problem
    process = Process(oracle, model, threads, calque, 900)
    try:
        with process.turn():
            process.ask("load")
            for shape in shapes:
                workload = make_workload(model, shape)
                target = reference_path(scratch, model, workload)
                if not target.exists():
                    process.ask("output", input=str(workload.path), to=str(target))
    except EngineError as error:
        return str(error)
    finally:
        process.end()
    return ""


def prepare_all(engines: list[Chosen], model: Model, threads: int) -> tuple[list[Chosen], list[dict]]:
    """The engines that can run the model, converted where they need it, and the others with the reason."""
    there, missing = usable(engines, model)
    ready = []
    for chosen in there:
        problem = prepare(chosen, model, threads)
        if problem:
            say(f"  {chosen.label}: {problem}")
            missing.append({"engine": chosen.label, "title": chosen.title, "reason": problem})
        else:
            ready.append(chosen)
    return ready, missing


def run_sessions(model: Model, engines: list[Chosen], threads: list[int], plan: Plan, calque: pathlib.Path):
    """Yields the results of one session for each number of threads."""
    with tempfile.TemporaryDirectory(prefix="calque-bench-") as folder:
        scratch = pathlib.Path(folder)
        unchecked = write_references(model, plan.shapes, scratch, calque, max(threads))
        if unchecked:
            say(f"  NOT compared with PyTorch: {unchecked}")
        for count in threads:
            say(f"{model.name}, {count} thread{'s' if count > 1 else ''}: {', '.join(c.label for c in engines)}")
            yield Session(model, engines, count, plan, calque, scratch).run() | {"unchecked": unchecked}
