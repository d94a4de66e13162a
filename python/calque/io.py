"""Tensors in files, and what lies inside an archive."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from calque import _calque
from calque._calque import Tensor

__all__ = ["Record", "list_records", "read_record", "read_tensors", "write_tensors"]


class Record(NamedTuple):
    """One record of an archive."""

    name: str
    """Without the root folder: `data/0`, `code/__torch__/m.py`, `extra/notes.txt`."""
    size: int
    """Bytes of content."""
    stored_size: int
    """Bytes in the file."""


def read_tensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Tensors by name from a file: .npz, .npy (one, named after the file), .safetensors or .json (nested lists).

    Raises LoadError for content that is not valid, ValueError for another ending.
    """
    return _calque.read_tensors(path)


def write_tensors(path: str | os.PathLike[str], tensors: Mapping[str, Any]) -> None:
    """Writes tensors or arrays by the same endings (.npy takes exactly one). The file is complete or absent.

    Raises ValueError for bfloat16 in .npz and .npy, which NumPy's formats do not have.
    """
    _calque.write_tensors(path, {name: _calque.as_tensor(value) for name, value in tensors.items()})


def list_records(path: str | os.PathLike[str]) -> list[Record]:
    """The records of a TorchScript archive in the order of its directory. LoadError when it is no such file."""
    return [Record(*row) for row in _calque.list_records(path)]


def read_record(path: str | os.PathLike[str], name: str) -> bytes:
    """The content of one record. LoadError when it is absent or damaged."""
    return _calque.read_record(path, name)
