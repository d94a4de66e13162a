"""Random programs give here what they give in real PyTorch. CALQUE_FULL=1 runs 10,000; CALQUE_SEED begins elsewhere."""

import os
import pathlib
import sys
import warnings

import pytest
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import compare_programs  # noqa: E402
import generator  # noqa: E402

FULL = os.environ.get("CALQUE_FULL") == "1"
COUNT = 10_000 if FULL else 300
FIRST = int(os.environ.get("CALQUE_SEED", "0"))
CHUNK = 100


@pytest.fixture(autouse=True)
def quiet():
    with compare_programs.simple_interpreter(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, CHUNK))
def test_same_results(first):
    programs = {seed: generator.program(seed) for seed in range(first, first + CHUNK)}
    sources = {str(seed): str(program) for seed, program in programs.items()}
    ours = compare_programs.run_here(sources)
    theirs = {name: compare_programs.run_in_pytorch(source) for name, source in sources.items()}
    taken = sum(results is not None for results in theirs.values())
    assert taken > 0.8 * CHUNK, f"PyTorch takes only {taken} of {CHUNK} programs: the generator is broken"
    found = {name: compare_programs.difference(theirs[name], ours[name]) for name in sources}
    different = [(int(name), text) for name, text in found.items() if text]
    reports = [compare_programs.report(seed, programs[seed], text) for seed, text in different[:3]]
    assert not different, f"{len(different)} programs differ, among them\n" + "\n".join(reports)


def test_saved_programs_mean_the_same_to_pytorch(tmp_path):
    count = 1000 if FULL else 60
    sources = {str(seed): str(generator.program(seed)) for seed in range(FIRST, FIRST + count)}
    ours = compare_programs.run_here(sources, tmp_path)
    different = []
    for path in sorted(tmp_path.glob("*.pt")):
        program, case = path.stem.split(".")
        expected = ours[program][case]
        try:
            found = compare_programs.Result("value", compare_programs.plain(torch.jit.load(str(path))()))
        except RuntimeError as error:
            found = compare_programs.Result("error", str(error))
        if not expected.agrees(found):
            different.append(f"seed {program} {case}: here {expected}\nafter loading in PyTorch {found}")
    changed = [name for name, cases in ours.items() if any(result.kind == "reloaded" for result in cases.values())]
    assert not different and not changed, f"{changed} differ when loaded again here\n" + "\n".join(different[:5])
