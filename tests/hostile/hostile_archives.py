"""Archives built field by field, so that each of them can lie."""

import dataclasses
import pathlib
import struct
import zipfile
import zlib

PROTO, STOP = b"\x80\x02", b"."


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", value)


def tuple_of(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def name_of(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def instance(name: str, attributes: dict[str, bytes]) -> bytes:
    """An object of the class `__torch__.NAME`."""
    pairs = b"".join(text(key) + value for key, value in attributes.items())
    return name_of("__torch__", name) + b")\x81}(" + pairs + b"ub"


@dataclasses.dataclass
class Tensor:
    """Four float32 in the record data/0."""

    storage: str = "FloatStorage"
    key: str = "0"
    device: str = "cpu"
    numel: bytes = integer(4)
    offset: bytes = integer(0)
    sizes: bytes = tuple_of(integer(4))
    strides: bytes = tuple_of(integer(1))
    hooks: bytes = name_of("collections", "OrderedDict") + b")R"

    def pickle(self) -> bytes:
        parts = text("storage") + name_of("torch", self.storage) + text(self.key) + text(self.device) + self.numel
        view = b"(" + parts + b"tQ" + self.offset + self.sizes + self.strides + b"\x89" + self.hooks
        return name_of("torch._utils", "_rebuild_tensor_v2") + b"(" + view + b"tR"


CLASS = """class M(Module):
  __parameters__ = ["w", ]
  __buffers__ = []
  w : Tensor
  training : bool
"""


def code_of(body: str, signature: str = "self: __torch__.M, x: Tensor") -> str:
    lines = "".join(f"    {line}\n" for line in body.strip("\n").split("\n"))
    return f"{CLASS}  def forward({signature}):\n{lines}"


def records(body: str = "return torch.add(x, self.w)", **changes) -> dict[str, bytes]:
    """A good archive: a module M with a parameter `w`, and forward(x). `changes` replaces parts: code (the whole source), w (its
    pickle), data (the whole data.pkl without PROTO and STOP), constants, version, more (further records)."""
    data = changes.get("data", instance("M", {"w": changes.get("w", Tensor().pickle()), "training": b"\x89"}))
    code = changes.get("code", code_of(body))
    return {
        "m/data.pkl": PROTO + data + STOP,
        "m/code/__torch__.py": code if isinstance(code, bytes) else code.encode(),
        "m/constants.pkl": PROTO + changes.get("constants", b")") + STOP,
        "m/.data/version": changes.get("version", b"10\n"),
        "m/data/0": struct.pack("<4f", 1, 2, 3, 4),
    } | changes.get("more", {})


def write(path: pathlib.Path, content: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> pathlib.Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in content.items():
            file.writestr(name, data)
    return path


@dataclasses.dataclass
class Record:
    """One record of a ZIP archive. What is None is true."""

    name: bytes
    data: bytes  # as it lies in the file
    method: int = 0
    flags: int = 0
    size: int | None = None
    compressed_size: int | None = None
    crc: int | None = None
    offset: int | None = None
    central_extra: bytes = b""
    local_extra: bytes = b""
    local_name: bytes | None = None
    local_name_size: int | None = None
    local_extra_size: int | None = None
    local_method: int | None = None
    local_flags: int | None = None
    local_size: int | None = None


def given(value, otherwise):
    return otherwise if value is None else value


def deflated(name: bytes, content: bytes, **lies) -> Record:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(content) + packer.flush()
    return Record(name, data, method=8, **({"size": len(content), "crc": zlib.crc32(content)} | lies))


def stored(content: dict[str, bytes]) -> list[Record]:
    return [Record(name.encode(), data) for name, data in content.items()]


def zip_bytes(entries: list[Record], count=None, directory_size=None, directory_offset=None, disk=0, before_end=b"", after=b"") -> bytes:
    out, directory = bytearray(), bytearray()
    for r in entries:
        start, crc = len(out), given(r.crc, zlib.crc32(r.data))
        size, packed = given(r.size, len(r.data)), given(r.compressed_size, len(r.data))
        local = given(r.local_name, r.name)
        out += struct.pack("<IHHHIIIIHH", 0x04034B50, 20, given(r.local_flags, r.flags), given(r.local_method, r.method), 0, crc,
                           given(r.local_size, packed), given(r.local_size, size), given(r.local_name_size, len(local)),
                           given(r.local_extra_size, len(r.local_extra)))
        out += local + r.local_extra + r.data
        directory += struct.pack("<IHHHHIIIIHHHHHII", 0x02014B50, 20, 20, r.flags, r.method, 0, crc, packed, size, len(r.name),
                                 len(r.central_extra), 0, 0, 0, 0, given(r.offset, start))
        directory += r.name + r.central_extra
    start = len(out)
    number = given(count, len(entries))
    end = struct.pack("<IHHHHIIH", 0x06054B50, disk, disk, number, number, given(directory_size, len(directory)),
                      given(directory_offset, start), 0)
    return bytes(out + directory + before_end + end + after)
