#!/usr/bin/env python3
"""Writes what the fuzzers start from: tools/fuzz_seeds.py FOLDER makes FOLDER/NAME_fuzz/… of files that other programs wrote
(PyTorch, NumPy, safetensors, Python's zipfile and pickle), small ones of many kinds."""

import enum
import io
import json
import pathlib
import pickle
import sys
import zipfile
from typing import NamedTuple, Optional, Tuple

import numpy
import safetensors.numpy
import torch

SOURCES = {
    "loops": """
def f(x: Tensor, n: int) -> Tensor:
    out: List[Tensor] = []
    for i in range(n):
        if i % 2 == 0:
            continue
        out.append(x * i + 1.5)
    while n > 0:
        n -= 1
    assert len(out) >= 0, "never"
    return torch.cat(out) if len(out) > 0 else x
""",
    "values": """
def f(x: Optional[Tensor], d: Dict[str, int]) -> Tuple[int, List[str]]:
    if x is not None:
        n = x.size(0)
    else:
        n = d["k"]
    names = [k for k in d.keys()]
    return n, sorted(names)
""",
}


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(3, 3), torch.nn.LayerNorm(3)])
        self.register_buffer("scale", torch.ones(2, dtype=torch.float16), persistent=False)
        self.names = ["a", "b"]

    def forward(self, x, mask=None):
        # type: (Tensor, Optional[Tensor]) -> Dict[str, Tensor]
        for layer in self.layers:
            x = torch.tanh(layer(x))
        if mask is not None:
            x = x * mask
        return {"x": x, self.names[0]: x[:, 1:] + torch.tensor([1.0, 2.0])}


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Pair(NamedTuple):
    left: torch.Tensor
    right: Optional[int]


@torch.jit.interface
class Step(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pass


@torch.jit.script
class Counter:
    def __init__(self, start: int):
        self.n = start

    def next(self) -> int:
        self.n += 1
        return self.n


class Add(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


class Rich(torch.nn.Module):
    step: Step

    def __init__(self):
        super().__init__()
        self.step = Add()
        self.colour = Colour.RED
        self.table = {"a": [1, 2], "b": [3]}
        self.embedding = torch.nn.Embedding(5, 3)

    def forward(self, x, ids: torch.Tensor) -> Tuple[torch.Tensor, int, str]:
        counter = Counter(1)
        future = torch.jit.fork(self.step, x)
        for name, numbers in self.table.items():
            if name == "b" or self.colour == Colour.BLUE:
                continue
            counter.next()
        pair = Pair(x[:1], 3)
        if pair.right is not None:
            x = x.clone().index_put_([torch.tensor([0])], pair.left) * self.table["a"][1]
        x = x + torch.jit.wait(future) + self.embedding(ids)
        return torch.cat([part.unsqueeze(0) for part in x.unbind(0)]), counter.n, f"{x.size(0)}"


def without_debug_records(archive: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w") as new:
        for info in old.infolist():
            if not info.filename.endswith(".debug_pkl"):
                new.writestr(info.filename, old.read(info), info.compress_type)
    return buffer.getvalue()


def archives() -> dict[str, bytes]:
    out = {}
    modules = {"script": torch.jit.script(Small()), "trace": torch.jit.trace(torch.nn.GELU(), torch.ones(2))}
    modules |= {name: torch.jit.CompilationUnit(text).f for name, text in SOURCES.items()}
    modules["rich"] = torch.jit.script(Rich().eval())
    modules["frozen"] = torch.jit.freeze(torch.jit.script(Small().eval()))
    linear = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())
    modules["quantised"] = torch.jit.script(torch.ao.quantization.quantize_dynamic(linear.eval(), {torch.nn.Linear}))
    for name, module in modules.items():
        buffer = io.BytesIO()
        torch.jit.save(module, buffer)
        out[name] = buffer.getvalue()
    return out


def records(archive: bytes, ending: str) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return [file.read(name) for name in file.namelist() if name.endswith(ending)]


def zips() -> list[bytes]:
    out = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as file:
            file.writestr("x/data.pkl", b"\x80\x02}q\x00.")
            file.writestr("x/version", b"3\n")
            file.comment = b"comment"
        out.append(buffer.getvalue())
    return out


def pickles() -> list[bytes]:
    values = [None, [1, -1, 2**70, 1.5, "é", b"x", True], {"a": (1, 2), "b": [()]}, list(range(300))]
    return [pickle.dumps(value, protocol) for value in values for protocol in (0, 2, 4)]


def npz() -> list[bytes]:
    arrays = {"i": numpy.arange(6).reshape(2, 3), "f": numpy.asfortranarray(numpy.ones((2, 2), "f4")), "b": numpy.array(True)}
    out = []
    for save in (numpy.savez, numpy.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, **arrays)
        out.append(buffer.getvalue())
    buffer = io.BytesIO()
    numpy.save(buffer, numpy.arange(3, dtype=">i2"))
    return [*out, buffer.getvalue()]


def tokenizer_files() -> list[bytes]:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    vocab = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "##s", "é"])}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(["[MASK]"])
    whole = tokenizer.to_str().encode()
    options = {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "model_max_length": 512, "mask_token": {"content": "[MASK]"}}
    return [
        b"\0" + whole,
        b"\1" + "\n".join(vocab).encode(),
        b"\2" + json.dumps(options).encode(),
        b"\3" + json.dumps({"unk_token": "[UNK]", "cls_token": {"content": "[CLS]", "lstrip": True}}).encode(),
        b"\4" + whole,
    ]


def seeds() -> dict[str, list[bytes]]:
    made = archives()
    codes = [code for archive in made.values() for code in records(archive, ".py")]
    data = [record for archive in made.values() for record in records(archive, "data.pkl")]
    constants = [record for archive in made.values() for record in records(archive, "constants.pkl")]
    config = {"model_type": "bert", "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 9}
    config |= {"intermediate_size": 8, "id2label": {"0": "A", "1": "B"}, "hidden_act": "gelu", "torchscript": True}
    scripts = [text.encode() for text in SOURCES.values()]
    return {
        "archive": [made["script"], *map(without_debug_records, made.values())],
        "source_parser": [b"\0" + code for code in codes] + [b"\1" + text for text in scripts],
        "zip": zips() + list(made.values()),
        "pickle": pickles() + data + constants,
        "npz": npz(),
        "safetensors": [safetensors.numpy.save({"a": numpy.ones((2, 3), "f4"), "b": numpy.zeros(0, "i8")}, {"format": "pt"})],
        "json": [json.dumps(config).encode(), json.dumps([1, -2.5e300, "é\n", None, {}]).encode()],
        "model_config": [json.dumps(config).encode(), json.dumps({**config, "num_labels": 2, "layer_norm_eps": 1e-5}).encode()],
        "tokenizer_files": tokenizer_files(),
        "tokenizer_text": ["The café, [MASK] 漢字 x́! <x>".encode(), b"a \xff b", "don't ‒ \u200d１２".encode()],
    }


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    for name, contents in seeds().items():
        target = folder / f"{name}_fuzz"
        target.mkdir(parents=True, exist_ok=True)
        for i, content in enumerate(contents):
            (target / f"seed-{i}").write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
