"""Instructions of the matrix engine are where they belong, and nothing reaches them but the table of Isa::kAmx."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OBJECTS = pathlib.Path(os.environ.get("CALQUE_COMMAND", ROOT / "build/release/calque")).parent / "src"
KERNELS = OBJECTS / "kernels/CMakeFiles/calque_kernels.dir"
AMX = KERNELS / "gemm_words/amx.cc.o"
INSTRUCTION = re.compile(r"\t(tdp\w+|tile(?:load|stor|zero|rel)\w*|ldtilecfg|sttilecfg)\b")
TABLES = {"kBf16Amx", "kInt8Amx"}

pytestmark = pytest.mark.skipif(
    not AMX.exists() or shutil.which("objdump") is None,
    reason="no object of the matrix engine's kernels, or no objdump: run `make build` on x86",
)


def output(*command) -> str:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout


def instructions(path: pathlib.Path) -> set[str]:
    return set(INSTRUCTION.findall(output("objdump", "-d", "--no-show-raw-insn", path)))


def symbols(path: pathlib.Path, kind: str) -> set[str]:
    lines = output("nm", "-C", kind, path).splitlines()
    return {line.split(maxsplit=2)[-1].removeprefix("U ").removeprefix("calque::kernels::") for line in lines}


def test_kernels_have_the_instructions():
    assert instructions(AMX) == {"ldtilecfg", "tilerelease", "tilezero", "tileloadd", "tilestored", "tdpbf16ps", "tdpbusd"}


def test_operands_of_products_are_sums_then_a_then_b():
    found = set(re.findall(r"tdp\w+\s+(.*)", output("objdump", "-d", "--no-show-raw-insn", AMX)))
    # Destination last: sums of (r, n) in tile 2 r + n, A in 4 + r, B in 6 + n.
    assert found == {f"%tmm{6 + n},%tmm{4 + r},%tmm{2 * r + n}" for r in range(2) for n in range(2)}


def test_no_other_object_has_one():
    others = [path for folder in ("base", "kernels") for path in (OBJECTS / folder).rglob("*.o") if path != AMX]
    assert len(others) > 20
    found = {str(path.relative_to(OBJECTS)): instructions(path) for path in others}
    assert not {path: names for path, names in found.items() if names}


def test_only_the_tables_are_seen_from_outside():
    assert symbols(AMX, "--defined-only") >= TABLES
    assert symbols(AMX, "--extern-only") & symbols(AMX, "--defined-only") == TABLES


def test_only_the_registry_refers_to_the_tables():
    users = {path.name for path in OBJECTS.rglob("*.o") if path != AMX and symbols(path, "--undefined-only") & TABLES}
    assert users == {"registry_x86.cc.o"}
