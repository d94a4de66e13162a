"""Tokenizers against real Transformers: arguments, results, errors."""

import copy
import pathlib
import pickle

import numpy
import pytest
import transformers

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")
ours = calque.transformers

TEXTS = ["Hello world, this is a test!", "Größe", "", "The quick brown fox jumps over the lazy dog. " * 3]


@pytest.fixture(scope="module")
def here(minilm):
    return ours.AutoTokenizer.from_pretrained(minilm)


@pytest.fixture(scope="module")
def there(minilm):
    return transformers.AutoTokenizer.from_pretrained(minilm)


CALLS = [
    ((TEXTS[0],), {}),
    ((TEXTS,), {}),
    ((TEXTS,), {"padding": True}),
    ((TEXTS[0], TEXTS[1]), {}),
    ((TEXTS, TEXTS[::-1]), {"padding": "longest", "truncation": True, "max_length": 12}),
    ((TEXTS,), {"padding": "max_length", "max_length": 16, "truncation": "longest_first"}),
    ((TEXTS, TEXTS[::-1]), {"truncation": "only_second", "max_length": 40}),
    ((TEXTS,), {"max_length": 8}),
    ((TEXTS,), {"padding": True, "pad_to_multiple_of": 8, "return_tensors": "np"}),
    ((TEXTS[0],), {"return_tensors": "np"}),
    (([("a b", "c"), ("d", "e f")],), {}),
    ((["Hello", "world"],), {"is_split_into_words": True}),
    (([["Hello", "world"], ["x"]],), {"is_split_into_words": True, "padding": True}),
    ((TEXTS,), {"add_special_tokens": False}),
    ((TEXTS,), {"return_special_tokens_mask": True, "return_offsets_mapping": True, "return_length": True}),
    ((TEXTS,), {"return_token_type_ids": False, "return_attention_mask": False}),
    ((TEXTS,), {"truncation": True, "max_length": 6, "stride": 2, "return_overflowing_tokens": True}),
    ((TEXTS[3],), {"truncation": True, "max_length": 6, "return_overflowing_tokens": True, "return_offsets_mapping": True}),
    ((TEXTS,), {"padding": True, "padding_side": "left"}),
]  # fmt: skip


@pytest.mark.parametrize(("args", "kwargs"), CALLS, ids=[str(kwargs) for _, kwargs in CALLS])
def test_same_results(here, there, args, kwargs):
    found, expected = here(*args, **kwargs), there(*args, **kwargs)
    assert set(found) == set(expected)
    for name in found:
        a, b = found[name], expected[name]
        if isinstance(b, numpy.ndarray):
            assert isinstance(a, numpy.ndarray) and a.dtype == b.dtype
            numpy.testing.assert_array_equal(a, b)
        else:
            assert a == b, name


def test_batch_encoding(here, there):
    found, expected = here(TEXTS, TEXTS[::-1], padding=True), there(TEXTS, TEXTS[::-1], padding=True)
    for i in range(len(TEXTS)):
        assert found.tokens(i) == expected.tokens(i)
        assert found.word_ids(i) == expected.word_ids(i)
        assert found.sequence_ids(i) == expected.sequence_ids(i)
        assert found[i].ids == expected[i].ids and len(found.encodings[i]) == len(expected[i].ids)
    assert found.input_ids is found["input_ids"] and found.to("cpu") is found
    assert {**found}.keys() == {"input_ids", "token_type_ids", "attention_mask"}
    tensors = here(TEXTS, padding=True, return_tensors="pt")
    assert isinstance(tensors.input_ids, calque.Tensor) and tensors.input_ids.dtype is calque.int64


def test_other_methods(here, there):
    text = "[CLS] Who was Jim Henson ? [SEP]"
    tokens = here.tokenize(text)
    assert tokens == there.tokenize(text) and here.tokenize("a", add_special_tokens=True) == ["[CLS]", "a", "[SEP]"]
    ids = here.convert_tokens_to_ids(tokens)
    assert ids == there.convert_tokens_to_ids(tokens) == here.encode(text, add_special_tokens=False)
    assert here.convert_ids_to_tokens(ids) == tokens and here.convert_ids_to_tokens(ids[0]) == "[CLS]"
    assert here.convert_tokens_to_ids("[MASK]") == here.mask_token_id == there.mask_token_id
    for kind in (list, numpy.array, calque.tensor):
        assert here.decode(kind(ids), skip_special_tokens=True) == there.decode(ids, skip_special_tokens=True)
    assert here.decode(ids[1]) == there.decode(ids[1])
    assert here.batch_decode([ids, ids[:3]]) == there.batch_decode([ids, ids[:3]])
    for name in ("cls_token", "pad_token_id", "all_special_tokens", "vocab_size", "model_max_length", "padding_side"):
        assert getattr(here, name) == getattr(there, name), name
    assert len(here) == len(there) and here.get_vocab() == there.get_vocab()
    assert here.num_special_tokens_to_add(pair=True) == 3 and "vocab_size=30522" in repr(here)
    with pytest.raises(AttributeError, match="nonsense"):
        here.nonsense  # noqa: B018


def test_sides_and_lengths_can_be_set(minilm):
    here = ours.BertTokenizer.from_pretrained(minilm, model_max_length=5, use_fast=True)
    there = transformers.BertTokenizerFast.from_pretrained(minilm, model_max_length=5)
    assert here(TEXTS[0], truncation=True)["input_ids"] == there(TEXTS[0], truncation=True)["input_ids"]
    here.padding_side = there.padding_side = "left"
    assert here(TEXTS, padding=True, truncation=True).data == there(TEXTS, padding=True, truncation=True).data


