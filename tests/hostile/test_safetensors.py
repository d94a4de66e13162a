"""safetensors: the line ST 1, and GGUF's lesson for files of tensors. Weights reach the exporter, inputs reach `calque run`."""

import importlib.util
import json
import pathlib
import struct

import numpy
import pytest
import safetensors

import hostile_archives as archives
import hostile_checkpoints as checkpoints
from hostile_archives import code_of, records, write

spec = importlib.util.spec_from_file_location("tests.formats.test_safetensors", pathlib.Path(__file__).parents[1] / "formats/test_safetensors.py")
formats = importlib.util.module_from_spec(spec)
spec.loader.exec_module(formats)
# Refused by the format; the others are odd and valid.
BAD = {name: data for name, data in formats.NAMED.items() if not formats.reference_accepts(data)}


def with_header(header, body=b"1234"):
    return formats.with_header(header, body)


F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
MORE = {
    "header_2_63": struct.pack("<Q", 2**63) + b"{}",
    "header_2_64_less_8": struct.pack("<Q", 2**64 - 8) + b"{}",
    "header_of_a_gigabyte": struct.pack("<Q", 1 << 30) + b"{}",
    "offsets_reversed": with_header({"a": {**F32, "data_offsets": [4, 0]}}),
    "offsets_negative": with_header({"a": {**F32, "data_offsets": [-4, 0]}}),
    "offsets_2_63": with_header({"a": {**F32, "data_offsets": [2**63 - 4, 2**63]}}),
    "offsets_wrap": with_header({"a": {**F32, "data_offsets": [2**64 - 4, 2**64]}}),
    "offsets_three": with_header({"a": {**F32, "data_offsets": [0, 4, 4]}}),
    "overlap": with_header({"a": F32, "b": {**F32, "data_offsets": [2, 6]}}, bytes(6)),
    "same_place": with_header({"a": F32, "b": F32}),
    "hole": with_header({"a": F32, "b": {**F32, "data_offsets": [8, 12]}}, bytes(12)),
    "hole_at_the_front": with_header({"a": {**F32, "data_offsets": [4, 8]}}, bytes(8)),
    "more_behind": with_header({"a": F32}, bytes(8)),
    "duplicate_key": with_header(b'{"a":%s,"a":%s}' % (json.dumps(F32).encode(), json.dumps(F32).encode())),
    "dtype_unknown": with_header({"a": {**F32, "dtype": "X32"}}),
    "dtype_number": with_header({"a": {**F32, "dtype": 32}}),
    "shape_wraps": with_header({"a": {**F32, "shape": [2**32, 2**32, 2**32]}}),
    "shape_wraps_to_one": with_header({"a": {**F32, "shape": [0x4000000000000001, 4]}}),
    "shape_2_64": with_header({"a": {**F32, "shape": [2**64]}}),
    "shape_real": with_header({"a": {**F32, "shape": [1.5]}}),
    "shape_text": with_header({"a": {**F32, "shape": ["1"]}}),
    "depth_bomb": with_header(b'{"a":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001),
    "depth_bomb_open": with_header(b'{"a":' + b"[" * 1_000_000),
    "metadata_object": with_header({"__metadata__": {"a": {"b": "c"}}, "a": F32}),
    "metadata_of_attributes": with_header({"__metadata__": {"__class__": 1}, "a": F32}),
    "nul": with_header(b'{"a\0":%s}' % json.dumps(F32).encode()),
    "half_surrogate": with_header(b'{"\\ud800":%s}' % json.dumps(F32).encode()),
    "trailing_comma": with_header(b'{"a":%s,}' % json.dumps(F32).encode()),
    "polyglot_zip": b"PK\x03\x04" + bytes(100),
    "html": b"<!DOCTYPE html><html>not found</html>",
    "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
}


@pytest.mark.parametrize("name", sorted({**BAD, **MORE}))
def test_st_1_weights(export_refused, name):
    export_refused({"model.safetensors": {**BAD, **MORE}[name]}, "model.safetensors")


@pytest.mark.parametrize("name", sorted({**BAD, **MORE}))
def test_st_1_inputs(hostile, tmp_path, name):
    model = write(tmp_path / "m.pt", records())
    (tmp_path / "in.safetensors").write_bytes({**BAD, **MORE}[name])
    hostile.refuses(("run", model, "--input", tmp_path / "in.safetensors"), "in.safetensors")


def test_st_1_what_the_reference_refuses_is_refused():
    """The list holds nothing that is valid by the reference reader, but for what the format's text forbids."""
    stricter = {"duplicate_key", "more_behind"}
    accepted = {name for name, data in MORE.items() if formats.reference_accepts(data)}
    assert accepted <= stricter, accepted


def test_st_1_header_of_many_names(hostile, tmp_path):
    """100 MB of header are allowed; a million tensors take memory by its size."""
    header = {f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(300_000)}
    content = with_header(header, b"")
    (tmp_path / "in.safetensors").write_bytes(content)
    done = hostile("run", write(tmp_path / "m.pt", records()), "--input", tmp_path / "in.safetensors", megabytes=60 + 30 * len(content) // 1_000_000)
    assert done.code == 1


def test_st_1_cut_anywhere(hostile, export_refused, exports, weights, tmp_path):
    for i in range(40):
        export_refused({"model.safetensors": weights[: max(1, len(weights) * i // 40)]}, "model.safetensors")
    done = exports({})()
    assert done.code == 0, done.error


def npy(descr: str, shape: str, data: bytes = bytes(16), version: int = 1, length=None) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    size = len(header) if length is None else length
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", size) + header + data


NPY = {
    "product_wraps": npy("<f4", "(4294967296, 4294967296)"),
    "product_wraps_to_four": npy("<f4", "(4611686018427387905, 4)"),
    "bytes_wrap": npy("<f8", "(2305843009213693954,)"),
    "beyond_64_bits": npy("<f4", "(18446744073709551620,)"),
    "negative": npy("<f4", "(-4,)"),
    "negative_twice": npy("<f4", "(-2, -2)"),
    "many_dims": npy("<f4", "(" + "1, " * 1000 + ")"),
    "zero_beside_huge": npy("<f4", "(0, 9223372036854775807, 9223372036854775807)"),
    "short": npy("<f4", "(5,)"),
    "long": npy("<f4", "(3,)"),
    "header_length": npy("<f4", "(4,)", length=0xFFFF),
    "header_length_32": npy("<f4", "(4,)", version=2, length=0xFFFFFFFF),
    "version": npy("<f4", "(4,)", version=9),
    "objects": npy("|O", "(1,)"),
    "structured": npy("<f4", "(4,)").replace(b"'<f4'", b"[('a', '<f4')]"),
    "expression": npy("<f4", "(__import__('os').system('true'),)"),
    "nested": npy("<f4", "(" * 10_000),
    "empty": b"\x93NUMPY",
}


@pytest.mark.parametrize("name", NPY)
@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_gguf_array_sizes_are_checked_before_they_are_multiplied(hostile, tmp_path, name, ending):
    model, path = write(tmp_path / "m.pt", records()), tmp_path / f"in.{ending}"
    path.write_bytes(NPY[name] if ending == "npy" else archives.zip_bytes(archives.stored({"x.npy": NPY[name]})))
    hostile.refuses(("run", model, "--input", path), f"in.{ending}", megabytes=60)


def test_gguf_shapes_are_checked_before_they_are_multiplied(hostile, tmp_path):
    """Of JSON inputs: a shape beside flat data."""
    model, path = write(tmp_path / "m.pt", records()), tmp_path / "in.json"
    for shape in ([2**62, 4], [2**32, 2**32], [-1], [2**63], [2**64], [4611686018427387905, 4], [1.5], "4", [1] * 1000):
        path.write_text(json.dumps({"x": {"dtype": "float32", "shape": shape, "data": [1, 2, 3, 4]}}))
        hostile.refuses(("run", model, "--input", path), "in.json", megabytes=60)
    path.write_text('{"x": ' + "[" * 100_000 + "]" * 100_000 + "}")
    hostile.refuses(("run", model, "--input", path), "in.json")


def test_gguf_padding_of_records_is_checked_before_it_is_added(hostile, tmp_path):
    """The extra fields that align a record: lengths that lead past the end, or past 64 bits."""
    for extra in (b"FB\xff\xff", b"FB\x04\x00", b"\x01\x00\x08\x00" + b"\xff" * 8, b"\x01\x00\x18\x00" + b"\xff" * 24):
        entries = archives.stored(records())
        entries[-1].central_extra = entries[-1].local_extra = extra
        entries[-1].size = entries[-1].compressed_size = 0xFFFFFFFF if extra[0] == 1 else None
        (tmp_path / "m.pt").write_bytes(archives.zip_bytes(entries))
        hostile.refuses_file(tmp_path / "m.pt", "m/data/0")
