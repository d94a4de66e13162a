"""Real files, damaged or blown up: a typed error or a tokenizer, in bounded time and memory."""

import json
import random
import resource

import pytest


def outcome(tool, kind, path):
    """Exit code of loading: 0, or 1 for a typed error; a signal or another exit code is a failure."""
    done = tool.run(kind, path, "info")
    assert done.returncode in (0, 1), f"exit code {done.returncode}\n{done.stderr.decode(errors='replace')[-2000:]}"
    if done.returncode == 1:
        assert done.stderr.strip(), "an error without a message"
        assert len(done.stderr) < 4000
    return done.returncode


@pytest.mark.parametrize("name", ["tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json"])
def test_cut_at_200_places(tool, minilm, directory, name):
    content = (minilm / name).read_bytes()
    folder = directory({}, ("vocab.txt", "tokenizer.json", "tokenizer_config.json"))
    if name == "vocab.txt":
        (folder / "tokenizer.json").unlink()
    refused = 0
    for i in range(200):
        (folder / name).write_bytes(content[: len(content) * i // 200])
        refused += outcome(tool, "bert", folder)
    # A vocabulary that is cut is a smaller one, but for the empty one and those cut inside a character.
    assert refused == 200 if name != "vocab.txt" else 1 <= refused < 50


@pytest.mark.parametrize("name", ["tokenizer.json", "vocab.txt"])
def test_flipped_bits(tool, minilm, directory, name):
    content = (minilm / name).read_bytes()
    folder = directory({}, (name,))
    rng = random.Random(17)
    for _ in range(200):
        damaged = bytearray(content)
        for _ in range(rng.randrange(1, 4)):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        (folder / name).write_bytes(damaged)
        outcome(tool, "bert", folder)


def seconds_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def big_json(minilm, change):
    description = json.loads((minilm / "tokenizer.json").read_text(encoding="utf-8"))
    change(description)
    return json.dumps(description)


def add_a_million_tokens(description):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    description["added_tokens"] += [{"id": 30522 + i, "content": f"<extra_{i}>", **flags} for i in range(1_000_000)]


def nest(description):
    value = "x"
    for _ in range(400):
        value = [value]
    description["normalizer"] = value


def make_long_words(description):
    description["model"]["max_input_chars_per_word"] = 10**9
    for token in ("a", "##a", "##" + "a" * 100_000 + "b"):
        description["model"]["vocab"].setdefault(token, len(description["model"]["vocab"]) + 5)


def repeat_special_tokens(description):
    for token in description["post_processor"]["special_tokens"].values():
        token["ids"] *= 100_000
        token["tokens"] *= 100_000


LINES = ["<extra_999999> and <extra_", "a" * 1_000_000, "<extra_" * 100_000, "\u0301" * 300_000]


@pytest.mark.parametrize("change", [add_a_million_tokens, nest, make_long_words, repeat_special_tokens])
def test_blown_up_files_take_bounded_time(tool, minilm, directory, change):
    text = big_json(minilm, change)
    folder = directory({"tokenizer.json": text}, ("tokenizer_config.json",))
    before = seconds_of_children()
    if outcome(tool, "bert", folder) == 0:
        records = tool.encode("bert", folder, LINES)
        assert len(records) == len(LINES)
    assert seconds_of_children() - before < 60, f"{len(text)} bytes of tokenizer.json take too long"


def test_text_of_a_megabyte_takes_time_by_its_length(tool, minilm):
    rng = random.Random(3)
    texts = ["".join(rng.choice("aé漢\u0301\u0323각 ,") for _ in range(300_000)), "[MASK" * 200_000, "[MASK]" * 100_000]
    before = seconds_of_children()
    records = tool.encode("bert", minilm, texts)
    assert len(records) == 3
    assert seconds_of_children() - before < 10
