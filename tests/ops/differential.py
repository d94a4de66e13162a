"""One random call of one overload on both sides."""

from __future__ import annotations

import torch

from . import compare, oracle
from .samples import Sampler, generic
from . import (  # noqa: F401 - they register their samples
    specific_creation,
    specific_elements,
    specific_encoder,
    specific_indexing,
    specific_layers,
    specific_linalg,
    specific_numeric,
    specific_products,
    specific_quantised,
    specific_reductions,
    specific_views,
)
from .specific import SPECIFIC
from .wire import INTEGERS, Packed, Request, ToolError, Typed, storage_bytes, storage_key

# Results whose memory order is PyTorch's own affair.
UNORDERED = {"aten::copy", "aten::kron", "aten::unique_consecutive", "aten::unique_dim", "aten::conv1d", "aten::conv2d", "aten::conv3d",
             "aten::conv1d.padding", "aten::conv2d.padding", "aten::conv3d.padding", "aten::conv_transpose1d",
             "aten::conv_transpose2d.input", "aten::convolution", "aten::_convolution", "aten::_convolution.deprecated",
             # column-major, as LAPACK writes
             "aten::cholesky", "aten::linalg_cholesky", "aten::inverse", "aten::linalg_inv", "aten::linalg_qr", "aten::qr",
             "aten::linalg_solve", "aten::_lu_with_info", "aten::cholesky_inverse", "aten::cholesky_solve", "aten::linalg_inv_ex", "aten::linalg_solve_ex",
             "aten::linalg_cholesky_ex", "aten::linalg_lu", "aten::linalg_lu_factor", "aten::linalg_lu_solve", "aten::lu_solve", "aten::lu_unpack",
             "aten::linalg_lstsq", "aten::linalg_solve_triangular", "aten::triangular_solve", "aten::linalg_pinv", "aten::pinverse",
             "aten::_weight_norm", "aten::hinge_embedding_loss", "aten::channel_shuffle", "aten::native_channel_shuffle", "aten::gru_cell", "aten::rrelu", "aten::fft_fft",
             "aten::fft_ifft", "aten::fft_rfft", "aten::fft_irfft", "aten::stft", "aten::stft.center", "aten::istft", "aten::complex", "aten::polar", "aten::quantile", "aten::quantile.scalar", "aten::nanquantile",
             "aten::nanquantile.scalar", "aten::mvlgamma", "aten::special_multigammaln"}  # fmt: skip
# What PyTorch keeps for gradients beside the first result.
FIRST_RESULT = {"aten::embedding_bag", "aten::embedding_bag.padding_idx"}
# PyTorch ends the process on the smallest integer by -1.
DIVIDES_INTEGERS = {"aten::fmod", "aten::remainder", "aten::floor_divide", "aten::div", "aten::divide"}
# Results that PyTorch copies and this does not: nothing can write to a quantised tensor.
SHARED = {"quantized::linear_unpack", "quantized::linear_unpack_fp16"}
# Results that are memory nobody has written.
UNINITIALISED = {"aten::empty.memory_format", "aten::empty_like", "aten::new_empty", "aten::empty_strided"}


def arguments_for(full: str, seed: int) -> list:
    name, _, overload = full.partition(".")
    s = Sampler(seed)
    s.full, s.name, s.overload = full, name, overload
    if name.rstrip("_") in DIVIDES_INTEGERS:
        s.special = False
    if full in SPECIFIC:
        return SPECIFIC[full](s)
    return generic(s, oracle.schemas_of(name)[full])


def flat_tensors(values) -> list[torch.Tensor]:
    out = []
    for v in values:
        if isinstance(v, torch.Tensor):
            out.append(v)
        elif isinstance(v, Typed):
            out += flat_tensors(v.value if v.key is None else v.value.values())
        elif isinstance(v, (list, tuple)):
            out += flat_tensors(v)
        elif isinstance(v, dict):
            out += flat_tensors(v.values())
    return out


