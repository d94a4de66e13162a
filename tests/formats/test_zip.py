"""ZIP archives: what PyTorch's reader takes is taken, what it refuses is refused, and our writer gives its bytes."""

import io
import json
import struct
import zipfile

import numpy
import pytest
import torch

from .damage import cuts, flips, write_all

RECORDS = {
    "m/data.pkl": b"\x80\x02N.",
    "m/constants.pkl": b"\x80\x02).",
    "m/code/__torch__.py": b"class M(Module):\n" * 40,
    "m/data/0": bytes(range(256)) * 3,
    "m/empty": b"",
    "m/version": b"10\n",
}


def listing(tool, path):
    return {entry["name"]: entry for entry in json.loads(tool("zip-list", path))}


def python_zip(path, method=zipfile.ZIP_STORED, records=None, **options):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in (records or RECORDS).items():
            archive.writestr(name, content)
    return path


def torch_reads(path):
    """The records as PyTorch's reader gives them, or None when it refuses the file."""
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        return {name: reader.get_record(name) for name in reader.get_all_records()}
    except RuntimeError:
        return None


def expect_same_as_torch(tool, path):
    expected = torch_reads(path)
    assert expected is not None
    root = next(iter(listing(tool, path))).split("/")[0]
    for name, content in expected.items():
        assert tool("zip-cat", path, f"{root}/{name}") == content


def torch_archive(path, records):
    writer = torch._C.PyTorchFileWriter(str(path))
    for name, content in records.items():
        writer.write_record(name, content, len(content))
    writer.write_end_of_file()
    return path


def test_corpus_reads_as_python_does(tool, corpus):
    for path in sorted(corpus.glob("*.pt"))[::25]:
        found = listing(tool, path)
        with zipfile.ZipFile(path) as archive:
            assert list(found) == archive.namelist()
            for info in archive.infolist():
                entry = found[info.filename]
                assert (entry["size"], entry["crc"], entry["method"]) == (info.file_size, info.CRC, info.compress_type)
                assert entry["data_offset"] % 64 == 0
            for name in archive.namelist()[-8:]:
                assert tool("zip-cat", path, name) == archive.read(name)


