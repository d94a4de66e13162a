"""Calque against other engines: each in a process of its own, taken in turns. `bench/compare.py` is the command."""
