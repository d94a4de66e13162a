"""The driver of the C++ tokenizers, and comparison with Hugging Face `tokenizers`."""

import collections
import json
import os
import pathlib
import struct
import subprocess

import tokenizers
from tokenizers import pre_tokenizers

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Tool:
    """tok_tool, the driver of the C++ tokenizers; CALQUE_TOK_TOOL chooses another build of it."""

    def __init__(self):
        self.path = pathlib.Path(os.environ.get("CALQUE_TOK_TOOL", ROOT / "build/release/tok_tool"))

    def run(self, *arguments, data=b""):
        command = [str(self.path), *map(str, arguments)]
        return subprocess.run(command, input=data, capture_output=True, timeout=600, check=False)

    def __call__(self, *arguments, data=b""):
        done = self.run(*arguments, data=data)
        assert done.returncode == 0, f"{done.args}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}"
        return done.stdout

    def encode(self, kind, path, lines, *extra):
        data = b"".join(struct.pack("<I", len(raw)) + raw for raw in (line.encode() for line in lines))
        return split_records(self(kind, path, "encode", *extra, data=data))

    def requests(self, kind, path, requests):
        data = "".join(json.dumps(request, ensure_ascii=False) + "\n" for request in requests)
        return [json.loads(line) for line in self(kind, path, "requests", data=data.encode()).split(b"\n") if line]

    def info(self, kind, path):
        return json.loads(self(kind, path, "info"))


def split_records(data):
    """The records of `tok_tool … encode`, as bytes."""
    records = []
    at = 0
    while at < len(data):
        (count,) = struct.unpack_from("<i", data, at)
        tokens_at = at + 4 + 32 * count
        (length,) = struct.unpack_from("<i", data, tokens_at)
        end = tokens_at + 4 + length
        records.append(data[at:end])
        at = end
    return records


def expected_record(encoding):
    """What `tok_tool … encode` writes for an encoding of `tokenizers`."""
    offsets = encoding.offsets
    none = lambda values: [-1 if value is None else value for value in values]
    numbers = [len(offsets), *encoding.ids, *encoding.type_ids, *encoding.special_tokens_mask, *encoding.attention_mask]
    numbers += [begin for begin, _ in offsets] + [end for _, end in offsets]
    numbers += none(encoding.word_ids) + none(encoding.sequence_ids)
    tokens = "".join(token + "\0" for token in encoding.tokens).encode()
    return struct.pack(f"<{len(numbers) + 1}i", *numbers, len(tokens)) + tokens


def describe(record):
    (count,) = struct.unpack_from("<i", record)
    rows = [struct.unpack_from(f"<{count}i", record, 4 + 4 * count * i) for i in range(8)]
    names = ("ids", "types", "special", "attention", "begin", "end", "words", "texts")
    tokens = record[8 + 32 * count :].decode().split("\0")[:-1]
    return "\n".join(f"  {name}: {list(row)}" for name, row in zip(names, rows)) + f"\n  tokens: {tokens}"


def assert_same(tool, kind, path, reference, lines):
    """Compares both tokenizers on all lines; a failure shows the first that differ."""
    found = tool.encode(kind, path, lines)
    assert len(found) == len(lines)
    different = []
    for start in range(0, len(lines), 10_000):
        chunk = lines[start : start + 10_000]
        for i, encoding in enumerate(reference.encode_batch(chunk)):
            expected = expected_record(encoding)
            if expected != found[start + i]:
                different.append((chunk[i], expected, found[start + i]))
    message = f"{len(different)} of {len(lines)} lines differ ({kind} {path}, {tool.path})"
    for line, expected, got in different[:3]:
        message += f"\n{line!r}\n {ascii(line)}\n expected\n{describe(expected)}\n found\n{describe(got)}"
    assert not different, message


def plain_reference(path):
    """The tokenizer of a tokenizer.json, without the truncation and padding that the file may ask for."""
    reference = tokenizers.Tokenizer.from_file(str(path))
    reference.no_truncation()
    reference.no_padding()
    return reference


def cased_vocab(lines):
    """A vocabulary of frequent words, word ends and all characters of `lines`."""
    words = collections.Counter()
    splitter = pre_tokenizers.BertPreTokenizer()
    for line in lines:
        words.update(word for word, _ in splitter.pre_tokenize_str(line))
    ends = collections.Counter()
    for word, count in words.items():
        for length in range(1, min(len(word), 8)):
            ends["##" + word[-length:]] += count
    characters = sorted({c for word in words for c in word})
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *("##" + c for c in characters)]
    ranked = lambda counter, limit: sorted(counter, key=lambda item: (-counter[item], item))[:limit]
    return list(dict.fromkeys([*vocab, *ranked(words, 12_000), *ranked(ends, 8_000)]))