def test_whole_corpus_is_accepted(tool, corpus):
    paths = sorted(corpus.glob("*.pt"))
    assert set(tool.check("zip", paths)) == {"ok"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_of_python(tool, tmp_path, method):
    expect_same_as_torch(tool, python_zip(tmp_path / "a.zip", method))


def test_reversed_order_and_folder_entries(tool, tmp_path):
    records = {"m/": b"", **dict(reversed(RECORDS.items()))}
    expect_same_as_torch(tool, python_zip(tmp_path / "a.zip", records=records))


def test_data_descriptors_of_python(tool, tmp_path):
    class Unseekable(io.RawIOBase):
        def __init__(self):
            self.data = bytearray()

        def writable(self):
            return True

        def write(self, piece):
            self.data += piece
            return len(piece)

    stream = Unseekable()
    python_zip(stream, zipfile.ZIP_DEFLATED)
    (tmp_path / "a.zip").write_bytes(stream.data)
    expect_same_as_torch(tool, tmp_path / "a.zip")


def test_zip64_fields_of_python(tool, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in RECORDS.items():
            with archive.open(name, "w", force_zip64=True) as record:
                record.write(content)
    expect_same_as_torch(tool, tmp_path / "a.zip")


def test_foreign_extra_fields(tool, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in RECORDS.items():
            info = zipfile.ZipInfo(name)
            info.extra = struct.pack("<HH", 0xCAFE, 3) + b"abc"
            archive.writestr(info, content)
    expect_same_as_torch(tool, tmp_path / "a.zip")


def test_bytes_around_the_archive(tool, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"GIF89a and more")
    with zipfile.ZipFile(path, "a") as archive:
        for name, content in RECORDS.items():
            archive.writestr(name, content)
    expect_same_as_torch(tool, path)
    good = path.read_bytes()
    path.write_bytes(good + b"z" * 100)
    expect_same_as_torch(tool, path)
    path.write_bytes(good + b"z" * 70_000)
    assert torch_reads(path) is None
    assert "no end record" in tool.refuses("zip-list", path) or "no format" in tool.refuses("zip-list", path)
    path.write_bytes(b"junk" + python_zip(tmp_path / "b.zip").read_bytes())
    assert torch_reads(path) is None
    tool.refuses("zip-list", path)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_methods_are_refused_by_both(tool, tmp_path, method):
    path = python_zip(tmp_path / "a.zip", method)
    assert torch_reads(path) is None
    assert "compressed by method" in tool.refuses("zip-list", path)


def test_equal_duplicates_are_accepted_and_others_are_not(tool, tmp_path):
    def with_copies(first, second):
        with pytest.warns(UserWarning), zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("m/version", "3\n")
            archive.writestr("m/x", first)
            archive.writestr("m/x", second)
        return tmp_path / "a.zip"

    assert tool("zip-cat", with_copies(b"1", b"1"), "m/x") == b"1"
    assert "several records" in tool.refuses("zip-cat", with_copies(b"1", b"2"), "m/x")
    assert tool("zip-cat", with_copies(b"1", b"2"), "m/version") == b"3\n"


def test_stored_records_are_written_as_torch_writes_them(tool, tmp_path):
    sizes = [0, 1, 2, 3, 4, 63, 64, 65, 1000]
    records = {f"data/{'n' * size}{size}": bytes(size) for size in sizes}
    theirs = torch_archive(tmp_path / "archive.pt", records)
    tool("zip-copy", theirs, tmp_path / "ours.pt")
    assert (tmp_path / "ours.pt").read_bytes() == theirs.read_bytes()


def test_traced_module_is_laid_out_as_torch_does(tool, tmp_path):
    """Byte for byte, but for the deflated streams, which zlib and miniz make differently."""
    traced = torch.jit.trace(torch.nn.Linear(3, 4), torch.ones(2, 3))
    traced.save(str(tmp_path / "m.pt"))
    tool("zip-copy", tmp_path / "m.pt", tmp_path / "ours.pt")
    with zipfile.ZipFile(tmp_path / "m.pt") as theirs, zipfile.ZipFile(tmp_path / "ours.pt") as ours:
        fields = ("filename", "compress_type", "flag_bits", "CRC", "file_size", "create_version", "extract_version",
                  "extra", "internal_attr", "external_attr", "date_time")
        for a, b in zip(theirs.infolist(), ours.infolist(), strict=True):
            assert [getattr(a, field) for field in fields] == [getattr(b, field) for field in fields]
            assert theirs.read(a) == ours.read(b)
    loaded = torch.jit.load(str(tmp_path / "ours.pt"))
    x = torch.ones(2, 3)
    assert torch.equal(loaded(x), traced(x))


def test_kinds(tool, tmp_path, corpus):
    torch.save({"a": torch.ones(2)}, tmp_path / "state.pt")
    assert b"torch.save" in tool("zip-kind", tmp_path / "state.pt")
    numpy.savez(tmp_path / "a.npz", a=numpy.ones(2))
    assert b"NumPy" in tool("zip-kind", tmp_path / "a.npz")
    assert b"torch.jit.save" in tool("zip-kind", next(corpus.glob("*.pt")))
    torch.save({"a": torch.ones(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert "Python pickle" in tool.refuses("zip-kind", tmp_path / "old.pt")


def test_damaged_archives(tool, tmp_path):
    """Refused or read, nothing else; and never content that differs from what PyTorch finds under the same name."""
    for good in (python_zip(tmp_path / "a.zip", zipfile.ZIP_DEFLATED), torch_archive(tmp_path / "b.pt", {"x": b"abc"})):
        data = good.read_bytes()
        paths = write_all(tmp_path / f"damaged-{good.stem}", [*cuts(data), *flips(data, 3000)])
        verdicts = tool.check("zip", paths)
        assert all(verdict == "ok" or verdict.startswith("refused: ") for verdict in verdicts)
        assert sum(verdict == "ok" for verdict in verdicts) < len(verdicts) / 2
