"""sentence-transformers' encode loop, in plain Transformers, under both libraries: only its imports change."""

import importlib.util
import pathlib

import numpy
import pytest

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

HERE = pathlib.Path(__file__).parent
SCRIPT = (HERE / "encode_loop.py.txt").read_text()
IMPORTS = {
    "import torch\n": "import calque as torch\n",
    "import torch.nn.functional as F\n": "import calque.nn.functional as F\n",
    "from transformers import": "from calque.transformers import",
}


def real_sentences(count: int) -> list[str]:
    spec = importlib.util.spec_from_file_location("sentences", HERE.parent / "conformance/sentences.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.collect(count)


def test_encode_loop(minilm, full):
    sentences = real_sentences(1000 if full else 100)
    ours = SCRIPT
    for old, new in IMPORTS.items():
        assert ours.count(old) == 1
        ours = ours.replace(old, new)
    results = []
    for text in (ours, SCRIPT):
        names = {"checkpoint": str(minilm), "sentences": sentences}
        exec(compile(text, "encode_loop.py.txt", "exec"), names)
        results.append(names["embeddings"])
    found, expected = results
    numpy.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)

    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(minilm), device="cpu").encode(sentences, normalize_embeddings=True)
    assert (found * reference).sum(1).min() > 0.999999
