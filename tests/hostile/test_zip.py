"""Containers: the lines Zip 1 to 5 and Old of the list of bugs that loaders of this kind have had."""

import io
import json
import pickle
import struct
import tarfile
import zipfile
import zlib

import pytest
import torch

import hostile_archives as archives
from hostile_archives import Record, deflated, records, stored, write, zip_bytes


def with_record(**lies) -> bytes:
    """A good archive whose tensor data lie about themselves."""
    entries = stored(records())
    entries[-1] = Record(b"m/data/0", entries[-1].data, **lies)
    return zip_bytes(entries)


@pytest.fixture
def refuses(hostile, tmp_path):
    def check(content: bytes, *words, **limits):
        path = tmp_path / "m.pt"
        path.write_bytes(content)
        hostile.refuses_file(path, *words, **limits)

    return check


def zip64(*values: int) -> bytes:
    return struct.pack("<HH", 1, 8 * len(values)) + b"".join(struct.pack("<Q", value) for value in values)


def test_zip_0_the_good_archive_is_read(hostile, tmp_path):
    """What all the others are made of."""
    (tmp_path / "m.pt").write_bytes(zip_bytes(stored(records())))
    assert hostile("check", tmp_path / "m.pt").code == 0
    assert hostile("run", write(tmp_path / "a.pt", records(code=archives.code_of("return self.w", "self")))).code == 0


@pytest.mark.parametrize(
    ("lies", "word"),
    [
        ({"size": 2_200_000_000, "compressed_size": 2_200_000_000}, "the whole file has"),
        ({"size": 0xFFFFFFFF, "compressed_size": 0xFFFFFFFF}, "the whole file has"),
        ({"size": 0xFFFFFFFF, "compressed_size": 0xFFFFFFFF, "central_extra": zip64(1 << 63, 1 << 63)}, "the whole file has"),
        ({"size": 0xFFFFFFFF, "compressed_size": 0xFFFFFFFF, "central_extra": zip64(2**64 - 1, 2**64 - 16)}, "bytes hold"),
        ({"size": 0xFFFFFFFF, "compressed_size": 0xFFFFFFFF, "central_extra": zip64(16)}, "ZIP64 extra field is too short"),
        ({"size": 0xFFFFFFFF, "central_extra": zip64(2_200_000_000)}, "16 bytes hold 2200000000"),
        ({"size": 200, "compressed_size": 200}, "m/data/0"),
        ({"method": 8, "size": 2_200_000_000}, "which no deflate stream does"),
        ({"offset": 0xFFFFFFF0}, "lies outside the file"),
        ({"offset": 0xFFFFFFFF, "central_extra": zip64(2**64 - 8)}, "lies outside the file"),
    ],
)
def test_zip_1_declared_size_beyond_the_file(refuses, lies, word):
    refuses(with_record(**lies), '"m/data/0"', word)


def test_zip_1_tensor_larger_than_its_record(hostile, tmp_path):
    """2.2 GB of floats, it says, in a file of 1.8 kB."""
    for numel in (5, 550_000_000, 1 << 60):
        sizes = archives.tuple_of(archives.integer(numel))
        w = archives.Tensor(numel=archives.integer(numel), sizes=sizes).pickle()
        hostile.refuses_file(write(tmp_path / "m.pt", records(w=w)), "record data/0 holds 16 bytes", f"{numel} elements of float32")


@pytest.mark.parametrize(
    ("lies", "word"),
    [
        ({"count": 6}, "no directory record where number 5"),
        ({"count": 4}, "goes on after the 4 records"),
        ({"count": 0}, "goes on after the 0 records"),
        ({"count": 0xFFFF}, "cannot hold as many"),
        ({"directory_size": 0xFFFFFFF0}, "does not end before byte"),
        ({"directory_size": 20}, "cannot hold as many"),
        ({"directory_offset": 0xFFFFFFF0}, "does not end before byte"),
        ({"directory_offset": 0}, "no directory record where number 0"),
        ({"directory_offset": 3}, "no directory record where number 0"),
        ({"disk": 1}, "several disks"),
        ({"before_end": struct.pack("<IIQI", 0x07064B50, 0, 2**64 - 20, 1)}, "no ZIP64 end record at byte 18446744073709551596"),
        ({"before_end": struct.pack("<IIQI", 0x07064B50, 0, 0, 1)}, "no ZIP64 end record at byte 0"),
    ],
)
def test_zip_2_lying_end_record(refuses, lies, word):
    refuses(zip_bytes(stored(records()), **lies), "is not a usable ZIP archive", word)


