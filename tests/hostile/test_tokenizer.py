"""Tokenizer files: the lines Tok 1, 3 and 5, as far as WordPiece goes."""

import copy
import json

import pytest
import tokenizers

import hostile_checkpoints as checkpoints
from hostile_checkpoints import WORDS, added_token, tokenizer


@pytest.fixture
def folder(tmp_path):
    """folder(files): a directory with a tokenizer.json (or, without one, a vocab.txt) and what else is given."""

    def make(files: dict):
        return checkpoints.write(tmp_path / "t", {"tokenizer_config.json": {"tokenizer_class": "BertTokenizer"}} | files)

    return make


def changed(change) -> dict:
    description = tokenizer()
    change(description)
    return description


def vocab(**words) -> dict:
    return changed(lambda d: d["model"]["vocab"].update(words))


def test_tok_0_the_good_files_are_read(hostile, folder):
    assert hostile("tokenize", folder({"tokenizer.json": tokenizer()}), "The cats sat unwanted", "--ids").out == "2 5 6 7 8 9 10 11 3\n"


@pytest.mark.parametrize("length", [100_000, 5_000_000])
@pytest.mark.parametrize("piece", ["a", "##a", "漢", "##\u0301", "[X"])
def test_tok_1_long_piece(hostile, folder, tmp_path, length, piece):
    """A piece of the vocabulary of 100 kB and more, met by a text that is as long."""
    long = piece + piece[-1] * (length // len(piece[-1].encode()))
    description = vocab(**{long: 900})
    description["model"]["max_input_chars_per_word"] = 10**9
    (tmp_path / "text").write_text("a" * 200_000 + "\n" + long[:200_000] + "\n")
    done = hostile("tokenize", folder({"tokenizer.json": description}), "--file", tmp_path / "text", "--ids", megabytes=100 + 100 * length // 1_000_000)
    assert done.code == 0, done.error
    vocab_txt = "\n".join([*WORDS, long]).encode()
    done = hostile("tokenize", folder({"vocab.txt": vocab_txt, "tokenizer.json": tokenizer()}), "the cats", "--ids", megabytes=100 + 100 * length // 1_000_000)
    assert done.code == 0, done.error


def test_tok_1_long_piece_in_a_vocab_txt(hostile, tmp_path):
    content = "\n".join([*WORDS, "a" * 5_000_000]).encode()
    folder = checkpoints.write(tmp_path / "t", {"vocab.txt": content})
    assert hostile("tokenize", folder, "the cats", "--ids", megabytes=500).out == "2 5 6 7 3\n"


def test_tok_1_long_words_of_many_pieces(hostile, folder, tmp_path):
    """Every prefix of a long word is a piece: matching may not be quadratic."""
    description = vocab(**{("##" if i else "") + "a" * (i + 1): 100 + i for i in range(3000)})
    description["model"]["max_input_chars_per_word"] = 10**9
    (tmp_path / "text").write_text("a" * 2_000_000 + "\n" + "ab" * 500_000 + "\n" + "a" * 1_000_000 + "b\n")
    done = hostile("tokenize", folder({"tokenizer.json": description}), "--file", tmp_path / "text", "--ids", megabytes=1500)
    assert done.code == 0, done.error


def test_tok_1_million_added_tokens(hostile, folder):
    description = changed(lambda d: d["added_tokens"].extend(added_token(1000 + i, f"<extra_{i}>", special=False) for i in range(1_000_000)))
    content = json.dumps(description).encode()
    done = hostile("tokenize", folder({"tokenizer.json": content}), "the <extra_999999><extra_", "--ids", megabytes=100 + 12 * len(content) // 1_000_000, seconds=60)
    assert done.code == 0, done.error
    assert str(len(WORDS) + 999_999) in done.out


def test_tok_1_long_added_token(hostile, folder):
    content = "<" + "x" * 5_000_000 + ">"
    done = hostile("tokenize", folder({"tokenizer.json": changed(lambda d: d["added_tokens"].append(added_token(1000, content)))}), "the <xx>", megabytes=700)
    assert done.code == 0, done.error


def test_tok_1_special_tokens_without_end(hostile, folder):
    """A template that puts a million tokens around each text."""

    def grow(description):
        for token in description["post_processor"]["special_tokens"].values():
            token["ids"] *= 1_000_000
            token["tokens"] *= 1_000_000

    done = hostile("tokenize", folder({"tokenizer.json": changed(grow)}), "the", "--ids", megabytes=1500)
    assert done.code in (0, 1)


@pytest.mark.parametrize("depth", [1000, 1_000_000])
def test_tok_1_deep_json(hostile, folder, depth):
    for key in ("model", "normalizer", "post_processor"):
        content = json.dumps(changed(lambda d: d.update({key: "X"}))).replace('"X"', "[" * depth + "]" * depth).encode()
        hostile.refuses(("tokenize", folder({"tokenizer.json": content}), "the"), "tokenizer.json")


@pytest.mark.parametrize("number", [-1, -(2**31), 2**32, 2**63 - 1, 2**63, 2**64, 10**40, 1.5, "7", None, [], True])
def test_tok_3_ids_that_are_no_ids(hostile, folder, number):
    hostile.refuses(("tokenize", folder({"tokenizer.json": vocab(the=number)}), "the"), "tokenizer.json", '"the"')
    added = changed(lambda d: d["added_tokens"].append(added_token(number, "<x>")))
    hostile.refuses(("tokenize", folder({"tokenizer.json": added}), "the"), "tokenizer.json")


@pytest.mark.parametrize("number", [100, 30_000, 2**31 - 1, 2**31, 2**32 - 1])
def test_tok_3_ids_far_beyond_the_vocabulary(hostile, folder, number):
    """Allowed, since files with holes exist; memory does not follow the number."""
    done = hostile("tokenize", folder({"tokenizer.json": vocab(sat=number)}), "sat", "--ids", megabytes=60)
    assert (done.code, done.out) == (0, f"2 {number} 3\n")
    decoded = hostile("tokenize", folder({"tokenizer.json": vocab(sat=number)}), "--decode", f"2 {number} 4294967295 3", megabytes=60)
    assert decoded.code in (0, 1)


@pytest.mark.parametrize("word", ["<0x-1>", "<0xZZ>", "<0x>", "<0x100>", "<0xFFFFFFFFFFFFFFFF>", "<0x0A>", "<0x 1>", "##<0x00>"])
def test_tok_3_byte_tokens_are_words(hostile, folder, word):
    """WordPiece has no byte fallback: such a piece is a text like any other."""
    path = folder({"tokenizer.json": vocab(**{word: 77})})
    assert hostile("tokenize", path, "the cats", "--ids").out == "2 5 6 7 3\n"
    assert hostile("tokenize", path, "--decode", "77").code == 0


def test_tok_3_duplicate_ids(hostile, folder):
    hostile.refuses(("tokenize", folder({"tokenizer.json": vocab(cat=5)}), "the"), "have the id 5", '"the"', '"cat"')


@pytest.mark.parametrize("ids", ["-1", "99999999999999999999", "4294967296", "9223372036854775807"])
def test_tok_3_decoding_ids_that_are_not_there(hostile, folder, ids):
    done = hostile("tokenize", folder({"tokenizer.json": tokenizer()}), f"--decode={ids}")
    assert done.code in (0, 1, 2)
    assert done.code == 0 or done.error.startswith("calque: error: ")


BROKEN = [b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xf8\x88\x80\x80\x80", b"the \x80 cat", b"\xef\xbf\xbe"]


@pytest.mark.parametrize("content", BROKEN)
def test_tok_3_text_that_is_not_utf8(hostile, folder, tmp_path, content):
    (tmp_path / "text").write_bytes(content + b"\n")
    done = hostile("tokenize", folder({"tokenizer.json": tokenizer()}), "--file", tmp_path / "text", "--ids")
    assert done.code == 0 or done.first_line.startswith("calque: error: ")


@pytest.mark.parametrize("content", BROKEN[:-1])
def test_tok_3_files_that_are_not_utf8(hostile, folder, content):
    raw = json.dumps(tokenizer(), ensure_ascii=False).encode().replace(b'"cat"', b'"' + content + b'"')
    hostile.refuses(("tokenize", folder({"tokenizer.json": raw}), "the"), "tokenizer.json")


@pytest.mark.parametrize("content", BROKEN[:-1])
def test_tok_3_vocab_txt_that_is_not_utf8(hostile, tmp_path, content):
    folder = checkpoints.write(tmp_path / "t", {"vocab.txt": "\n".join(WORDS).encode() + b"\n" + content + b"\n"})
    hostile.refuses(("tokenize", folder, "the"), "vocab.txt", "line 16", "UTF-8")


@pytest.mark.parametrize("path", [("model",), ("model", "vocab"), ("model", "unk_token"), ("model", "max_input_chars_per_word"), ("normalizer",), ("pre_tokenizer",),
                                  ("post_processor",), ("post_processor", "single"), ("post_processor", "special_tokens"), ("decoder",), ("added_tokens",), ("version",)])  # fmt: skip
@pytest.mark.parametrize("value", [0, -1, 1.5, "x", [], {}, [[]], [{}], {"type": "Evil"}, True], ids=repr)
def test_tok_3_wrong_types(hostile, folder, path, value):
    def put(description):
        for step in path[:-1]:
            description = description[step]
        description[path[-1]] = copy.deepcopy(value)

    done = hostile("tokenize", folder({"tokenizer.json": changed(put)}), "the cats", "--ids")
    assert done.code == 0 or (done.code == 1 and ("tokenizer.json" in done.first_line or "vocabulary" in done.first_line)), done.error


ODD_WORDS = {
    "nul": "a\0b", "empty": "", "space": " ", "tab": "\t", "prefix": "##", "surrogates": "\U0001f600", "bom": "\ufeffa", "long": "a" * 101, "rtl": "\u202eabc",
    "combining": "\u0301", "quote": '"\\', "newline": "a\nb", "upper": "THE", "full_width": "ａ",
}  # fmt: skip
TEXTS = ["The cats sat, unwanted", "a\0b ab", "\U0001f600\ufeffa", "ａ \u202eabc \u0301", "", " ", "a" * 101]


@pytest.mark.parametrize("name", ODD_WORDS)
def test_tok_5_odd_words_are_valid(hostile, folder, tmp_path, name):
    """What sentencepiece 0.2.2 broke for its users: files that are odd and valid give the tokens of the reference."""
    description = vocab(**{ODD_WORDS[name]: 500})
    path = folder({"tokenizer.json": description})
    reference = tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))
    for text in TEXTS:
        if "\0" in text:
            continue
        done = hostile("tokenize", path, text, "--ids")
        assert done.code == 0, done.error
        assert [int(number) for number in done.out.split()] == reference.encode(text).ids, text


@pytest.mark.parametrize("content", ["\n".join(WORDS), "\n".join(WORDS) + "\n", "\r\n".join(WORDS) + "\r\n", "\n".join(WORDS) + "\n\n\n", "\n".join([*WORDS, "the", "cat"]),
                                     "\n".join([*WORDS, "", "\u3000"]), "\n".join([w + " " if w == "sat" else w for w in WORDS])])  # fmt: skip
def test_tok_5_odd_vocab_txt(hostile, tmp_path, content):
    """Line ends of Windows, empty lines, words that stand twice: as Transformers reads them."""
    import transformers

    folder = checkpoints.write(tmp_path / "t", {"vocab.txt": content.encode(), "tokenizer_config.json": {"tokenizer_class": "BertTokenizer"}})
    reference = transformers.BertTokenizerFast.from_pretrained(str(folder))
    for text in ("the cats sat", "unwanted, a"):
        done = hostile("tokenize", folder, text, "--ids")
        assert done.code == 0, done.error
        assert [int(number) for number in done.out.split()] == reference(text)["input_ids"], text


def test_tok_5_odd_json(hostile, folder):
    """Unknown keys, escapes, deep but legal nesting beside what is read, spaces of all kinds."""
    description = tokenizer() | {"more": [[[[{}]]]], "Version": 2}
    content = json.dumps(description, indent="\t").replace('"cat"', '"\\u0063at"').encode() + b"\r\n \t"
    assert hostile("tokenize", folder({"tokenizer.json": content}), "the cats", "--ids").out == "2 5 6 7 3\n"