def run(tool, full: str, seed: int) -> tuple[str, str | None]:
    """("ok" | "error" | "unsupported", what differs)"""
    arguments = arguments_for(full, seed)
    request = Request(full, arguments)
    before = ", ".join(map(shown, arguments))
    try:
        response = tool.send(full, request)
        found = None
    except ToolError as e:
        response, found = None, e
    try:
        expected = oracle.call(full, arguments)
        failure = None
    except Exception as e:  # noqa: BLE001 - whatever PyTorch raises is the answer
        expected, failure = None, e
    outcome, difference = judge(full, request, response, found, expected, failure)
    return outcome, difference and f"{difference}; arguments: {before}"


def judge(full, request, response, found, expected, failure):
    if failure is not None and found is not None:
        return "error", None
    if failure is not None:
        # More dtypes than PyTorch has kernels for are no fault.
        if isinstance(failure, NotImplementedError) or "not implemented for" in str(failure):
            return "unsupported", None
        # PyTorch widens the whole numbers of one operand before it multiplies.
        if full == "aten::einsum" and "but found Long" in str(failure):
            return "unsupported", None
        return "error", f"PyTorch: {type(failure).__name__}: {first_line(failure)}; here: {shown(response.results)}"
    if found is not None:
        # Here every operator refuses to write through an expanded view; PyTorch lets some do it.
        if found.kind in ("NotImplementedError", "LimitError") or "written-to tensor" in found.message:
            return "unsupported", None
        return "ok", f"here: {found}; PyTorch: {shown(expected)}"
    if full in FIRST_RESULT:
        return "ok", compare.difference(expected[:1], response.results[:1])
    if full in UNINITIALISED:
        expected, results = [torch.zeros_like(t) for t in expected], [torch.zeros_like(t) for t in response.results]
        return "ok", compare.difference(expected, results)
    return "ok", (
        compare.difference(expected, response.results, strict_strides=full not in UNORDERED)
        or (full not in SHARED and alias_difference(request, expected, response))
        or memory_difference(request, response)
        or None
    )


def shown(values) -> str:
    """Short text on one line: tensors by dtype, shape and first values."""
    if isinstance(values, torch.Tensor) and values.is_quantized:
        return f"{str(values.dtype)[6:]} {shown(values.dequantize())}"
    if isinstance(values, Packed):
        return f"packed {shown([values.weight, values.bias])}"
    if isinstance(values, torch.Tensor):
        return f"{str(values.dtype)[6:]}{list(values.shape)} {values.flatten()[:6].tolist()}"
    if isinstance(values, (list, tuple)):
        return "[" + ", ".join(shown(v) for v in values) + "]"
    if isinstance(values, Typed):
        return shown(list(values.value) if values.key is None else list(values.value.items()))
    return repr(values)


def first_line(error) -> str:
    return str(error).split("\n")[0]


def alias_difference(request: Request, expected: list, response) -> str | None:
    """Results must share the same arguments' memory, at the same place."""
    for a, b in zip(flat_tensors(expected), flat_tensors(response.results)):
        if a.numel() == 0:
            continue
        own = response.storage_of[id(b)]
        wanted = request.storage_numbers.get(storage_key(a))
        own = own if own < len(request.storages) else None
        if own != wanted:
            return f"expected memory of argument storage {wanted}, found {own}"
        if wanted is not None and a.storage_offset() != b.storage_offset():
            return f"expected storage offset {a.storage_offset()}, found {b.storage_offset()}"
    return None


def memory_difference(request: Request, response) -> str | None:
    """The arguments' whole storages afterwards, and the views themselves."""
    for i, tensor in enumerate(request.tensors):
        if (d := compare.difference(tensor, response.tensors[i])) is not None:
            return f"argument tensor {i} afterwards: {d}"
    typed = {request.storage_numbers[storage_key(t)]: INTEGERS.get(t.dtype, t.dtype) for t in request.tensors}
    for number, dtype in typed.items():
        before = torch.frombuffer(bytearray(storage_bytes(request.storages[number])) or bytearray(16), dtype=dtype)
        after = torch.frombuffer(response.buffers[number] or bytearray(16), dtype=dtype)
        if (d := compare.difference(before, after)) is not None:
            return f"argument storage {number} afterwards: {d}"
    return None
