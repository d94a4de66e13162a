"""The same modules traced: shape arithmetic, packed sequences, in-place writes and loops that were unrolled."""

import pytest
import torch

import layer_models
from programs import run_program
from test_thirdparty import EXAMPLES, SEED, TOLERANCE, assert_same_behaviour, calls_of
from typed_cases import write_cases


def traceable():
    """Modules whose first example of `forward` has only tensors, and that trace gives a program of."""
    found = []
    for kind in EXAMPLES:
        calls = [inputs for method, inputs in calls_of(kind) if method == "forward"]
        if calls and all(isinstance(item, torch.Tensor) for item in calls[0]):
            found.append(kind)
    return found


KINDS = traceable()


def traced(kind, inputs):
    torch.manual_seed(SEED)
    try:
        return torch.jit.trace(kind().eval(), inputs, strict=False, check_trace=False)
    except Exception as error:  # noqa: BLE001: whatever PyTorch does not trace
        pytest.skip(f"PyTorch does not trace it: {str(error).strip().splitlines()[-1]}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_traced(kind, tmp_path):
    calls = [(method, inputs) for method, inputs in calls_of(kind) if method == "forward" and len(inputs) == len(calls_of(kind)[0][1])]
    if kind is layer_models.Recurrent:
        calls = calls[:1]  # PyTorch's layers of oneDNN do not see that an input is too wide.
    path, cases = tmp_path / "m.pt", tmp_path / "cases.pt"
    torch.jit.save(traced(kind, calls[0][1]), str(path))
    write_cases(cases, torch.jit.load(str(path)), calls, TOLERANCE)
    done = run_program("reader_tool", "check", path, cases)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run_program("roundtrip_tool", path, tmp_path / "again.pt")
    assert done.stdout.strip().endswith("\tok"), done.stdout + done.stderr
    done = run_program("jit_tool", "optimize", path, tmp_path / "optimised.pt")
    assert done.returncode == 0, done.stdout + done.stderr
    for file in ("again.pt", "optimised.pt"):
        assert_same_behaviour(torch.jit.load(str(tmp_path / file)), torch.jit.load(str(path)), calls)
