"""Client of op_tool: values to bytes and back (wire.h says how)."""

from __future__ import annotations

import os
import pathlib
import struct
import subprocess

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]

DTYPES = {
    torch.uint8: 0, torch.int8: 1, torch.int16: 2, torch.int32: 3, torch.int64: 4, torch.float16: 5, torch.float32: 6,
    torch.float64: 7, torch.bool: 11, torch.qint8: 12, torch.quint8: 13, torch.qint32: 14, torch.bfloat16: 15,
    torch.complex64: 9, torch.complex128: 10,
}  # fmt: skip
# What a quantised tensor's integers are.
INTEGERS = {torch.qint8: torch.int8, torch.quint8: torch.uint8, torch.qint32: torch.int32}
FORMATS = {torch.contiguous_format: 0, torch.preserve_format: 1, torch.channels_last: 2}
DTYPE_OF = {number: dtype for dtype, number in DTYPES.items()}


class Typed:
    """A list or dict with the TorchScript type of its elements, in the spelling of graphs (`int[]`)."""

    def __init__(self, value, element: str, key: str | None = None):
        self.value, self.element, self.key = value, element, key

    def __repr__(self):
        return f"Typed({self.value!r}, {self.element!r}{'' if self.key is None else f', {self.key!r}'})"


class Packed:
    """Packed parameters of a quantised Linear: a qint8 weight, or a float one that is packed as float16."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None):
        self.weight, self.bias = weight, bias

    def __repr__(self):
        return f"Packed({self.weight!r}, {self.bias!r})"


class ToolError(Exception):
    """The operator threw: the class of the error, its message."""

    def __init__(self, kind: str, message: str):
        super().__init__(f"{kind}: {message}")
        self.kind, self.message = kind, message


class Crash(Exception):
    """The tool ended."""


def storage_bytes(storage) -> bytes:
    flat = torch.empty(0, dtype=torch.uint8).set_(storage)
    return flat.numpy().tobytes()


class Request:
    def __init__(self, name: str, arguments: list):
        self.storages: list = []
        self.storage_numbers: dict = {}
        self.tensors: list = []
        self.tensor_numbers: dict = {}
        body = struct.pack("<I", len(arguments)) + b"".join(self.value(a) for a in arguments)
        head = text(name) + struct.pack("<I", len(self.storages))
        for storage in self.storages:
            data = storage_bytes(storage)
            head += struct.pack("<q", len(data)) + data
        head += struct.pack("<I", len(self.tensors))
        for tensor in self.tensors:
            number = self.storage_numbers[storage_key(tensor)]
            head += struct.pack("<IbBq", number, DTYPES[tensor.dtype], 0, tensor.storage_offset())
            head += dims(tensor.shape) + dims(tensor.stride()) + quantization(tensor)
        self.data = head + body

    def tensor(self, tensor: torch.Tensor) -> int:
        if id(tensor) not in self.tensor_numbers:
            key = storage_key(tensor)
            if key not in self.storage_numbers:
                self.storage_numbers[key] = len(self.storages)
                self.storages.append(tensor.untyped_storage())
            self.tensor_numbers[id(tensor)] = len(self.tensors)
            self.tensors.append(tensor)
        return self.tensor_numbers[id(tensor)]

    def value(self, v) -> bytes:
        if v is None:
            return b"N"
        if isinstance(v, torch.Tensor):
            return b"T" + struct.pack("<I", self.tensor(v))
        if isinstance(v, bool):
            return b"B" + struct.pack("<B", v)
        if isinstance(v, torch.dtype):
            return b"I" + struct.pack("<q", DTYPES[v])
        if isinstance(v, torch.memory_format):
            return b"I" + struct.pack("<q", FORMATS[v])
        if isinstance(v, int):
            return b"I" + struct.pack("<q", v)
        if isinstance(v, float):
            return b"F" + struct.pack("<d", v)
        if isinstance(v, str):
            return b"S" + text(v)
        if isinstance(v, torch.device):
            return b"V" + text(str(v))
        if isinstance(v, tuple):
            return b"U" + self.values(v)
        if isinstance(v, Typed) and v.key is not None:
            flat = [x for pair in v.value.items() for x in pair]
            return b"D" + text(v.key) + text(v.element) + self.values(flat)
        if isinstance(v, Typed):
            return b"L" + text(v.element) + self.values(v.value)
        if isinstance(v, Packed):
            return b"P" + self.value(v.weight) + self.value(v.bias)
        if isinstance(v, list):
            return b"L" + text(element_type(v)) + self.values(v)
        raise TypeError(f"cannot send {v!r}")

    def values(self, items) -> bytes:
        return struct.pack("<I", len(items)) + b"".join(self.value(x) for x in items)


def storage_key(tensor: torch.Tensor):
    storage = tensor.untyped_storage()
    return storage.data_ptr() or -id(tensor)


def element_type(items: list) -> str:
    if any(x is None for x in items):
        return "Tensor?"
    if not items:
        return "int"
    for kind, name in ((torch.Tensor, "Tensor"), (bool, "bool"), (int, "int"), (float, "float"), (str, "str")):
        if isinstance(items[0], kind):
            return name
    if isinstance(items[0], list):
        return element_type(items[0]) + "[]"
    raise TypeError(f"element type of {items!r}")


def text(s: str) -> bytes:
    data = s.encode("utf-8", "surrogateescape")
    return struct.pack("<I", len(data)) + data


def dims(values) -> bytes:
    return struct.pack(f"<I{len(values)}q", len(values), *values)


def quantization(tensor) -> bytes:
    """Axis (-1: one scale), scales, zero points; an empty list of scales for other tensors."""
    if not tensor.is_quantized:
        return struct.pack("<qI", -1, 0) + dims([])
    if tensor.qscheme() == torch.per_tensor_affine:
        axis, scales, zero_points = -1, [tensor.q_scale()], [tensor.q_zero_point()]
    else:
        axis = tensor.q_per_channel_axis()
        scales, zero_points = tensor.q_per_channel_scales().tolist(), tensor.q_per_channel_zero_points().tolist()
    return struct.pack(f"<qI{len(scales)}d", axis, len(scales), *scales) + dims(zero_points)


def quantised(integers, axis: int, scales: list[float], zero_points: list[int]) -> torch.Tensor:
    """The tensor of these integers."""
    if axis < 0:
        return torch._make_per_tensor_quantized_tensor(integers, scales[0], zero_points[0])
    return torch._make_per_channel_quantized_tensor(
        integers, torch.tensor(scales, dtype=torch.float64), torch.tensor(zero_points, dtype=torch.int64), axis
    )


class Response:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0
        self.storages = [self.take(self.number("q")) for _ in range(self.number("I"))]
        self.buffers = [bytearray(s) for s in self.storages]
        self.storage_of: dict = {}  # id of a tensor -> number of its storage
        self.tensors = [self.tensor() for _ in range(self.number("I"))]
        if self.number("B"):
            raise ToolError(self.text(), self.text())
        self.results = self.values()
        self.arguments = self.values()

    def take(self, n: int) -> bytes:
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, code: str):
        size = struct.calcsize("<" + code)
        return struct.unpack("<" + code, self.take(size))[0]

    def text(self) -> str:
        return self.take(self.number("I")).decode("utf-8", "surrogateescape")

    def dims(self):
        return [self.number("q") for _ in range(self.number("I"))]

    def tensor(self) -> torch.Tensor:
        number = self.number("I")
        storage = self.buffers[number]
        dtype = DTYPE_OF[self.number("b")]
        dtype = INTEGERS.get(dtype, dtype)
        offset, sizes, strides = self.number("q"), self.dims(), self.dims()
        axis, scales = self.number("q"), [self.number("d") for _ in range(self.number("I"))]
        zero_points = self.dims()
        flat = torch.empty(0, dtype=dtype)
        if len(storage) >= flat.element_size():
            usable = len(storage) // flat.element_size() * flat.element_size()
            flat = torch.frombuffer(storage, dtype=dtype, count=usable // flat.element_size())
        tensor = torch.empty(sizes, dtype=dtype) if 0 in sizes else flat.as_strided(sizes, strides, offset)
        if scales:
            tensor = quantised(tensor, axis, scales, zero_points)
        self.storage_of[id(tensor)] = number
        return tensor

    def value(self):
        tag = self.take(1)
        if tag == b"T":
            return self.tensors[self.number("I")]
        if tag == b"I":
            return self.number("q")
        if tag == b"F":
            return self.number("d")
        if tag == b"B":
            return bool(self.number("B"))
        if tag in (b"S", b"V"):
            return self.text()
        if tag == b"U":
            return tuple(self.values())
        if tag == b"L":
            self.text()
            return self.values()
        if tag == b"D":
            self.text(), self.text()
            flat = self.values()
            return dict(zip(flat[::2], flat[1::2]))
        if tag == b"P":
            return Packed(self.value(), self.value())
        return None

    def values(self) -> list:
        return [self.value() for _ in range(self.number("I"))]


class OpTool:
    """The running tool. It is started again after a crash."""

    def __init__(self):
        command = pathlib.Path(os.environ.get("CALQUE_COMMAND", ROOT / "build/release/calque"))
        self.path = pathlib.Path(os.environ.get("CALQUE_OP_TOOL", command.parent / "op_tool"))
        self.process = None

    def schemas(self) -> list[str]:
        done = subprocess.run([self.path, "--list"], capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.splitlines()

    def call(self, name: str, arguments: list) -> Response:
        return self.send(name, Request(name, arguments))

    def send(self, name: str, request: Request) -> Response:
        if self.process is None:
            self.process = subprocess.Popen([self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.process.stdin.write(request.data)
            self.process.stdin.flush()
            head = self.process.stdout.read(8)
            if len(head) < 8:
                raise BrokenPipeError
            return Response(self.process.stdout.read(struct.unpack("<Q", head)[0]))
        except BrokenPipeError:
            code = self.process.wait(timeout=30)
            self.process = None
            raise Crash(f"op_tool ended with {code} in {name}") from None

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(timeout=30)
