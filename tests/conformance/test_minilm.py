"""all-MiniLM-L6-v2, real weights: text to embedding without Python, against sentence-transformers."""

import numpy
import pytest
import sentences

COUNT = 1000
BATCH = 50


@pytest.fixture(scope="module")
def archive(calque, minilm, tmp_path_factory):
    path = tmp_path_factory.mktemp("minilm") / "minilm.pt"
    calque("export", minilm, "-o", path)
    return path


def embed(calque, minilm, archive, texts, folder) -> numpy.ndarray:
    """Mean of the token vectors, normalised: what sentence-transformers does with this model."""
    rows = []
    for start in range(0, len(texts), BATCH):
        (folder / "lines.txt").write_text("\n".join(texts[start : start + BATCH]) + "\n")
        calque(
            "tokenize", minilm, "--file", folder / "lines.txt", "--padding", "longest",
            "--truncation", "longest_first", "--max-length", 256, "-o", folder / "in.npz",
        )  # fmt: skip
        calque("run", archive, "--input", folder / "in.npz", "--output", folder / "out.npz")
        hidden = numpy.load(folder / "out.npz")["output.0"].astype(numpy.float64)
        mask = numpy.load(folder / "in.npz")["attention_mask"][..., None]
        rows.append((hidden * mask).sum(1) / mask.sum(1))
    vectors = numpy.concatenate(rows)
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def test_embeddings_of_a_thousand_sentences(calque, minilm, archive, tmp_path):
    import sentence_transformers

    texts = sorted(sentences.collect(COUNT), key=len)
    theirs = sentence_transformers.SentenceTransformer(str(minilm), device="cpu").encode(
        texts, normalize_embeddings=True, batch_size=BATCH
    )
    ours = embed(calque, minilm, archive, texts, tmp_path)
    cosines = (ours * theirs.astype(numpy.float64)).sum(1)
    worst = int(cosines.argmin())
    assert cosines[worst] >= 0.999999, f"{cosines[worst]}: {texts[worst]}"
