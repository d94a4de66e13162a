"""Every operator without tensors, or of containers, against PyTorch's interpreter: arguments drawn by the schema.

CALQUE_OPS_SEED (default 0) shifts the seeds, CALQUE_OPS_VALUES (default 10) is the number of calls of each overload.
"""

import os

import pytest

from . import oracle, value_samples
from .test_builtins import check
from .test_operators import SKIPPED as RUN_ELSEWHERE
from .test_operators import overloads as tensor_overloads
from .wire import OpTool

SEED = int(os.environ.get("CALQUE_OPS_SEED", "0"))
CASES = int(os.environ.get("CALQUE_OPS_VALUES", "10"))

# Overloads that no generator calls, and why.
EXCUSED = {
    "aten::format": "any number of arguments: test_builtins.py",
    "aten::percentFormat": "any number of arguments: test_builtins.py",
    "aten::has_torch_function": "any number of arguments, False here always; PyTorch asks the Python objects",
    "prim::tolist": "the result's type comes from the program: tests/reader",
    "aten::eq.enum": "enums exist only in programs: tests/reader",
    "aten::ne.enum": "enums exist only in programs: tests/reader",
    "aten::hash.generic": "PyTorch's hash of strings and floats is its own; only equality of hashes means something",
    "aten::_get_tracing_state": "state of PyTorch's tracer; False here",
    "aten::is_scripting": "True in programs; in PyTorch False for a graph that is run by hand",
    "aten::is_autocast_enabled": "state of the process; False here",
    "aten::is_autocast_cpu_enabled": "state of the process; False here",
    "aten::is_grad_enabled": "state of the process; False here, where nothing is differentiated",
    "aten::set_grad_enabled": "state of the process; does nothing here",
    "aten::manual_seed": "test_random.py: what follows it is compared",
    "aten::is_inference": "how the tensor was made in PyTorch",
    "prim::requires_grad": "nothing is differentiated here",
    "prim::data": "PyTorch does not run it by name; the tensor itself here",
    "aten::detach_": "needs a tensor that is differentiated",
    "aten::_nested_tensor_from_mask": "a nested tensor, which only the layers of torch.nn take: tests/reader/zoo_attention.py",
    "aten::to_padded_tensor": "of a nested tensor: tests/reader/zoo_attention.py",
    "aten::linalg_svd": "unique up to signs: test_linalg.py",
    "aten::linalg_eigh": "unique up to signs: test_linalg.py",
    "aten::cuda": "devices are read and ignored; PyTorch here has none",
    "aten::pin_memory": "devices are read and ignored; PyTorch here has none",
    "aten::is_pinned": "devices are read and ignored; PyTorch here has none",
    "aten::exponential_": "PyTorch draws from a stream of Intel's MKL; other numbers here, the same distribution",
    "aten::svd": "unique up to signs: test_linalg.py",
    "prim::IfThenElse": "PyTorch's fuser makes it; it has no meaning of its own in the interpreter",
    "aten::bernoulli.p": "PyTorch draws from a stream of Intel's MKL; other numbers here, the same distribution",
    "aten::bernoulli_.float": "PyTorch draws from a stream of Intel's MKL; other numbers here, the same distribution",
    "aten::dict": "an empty dict; programs write {}: tests/reader",
    "aten::pow.int_to_int": "a graph takes pow.int instead; test_builtins.py calls it directly",
    "aten::sorted.any": "a graph takes the overload of the element's type instead; of classes: tests/reader",
    "aten::broadcast_shapes": "PyTorch registers it without an implementation that can be called by name",
}  # fmt: skip


def value_overloads() -> list[str]:
    try:
        schemas = OpTool().schemas()
    except OSError:
        return []
    others = {*tensor_overloads(), *RUN_ELSEWHERE, *EXCUSED}
    return [full for schema in schemas if (full := schema.split("(")[0]) not in others]


@pytest.mark.parametrize("full", value_overloads())
def test_agrees_with_pytorch(tool, full):
    schema = oracle.schemas_of(full.split(".")[0])[full]
    for seed in range(SEED, SEED + CASES):
        check(tool, full, value_samples.arguments(full, schema, seed))


def test_every_overload_is_run():
    """Each overload of the table is called by a generator here or in test_operators.py, by test_random.py, or excused."""
    from .test_random import CASES as RANDOM

    table = {schema.split("(")[0] for schema in OpTool().schemas()}
    random = {name for name, *_ in RANDOM}
    run = {*tensor_overloads(), *value_overloads(), *random}
    assert table - run - set(EXCUSED) == set()
    assert set(EXCUSED) <= table and not set(EXCUSED) & run
