"""Archives that nobody here chose: modules as public projects write them, scripted by real PyTorch.

Each is loaded, run on random inputs, frozen, optimised and saved again; PyTorch's results, errors and code are the measure.
CALQUE_THIRDPARTY_SEED (default 0) shifts the inputs.
"""

import os

import pytest
import torch

import audio_models
import generation_models
import language_program
import layer_models
import linear_algebra_program
import numeric_models
import text_models
import vision_models
from programs import neighbour, run_program
from typed_cases import outcome, write_cases

FILES = (text_models, generation_models, audio_models, vision_models, layer_models, numeric_models, linear_algebra_program, language_program)
TOLERANCE = 2e-5
EXAMPLES = {kind: calls for file in FILES for kind, calls in file.EXAMPLES.items()}
IDS = [f"{kind.__module__}.{kind.__name__}" for kind in EXAMPLES]
SEED = int(os.environ.get("CALQUE_THIRDPARTY_SEED", "0"))
writer = neighbour("writer", "test_roundtrip")
compare = neighbour("jit", "jit_compare")


def scripted(kind):
    torch.manual_seed(SEED)
    return torch.jit.script(kind().eval())


def calls_of(kind):
    """(method, inputs) for each example, on inputs of the seed."""
    torch.manual_seed(SEED + 1)
    return [(method, make()) for method, make in EXAMPLES[kind]]


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """kind -> its archive, made by PyTorch."""
    folder = tmp_path_factory.mktemp("thirdparty")
    paths = {}
    for kind in EXAMPLES:
        paths[kind] = folder / f"{kind.__module__}.{kind.__name__}.pt"
        torch.jit.save(scripted(kind), str(paths[kind]))
    return paths


def assert_same_behaviour(mine, theirs, calls):
    """Call after call, because modules keep state."""
    for method, inputs in calls:
        found, expected = outcome(mine, method, inputs), outcome(theirs, method, inputs)
        assert found[0] == expected[0], f"{method}: found {found}, expected {expected}"
        compare.same(found[1], expected[1], TOLERANCE)


@pytest.mark.parametrize("kind", EXAMPLES, ids=IDS)
def test_runs_as_in_pytorch(kind, archives, tmp_path):
    calls = calls_of(kind)
    # PyTorch's optimiser carries a list that a loop empties over from one call to the next.
    with torch.jit.optimized_execution(False):
        write_cases(tmp_path / "cases.pt", torch.jit.load(str(archives[kind])), calls, TOLERANCE)
    done = run_program("reader_tool", "check", archives[kind], tmp_path / "cases.pt")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(calls)} of {len(calls)} cases agree" in done.stdout


@pytest.mark.parametrize("verb", ["freeze", "optimize"])
@pytest.mark.parametrize("kind", EXAMPLES, ids=IDS)
def test_frozen(kind, verb, archives, tmp_path):
    """PyTorch runs what Calque froze as it runs the archive."""
    calls = calls_of(kind)
    others = sorted({method for method, _ in calls} - {"forward"})
    done = run_program("jit_tool", verb, archives[kind], tmp_path / "frozen.pt", *[",".join(others)] * bool(others))
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same_behaviour(torch.jit.load(str(tmp_path / "frozen.pt")), torch.jit.load(str(archives[kind])), calls)


@pytest.mark.parametrize("kind", EXAMPLES, ids=IDS)
def test_saved_again(kind, archives, tmp_path):
    again = tmp_path / "again.pt"
    done = run_program("roundtrip_tool", archives[kind], again)
    assert done.stdout.strip().endswith("\tok"), done.stdout + done.stderr
    first, second = torch.jit.load(str(archives[kind])), torch.jit.load(str(again))
    writer.assert_same_module(first, second)
    assert_same_behaviour(second, first, calls_of(kind))
