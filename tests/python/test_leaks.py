"""Nothing grows with the number of calls: tensors, arrays, modules, tokenizers, exceptions."""

import gc
import pathlib

import numpy
import pytest

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")


def resident_bytes() -> int:
    gc.collect()
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.fixture(scope="module")
def parts(tiny, tmp_path_factory):
    model = calque.transformers.BertModel.from_pretrained(tiny)
    path = tmp_path_factory.mktemp("leaks") / "tiny.pt"
    ids = numpy.array([[101, 7592, 102]])
    calque.jit.save(calque.jit.trace(model, ids), path)
    return model, calque.jit.load(path), calque.transformers.AutoTokenizer.from_pretrained(tiny), path, ids


def calls(parts):
    model, module, tokenizer, path, ids = parts
    long = numpy.ones(2000)

    def failure():
        try:
            module(numpy.array([[10**6]]))
        except IndexError:
            pass

    def wrong_type():
        try:
            module({1})
        except TypeError:
            pass

    return {
        "module": lambda: module(ids),
        "model": lambda: model(input_ids=ids),
        "failure": failure,
        "wrong type": wrong_type,
        "tokenizer": lambda: tokenizer("hello world", return_tensors="np"),
        "tensors": lambda: calque.tensor([[1.0, 2.0]] * 50)[:, 1:].numpy().sum(),
        "arrays": lambda: numpy.from_dlpack(calque.from_numpy(long)).sum(),
        "buffers": lambda: memoryview(calque.as_tensor(long)).nbytes,
        "operators": lambda: (calque.as_tensor(long) * 2 + 1).sum().item(),
        "attributes": lambda: (module.state_dict(), module.embeddings),
        "text": lambda: repr(calque.tensor([1.5, 2.5])),
    }


NAMES = ["module", "model", "failure", "wrong type", "tokenizer", "tensors", "arrays", "buffers", "operators", "attributes", "text"]


@pytest.mark.parametrize("name", NAMES)
def test_calls(name, parts, full):
    call = calls(parts)[name]
    count = 100_000 if full else 1500
    for _ in range(count // 5):
        call()
    before = resident_bytes()
    for _ in range(count):
        call()
    grown = resident_bytes() - before
    # A leaked tensor has hundreds of bytes, so one a call would show.
    assert grown < max(2 << 20, count * 20), f"{grown} bytes after {count} calls of {name}"


def test_loading(parts, full):
    path = parts[3]
    for _ in range(5):
        calque.jit.load(path)
    before = resident_bytes()
    for _ in range(500 if full else 40):
        calque.jit.load(path)(parts[4])
    assert resident_bytes() - before < 8 << 20
