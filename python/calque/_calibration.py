"""Texts that `quantize` judges by."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from calque import _calque, errors
from calque._calls import Path_
from calque._calque import ScriptModule


def is_text(item: Path_ | Mapping[str, Any]) -> TypeGuard[Path_]:
    return not isinstance(item, Mapping) and os.fspath(item).lower().endswith(".txt")


def lines_of(module: ScriptModule, path: Path_, tokenizer: Path_ | None, most: int) -> list[Mapping[str, Any]]:
    from calque.transformers import AutoTokenizer

    if tokenizer is None:
        raise errors.ValueError("quantize: text needs tokenizer, the checkpoint folder whose tokenizer reads it")
    encode, names = AutoTokenizer.from_pretrained(tokenizer), module.argument_names("forward")
    lines = [line for line in Path(path).read_text(encoding="utf-8").split("\n") if line.strip()][: max(0, most)]
    rows = [encode(line, truncation=True, max_length=128, return_token_type_ids=True) for line in lines]
    wanted = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in names]
    return [{name: _calque.tensor([row[name]]) for name in wanted} for row in rows]
