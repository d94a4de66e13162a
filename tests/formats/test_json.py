"""JSON: the same values as Python's json, and the same verdict on damaged text."""

import json
import math
import random

import pytest

from .damage import cuts, text_edits, write_all

TEXTS = [
    '{"a": [1, 2.5, -0.0, 1e22, 1e-7, "x\\u00e9\\n\\ud83d\\ude00/", null, true, false, {}, []]}',
    '{"model_max_length": 1000000000000000019884624838656, "n": -9223372036854775808}',
    '"only text"',
    " [ ] ",
]


def reduced(value):
    """As our reader keeps it: integers beyond 64 bits are floating-point numbers."""
    if isinstance(value, dict):
        return {key: reduced(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reduced(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return float(value)
    return value


def rewritten(tool, tmp_path, text: str, indent=0):
    (tmp_path / "in.json").write_text(text, encoding="utf-8")
    tool("json-rewrite", tmp_path / "in.json", tmp_path / "out.json", indent)
    return (tmp_path / "out.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", TEXTS)
def test_same_values(tool, tmp_path, text):
    for indent in (0, 2):
        assert json.loads(rewritten(tool, tmp_path, text, indent)) == reduced(json.loads(text))


@pytest.mark.parametrize("indent", [0, 1, 2, 4])
def test_same_text_as_python(tool, tmp_path, indent):
    value = {"b": [1, 2, {"c": []}], "a": {}, "text": "é\"\\\n\t\u0001", "t": True, "n": None, "z": -5}
    options = {"indent": indent} if indent else {"separators": (",", ":")}
    assert rewritten(tool, tmp_path, json.dumps(value), indent) == json.dumps(value, ensure_ascii=False, **options)


def test_numbers_come_back_exactly(tool, tmp_path):
    source = random.Random(11)
    numbers = [source.uniform(-1, 1) * 10.0 ** source.randrange(-300, 300) for _ in range(2000)]
    numbers += [math.pi, 5e-324, 1.7976931348623157e308, 0.1, 1e16, 123456789012345678.0]
    numbers += [source.randrange(-(2**63), 2**63) for _ in range(500)]
    assert json.loads(rewritten(tool, tmp_path, json.dumps(numbers))) == numbers


def test_corpus_descriptions(tool, corpus, tmp_path):
    for path in sorted(corpus.glob("*.json"))[::40]:
        text = path.read_text()
        assert json.loads(rewritten(tool, tmp_path, text)) == reduced(json.loads(text))


def python_accepts(data: bytes) -> bool:
    def refuse(word):
        raise ValueError(word)

    try:
        text = data.decode("utf-8")
        value = json.loads(text, parse_constant=refuse)
        return math.isfinite(largest(value)) and not has_half_surrogates(value)
    except (ValueError, RecursionError):
        return False


def largest(value):
    if isinstance(value, dict):
        return max((largest(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return max((largest(item) for item in value), default=0)
    return abs(float(value)) if isinstance(value, int | float) else 0


def has_half_surrogates(value):
    return "\\ud" in json.dumps(value, ensure_ascii=True) and not encodes(json.dumps(value, ensure_ascii=False))


def encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def test_damaged_texts_get_the_verdict_of_python(tool, tmp_path):
    words = [b"0", b"1", b"-", b".", b"e5", b"E+3", b'"', b"\\", b"\\u00e9", b"\\ud800", b"\\udc00", b"{", b"}", b"[", b"]", b",", b":", b" ",
             b"\n", b"\t", b"null", b"tru", b"NaN", b"Infinity", b"1e999", b"12345678901234567890123", b"\xc3\xa9", b"\xff", b"\x00", b"\x1f"]
    for number, text in enumerate(TEXTS):
        good = text.encode()
        contents = [*cuts(good), *text_edits(good, 4000, words)]
        contents = [content for content in contents if content]
        paths = write_all(tmp_path / f"damaged{number}", contents)
        for path, content, verdict in zip(paths, contents, tool.check("json", paths), strict=True):
            assert (verdict == "ok") == python_accepts(content), f"{path}: {content!r}: {verdict}"
