"""Inputs and results as attributes of a module, with types for values that are empty."""

import copy
import warnings
from typing import Dict, List, Optional, Tuple

import torch


def plain(value):
    """Named tuples as tuples, enums as they are, tensors without gradients."""
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def joined(types):
    """One type for the items of a list; `None` beside another makes it optional."""
    known = [t for t in types if t is not type(None)]
    if not known:
        return int if not types else Optional[int]
    best = max(known, key=lambda t: len(str(t)))
    return Optional[best] if len(known) < len(types) else best


def type_of(value):
    if isinstance(value, tuple):
        return Tuple[tuple(type_of(item) for item in value)] if value else Tuple[()]
    if isinstance(value, list):
        return List[joined([type_of(item) for item in value])]
    if isinstance(value, dict):
        keys = joined([type_of(key) for key in value]) if value else str
        return Dict[keys, joined([type_of(item) for item in value.values()])]
    if isinstance(value, torch.Tensor):
        return torch.Tensor
    return type(value)


def whole_type_of(value):
    """`None` alone or in a tuple as an optional number."""
    if isinstance(value, tuple) and value:
        return Tuple[tuple(whole_type_of(item) for item in value)]
    found = type_of(value)
    return Optional[int] if found is type(None) else found


class Cases(torch.nn.Module):
    def forward(self):
        return 0


def outcome(model, method, inputs):
    """("out", result) or ("err", the last line of the message), from real PyTorch."""
    try:
        with torch.no_grad():
            return "out", plain(getattr(model, method)(*copy.deepcopy(inputs)))
    except Exception as error:  # noqa: BLE001: any error of the program counts
        return "err", str(error).strip().splitlines()[-1].split(": ", 1)[-1].strip()


def write_cases(path, model, calls, tolerance):
    """Runs `model` in PyTorch on every (method, inputs) and writes what comes out, errors included."""
    cases = Cases()
    cases.tolerance = tolerance
    for number, (method, inputs) in enumerate(calls):
        given = plain(tuple(inputs))
        setattr(cases, f"in_{number}", torch.jit.Attribute(given, whole_type_of(given)))
        kind, value = outcome(model, method, inputs)
        setattr(cases, f"{kind}_{number}", value if kind == "err" else torch.jit.Attribute(value, whole_type_of(value)))
        if method != "forward":
            setattr(cases, f"method_{number}", method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(cases).save(str(path))
