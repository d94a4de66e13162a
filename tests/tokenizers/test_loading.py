"""Files and their precedence: the same tokenizer as Transformers makes of them."""

import json

import pytest
import tokenizer_texts as texts
import transformers
from tokenizer_reference import assert_same, plain_reference
from transformers import AutoTokenizer, BertTokenizerFast

LINES = [
    "É [CLS]<x> it is <Y> foo",
    "New York [mask] [MASK] <mask>  <x>",
    "漢字 naïve İstanbul",
    "[cls] [SEP] [PAD][UNK]",
    *texts.random_lines(100, seed=9),
]
FLAGS = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}


def added(content, **flags):
    return {"content": content, **FLAGS, **flags}


CASES = {
    "vocab only": ({}, ("vocab.txt",)),
    "json only": ({}, ("tokenizer.json",)),
    "cased by configuration": ({"tokenizer_config.json": {"do_lower_case": False}}, ("tokenizer.json",)),
    "cased vocab": ({"tokenizer_config.json": {"do_lower_case": False, "strip_accents": True}}, ("vocab.txt",)),
    "no chinese": ({"tokenizer_config.json": {"tokenize_chinese_chars": False}}, ("tokenizer.json", "vocab.txt")),
    "added_tokens.json": ({"added_tokens.json": {"<x>": 30522, "<Y>": 30523}}, ("vocab.txt",)),
    "added_tokens.json beside tokenizer.json": ({"added_tokens.json": {"<x>": 30522}}, ("tokenizer.json",)),
    "special added token": (
        {
            "added_tokens.json": {"<x>": 30522, "<Y>": 30523},
            "special_tokens_map.json": {"additional_special_tokens": ["<x>"]},
        },
        ("vocab.txt",),
    ),
    "token switched off": ({"tokenizer_config.json": {"mask_token": None}}, ("tokenizer.json",)),
    "another mask": ({"tokenizer_config.json": {"mask_token": "<mask>"}}, ("tokenizer.json",)),
    "another mask in vocab": ({"tokenizer_config.json": {"mask_token": "<mask>"}}, ("vocab.txt",)),
    "token with flags": (
        {"tokenizer_config.json": {"mask_token": added("[MASK]", lstrip=True, __type="AddedToken")}},
        ("tokenizer.json",),
    ),
    "flags in the map": (
        {
            "special_tokens_map.json": {
                "cls_token": added("[CLS]", rstrip=True),
                "additional_special_tokens": [added("<x>", lstrip=True)],
            }
        },
        ("tokenizer.json",),
    ),
    "added_tokens_decoder": (
        {
            "tokenizer_config.json": {
                "added_tokens_decoder": {
                    "0": added("[PAD]", special=True),
                    "30530": added("<x>", lstrip=True, special=False),
                    "103": added("[MASK]", lstrip=True, special=True),
                },
                "additional_special_tokens": ["<Y>"],
            },
            "special_tokens_map.json": {"mask_token": "<ignored>"},
        },
        ("tokenizer.json",),
    ),
    "added_tokens_decoder and vocab": (
        {"tokenizer_config.json": {"added_tokens_decoder": {"30522": added("<Y>", special=False)}}},
        ("vocab.txt",),
    ),
    "no limit": ({"tokenizer_config.json": {"model_max_length": 10**30}}, ("tokenizer.json",)),
    "sides": (
        {"tokenizer_config.json": {"max_len": 77, "padding_side": "left", "truncation_side": "left"}},
        ("tokenizer.json",),
    ),
    "lines end in many ways": (
        {"vocab.txt": "[PAD]\n[UNK]\r\n[CLS]\r[SEP]\n[MASK]\nfoo\n\nit\n##o\ns\n<\nx\n>\nf\n##oo"},
        (),
    ),
    "no unk": ({"vocab.txt": "[PAD]\n[CLS]\n[SEP]\n" + "".join(f"{c}\n##{c}\n" for c in map(chr, range(33, 127)))}, ()),
}


