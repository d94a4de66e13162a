"""Real sentences, collected from the documentation that is installed on the machine."""

import gzip
import pathlib
import random
import re
import sys

FOLDERS = ("/usr/share/common-licenses", "/usr/share/doc", "/usr/share/perl", sys.prefix + "/lib")
SUFFIXES = {"", ".txt", ".gz", ".pod", ".md", ".rst"}
SENTENCE = re.compile(r"[A-Z][^.!?\n]*(?:\n[^.!?\n]+)*[.!?](?=\s)")
MOST_BYTES = 200_000


def text_of(path: pathlib.Path) -> str:
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return data[:MOST_BYTES].decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError, gzip.BadGzipFile):
        return ""


def collect(count: int, seed: int = 0) -> list[str]:
    """`count` different sentences of 5 to 60 words."""
    found: set[str] = set()
    for folder in FOLDERS:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.suffix not in SUFFIXES or path.is_symlink() or not path.is_file():
                continue
            for match in SENTENCE.finditer(text_of(path)):
                sentence = " ".join(match[0].split())
                if 5 <= len(sentence.split()) <= 60:
                    found.add(sentence)
            if len(found) > 20 * count:
                break
    assert len(found) >= count, f"only {len(found)} sentences on this machine"
    return random.Random(seed).sample(sorted(found), count)
