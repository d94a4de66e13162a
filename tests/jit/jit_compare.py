"""Comparison of results."""

import pytest
import torch


def same(mine, theirs, tolerance=1e-5):
    """Equal structure, and tensors equal within the tolerance."""
    if isinstance(theirs, torch.Tensor):
        torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)
    elif isinstance(theirs, dict):
        assert list(mine) == list(theirs)
        for key, value in theirs.items():
            same(mine[key], value, tolerance)
    elif isinstance(theirs, (list, tuple)):
        assert len(mine) == len(theirs)
        for left, right in zip(mine, theirs, strict=True):
            same(left, right, tolerance)
    elif isinstance(theirs, float):
        assert mine == pytest.approx(theirs, rel=1e-6, abs=1e-9, nan_ok=True)
    elif isinstance(theirs, (int, str, bool, type(None))):
        assert mine == theirs
    else:  # objects of scripted classes, enums
        assert type(mine).__name__ == type(theirs).__name__
