"""What calque.jit.check and calque.jit.quantize tell."""

from __future__ import annotations

import dataclasses
import json
from typing import Any


@dataclasses.dataclass(frozen=True)
class OperatorUse:
    """One operator of the program."""

    name: str
    support: str
    """`fast`, `reference`, `trivial` or `missing`."""
    count: int
    """Calls in the program's text, submodules included."""
    places: list[str]
    """Paths of modules that call it."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that the export has fixed although it should follow the input."""

    kind: str
    what: str
    advice: str
    count: int
    places: list[str]


@dataclasses.dataclass(frozen=True)
class ShapeCost:
    """What one call costs at a shape."""

    shape: list[int]
    ran: bool
    error: str
    multiply_adds: int
    activation_bytes: int
    operator_calls: int
    seconds: float
    inputs: list[str]


class CheckReport:
    """Whether an archive would load and run, and what is in it. `str(report)` is one page for people."""

    file: str
    loads: bool
    runs: bool
    error: str
    error_kind: str
    version: int
    file_bytes: int
    trace: bool
    schema: str
    parameters: int
    buffers: int
    weight_bytes: int
    operators: list[OperatorUse]
    findings: list[Finding]
    costs: list[ShapeCost]
    notes: list[str]

    def __init__(self, json_text: str, text: str) -> None:
        self.json, self._text = json_text, text
        content: dict[str, Any] = json.loads(json_text)
        content["operators"] = [OperatorUse(**row) for row in content["operators"]]
        content["findings"] = [Finding(**row) for row in content["findings"]]
        content["costs"] = [ShapeCost(**row) for row in content["costs"]]
        vars(self).update(content)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"CheckReport({self.file!r}, loads={self.loads}, runs={self.runs})"


@dataclasses.dataclass(frozen=True)
class LayerQuality:
    """A linear layer in low precision."""

    name: str
    inputs: int
    outputs: int
    stored: str
    """How its weights are stored and multiplied: the dtype that was asked for, or a higher precision."""
    error: float
    """Of its results at the dtype that was asked for: root mean square, over tokens, of the change relative to the result."""
    smoothed: bool


@dataclasses.dataclass(frozen=True)
class OutputQuality:
    """One tensor of the results, against float32. A row is what runs along its last dimension."""

    name: str
    rows: int
    not_finite: int
    """Rows that hold an infinity or NaN in float32 itself."""
    cosine_median: float
    cosine_least: float
    max_difference: float
    same_argmax: float


class QuantizeReport:
    """What low precision changes. `str(report)` is one page for people."""

    dtype: str
    samples: int
    seeded: bool
    bytes_before: int
    bytes_after: int
    tables: int
    already: int
    """Linear layers that were in low precision before: they stay as they are."""
    layers: list[LayerQuality]
    outputs: list[OutputQuality]

    def __init__(self, json_text: str, text: str) -> None:
        self.json, self._text = json_text, text
        content: dict[str, Any] = json.loads(json_text)
        content["layers"] = [LayerQuality(**row) for row in content["layers"]]
        content["outputs"] = [OutputQuality(**row) for row in content["outputs"]]
        vars(self).update(content)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        kept = sum(layer.stored != self.dtype for layer in self.layers)
        return f"QuantizeReport({self.dtype!r}, layers={len(self.layers)}, kept={kept})"
