"""safetensors: accepted only if the reference accepts it, refused only for reasons that are named, written alike."""

import json
import random
import struct

import numpy
import pytest
import safetensors
import safetensors.numpy

from .damage import cuts, flips, text_edits, write_all

TENSORS = {
    "b.weight": numpy.arange(6, dtype=numpy.float32).reshape(2, 3),
    "a.bias": numpy.arange(3, dtype=numpy.float32),
    "ids": numpy.arange(4, dtype=numpy.int64),
    "flag": numpy.array([True, False]),
    "half": numpy.ones((1, 2, 1), numpy.float16),
    "scalar": numpy.array(1.5),
    "none": numpy.zeros((0, 4), numpy.uint8),
    "naïve \"name\"\n": numpy.array([7], numpy.uint16),
}

# Where we are stricter than the reference reader: the format's text asks for it, or the value has no use.
STRICTER = ("twice", "does not begin with '{'", "does not end with '}'", "expected is object", "expected is string",
            "expected is integer")


def reference_accepts(data: bytes) -> bool:
    try:
        safetensors.deserialize(data)
    except safetensors.SafetensorError:
        return False
    return True


def compare_verdicts(tool, paths):
    accepted = stricter = 0
    for path, verdict in zip(paths, tool.check("safetensors", paths), strict=True):
        theirs = reference_accepts(path.read_bytes())
        if verdict == "ok":
            assert theirs, f"{path}: accepted here, refused by the reference"
            accepted += 1
        elif theirs:
            assert any(reason in verdict for reason in STRICTER), f"{path}: the reference accepts it; {verdict}"
            stricter += 1
    return accepted, stricter


def with_header(header, body=b"1234"):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"é": "\"\\/\n\x01"}])
def test_same_bytes_as_the_reference(tool, tmp_path, metadata):
    theirs = safetensors.numpy.save(TENSORS, metadata)
    (tmp_path / "in").write_bytes(theirs)
    tool("safetensors-rewrite", tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == theirs


def test_order_of_every_dtype(tool, tmp_path):
    """The tool hands the tensors over in reverse; the file has them in the reference's order all the same."""
    source = random.Random(3)
    dtypes = ["bool", "uint8", "int8", "int16", "uint16", "float16", "int32", "uint32", "float32", "float64", "int64",
              "uint64", "complex64"]
    for _ in range(20):
        tensors = {f"t{source.randrange(1000)}": numpy.zeros(source.randrange(4), source.choice(dtypes)) for _ in range(12)}
        theirs = safetensors.numpy.save(tensors)
        (tmp_path / "in").write_bytes(theirs)
        tool("safetensors-rewrite", tmp_path / "in", tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == theirs


def test_corpus_is_accepted_and_written_alike(tool, corpus, tmp_path):
    paths = sorted(corpus.glob("*.safetensors"))
    assert set(tool.check("safetensors", paths)) == {"ok"}
    for path in paths[::40]:
        tool("safetensors-rewrite", path, tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == safetensors.numpy.save(safetensors.numpy.load_file(path)), path.name


F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
I8 = {"dtype": "I8", "shape": [4], "data_offsets": [0, 4]}
NAMED = {
    "json_attack": with_header({f"t{i}": F32 for i in range(10)}),
    "metadata_incomplete_buffer": with_header({"a": F32}, b"12345"),
    "metadata_incomplete_buffer_short": with_header({"a": F32}, b"123"),
    "header_too_large": struct.pack("<Q", 100_000_001) + b"{}",
    "header_too_small": b"1234567",
    "header_length_beyond_file": struct.pack("<Q", 60) + b"{}",
    "header_length_2_63": struct.pack("<Q", 2**63) + b"{}",
    "non_utf8": with_header(b'{"a\xff":{}}'),
    "not_json": with_header(b"{not json}"),
    "zero_sized": with_header({"a": {"dtype": "F32", "shape": [2, 0], "data_offsets": [0, 0]}}, b""),
    "zero_sized_wrong": with_header({"a": {"dtype": "F32", "shape": [2, 0], "data_offsets": [0, 4]}}),
    "invalid_info": with_header({"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 4]}}),
    "overflow_shape": with_header({"a": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 4]}}),
    "overflow_bits": with_header({"a": {"dtype": "F32", "shape": [2**61], "data_offsets": [0, 4]}}),
    "wrapping_shape": with_header({"a": {"dtype": "F32", "shape": [0x4000000000000001, 4], "data_offsets": [0, 16]}}),
    "reversed_offsets": with_header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}),
    "overlap": with_header({"a": I8, "b": {**I8, "data_offsets": [2, 6]}}, b"123456"),
    "hole": with_header({"a": I8, "b": {**I8, "data_offsets": [5, 9]}}, b"123456789"),
    "unknown_dtype": with_header({"a": {**F32, "dtype": "F31"}}),
    "negative": with_header({"a": {**F32, "shape": [-1]}}),
    "depth_bomb": with_header(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "metadata_number": with_header({"__metadata__": {"x": 1}, "a": F32}),
    "metadata_null": with_header({"__metadata__": None, "a": F32}),
    "unknown_field": with_header({"a": {**F32, "more": [1, {"x": 2.5}]}}),
    "huge_number_in_unknown_field": with_header({"a": {**F32, "more": 10**30}}),
    "sub_byte": with_header({"a": {"dtype": "F4", "shape": [7], "data_offsets": [0, 4]}}),
    "sub_byte_whole": with_header({"a": {"dtype": "F4", "shape": [8], "data_offsets": [0, 4]}}),
    "empty": b"\0",
}


def test_named_cases_as_the_reference(tool, tmp_path):
    for name, data in NAMED.items():
        (tmp_path / name).write_bytes(data)
        verdict = tool.check("safetensors", [tmp_path / name])[0]
        assert (verdict == "ok") == reference_accepts(data), f"{name}: {verdict}"


def test_where_we_are_stricter(tool, tmp_path):
    text = json.dumps({"a": F32})
    cases = {
        "duplicate": f'{{"a":{json.dumps(F32)},"a":{json.dumps(F32)}}}',
        "leading space": " " + text,
        "line break as padding": text + "\n",
        "array for object": '{"a":["F32",[1],[0,4]]}',
        "duplicate metadata": f'{{"__metadata__":{{"x":"1","x":"2"}},"a":{json.dumps(F32)}}}',
    }
    for name, header in cases.items():
        data = with_header(header.encode())
        assert reference_accepts(data), name
        (tmp_path / "x").write_bytes(data)
        assert tool.check("safetensors", [tmp_path / "x"])[0].startswith("refused: "), name


def test_damaged_files_get_the_reference_verdict(tool, tmp_path):
    small = safetensors.numpy.save({"a": numpy.ones(2, numpy.float32), "b": numpy.ones(3, numpy.int8)}, {"x": "y"})
    words = [b"0", b"1", b"4", b"-", b".0", b"e1", b'"', b"{", b"}", b"[", b"]", b",", b":", b" ", b"\\u0041", b"\\ud800", b"null",
             b'"a"', b'"F32"', b'"I8"', b'"U4"', b'"shape"', b"18446744073709551615", b"9223372036854775808", b"\xc3\xa9", b"\xff"]
    header = small[8 : 8 + struct.unpack("<Q", small[:8])[0]]
    body = small[8 + len(header) :]
    edited = (with_header(text, body) for text in text_edits(header, 12_000, words))
    paths = write_all(tmp_path / "damaged", [*cuts(small), *flips(small, 6000), *edited])
    accepted, _ = compare_verdicts(tool, paths)
    assert accepted > 100
