"""What calque.jit.check tells."""

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
