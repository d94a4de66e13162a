"""Same ids, tokens, offsets, words, types and masks as Hugging Face `tokenizers`, on real and on random text."""

import json

import pytest

import tokenizer_texts as texts
from tokenizer_reference import assert_same, plain_reference

RANDOM_LINES = 100_000


def test_real_text_uncased(tool, minilm, real_lines):
    assert_same(tool, "bert", minilm, plain_reference(minilm / "tokenizer.json"), real_lines)


def test_real_text_cased(tool, cased, real_lines):
    assert_same(tool, "auto", cased, plain_reference(cased / "tokenizer.json"), real_lines)


def test_random_text_uncased(tool, minilm):
    lines = texts.random_lines(RANDOM_LINES, seed=1)
    assert_same(tool, "bert", minilm, plain_reference(minilm / "tokenizer.json"), lines)


def test_random_text_cased(tool, cased):
    lines = texts.random_lines(RANDOM_LINES, seed=2)
    assert_same(tool, "auto", cased, plain_reference(cased / "tokenizer.json"), lines)


@pytest.mark.parametrize("number", range(16))
def test_random_text_with_each_normalizer(tool, minilm, tmp_path, number):
    description = json.loads((minilm / "tokenizer.json").read_text(encoding="utf-8"))
    description["normalizer"].update(
        clean_text=bool(number & 1),
        handle_chinese_chars=bool(number & 2),
        strip_accents=bool(number & 4),
        lowercase=bool(number & 8),
    )
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(description), encoding="utf-8")
    assert_same(tool, "json", path, plain_reference(path), texts.random_lines(4_000, seed=100 + number))


def test_long_texts(tool, minilm):
    lines = texts.random_lines(3_000, seed=3)
    joined = ["".join(lines[i : i + 500]) for i in range(0, 3_000, 500)]
    joined += ["a" * 100, "a" * 101, "é" * 100, "é" * 101, "漢" * 5_000, "x" * 1_000_000, " " * 100_000, "\u0301" * 10_000, ""]
    assert_same(tool, "bert", minilm, plain_reference(minilm / "tokenizer.json"), joined)
