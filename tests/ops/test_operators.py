"""Every operator of tensors against PyTorch: random dtypes, shapes, strides, values and errors, driven by the schemas.

CALQUE_OPS_SEED (default 0) shifts the seeds, CALQUE_OPS_CASES (default 12) is the number of calls of each overload.
"""

import os
import re

import pytest

from . import differential, oracle
from .wire import Crash, OpTool

SEED = int(os.environ.get("CALQUE_OPS_SEED", "0"))
CASES = int(os.environ.get("CALQUE_OPS_CASES", "12"))


def has_tensor(schema: str) -> bool:
    return "Tensor" in schema or schema.split("(")[0].split(".")[0] in CREATION


CREATION = {"aten::" + n for n in (
    "zeros ones empty full arange linspace logspace eye tril_indices triu_indices hann_window scalar_tensor tensor "
    "as_tensor empty_strided"
).split()}  # fmt: skip
# Compared elsewhere, or not a function of the arguments.
SKIPPED = {
    # test_random.py
    "aten::rand_like", "aten::randn_like", "aten::randint_like", "aten::randint_like.low_dtype", "aten::uniform_", "aten::normal_",
    "aten::random_.from", "aten::random_.to", "aten::bernoulli", "aten::bernoulli.p", "aten::bernoulli_.Tensor",
    "aten::bernoulli_.float", "aten::rand", "aten::randn", "aten::randint", "aten::randint.low", "aten::randperm",
    "aten::normal.float_float", "aten::geometric_", "aten::log_normal_", "aten::cauchy_", "aten::random_", "aten::multinomial", "aten::exponential_",
    # test_linalg.py: unique up to signs
    "aten::linalg_svd", "aten::svd", "aten::linalg_eigh",
    "aten::cuda", "aten::pin_memory", "aten::is_pinned",
    "aten::dict", "prim::tolist", "aten::manual_seed", "aten::set_grad_enabled", "aten::einsum.sublist", "prim::data",
    "aten::detach_", "aten::is_inference", "prim::requires_grad",
    # nested tensors: tests/reader/zoo_attention.py
    "aten::_nested_tensor_from_mask", "aten::to_padded_tensor",
}  # fmt: skip


# Of values that hold tensors: test_values.py.
CONTAINERS = re.compile(r"\bt\[\]|Dict\(|Tensor\[\]\(a!\)|Tensor\[\] self")


def overloads() -> list[str]:
    try:
        schemas = OpTool().schemas()
    except OSError:
        return []
    names = []
    for schema in schemas:
        full = schema.split("(")[0]
        if has_tensor(schema) and full not in SKIPPED and not CONTAINERS.search(schema):
            names.append(full)
    return names


@pytest.mark.parametrize("full", overloads())
def test_agrees_with_pytorch(tool, full):
    agreed = 0
    failures = []
    for seed in range(SEED, SEED + CASES):
        try:
            outcome, difference = differential.run(tool, full, seed * 1000003 + sum(full.encode()))
        except Crash as crash:
            outcome, difference = "crash", str(crash)
        agreed += outcome == "ok" and difference is None
        if difference is not None:
            failures.append(f"{difference}\n    CALQUE_OPS_SEED={seed} CALQUE_OPS_CASES=1 pytest 'tests/ops/test_operators.py::test_agrees_with_pytorch[{full}]'")
    if failures:
        pytest.fail(f"{len(failures)} of {CASES} calls of {full} differ\n  " + "\n  ".join(failures[:4]), pytrace=False)
    assert CASES < 8 or agreed > 0, f"no call of {full} ran on both sides"


def test_overloads_are_in_pytorchs_order(tool):
    ours: dict = {}
    for schema in tool.schemas():
        full = schema.split("(")[0]
        ours.setdefault(full.split(".")[0], []).append(full)
    for name, names in ours.items():
        theirs = [n for n in oracle.schemas_of(name) if n in set(names)]
        assert theirs == names