@pytest.mark.parametrize(("field", "name"), [(28, "name"), (30, "extra field"), (32, "comment")])
def test_zip_2_directory_record_that_reaches_past_the_directory(refuses, field, name):
    content = bytearray(zip_bytes(stored(records())))
    last = content.rfind(b"PK\x01\x02")
    content[last + field : last + field + 2] = b"\xff\xff"
    refuses(bytes(content), "directory record number 4 reaches past the end")


def test_zip_2_zip64_directory_with_wrapping_numbers(refuses):
    content = zip_bytes(stored(records()))
    at = content.rfind(b"PK\x05\x06")
    for count, size, offset in ((2**64 - 1, 2**64 - 1, 1), (2**58, 2**63, 2**63), (5, 2**64 - 46, 46)):
        end = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, size, offset)
        locator = struct.pack("<IIQI", 0x07064B50, 0, at, 1)
        old = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        refuses(content[:at] + end + locator + old, "is not a usable ZIP archive")


def test_zip_2_cut_anywhere(hostile, tmp_path, real):
    content = write(tmp_path / "good.pt", real).read_bytes()
    path = tmp_path / "m.pt"
    for i in range(60):
        path.write_bytes(content[: len(content) * i // 60])
        hostile.refuses(("inspect", path), "m.pt")


@pytest.mark.parametrize(
    ("lies", "word"),
    [
        ({"local_name": b"m/data/1"}, 'its own header calls it "m/data/1"'),
        ({"local_name": b"m/code/__torch__.py"}, "its own header calls it"),
        ({"local_flags": 1}, "encrypted"),
        ({"flags": 1, "local_flags": 0}, "encrypted"),
        ({"flags": 1 << 6}, "encrypted"),
        ({"flags": 1 << 13}, "encrypted"),
        ({"local_method": 8}, "different compression methods"),
        ({"local_method": 99}, "compressed by method 99"),
        ({"local_size": 8}, "disagree about its size"),
        ({"local_name_size": 0xFFFF}, "past the end of the file"),
        ({"local_extra_size": 0xFFFF}, "past the end of the file"),
        ({"local_extra_size": 340}, "m/data/0"),
        ({"crc": 1}, "CRC"),
    ],
)
def test_zip_3_local_header_disagrees(hostile, tmp_path, lies, word):
    path = tmp_path / "m.pt"
    path.write_bytes(with_record(**lies))
    if "crc" in lies:
        # Weights are used where they lie; their checksums are looked at when they are asked for.
        hostile.refuses(("inspect", path, "--verify-checksums"), "m/data/0", word)
    else:
        hostile.refuses_file(path, "m/data/0", word)


def test_zip_3_code_with_another_checksum(hostile, tmp_path):
    """What one reader takes for the program and another does not: code and pickles are always checked."""
    for index in (0, 1, 2):
        entries = stored(records())
        entries[index].crc = 7
        (tmp_path / "m.pt").write_bytes(zip_bytes(entries))
        hostile.refuses_file(tmp_path / "m.pt", entries[index].name.decode(), "CRC is wrong")


class Exploit:
    """A pickle that runs a command when Python opens it."""

    def __init__(self, command: str):
        self.command = command

    def __reduce__(self):
        import os

        return os.system, (self.command,)


def tar_of(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        info = tarfile.TarInfo("storages")
        info.size = len(content)
        file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("ending", [".pt", ".bin", ".zip", ""])
@pytest.mark.parametrize("kind", ["pickle", "old torch.save", "torch.save", "tar", "7z", "gzip", "npy", "elf", "text"])
def test_zip_4_other_containers(hostile, tmp_path, kind, ending):
    """Told by content, never by the ending; a pickle is named and not opened."""
    mark = tmp_path / "ran"
    exploit = pickle.dumps(Exploit(f"touch {mark}"), protocol=2)
    old, new = io.BytesIO(), io.BytesIO()
    torch.save({"w": torch.ones(2)}, old, _use_new_zipfile_serialization=False)
    torch.save({"w": torch.ones(2)}, new)
    content, word = {
        "pickle": (exploit, "Python pickle"),
        "old torch.save": (old.getvalue(), "Python pickle"),
        "torch.save": (new.getvalue(), "written by torch.save"),
        "tar": (tar_of(exploit), "tar archive"),
        "7z": (b"7z\xbc\xaf\x27\x1c" + exploit, "7z"),
        "gzip": (b"\x1f\x8b\x08\0" + exploit, "compressed"),
        "npy": (b"\x93NUMPY\x01\0" + exploit, "NumPy array"),
        "elf": (b"\x7fELF" + exploit, "no format that is known"),
        "text": (b"import os\n", "no format that is known"),
    }[kind]
    path = tmp_path / f"model{ending}"
    path.write_bytes(content)
    hostile.refuses_file(path, str(path), word)
    assert not mark.exists()


def test_zip_4_polyglots(hostile, tmp_path):
    """A file that is a pickle from its front and an archive from its end, and an archive behind something else."""
    good, mark = zip_bytes(stored(records())), tmp_path / "ran"
    path = tmp_path / "m.pt"
    path.write_bytes(pickle.dumps(Exploit(f"touch {mark}"), protocol=2) + good)
    hostile.refuses_file(path, "Python pickle")
    path.write_bytes(b"GIF89a" + good)
    hostile.refuses_file(path, "is not a usable ZIP archive")
    path.write_bytes(good + b"#" * 70_000)
    hostile.refuses_file(path, "no end record")
    assert not mark.exists()


@pytest.mark.parametrize("record", ["m/data/0", "m/code/__torch__.py", "m/data.pkl", "m/extra/unused", "m/code/__torch__.py.debug_pkl"])
def test_zip_5_deflate_bomb(refuses, record):
    """A gigabyte of zeros in a megabyte, wherever it stands."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(1 << 22)
    data = b"".join([packer.compress(block) for _ in range(256)]) + packer.flush()
    assert len(data) < 1_100_000
    entries = [r for r in stored(records()) if r.name.decode() != record]
    entries.append(Record(record.encode(), data, method=8, size=1 << 30, crc=0))
    refuses(zip_bytes(entries), record, "far more than the file's")


def test_zip_5_deflated_source_that_grows(hostile, tmp_path):
    """Within what an archive may grow by: 30 MB of comments, and as much of code."""
    comment = "# " + "x" * 100 + "\n"
    code = archives.code_of("return torch.add(x, self.w)") + comment * 300_000
    path = tmp_path / "m.pt"
    path.write_bytes(zip_bytes([r for r in stored(records()) if not r.name.endswith(b".py")] + [deflated(b"m/code/__torch__.py", code.encode())]))
    done = hostile("check", path, megabytes=400)
    assert done.code == 0
    body = "x = torch.add(x, 1)\n" * 400_000 + "return x"
    path.write_bytes(zip_bytes([r for r in stored(records()) if not r.name.endswith(b".py")] + [deflated(b"m/code/__torch__.py", archives.code_of(body).encode())]))
    done = hostile("check", path, megabytes=3000)
    assert done.code in (0, 1)


def test_zip_5_million_records(hostile, tmp_path):
    local = struct.pack("<IHHHIIIIHH", 0x04034B50, 20, 0, 0, 0, 0, 0, 0, 13, 0)
    names = [b"m/extra/%05x" % i for i in range(1_000_000)]
    head, count = local, len(names)
    out = b"".join([head + name for name in names])
    step = len(local) + 13
    pack = struct.Struct("<IHHHHIIIIHHHHHII").pack
    directory = b"".join([pack(0x02014B50, 45, 45, 0, 0, 0, 0, 0, 0, 13, 0, 0, 0, 0, 0, i * step) + name for i, name in enumerate(names)])
    end = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, len(directory), len(out))
    end += struct.pack("<IIQI", 0x07064B50, 0, len(out) + len(directory), 1)
    end += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path = tmp_path / "m.pt"
    path.write_bytes(out + directory + end)
    hostile.refuses(("inspect", path), "data.pkl", megabytes=4 * path.stat().st_size >> 20)


@pytest.mark.parametrize("name", ["m/data.pkl", "m/code/__torch__.py", "m/data/0", "m/.data/version"])
def test_zip_5_same_record_twice(hostile, tmp_path, name):
    """Which one counts depends on the reader: refused by name, unless both are the same."""
    entries = stored(records())
    twin = next(r for r in entries if r.name.decode() == name)
    path = tmp_path / "m.pt"
    path.write_bytes(zip_bytes([*entries, Record(twin.name, twin.data)]))
    assert hostile("inspect", path).code == 0
    path.write_bytes(zip_bytes([*entries, Record(twin.name, twin.data[:-1] + b"\x01")]))
    hostile.refuses_file(path, name, "several records of this name")


@pytest.mark.parametrize("name", ["../../tmp/x", "m/../../x", "/etc/passwd", "\\\\host\\x", "m\\..\\..\\x", "m/a\0b", ""])
def test_zip_5_names_that_lead_out(refuses, name):
    refuses(zip_bytes([*stored(records()), Record(name.encode(), b"x")]), "its name")


def test_zip_5_deep_names(hostile, tmp_path):
    path = tmp_path / "m.pt"
    path.write_bytes(zip_bytes([*stored(records()), Record(b"m/" + b"a/" * 30_000, b"x")]))
    assert hostile("inspect", path).code == 0


@pytest.mark.parametrize(
    ("version", "word"),
    [(None, 'hasRecord("version")'), (b"", "Couldn't parse the version"), (b"ten", "Couldn't parse the version"), (b"0", "minimum"),
     (b"-1", "minimum"), (b"11", "maximum"), (b"99999999999999999999", "version"), (b"\xff\xff", "Couldn't parse the version")],
)
def test_zip_5_version(hostile, tmp_path, version, word):
    content = records()
    if version is None:
        del content["m/.data/version"]
    else:
        content["m/.data/version"] = version
    hostile.refuses_file(write(tmp_path / "m.pt", content), word)


def test_zip_5_byte_order(hostile, tmp_path):
    """A file of a big-endian machine gives its numbers; garbage in that record counts as little-endian, as in PyTorch."""
    code = archives.code_of("return self.w", "self")
    for order, layout in ((b"big", ">4f"), (b"little", "<4f"), (b"middle", "<4f"), (b"", "<4f")):
        more = {"m/byteorder": order, "m/data/0": struct.pack(layout, 1, 2, 3, 4)}
        path, out = write(tmp_path / "m.pt", records(code=code, more=more)), tmp_path / "out.json"
        assert hostile("run", path, "--output", out).code == 0
        (value,) = json.loads(out.read_text()).values()
        assert value["data"] == [1, 2, 3, 4], order


def test_old_mobile_flatbuffer(hostile, tmp_path):
    path = tmp_path / "m.ptl"
    for tail in (b"", bytes(200), b"\xff" * 200):
        path.write_bytes(b"\x20\0\0\0PTMF" + tail)
        hostile.refuses_file(path, "FlatBuffer", ".ptl")


def test_old_mobile_bytecode(hostile, tmp_path):
    content = {"m/bytecode.pkl": archives.PROTO + b"(K\x07t" + archives.STOP, "m/data.pkl": archives.PROTO + b")" + archives.STOP, "m/version": b"7\n"}
    hostile.refuses_file(write(tmp_path / "m.ptl", content), "bytecode for mobile devices")


def test_old_lite_interpreter_archive_of_pytorch(hostile, tmp_path):
    """It holds the source as well, which is what is read."""
    module = torch.jit.script(torch.nn.Linear(2, 2).eval())
    module._save_for_lite_interpreter(str(tmp_path / "m.ptl"))
    with zipfile.ZipFile(tmp_path / "m.ptl") as file:
        assert any(name.endswith("bytecode.pkl") for name in file.namelist())
    assert hostile("inspect", tmp_path / "m.ptl").code == 0


def test_old_archive_of_2019(hostile, tmp_path):
    content = {"m/version": b"1", "m/model.json": b"{}", "m/tensors/0": bytes(16)}
    hostile.refuses_file(write(tmp_path / "m.pt", content), "TorchScript archive of 2019")
