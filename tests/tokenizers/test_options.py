"""Random options, pairs, pre-split words and added tokens: the same as Transformers' BertTokenizerFast."""

import json
import random

import pytest
import tokenizer_texts as texts
from tokenizer_reference import assert_same, plain_reference
from transformers import BertTokenizerFast

CASES = 3_000


def random_options(rng):
    options = {"add_special_tokens": rng.random() < 0.8}
    if rng.random() < 0.7:
        options["truncation"] = rng.choice(("longest_first", "longest_first", "only_first", "only_second"))
    if rng.random() < 0.5:
        options["padding"] = rng.choice(("longest", "max_length"))
        if rng.random() < 0.5:
            options["pad_to_multiple_of"] = rng.choice((2, 4, 8))
        if rng.random() < 0.3:
            options["padding_side"] = rng.choice(("left", "right"))
    if options.get("truncation") or options.get("padding"):
        options["max_length"] = rng.choice((3, 4, 5, 6, 8, 8, 12, 16, 24, 64))
    if rng.random() < 0.3:
        options["stride"] = rng.randrange(0, 6)
    options["return_overflowing_tokens"] = rng.random() < 0.5
    if rng.random() < 0.2:
        options["split_special_tokens"] = True
    return options


def expect(reference, request, options):
    """What Transformers answers: a list of dicts, or the text of its error."""
    arguments = dict(options)
    arguments.setdefault("padding", False)
    arguments.setdefault("truncation", False)
    reference.truncation_side = arguments.pop("truncation_side", "right")
    words = "words" in request
    first = request["words"] if words else request["texts"]
    second = request.get("words_pairs" if words else "text_pairs")
    try:
        batch = reference(first, second, is_split_into_words=words, return_special_tokens_mask=True, **arguments)
    except BaseException as error:  # A panic in Rust is no Exception.
        return type(error).__name__ + ": " + str(error)
    answers = []
    samples = batch.get("overflow_to_sample_mapping", range(len(first)))
    for i, sample in enumerate(samples):
        answers.append((sample, as_dict(batch.encodings[i])))
    return answers


def as_dict(encoding):
    return {
        "input_ids": encoding.ids,
        "token_type_ids": encoding.type_ids,
        "attention_mask": encoding.attention_mask,
        "special_tokens_mask": encoding.special_tokens_mask,
        "tokens": encoding.tokens,
        "word_ids": encoding.word_ids,
        "sequence_ids": encoding.sequence_ids,
        "offsets": [list(pair) for pair in encoding.offsets],
    }


def flatten(answer):
    """The encodings of an answer of tok_tool, overflowing parts after the one they belong to."""
    flat = []
    for i, encoding in enumerate(answer["encodings"]):
        overflowing = encoding.pop("overflowing")
        flat.append((i, encoding))
        for part in overflowing:
            part.pop("overflowing")
            flat.append((i, part))
    return flat


def make_requests(count, seed, with_words):
    rng = random.Random(seed)
    lines = texts.random_lines(count * 2, seed=seed + 1)
    plain = ["one two three four five six", "seven eight", "unbelievable puppeteer", "a", "", "it is , what ! it is"]
    pick = lambda: rng.choice(plain) if rng.random() < 0.5 else rng.choice(lines)
    requests = []
    for _ in range(count):
        size = rng.choice((1, 1, 2, 3))
        request = {}
        if with_words:
            words = lambda: [rng.choice(texts.WORDS + ["two words", "[SEP]", "x"]) for _ in range(rng.randrange(0, 8))]
            request["words"] = [words() for _ in range(size)]
            if rng.random() < 0.5:
                request["words_pairs"] = [words() for _ in range(size)]
        else:
            request["texts"] = [pick() for _ in range(size)]
            if rng.random() < 0.6:
                request["text_pairs"] = [pick() for _ in range(size)]
        options = random_options(rng)
        if rng.random() < 0.3:
            options["truncation_side"] = rng.choice(("left", "right"))
        requests.append((request, options))
    return requests


def leaves_no_room(reference, request, options):
    """True where max_length is below the number of special tokens: the reference then does not cut at all."""
    if not options.get("truncation") or not options["add_special_tokens"]:
        return False
    pair = "text_pairs" in request or "words_pairs" in request
    return options["max_length"] < reference.num_special_tokens_to_add(pair)


