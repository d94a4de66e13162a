"""Damaged copies of good files, the same on every run."""

import pathlib
import random


def cuts(good: bytes, count: int = 200):
    """`good` cut at `count` places."""
    for index in range(count):
        yield good[: len(good) * index // count]


def flips(good: bytes, count: int, seed: int = 1):
    """`count` copies with a few bits flipped or bytes replaced."""
    source = random.Random(seed)
    for _ in range(count):
        data = bytearray(good)
        for _ in range(source.randint(1, 4)):
            at = source.randrange(len(data))
            data[at] = source.randrange(256) if source.random() < 0.25 else data[at] ^ (1 << source.randrange(8))
        yield bytes(data)


def text_edits(good: bytes, count: int, words: list[bytes], seed: int = 1):
    """`count` copies in which pieces are deleted, doubled or replaced by one of `words`."""
    source = random.Random(seed)
    for _ in range(count):
        data = good
        for _ in range(source.randint(1, 3)):
            start = source.randrange(len(data) + 1)
            end = min(len(data), start + source.choice([0, 1, 1, 2, 3, 8]))
            middle = source.choice([b"", data[start:end] * 2, source.choice(words)])
            data = data[:start] + middle + data[end:]
        yield data


def write_all(folder: pathlib.Path, contents) -> list[pathlib.Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, content in enumerate(contents):
        path = folder / f"{index:05}"
        path.write_bytes(content or b"\0")  # an empty file is refused before any reader sees it
        paths.append(path)
    return paths
