"""What scripts take from torch.nn."""

from calque.nn import functional

__all__ = ["functional"]