def compare(tool, folder, reference, kind):
    info = tool.info(kind, folder)
    assert info["vocab_size"] == reference.vocab_size
    assert info["size"] == len(reference)
    assert info["special_tokens"] == reference.all_special_tokens
    assert info["special_ids"] == reference.all_special_ids
    assert info["padding_side"] == reference.padding_side
    assert info["truncation_side"] == reference.truncation_side
    limit = reference.model_max_length
    assert info["model_max_length"] == (limit if limit < 10**18 else 2**63 - 1)
    backend = reference.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    assert_same(tool, kind, folder, backend, LINES)
    ids = [101, 2009, 1005, 1055, 1012, 102]
    known = [i for i in ids if i < len(reference)]
    (answer,) = tool.requests(kind, folder, [{"ids": known}])
    assert answer["text"] == reference.decode(known)


@pytest.mark.parametrize("name", [name for name in CASES if name != "no unk"])
def test_bert_tokenizer(tool, directory, name):
    files, copied = CASES[name]
    folder = directory(files, copied)
    compare(tool, folder, BertTokenizerFast.from_pretrained(folder), "bert")


def test_word_without_unknown_token(tool, directory):
    folder = directory(*CASES["no unk"])
    reference = BertTokenizerFast.from_pretrained(folder)
    answers = tool.requests("bert", folder, [{"texts": ["plain words"]}, {"texts": ["漢"]}])
    assert answers[0]["encodings"][0]["tokens"] == reference("plain words").tokens()
    with pytest.raises(Exception, match="Missing"):
        reference("漢")
    assert "Missing [UNK] token from the vocabulary" in answers[1]["error"]


CLASSES = {
    "named": {"tokenizer_config.json": {"tokenizer_class": "BertTokenizer"}},
    "fast": {"tokenizer_config.json": {"tokenizer_class": "BertTokenizerFast", "do_lower_case": False}},
    "relative": {"tokenizer_config.json": {"tokenizer_class": "DistilBertTokenizer", "do_lower_case": False}},
    "by model type": {"config.json": {"model_type": "bert"}},
    "electra": {"config.json": {"model_type": "electra"}},
    "generic": {
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "do_lower_case": False,
            "cls_token": "[CLS]",
            "additional_special_tokens": ["<x>"],
        }
    },
}


@pytest.mark.parametrize("name", CLASSES)
def test_auto_tokenizer(tool, directory, name):
    folder = directory(CLASSES[name], ("tokenizer.json",))
    compare(tool, folder, AutoTokenizer.from_pretrained(folder), "auto")


def test_minilm_as_it_is(tool, minilm):
    compare(tool, minilm, AutoTokenizer.from_pretrained(minilm), "auto")
    compare(tool, minilm, BertTokenizerFast.from_pretrained(minilm), "bert")


def test_saved_again_by_transformers(tool, minilm, tmp_path):
    reference = BertTokenizerFast.from_pretrained(minilm)
    reference.add_tokens(["<x>", transformers.AddedToken("New York", single_word=True)])
    reference.add_special_tokens({"additional_special_tokens": ["<Y>"]})
    reference.save_pretrained(tmp_path)
    compare(tool, tmp_path, AutoTokenizer.from_pretrained(tmp_path), "auto")


def test_vocab_file(tool, minilm):
    reference = BertTokenizerFast(vocab_file=str(minilm / "vocab.txt"))
    compare(tool, minilm / "vocab.txt", reference, "vocab")


def test_bert_processing(tool, minilm, tmp_path):
    description = json.loads((minilm / "tokenizer.json").read_text(encoding="utf-8"))
    description["post_processor"] = {"type": "BertProcessing", "sep": ["[SEP]", 102], "cls": ["[CLS]", 101]}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(description), encoding="utf-8")
    assert_same(tool, "json", path, plain_reference(path), LINES)
    for part in ("post_processor", "pre_tokenizer", "normalizer", "decoder"):
        description[part] = None
        path.write_text(json.dumps(description), encoding="utf-8")
        assert_same(tool, "json", path, plain_reference(path), LINES)
