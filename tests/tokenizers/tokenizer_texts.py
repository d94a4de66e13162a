"""Texts to tokenize: real lines in many languages, found on this machine, and random Unicode."""

import gzip
import hashlib
import pathlib
import random
import re
import struct
import unicodedata

# Debian packages that make a bare machine's harvest large and multilingual enough.
PACKAGES = "iso-codes manpages-de manpages-fr manpages-ja manpages-pl manpages-ru manpages-zh"
REAL_LINES = 200_000
SHARE = pathlib.Path("/usr/share")


def _catalog_lines(path):
    """Translations of a gettext catalogue (.mo)."""
    data = path.read_bytes()
    if len(data) < 28:
        return
    order = {0x950412DE: "<", 0xDE120495: ">"}.get(struct.unpack_from("<I", data)[0])
    if order is None:
        return
    count, _, table = struct.unpack_from(order + "III", data, 8)
    for i in range(count):
        length, offset = struct.unpack_from(order + "II", data, table + 8 * i)
        try:
            text = data[offset : offset + length].decode("utf-8")
        except UnicodeDecodeError:
            continue
        yield from text.replace("\0", "\n").split("\n")


def _text_lines(path):
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            yield from file.read().decode("utf-8").split("\n")
    except (OSError, EOFError, UnicodeDecodeError):
        return


def _manual_lines(path):
    for line in _text_lines(path):
        if line[:1] not in (".", "'"):
            yield re.sub(r"\\f.|\\&", "", line)


SOURCES = (
    ("locale/*/LC_MESSAGES/*.mo", _catalog_lines),
    ("man/**/*.gz", _manual_lines),
    ("i18n/locales/*", _text_lines),
    ("doc/**/*.gz", _text_lines),
    ("perl/**/*.pod", _text_lines),
)


def real_lines(limit=REAL_LINES + 20_000):
    """Different lines of at least one letter; the same choice on every run on the same machine."""
    found = {}
    for pattern, read in SOURCES:
        for path in sorted(SHARE.glob(pattern)):
            if not path.is_file():
                continue
            for line in read(path):
                if 2 < len(line) <= 2000 and any(map(str.isalpha, line)):
                    found[line] = None
        if len(found) > 4 * limit:
            break
    lines = list(found)
    if len(lines) > limit:
        lines.sort(key=lambda line: hashlib.blake2b(line.encode(), digest_size=8).digest())
        lines = lines[:limit]
    return lines


WORDS = "the of Paris naïve Straße ÉCOLE İstanbul Привет мир ΑΒΓΔΣ σοφός שלום مرحبا नमस्ते 漢字 かな カナ 한국어 ไทย unbelievable".split()
INTERESTING = (
    [chr(c) for c in range(0x00, 0xA1)]
    + [chr(c) for c in range(0x300, 0x370)]
    + list("\u0130\u0131\u01c5\u1e9e\ufb01\u212b\u2126\u1e69\u0344\u0f73\u0f75\u0f81\u302e\u302f\u3099\u09be\u09c7")
    + list("\u200b\u200c\u200d\u200e\u2028\u2029\u202f\u2060\ufeff\ufffd\u00ad\u180e\u3000\u1680\x85")
    + ["👩\u200d👩\u200d👧", "🏳️\u200d🌈", "👍🏽", "🇩🇪", "1\ufe0f\u20e3", "각", "한", "क्षि", "e\u0323\u0302", "q\u0307\u0323"]
    + ["[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]", "[cls]", "[MASK", "##", "##ing", "...", "don't"]
    + ["\u1734", "\u1715", "\u0f39\u0f71\u0f72", "\U0001d15e", "\U0001d165\U0001d16d", "\u2b820", "\U0002b820", "\U0002f800", "豈"]
)


def _random_piece(rng):
    kind = rng.randrange(12)
    if kind < 3:
        return rng.choice(WORDS) + rng.choice(("", " ", " ", "-"))
    if kind < 6:
        return rng.choice(INTERESTING)
    if kind == 6:
        return chr(rng.choice((rng.randrange(0x1100, 0x1200), rng.randrange(0xAC00, 0xD7A4))))
    if kind == 7:
        return chr(rng.randrange(0x80, 0x3000))
    if kind == 8:
        return chr(rng.randrange(0x3000, 0xD800))
    if kind == 9:
        return chr(rng.randrange(0xE000, 0x110000))
    if kind == 10:
        marks = [c for c in (chr(rng.randrange(0x300, 0x1E000)) for _ in range(6)) if unicodedata.category(c)[0] == "M"]
        return rng.choice("aeiouAEcq漢") + "".join(marks)
    return chr(rng.randrange(0x10000, 0x1F000))


def _without_surrogates(text):
    return re.sub("[\ud800-\udfff]", "", text)


def random_lines(count, seed):
    rng = random.Random(seed)
    return [_without_surrogates("".join(_random_piece(rng) for _ in range(rng.randrange(1, 24)))) for _ in range(count)]
