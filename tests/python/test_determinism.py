"""The same bits for the same input: on any number of threads, and, when asked for, whatever else is in the batch."""

import numpy
import pytest
import torch
import transformers

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

SIZES = {"vocab_size": 99, "num_hidden_layers": 2, "num_attention_heads": 4}


class Wrapped(torch.nn.Module):
    """The first result of a model, called with a mask."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, mask):
        return self.model(ids, attention_mask=mask, return_dict=False)[0]


def bert(attention, cls=transformers.BertModel, **changes):
    sizes = {**SIZES, "hidden_size": 52, "intermediate_size": 131, **changes}
    return cls(transformers.BertConfig(**sizes, attn_implementation=attention))


def classifier(attention):
    return bert(attention, transformers.BertForSequenceClassification, num_labels=3, hidden_act="gelu_new")


def language_model(attention):
    return bert(attention, transformers.BertForMaskedLM, hidden_act="silu")


def relative(attention):
    del attention  # this one has the eager form only
    return bert("eager", position_embedding_type="relative_key_query", max_position_embeddings=64)


def distilbert(attention):
    config = transformers.DistilBertConfig(vocab_size=99, dim=52, n_layers=2, n_heads=4, hidden_dim=131, attn_implementation=attention)
    return transformers.DistilBertModel(config)


MODELS = [(make, attention) for make in (bert, classifier, language_model, distilbert) for attention in ("eager", "sdpa")]
MODELS.append((relative, "eager"))


@pytest.fixture(scope="module", params=MODELS, ids=[f"{make.__name__}-{attention}" for make, attention in MODELS])
def archive(request, tmp_path_factory):
    make, attention = request.param
    torch.manual_seed(7)
    model = Wrapped(make(attention).eval())
    path = tmp_path_factory.mktemp("determinism") / "model.pt"
    inputs = (torch.ones(2, 5, dtype=torch.int64), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]))
    torch.jit.save(torch.jit.trace(model, inputs, check_trace=False), path)
    return path


def random_batch(generator, rows, length):
    lengths = generator.integers(1, length + 1, rows)
    mask = (numpy.arange(length) < lengths[:, None]).astype(numpy.int64)
    return generator.integers(3, 99, (rows, length)) * mask, mask


def run(module, ids, mask, **options):
    return module.run([ids, mask], options=calque.jit.RunOptions(**options)).numpy().copy()


@pytest.mark.parametrize("precision", ["float32", "bf16", "int8"])
def test_threads_change_no_bit(archive, precision):
    module = calque.jit.load(archive, precision=precision)
    generator = numpy.random.default_rng(1)
    before = calque.get_num_threads()
    try:
        for rows, length in ((1, 1), (1, 63), (7, 33), (40, 12)):
            ids, mask = random_batch(generator, rows, length)
            for skip in (False, True):
                results = []
                for threads in (1, 2, 3):
                    calque.set_num_threads(threads)
                    results.append(run(module, ids, mask, skip_padding=skip).tobytes())
                assert results[0] == results[1] == results[2], (rows, length, skip)
    finally:
        calque.set_num_threads(before)


@pytest.mark.parametrize("precision", ["float32", "bf16", "int8"])
@pytest.mark.parametrize("disable", [(), ("fuse_linear",), ("fuse_attention",)], ids=lambda names: "-".join(names) or "all")
def test_rows_do_not_depend_on_the_batch(archive, precision, disable):
    if disable and precision != "float32":
        pytest.skip("fused operators are those with a precision")
    module = calque.jit.load(archive, precision=precision, disable_pass=disable)
    generator = numpy.random.default_rng(2)
    for rows, length in ((2, 9), (5, 31), (13, 16), (33, 3)):
        ids, mask = random_batch(generator, rows, length)
        for skip in (False, True):
            options = {"skip_padding": skip, "batch_invariant": True}
            together = run(module, ids, mask, **options)
            some = generator.permutation(rows)[: max(1, rows // 2)]
            others = run(module, ids[some], mask[some], **options)
            for place, row in enumerate(some):
                alone = run(module, ids[row : row + 1], mask[row : row + 1], **options)[0]
                real = mask[row].astype(bool) if together.ndim == 3 else slice(None)
                assert (together[row][real] == alone[real]).all(), (rows, length, skip)
                assert (together[row][real] == others[place][real]).all(), (rows, length, skip)


def test_the_command_and_python_agree(archive, tmp_path, command):
    ids, mask = random_batch(numpy.random.default_rng(3), 4, 9)
    numpy.savez(tmp_path / "in.npz", ids=ids, mask=mask)
    command("run", archive, "-i", tmp_path / "in.npz", "-o", tmp_path / "out.npz", "--batch-invariant", "--padding", "zero", "-q")
    found = calque.commands.run(archive, tmp_path / "in.npz", batch_invariant=True, padding="zero")
    assert (found["output.0"].numpy() == numpy.load(tmp_path / "out.npz")["output.0"]).all()