@pytest.mark.parametrize("with_words", [False, True], ids=["texts", "words"])
def test_random_options(tool, minilm, with_words):
    reference = BertTokenizerFast.from_pretrained(minilm)
    requests = [r for r in make_requests(CASES, 11, with_words) if not leaves_no_room(reference, *r)]
    answers = tool.requests("bert", minilm, [{**request, **options} for request, options in requests])
    assert len(answers) == len(requests)
    errors = 0
    for (request, options), answer in zip(requests, answers):
        expected = expect(reference, request, options)
        context = f"{json.dumps({**request, **options}, ensure_ascii=True)}\nexpected {expected}\nfound {answer}"
        if isinstance(expected, str):
            errors += 1
            assert "error" in answer, context
            continue
        assert "error" not in answer, context
        assert flatten(answer) == expected, context
    assert errors < len(requests) / 2


def random_added_tokens(rng, first_id):
    contents = ["<a>", "<ab>", "a<", "New York", "new", "ing", " x", "ÉCOLE", "é", "[MASK]", "[NEW]", "漢", "漢字", "\u0301", "is "]
    added = []
    for content in rng.sample(contents, rng.randrange(1, 8)):
        flags = {name: rng.random() < 0.4 for name in ("single_word", "lstrip", "rstrip", "normalized", "special")}
        # Normalized to nothing it would match everywhere: the reference panics.
        flags["normalized"] = flags["normalized"] and content != "\u0301"
        added.append({"id": first_id + len(added), "content": content, **flags})
    return added


@pytest.mark.parametrize("seed", range(25))
def test_random_added_tokens(tool, minilm, tmp_path, seed):
    rng = random.Random(seed)
    description = json.loads((minilm / "tokenizer.json").read_text(encoding="utf-8"))
    added = random_added_tokens(rng, 30522)
    description["added_tokens"] = [t for t in description["added_tokens"] if rng.random() < 0.8] + added
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(description), encoding="utf-8")
    pieces = [token["content"] for token in added] + ["New York ", "new", "École", "this is ", " ", "  ", "x", "\n", "[CLS]"]
    pieces += texts.INTERESTING[:200:5]
    lines = ["".join(rng.choice(pieces) for _ in range(rng.randrange(1, 16))) for _ in range(1_500)]
    assert_same(tool, "json", path, plain_reference(path), lines)


def test_decode(tool, minilm):
    reference = BertTokenizerFast.from_pretrained(minilm)
    rng = random.Random(5)
    requests = []
    for i in range(2_000):
        if i % 2:
            ids = [rng.randrange(0, 30522) for _ in range(rng.randrange(0, 20))]
        else:
            line = rng.choice(["Don't do not, it 's we 've they 're I 'm ok .", "what ? ' a ' ! he is n't"] + texts.WORDS)
            ids = reference(line)["input_ids"]
        request = {"ids": ids, "skip_special_tokens": rng.random() < 0.5}
        if rng.random() < 0.7:
            request["clean_up"] = rng.random() < 0.5
        requests.append(request)
    answers = tool.requests("bert", minilm, requests)
    for request, answer in zip(requests, answers):
        expected = reference.decode(
            request["ids"],
            skip_special_tokens=request["skip_special_tokens"],
            clean_up_tokenization_spaces=request.get("clean_up"),
        )
        assert answer["text"] == expected, request


def test_the_guide(tool, minilm):
    reference = BertTokenizerFast.from_pretrained(minilm)
    text = "[CLS] Who was Jim Henson ? [SEP] Jim Henson was a puppeteer [SEP]"
    tokens = reference.tokenize(text)
    (answer,) = tool.requests("bert", minilm, [{"texts": [text], "add_special_tokens": False}])
    assert answer["encodings"][0]["tokens"] == tokens
    tokens[8] = "[MASK]"
    answers = tool.requests("bert", minilm, [{"to_ids": [*tokens, "never heard of"]}])
    assert answers[0]["ids"] == reference.convert_tokens_to_ids([*tokens, "never heard of"])
