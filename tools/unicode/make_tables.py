#!/usr/bin/env python3
"""Writes src/tokenizers/unicode_data.inc, the character properties that tokenizers need.

Needs `pip install unicodedata2==16.0.0` (and Python 3.11 or later, for str.lower). Run it from anywhere:

    python tools/unicode/make_tables.py            # rewrite the file
    python tools/unicode/make_tables.py --check    # exit 1 when the file is not what would be written

The properties are those that Hugging Face `tokenizers` 0.22.2 works with: Unicode 16 but for the lists in exceptions.py.
"""

import argparse
import pathlib
import sys
import textwrap

import unicodedata2

import exceptions

TARGET = pathlib.Path(__file__).resolve().parents[2] / "src" / "tokenizers" / "unicode_data.inc"

# Bits of a property value; the canonical combining class stands above them. Same as CharFlag in unicode.h.
REMOVED, WHITESPACE, PUNCTUATION, NONSPACING_MARK, WORD, DECOMPOSES, LOWERCASES, CHINESE = (1 << i for i in range(8))
COMBINING_CLASS_SHIFT = 8

WHITESPACE_RANGES = "0009-000D 0020 0085 00A0 1680 2000-200A 2028-2029 202F 205F 3000"
# The third range from the end starts at 2B920 in `tokenizers`, where CJK extension E starts at 2B820.
CHINESE_RANGES = "3400-4DBF 4E00-9FFF F900-FAFF 20000-2A6DF 2A700-2B81F 2B920-2CEAF 2F800-2FA1F"
HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)
SURROGATES = range(0xD800, 0xE000)


def parse_ranges(text):
    points = set()
    for item in text.split():
        first, _, last = item.partition("-")
        points.update(range(int(first, 16), int(last or first, 16) + 1))
    return points


class Tables:
    def __init__(self):
        self.whitespace = parse_ranges(WHITESPACE_RANGES)
        self.chinese = parse_ranges(CHINESE_RANGES)
        self.not_removed = parse_ranges(exceptions.NOT_REMOVED)
        self.not_punctuation = parse_ranges(exceptions.NOT_PUNCTUATION)
        self.extra_punctuation = parse_ranges(exceptions.EXTRA_PUNCTUATION)
        self.not_nonspacing_mark = parse_ranges(exceptions.NOT_NONSPACING_MARK)
        self.extra_nonspacing_mark = parse_ranges(exceptions.EXTRA_NONSPACING_MARK)
        self.not_decomposed = parse_ranges(exceptions.NOT_DECOMPOSED)
        self.not_combining = parse_ranges(exceptions.NOT_COMBINING)
        self.extra_word = parse_ranges(exceptions.EXTRA_WORD)
        self.extra_lowercase = {}
        for first, last, distance in exceptions.EXTRA_LOWERCASE:
            self.extra_lowercase.update({c: [c + distance] for c in range(first, last + 1)})

    def decomposition(self, c):
        """Full canonical decomposition; empty when there is none, or when it is computed (Hangul syllables)."""
        if c in self.not_decomposed or c in HANGUL_SYLLABLES:
            return []
        text = unicodedata2.normalize("NFD", chr(c))
        return [] if text == chr(c) else [ord(d) for d in text]

    def lowercase(self, c):
        if c in self.extra_lowercase:
            return self.extra_lowercase[c]
        text = chr(c).lower()
        return [] if text == chr(c) else [ord(d) for d in text]

    def value(self, c):
        category = unicodedata2.category(chr(c))
        value = 0
        is_control = category in ("Cc", "Cf", "Co") and c not in (0x09, 0x0A, 0x0D) and c not in self.not_removed
        if is_control or c == 0xFFFD:
            value |= REMOVED
        if c in self.whitespace:
            value |= WHITESPACE
        is_ascii_symbol = 0x20 < c < 0x7F and not chr(c).isalnum()
        is_punctuation = category[0] == "P" and c not in self.not_punctuation
        if is_punctuation or is_ascii_symbol or c in self.extra_punctuation:
            value |= PUNCTUATION
        if (category == "Mn" and c not in self.not_nonspacing_mark) or c in self.extra_nonspacing_mark:
            value |= NONSPACING_MARK
        is_word = category[0] in "LM" or category in ("Nd", "Nl", "Pc") or c in (0x200C, 0x200D)
        if is_word or c in self.extra_word:
            value |= WORD
        if self.decomposition(c) or c in HANGUL_SYLLABLES:
            value |= DECOMPOSES
        if self.lowercase(c):
            value |= LOWERCASES
        if c in self.chinese:
            value |= CHINESE
        if c not in self.not_combining:
            value |= unicodedata2.combining(chr(c)) << COMBINING_CLASS_SHIFT
        return value


def property_runs(tables):
    """Pairs (length, value) that cover all code points from 0 on."""
    runs = []
    for c in range(0x110000):
        value = 0 if c in SURROGATES else tables.value(c)
        if runs and runs[-1][1] == value:
            runs[-1][0] += 1
        else:
            runs.append([1, value])
    return [number for run in runs for number in run]


def decompositions(tables):
    """For each code point in order: itself, the count, the parts."""
    out = []
    for c in range(0x110000):
        parts = [] if c in SURROGATES else tables.decomposition(c)
        if parts:
            out += [c, len(parts), *parts]
    return out


def lowercase_runs(tables):
    """Groups (first, last, step, distance) for one-to-one mappings; the only other is U+0130, handled in the code."""
    runs = []
    for c in range(0x110000):
        lower = [] if c in SURROGATES else tables.lowercase(c)
        if not lower or c == 0x0130:
            continue
        if len(lower) != 1:
            raise SystemExit(f"U+{c:04X} has a lower case of {len(lower)} characters: the code expects one")
        distance = lower[0] - c
        last = runs[-1] if runs else None
        if last and last[3] == distance and c - last[1] in ((1, 2) if last[0] == last[1] else (last[2],)):
            last[2] = c - last[1]
            last[1] = c
        else:
            runs.append([c, c, 1, distance])
    return [number for run in runs for number in run]


def array(name, kind, comment, numbers):
    body = "\n".join(textwrap.wrap(", ".join(map(str, numbers)), 118, break_on_hyphens=False))
    return f"// {comment}\nconstexpr {kind} {name}[] = {{\n{body}}};\n"


def render():
    tables = Tables()
    return (
        "// Written by tools/unicode/make_tables.py; do not edit.\n\n"
        + array("kPropertyRuns", "uint32_t", "Pairs (length, value), from code point 0 on.", property_runs(tables))
        + "\n"
        + array("kDecompositions", "uint32_t", "Code point, count, parts; ascending.", decompositions(tables))
        + "\n"
        + array("kLowercaseRuns", "int32_t", "Groups (first, last, step, distance); ascending.", lowercase_runs(tables))
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    if unicodedata2.unidata_version != "16.0.0":
        raise SystemExit(f"unicodedata2 is of Unicode {unicodedata2.unidata_version}; install unicodedata2==16.0.0")
    text = render()
    if not check:
        TARGET.write_text(text, encoding="ascii")
        return
    if TARGET.read_text(encoding="ascii") != text:
        sys.exit(f"{TARGET} is not what tools/unicode/make_tables.py writes: run it")


if __name__ == "__main__":
    main()
