"""Writes docs/operators.md: every overload that Calque implements, the dtypes it takes, whether a fast kernel stands behind it, and where it
differs from PyTorch.

The rows come from `op_tool --list`; the dtypes are those of a first tensor argument with which a sampled call of tests/ops succeeds.
CALQUE_OP_TOOL names another build of op_tool. `--check` writes nothing and fails when the page is out of date.
"""

import argparse
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import torch  # noqa: E402

from ops import oracle, test_operators, test_values  # noqa: E402
from ops.differential import UNINITIALISED, UNORDERED, flat_tensors  # noqa: E402
from ops.samples import ALL, Sampler, generic  # noqa: E402
from ops.specific import SPECIFIC  # noqa: E402
from ops.wire import Crash, OpTool, Request, ToolError  # noqa: E402

PAGE = ROOT / "docs/operators.md"
TRIES = 8
# --check calls the operators of one row in so many.
PART = 10

# Overloads by the folder of src/kernels that computes them; other dtypes and layouts take the reference.
POINTWISE = "add.Tensor add.Scalar add_.Tensor add_.Scalar sub.Tensor sub.Scalar sub_.Tensor sub_.Scalar mul.Tensor mul.Scalar mul_.Tensor mul_.Scalar div.Tensor div.Scalar div_.Tensor div_.Scalar exp exp_ relu relu_ tanh tanh_ erf erf_"  # fmt: skip
PRODUCTS = "mm bmm matmul linear addmm addmm_ baddbmm baddbmm_ mv dot inner einsum linalg_matmul scaled_dot_product_attention addmv addbmm"  # fmt: skip
FAST = {
    **{f"aten::{name}": "pointwise, float32" for name in POINTWISE.split()},
    **{f"aten::{name}": "gemm, float32, float64, float16, bfloat16" for name in PRODUCTS.split()},
    **{f"aten::{name}": "softmax, float32" for name in ("softmax.int", "_softmax")},
    **{f"aten::{name}": "gelu, float32" for name in ("gelu", "gelu_")},
    "aten::layer_norm": "layer_norm, float32",
    "aten::embedding": "embedding, every dtype",
    **{f"quantized::linear{name}_dynamic": "gemm_int8" for name in ("", "_relu")},
    **{f"quantized::linear{name}_dynamic_fp16": "gemm" for name in ("", "_relu")},
}

# What an overload does otherwise than PyTorch; tests/ops knows the same.
DIFFERENCES = {
    **{name: "the memory order of the result is not always PyTorch's" for name in UNORDERED},
    **{name: "memory that nobody has written is zero" for name in UNINITIALISED},
    "aten::linalg_svd": "singular vectors may have other signs",
    "aten::svd": "singular vectors may have other signs",
    **{
        f"aten::{name}": "no numbers of PyTorch's builds with MKL, which draw from MKL's own stream"
        for name in ("bernoulli.p", "bernoulli_.float", "dropout", "dropout_", "feature_dropout", "alpha_dropout")
    },
    "aten::hash.generic": "hashes are equal for equal values, and have other numbers",
    "aten::is_scripting": "always true",
    "aten::requires_grad_": "nothing is differentiated; the flag is kept for files",
    **{f"quantized::{name}": "shares the weight's memory" for name in ("linear_unpack", "linear_unpack_fp16")},
    "quantized::linear_prepack_fp16": "a bias of the wrong length is an error",
    "aten::as_strided": "inside of the storage only",
}


def arguments(full: str, seed: int, dtype) -> list:
    name, _, overload = full.partition(".")
    s = Sampler(seed)
    s.full, s.name, s.overload, s.dtype, s.special = full, name, overload, dtype, False
    return SPECIFIC[full](s) if full in SPECIFIC else generic(s, oracle.schemas_of(name)[full])