def test_from_vocabulary(minilm):
    text = "HÉLLO Wörld"
    for options in ({}, {"do_lower_case": False}, {"strip_accents": False}):
        here = ours.BertTokenizer(minilm / "vocab.txt", **options)
        assert here.tokenize(text) == transformers.BertTokenizer(str(minilm / "vocab.txt"), **options).tokenize(text)
    cased = ours.BertTokenizerFast.from_pretrained(minilm, do_lower_case=False)
    assert cased.tokenize(text) == transformers.BertTokenizer(str(minilm / "vocab.txt"), do_lower_case=False).tokenize(text)
    raw = ours.PreTrainedTokenizerFast(tokenizer_file=minilm / "tokenizer.json")
    assert raw.tokenize(text) == transformers.PreTrainedTokenizerFast(tokenizer_file=str(minilm / "tokenizer.json")).tokenize(text)


def test_places_of_tokens(here, there):
    found, expected = here(TEXTS, TEXTS[::-1], padding=True), there(TEXTS, TEXTS[::-1], padding=True)
    assert found.is_fast and found.n_sequences == expected.n_sequences == 2 and here("a").n_sequences == there("a").n_sequences
    for row in range(len(TEXTS)):
        for at in range(len(found[row])):
            assert found.token_to_word(row, at) == expected.token_to_word(row, at)
            assert found.token_to_sequence(row, at) == expected.token_to_sequence(row, at)
            assert found.token_to_chars(row, at) == expected.token_to_chars(row, at)
        assert found.token_to_chars(row, -2) == found.token_to_chars(row, len(found[row]) - 2)
        for sequence in (0, 1):
            for place in range(12):
                assert found.word_to_tokens(row, place, sequence) == expected.word_to_tokens(row, place, sequence)
                assert found.char_to_token(row, place, sequence) == expected.char_to_token(row, place, sequence)
    assert found[:2] == {name: values[:2] for name, values in expected.items()}
    assert pickle.loads(pickle.dumps(found)).data == found.data


PADS = [{}, {"padding": "max_length", "max_length": 20}, {"pad_to_multiple_of": 8}, {"padding": False}, {"padding_side": "left"},
        {"return_attention_mask": False}]  # fmt: skip


@pytest.mark.parametrize("options", PADS, ids=str)
def test_pad(here, there, options):
    rows = [{"input_ids": [5, 6, 7], "token_type_ids": [0, 1, 1]}, {"input_ids": [8], "token_type_ids": [0]}]
    batch = {"input_ids": [[5, 6, 7], [8]]}
    for given in (rows, batch, {"input_ids": [4, 5]}):
        assert here.pad(copy.deepcopy(given), **options).data == there.pad(copy.deepcopy(given), **options).data
    if options.get("padding", True):
        padded = here.pad(copy.deepcopy(rows), return_tensors="pt", **options)
        expected = there.pad(copy.deepcopy(rows), return_tensors="np", **options)
        numpy.testing.assert_array_equal(padded["input_ids"].numpy(), expected["input_ids"])
    with pytest.raises(ValueError, match="input_ids"):
        here.pad({"labels": [1]})


def test_save_pretrained(minilm, tmp_path):
    first = ours.AutoTokenizer.from_pretrained(minilm, model_max_length=7)
    first.padding_side = "left"
    written = first.save_pretrained(tmp_path / "a")
    assert all(pathlib.Path(path).exists() for path in written)
    options = {"padding": True, "truncation": True}
    expected = first(TEXTS, **options).data
    assert ours.AutoTokenizer.from_pretrained(tmp_path / "a")(TEXTS, **options).data == expected
    assert transformers.AutoTokenizer.from_pretrained(tmp_path / "a")(TEXTS, **options).data == expected
    cased = ours.BertTokenizer.from_pretrained(minilm, do_lower_case=False)
    cased.save_pretrained(tmp_path / "b")
    made = ours.BertTokenizer(minilm / "vocab.txt", do_lower_case=False)
    made.save_pretrained(tmp_path / "c")
    raw = ours.PreTrainedTokenizerFast(tokenizer_file=minilm / "tokenizer.json")
    raw.save_pretrained(tmp_path / "d")
    for folder in ("b", "c"):
        for library in (ours, transformers):
            assert library.BertTokenizerFast.from_pretrained(tmp_path / folder).tokenize("Größe HELLO") == cased.tokenize("Größe HELLO")
    assert ours.AutoTokenizer.from_pretrained(tmp_path / "d").tokenize("Größe HELLO") == raw.tokenize("Größe HELLO")
    again = pickle.loads(pickle.dumps(first))
    assert again(TEXTS, **options).data == expected and type(again) is type(first)
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(made)
    assert first.special_tokens_map == {name: first.special_tokens_map[name] for name in first.special_tokens_map}
    assert first.is_fast and first.vocab["hello"] == 7592 and first.name_or_path == str(minilm)


def test_mistakes(here, minilm, tmp_path):
    with pytest.raises(ValueError, match="text input must be of type"):
        here(5)
    with pytest.raises(ValueError, match="Unable to create tensor"):
        here(["a", "b c"], return_tensors="np")
    with pytest.raises(ValueError, match="'sideways' is not a valid PaddingStrategy"):
        here("a", padding="sideways")
    with pytest.raises(ValueError, match="return_tensors"):
        here("a", return_tensors="tf")
    with pytest.raises(calque.LoadError):
        ours.AutoTokenizer.from_pretrained(tmp_path)
    with pytest.raises(TypeError, match="nonsense"):
        ours.BertTokenizer.from_pretrained(minilm, nonsense=1)
    with pytest.raises(IndexError):
        here.convert_ids_to_tokens([10**6])
