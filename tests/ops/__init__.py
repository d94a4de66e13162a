"""Operators compared with real PyTorch."""