def accepted(tool: OpTool, full: str) -> list:
    """The dtypes of first tensors with which a call succeeded."""
    found = set()
    for dtype in ALL:
        for seed in range(TRIES):
            values = arguments(full, seed + 17 * sum(full.encode()), dtype)
            tensors = flat_tensors(values)
            first = tensors[0].dtype if tensors else dtype
            if first in found:
                continue
            try:
                tool.send(full, Request(full, values))
                found.add(first)
            except (ToolError, Crash):
                pass
    return [dtype for dtype in [*ALL, torch.qint8, torch.quint8, torch.qint32] if dtype in found]


def names_of(dtypes: list) -> str:
    if not dtypes:
        return ""
    groups = [("all", ALL), ("all but bool", ALL[1:]), ("floating", ALL[6:]), ("integers", ALL[1:6]), ("integers and bool", ALL[:6])]
    for name, members in groups:
        if dtypes == members:
            return name
    return ", ".join(str(d).removeprefix("torch.") for d in dtypes)


def row(full: str, dtypes: str) -> str:
    return f"| `{full}` | {dtypes} | {FAST.get(full, '')} | {DIFFERENCES.get(full, '')} |"


def dtypes_on_page() -> dict:
    """Overload -> its second column as the page has it."""
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| `")] if PAGE.exists() else []
    return {cells[0].removeprefix("| `").removesuffix("`"): cells[1].strip() for cells in rows}


def page(tool: OpTool, known_dtypes: dict) -> str:
    """The page; the operators in `known_dtypes` are not called."""
    schemas = sorted(tool.schemas(), key=lambda schema: schema.split("(")[0])
    known = {schema.split("(")[0] for schema in schemas}
    stale = sorted((set(FAST) | set(DIFFERENCES)) - known)
    if stale:
        raise SystemExit(f"tools/operator_table.py names overloads that do not exist: {', '.join(stale)}")
    with torch.no_grad():
        torch.set_num_threads(1)
        probed = set(test_operators.overloads()) - set(known_dtypes)
        names = [schema.split("(")[0] for schema in schemas]
        rows = [row(full, names_of(accepted(tool, full)) if full in probed else known_dtypes.get(full, "")) for full in names]
    lines = [
        "# Operators",
        "",
        "Generated by `tools/operator_table.py` (`CALQUE_ACCEPT=1 pytest tests/ops/test_table.py` rewrites it). What has no row here is no part of a",
        "program that Calque loads: the table is the allowlist. Schemas are PyTorch's; `op_tool --list` prints them.",
        "",
        f"{len(schemas)} overloads of {len({name.split('.')[0] for name in known})} operators. Dtypes are those of the first tensor with which tests call the",
        "operator here; none are given for operators of numbers, strings and containers. *Fast* names the folder of `src/kernels` and the dtypes that it",
        "serves; everything else runs the reference. Arithmetic of complex tensors and sparse tensors are refused by name; Fourier transforms give complex tensors and take them, and their parts can be read. An operator that writes into a tensor refuses an",
        "expanded one, in which one place of memory is several elements; PyTorch lets some do it. Functions of numbers of type `Scalar` compute in",
        "float64, PyTorch's in float32. The smallest integer divided by -1 wraps around; it ends PyTorch's process.",
        "",
        "| Overload | Dtypes | Fast | Differs from PyTorch |",
        "|---|---|---|---|",
    ]
    excused = [f"- `{name}`: {reason}" for name, reason in sorted(test_values.EXCUSED.items())]
    tail = ["", "## Not compared with PyTorch by a generator, and why", "", *excused, ""]
    return "\n".join([*lines, *rows, *tail])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is out of date (calls a tenth of the operators)")
    check = parser.parse_args().check
    tool = OpTool()
    known = {full: text for full, text in dtypes_on_page().items() if sum(full.encode()) % PART} if check else {}
    text = page(tool, known)
    tool.close()
    if check:
        return 0 if PAGE.exists() and PAGE.read_text() == text else 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
