"""Runs programs in real PyTorch and in program_tool, and finds where they differ.

As a program it repeats one: compare_programs.py --seed 17
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import generator  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DTYPES = {getattr(torch, name): name for name in ("float32", "float64", "int64", "int32", "uint8", "bool", "float16")}

# Errors of PyTorch that are faults of its own.
FAULTS = ("INTERNAL ASSERT FAILED", "Can't hash IValues with tag 'None'")


def plain(value):
    """The form of value_json.h."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return {"f": value.hex()}
    if isinstance(value, torch.Tensor):
        values = [float(item).hex() for item in value.detach().reshape(-1).tolist()]
        return {"T": [DTYPES.get(value.dtype, str(value.dtype)), list(value.shape), values]}
    if isinstance(value, tuple):
        return {"t": [plain(item) for item in value]}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {"d": [[plain(key), plain(item)] for key, item in value.items()]}
    raise TypeError(f"no plain form of {type(value)}")


def close(a: str, b: str) -> bool:
    x, y = float.fromhex(a), float.fromhex(b)
    if math.isnan(x) or math.isnan(y) or math.isinf(x) or math.isinf(y):
        return (math.isnan(x) and math.isnan(y)) or x == y
    return abs(x - y) <= 1e-6 * max(1.0, abs(y))


def same(a, b) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if not isinstance(a, dict):
        return a == b
    if a.keys() != b.keys():
        return False
    if "f" in a:
        return close(a["f"], b["f"])
    if "T" in a:
        (first, shape, values), (other, other_shape, other_values) = a["T"], b["T"]
        return first == other and shape == other_shape and all(map(close, values, other_values))
    return all(same(a[key], b[key]) for key in a)


@dataclasses.dataclass(frozen=True)
class Result:
    kind: str  # value, error, refused
    content: object

    def agrees(self, other: Result) -> bool:
        if self.kind != other.kind:
            return False
        if self.kind == "value":
            return same(self.content, other.content)
        for mark in ("raised ", "AssertionError: "):
            if mark in str(self.content):
                text = str(self.content)
                return text[text.index(mark) :].strip().splitlines()[0] in str(other.content)
        return True


@contextlib.contextmanager
def simple_interpreter():
    """PyTorch without the optimisations that make a first call slow, which are settings of the whole process."""
    executor = torch._C._jit_set_profiling_executor(False)
    mode = torch._C._jit_set_profiling_mode(False)
    optimize = torch._C._get_graph_executor_optimize()
    threads = torch.get_num_threads()
    torch._C._set_graph_executor_optimize(False)
    torch.set_num_threads(1)
    yield
    torch._C._jit_set_profiling_executor(executor)
    torch._C._jit_set_profiling_mode(mode)
    torch._C._set_graph_executor_optimize(optimize)
    torch.set_num_threads(threads)


def run_in_pytorch(source: str) -> dict[str, Result] | None:
    """Name of the case -> result; None when PyTorch does not take the program."""
    try:
        unit = torch.jit.CompilationUnit(source)
    except Exception:  # noqa: BLE001: what it does not take, it does not run
        return None
    results = {}
    for line in source.splitlines():
        if line.startswith("def case"):
            name = line[4 : line.index("(")]
            try:
                results[name] = Result("value", plain(getattr(unit, name)()))
            except Exception as error:  # noqa: BLE001: any error of the program counts
                results[name] = Result("error", str(error).strip().splitlines()[-1])
    return results


def tool() -> pathlib.Path:
    command = pathlib.Path(os.environ.get("CALQUE_COMMAND", ROOT / "build/release/calque"))
    path = command.parent / "program_tool"
    assert path.exists(), f"{path} is missing: run `make build`, or set CALQUE_COMMAND"
    return path


def run_here(sources: dict[str, str], folder: pathlib.Path | None = None) -> dict[str, dict[str, Result]]:
    """Program -> case -> result; the case "" is that of a program that was refused."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        for name, source in sources.items():
            file.write(f"#### {name}\n{source}")
        file.flush()
        command = [tool(), file.name, *([folder] if folder else [])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    results: dict[str, dict[str, Result]] = {name: {} for name in sources}
    for line in done.stdout.splitlines():
        program, case, kind, content = json.loads(line)
        results[program][case] = Result(kind, content)
    assert done.returncode == 0, f"{done.stderr}\nthe last program that ended was {list(results)[-1]}"
    return results


def difference(theirs: dict[str, Result] | None, ours: dict[str, Result]) -> str:
    """Empty when there is none that counts."""
    if theirs is None:
        return ""
    if "" in ours:
        return f"refused here: {ours[''].content}"
    for case, expected in theirs.items():
        if expected.kind == "error" and any(text in str(expected.content) for text in FAULTS):
            continue
        found = ours.get(case, Result("missing", None))
        if not expected.agrees(found):
            return f"{case}: PyTorch gives {expected.kind} {expected.content}\n here {found.kind} {found.content}"
    return ""


def differing(programs: dict[str, str]) -> dict[str, str]:
    ours = run_here(programs)
    found = {name: difference(run_in_pytorch(source), ours[name]) for name, source in programs.items()}
    return {name: text for name, text in found.items() if text}


def kind_of(text: str) -> str:
    """What must stay when a program is made smaller."""
    if text.startswith("refused"):
        return "refused"
    return " ".join(text.split()[i] for i in (2, 3) if i < len(text.split())) + text.split("here ")[-1].split(" ")[0]


def shrunk(program, text: str):
    """A small program that differs in the same way."""
    for _ in range(40):
        candidates = {str(at): less for at, less in zip(range(150), program.smaller())}
        found = differing({name: str(less) for name, less in candidates.items()})
        alike = [name for name, other in found.items() if kind_of(other) == kind_of(text)]
        if not alike:
            break
        name = min(alike, key=lambda name: len(str(candidates[name])))
        if len(str(candidates[name])) >= len(str(program)):
            break
        program, text = candidates[name], found[name]
    return program, text


def report(seed: int, program, text: str) -> str:
    small, text = shrunk(program, text)
    return f"seed {seed}: {text}\n{small}\nrepeat: .venv/bin/python tests/programs/compare_programs.py --seed {seed}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--whole", action="store_true", help="print the program as it was generated")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    programs = {str(seed): generator.program(seed) for seed in range(options.seed, options.seed + options.count)}
    with simple_interpreter():
        found = differing({name: str(program) for name, program in programs.items()})
    for name, text in found.items():
        print(programs[name] if options.whole else report(int(name), programs[name], text))
    print(f"{len(found)} of {len(programs)} programs differ")


if __name__ == "__main__":
    main()
