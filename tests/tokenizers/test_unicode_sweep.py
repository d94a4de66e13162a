"""Every code point, one by one: what each property decides is what `tokenizers` decides.

tools/unicode/make_tables.py makes the tables; when this fails after an update of `tokenizers`, its exceptions.py is what
changes.
"""

import importlib.util
import json
import subprocess
import sys
import unicodedata

import pytest
from tokenizer_reference import ROOT, assert_same, plain_reference

CODE_POINTS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
NORMALIZERS = {
    "clean_text": {"clean_text": True},
    "strip_accents": {"handle_chinese_chars": True, "strip_accents": True},
    "lowercase": {"lowercase": True},
    "all": {"clean_text": True, "handle_chinese_chars": True, "strip_accents": True, "lowercase": True},
}


def joined(pieces, separator, per_line=128):
    return [separator.join(pieces[i : i + per_line]) for i in range(0, len(pieces), per_line)]


@pytest.fixture(scope="module")
def characters_json(minilm, tmp_path_factory):
    """make(normalizer, added): a tokenizer.json whose vocabulary is all characters, so that tokens show the text."""
    description = json.loads((minilm / "tokenizer.json").read_text(encoding="utf-8"))
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CODE_POINTS]
    description["model"]["vocab"] = {token: i for i, token in enumerate(vocab)}
    description["model"]["continuing_subword_prefix"] = ""
    description["post_processor"] = None
    folder = tmp_path_factory.mktemp("sweep")

    def make(normalizer, added=()):
        flags = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
        description["normalizer"].update({**flags, **normalizer})
        description["added_tokens"] = list(added)
        path = folder / "tokenizer.json"
        path.write_text(json.dumps(description), encoding="utf-8")
        return path

    return make


@pytest.mark.parametrize("name", NORMALIZERS)
def test_each_character_alone_and_in_context(tool, characters_json, name):
    path = characters_json(NORMALIZERS[name])
    lines = joined(CODE_POINTS, " ") + joined(["a" + c + "b" for c in CODE_POINTS], " ")
    assert_same(tool, "json", path, plain_reference(path), lines)


# One mark of each combining class.
ORDERING_MARKS = (
    "\u0334\u093c\u3099\u094d\u05b0\u05b1\u05b2\u05b3\u05b4\u05b5\u05b6\u05b7\u05b8\u05b9\u05bb\u05bc\u05bd\u05bf"
    "\u05c1\u05c2\u064b\u064c\u064d\u0618\u0619\u061a\u0651\u0652\u0670\u0711\u0c55\u0c56\u0e38\u0e48\u0eb8\u0ec8\u0f71"
    "\u0f72\u0f74\u0321\u1dce\u031b\u302a\u0316\u059a\u302e\u05ae\u0300\u0315\u035c\u035d\u0345"
)


def test_canonical_order_of_each_mark(tool, characters_json):
    # The spacing marks U+302E (class 224) and U+1D165 (class 216) are not stripped: their order and offsets show the class
    # of the mark between them.
    path = characters_json({"strip_accents": True})
    lines = joined(["a\u302e" + c + "\U0001d165b" for c in CODE_POINTS], "")
    lines += joined(["a\U0001d165" + c + "\u302eb" for c in CODE_POINTS], "")
    combining = [c for c in CODE_POINTS if unicodedata.combining(c) or ord(c) in range(0x300, 0x370)]
    lines += joined(["a" + c + mark + "\u302eb" for c in combining for mark in ORDERING_MARKS], "")
    assert_same(tool, "json", path, plain_reference(path), lines)


def test_word_characters_and_white_space_around_added_tokens(tool, characters_json):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    added = [
        {"id": 3_000_000, "content": "<word>", **flags, "single_word": True},
        {"id": 3_000_001, "content": "<space>", **flags, "lstrip": True, "rstrip": True},
    ]
    path = characters_json({}, added)
    pieces = ["a" + c + "<word> b<word>" + c + "a" + c + "<space>" + c for c in CODE_POINTS]
    lines = joined(pieces, "b", per_line=8)  # The reference takes quadratic time to look for white space.
    assert_same(tool, "json", path, plain_reference(path), lines)


def test_committed_tables_are_what_the_script_writes():
    if importlib.util.find_spec("unicodedata2") is None:
        pytest.skip("pip install unicodedata2==16.0.0 to repeat the making of the tables")
    done = subprocess.run([sys.executable, ROOT / "tools/unicode/make_tables.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
