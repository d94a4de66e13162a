"""What passes make of encoders: the same results as PyTorch's, padding left out, and weights that are packed but can change."""

import os
import pathlib
import subprocess
import sys

import numpy
import pytest
import torch
import transformers

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

SIZES = {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
CORPUS = pathlib.Path(os.environ.get("CALQUE_CORPUS", pathlib.Path(__file__).resolve().parents[3] / "shared/corpus"))


def bert(attention):
    return transformers.BertModel(transformers.BertConfig(**SIZES, attn_implementation=attention))


def roberta(attention):
    return transformers.RobertaModel(transformers.RobertaConfig(**SIZES, attn_implementation=attention), add_pooling_layer=False)


def distilbert(attention):
    config = transformers.DistilBertConfig(
        vocab_size=99, dim=32, n_layers=2, n_heads=4, hidden_dim=64, attn_implementation=attention
    )
    return transformers.DistilBertModel(config)


def tagger(attention):
    return transformers.BertForTokenClassification(transformers.BertConfig(**SIZES, num_labels=5, attn_implementation=attention))


MODELS = [(make, attention) for make in (bert, roberta, distilbert, tagger) for attention in ("eager", "sdpa")]
NAMES = [f"{make.__name__}-{attention}" for make, attention in MODELS]


def padded_batch(generator, batch=5, length=13):
    ids = torch.randint(3, 99, (batch, length), generator=generator)
    lengths = torch.randint(1, length + 1, (batch,), generator=generator)
    mask = (torch.arange(length)[None] < lengths[:, None]).long()
    return torch.where(mask.bool(), ids, 1), mask


@pytest.fixture(scope="module", params=MODELS, ids=NAMES)
def traced(request, tmp_path_factory):
    make, attention = request.param
    torch.manual_seed(3)
    model = make(attention).eval()
    # Biases and norms that do something.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn(parameter.shape) * 0.1)
    ids, mask = padded_batch(torch.Generator().manual_seed(1))
    with torch.no_grad():
        trace = torch.jit.trace(_Wrapped(model), (ids, mask))
    path = tmp_path_factory.mktemp("fusion") / "model.pt"
    torch.jit.save(trace, path)
    return trace, path


class _Wrapped(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, mask):
        return self.model(ids, attention_mask=mask, return_dict=False)[0]


def run(module, ids, mask, **options):
    return torch.from_numpy(module.run([ids.numpy(), mask.numpy()], options=calque.jit.RunOptions(**options)).numpy().copy())


def test_padded_batches_agree_with_pytorch(traced):
    trace, path = traced
    module = calque.jit.load(path)
    generator = torch.Generator().manual_seed(2)
    for batch, length in ((1, 1), (5, 13), (3, 40), (8, 7), (2, 64)):
        ids, mask = padded_batch(generator, batch, length)
        expected = trace(ids, mask)
        torch.testing.assert_close(run(module, ids, mask), expected, rtol=0, atol=2e-5)
        found = run(module, ids, mask, skip_padding=True)
        real = mask.bool()
        torch.testing.assert_close(found[real], expected[real], rtol=0, atol=2e-5)
        assert (found[~real] == 0).all()


def test_a_sentence_gives_the_same_bits_alone_and_in_a_batch(traced):
    _, path = traced
    module = calque.jit.load(path)
    ids, mask = padded_batch(torch.Generator().manual_seed(5), 6, 20)
    together = run(module, ids, mask, skip_padding=True)
    for row, length in enumerate(mask.sum(1).tolist()):
        alone = run(module, ids[row : row + 1, :length], mask[row : row + 1, :length], skip_padding=True)
        assert torch.equal(alone[0], together[row, :length])
    before = calque.get_num_threads()
    try:
        calque.set_num_threads(1)
        assert torch.equal(run(module, ids, mask, skip_padding=True), together)
    finally:
        calque.set_num_threads(before)


def test_masks_that_are_no_prefix(traced):
    trace, path = traced
    module = calque.jit.load(path)
    ids, _ = padded_batch(torch.Generator().manual_seed(7), 4, 11)
    mask = (torch.rand((4, 11), generator=torch.Generator().manual_seed(8)) < 0.5).long()
    mask[0] = 0  # nothing but padding: a mean over all tokens
    mask[1] = 1
    mask[2, 3] = 1
    mask[3, 0] = 1
    expected = trace(ids, mask)
    torch.testing.assert_close(run(module, ids, mask), expected, rtol=0, atol=2e-5)
    found = run(module, ids, mask, skip_padding=True)
    real = mask.bool()
    torch.testing.assert_close(found[real], expected[real], rtol=0, atol=2e-5)


def test_the_environment_names_passes_too(monkeypatch):
    monkeypatch.setenv("CALQUE_DISABLE_PASS", "no_such_pass")
    script = calque.jit.CompilationUnit("def f(x: Tensor) -> Tensor:\n    return x + 1\n")
    with pytest.raises(ValueError, match="no_such_pass"):
        script.f(calque.ones(1))


@pytest.mark.parametrize("name", calque.jit.pass_names())
def test_every_pass_can_be_left_out(name, traced, monkeypatch):
    trace, path = traced
    ids, mask = padded_batch(torch.Generator().manual_seed(11), 4, 9)
    monkeypatch.setenv("CALQUE_DISABLE_PASS", name)
    found = run(calque.jit.load(path), ids, mask, skip_padding=True)
    real = mask.bool()
    torch.testing.assert_close(found[real], trace(ids, mask)[real], rtol=0, atol=2e-5)


def last_phase(folder):
    return max(folder.glob("*.txt"), key=lambda path: path.name).read_text()


def test_nothing_is_left_to_fuse(traced, tmp_path, monkeypatch):
    _, path = traced
    monkeypatch.setenv("CALQUE_DUMP_PHASES", str(tmp_path))
    calque.jit.load(path)
    graph = last_phase(tmp_path)
    assert graph.count("calque::attention(") == 2
    assert graph.count("calque::linear_3(") == 2
    assert graph.count("calque::linear_norm(") == 2
    assert graph.count("calque::feed_forward(") == 2
    assert graph.count("calque::pack_tokens(") == 1
    assert graph.count("calque::unpack_tokens(") == 1
    for name in ("aten::linear", "aten::softmax", "aten::matmul", "aten::gelu", "aten::scaled_dot_product_attention"):
        assert name not in graph


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus at {CORPUS}")
@pytest.mark.parametrize("file", sorted(path.name for path in CORPUS.glob("*-mask.pt")))
def test_three_generations_of_transformers(file, tmp_path, monkeypatch):
    monkeypatch.setenv("CALQUE_DUMP_PHASES", str(tmp_path))
    calque.jit.load(CORPUS / file)
    graph = last_phase(tmp_path)
    assert "calque::attention(" in graph
    assert "calque::linear_3(" in graph
    assert "aten::softmax" not in graph
    assert "aten::scaled_dot_product_attention" not in graph


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_low_precision(precision, traced):
    trace, path = traced
    module = calque.jit.load(path, precision=precision)
    ids, mask = padded_batch(torch.Generator().manual_seed(13), 8, 32)
    expected, found = trace(ids, mask)[mask.bool()], run(module, ids, mask, skip_padding=True)[mask.bool()]
    difference = (found - expected).abs().max()
    assert 1e-5 < difference < 0.15
    assert torch.nn.functional.cosine_similarity(found, expected, dim=-1).min() > 0.99
    with pytest.raises(ValueError, match="found precision .int4.; expected one of float32, bf16, int8"):
        calque.jit.load(path, precision="int4")


@pytest.mark.parametrize("precision", ["float32", "bf16", "int8"])
def test_blocks_of_rows_give_the_same_bits(precision, traced, monkeypatch):
    _, path = traced
    # Enough rows for several blocks in each thread, the last of which is shorter.
    ids, mask = padded_batch(torch.Generator().manual_seed(17), 83, 29)
    threads = calque.get_num_threads()
    try:
        found = []
        for count in (1, 2, 3):
            calque.set_num_threads(count)
            found.append(run(calque.jit.load(path, precision=precision), ids, mask))
        monkeypatch.setenv("CALQUE_DISABLE_PASS", "fuse_rows")
        at_once = run(calque.jit.load(path, precision=precision), ids, mask)
    finally:
        calque.set_num_threads(threads)
    assert all(torch.equal(result, at_once) for result in found)


class Layers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.norm = torch.nn.Linear(12, 24), torch.nn.Linear(24, 12), torch.nn.LayerNorm(12)

    def forward(self, x, residual):
        return self.norm(self.second(torch.relu(self.first(x))) + residual)


@pytest.mark.parametrize("shape", [(70, 50, 12), (70, 50, 1), (12,), (1, 50, 12), (1, 1, 1, 12), (), (2, 70, 50, 12)], ids=str)
def test_what_is_added_to_blocks_may_be_broadcast(shape, tmp_path):
    torch.manual_seed(5)
    module, generator = Layers(), torch.Generator().manual_seed(6)
    torch.jit.save(torch.jit.script(module), tmp_path / "layers.pt")
    x, residual = torch.randn(70, 50, 12, generator=generator), torch.randn(shape, generator=generator)
    found = calque.jit.load(tmp_path / "layers.pt")(x.numpy(), residual.numpy())
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found.numpy().copy()), module(x, residual), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("sizes", "text"), [((11, 12), "mat1 and mat2 shapes cannot be multiplied"), ((12, 13), "must match the size of tensor b")])
def test_errors_of_blocks_are_those_of_the_operators(sizes, text, tmp_path):
    torch.jit.save(torch.jit.script(Layers()), tmp_path / "layers.pt")
    arguments = [torch.zeros(70, 50, size) for size in sizes]
    with pytest.raises(RuntimeError, match=text) as theirs:
        Layers()(*arguments)
    with pytest.raises(RuntimeError, match=text) as ours:
        calque.jit.load(tmp_path / "layers.pt")(*(a.numpy() for a in arguments))
    assert str(theirs.value).split("\n")[0] in str(ours.value)


@pytest.fixture
def layer(tmp_path):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(12, 20), torch.nn.ReLU(), torch.nn.Linear(20, 7))
    torch.jit.save(torch.jit.trace(module, torch.zeros(2, 12)), tmp_path / "layer.pt")
    return module, calque.jit.load(tmp_path / "layer.pt")


def check_layer(module, loaded):
    x = torch.randn(3, 12, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(loaded(x.numpy()).numpy().copy()), module(x), rtol=0, atol=1e-6)


def test_weights_that_operators_write_are_packed_again(layer):
    module, loaded = layer
    check_layer(module, loaded)
    with torch.no_grad():
        module[0].weight.mul_(2)
        module[2].bias.add_(1)
    weights = loaded.state_dict()
    weights["0.weight"].copy_(weights["0.weight"] * 2)
    weights["2.bias"].copy_(weights["2.bias"] + 1)
    check_layer(module, loaded)


def test_weights_that_numpy_writes_are_not_packed(layer):
    module, loaded = layer
    check_layer(module, loaded)
    weight = loaded.state_dict()["2.weight"].numpy()
    for factor in (3, 0.5):
        weight *= factor
        with torch.no_grad():
            module[2].weight.mul_(factor)
        check_layer(module, loaded)


def test_weights_that_are_set_are_used(layer):
    module, loaded = layer
    check_layer(module, loaded)
    replacement = torch.randn(7, 20)
    with torch.no_grad():
        module[2].weight.copy_(replacement)
    setattr(getattr(loaded, "2"), "weight", calque.tensor(replacement.numpy()))
    check_layer(module, loaded)


class Head(torch.nn.Module):
    """The head of Transformers' translation models: a product and a bias of shape [1, words]."""

    def __init__(self):
        super().__init__()
        self.lm_head = torch.nn.Linear(12, 70, bias=False)
        self.register_buffer("final_logits_bias", torch.randn(1, 70))

    def forward(self, x):
        return self.lm_head(x) + self.final_logits_bias


def test_a_bias_with_a_row_is_part_of_the_product(tmp_path, package_environment):
    torch.manual_seed(0)
    module = Head()
    torch.jit.save(torch.jit.trace(module, torch.zeros(1, 1, 12)), tmp_path / "head.pt")
    x = torch.randn(4, 1, 12)
    numpy.save(tmp_path / "x.npy", x.numpy())
    program = (
        "import sys, numpy, calque\n"
        "y = calque.jit.load(sys.argv[1] + '/head.pt')(numpy.load(sys.argv[1] + '/x.npy'))\n"
        "numpy.save(sys.argv[1] + '/y.npy', y.numpy())\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        env=package_environment | {"CALQUE_LOG": "dispatch"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    products = [line for line in result.stderr.splitlines() if "gemm" in line]
    assert len(products) == 1 and "packed" in products[0]
    with torch.no_grad():
        numpy.testing.assert_allclose(numpy.load(tmp_path / "y.npy"), module(x).numpy(), atol=1e-6)


def test_written_weights_outlive_packing(tmp_path):
    """Large enough that whole pages of the mapped file are given back when the weights are packed."""
    torch.manual_seed(0)
    module = torch.nn.Linear(256, 512)
    torch.jit.save(torch.jit.trace(module, torch.zeros(2, 256)), tmp_path / "large.pt")
    loaded = calque.jit.load(tmp_path / "large.pt")
    weights = loaded.state_dict()
    x = torch.randn(3, 256)
    for factor in (2, -1, 3):
        with torch.no_grad():
            module.weight[100:300].mul_(factor)
        weights["weight"][100:300].copy_(weights["weight"][100:300] * factor)
        with torch.no_grad():
            torch.testing.assert_close(torch.from_numpy(loaded(x.numpy()).numpy().copy()), module(x), rtol=0, atol=1e-5)
        numpy.testing.assert_array_equal(weights["weight"].clone().numpy(), module.weight.detach().numpy())


class MaskInPlace(torch.nn.Module):
    """As decoders do: the mask is written before attention reads it, and here after it, too."""

    def forward(self, q, k, v):
        mask = torch.zeros(q.size(2), k.size(2))
        mask[:, 0] = -3.0
        out = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        mask.mul_(-100.0)
        return out.transpose(1, 2).reshape(q.size(0), q.size(2), 32) + mask.sum()


def test_attention_reads_masks_when_the_program_does(tmp_path, monkeypatch):
    torch.manual_seed(0)
    module = MaskInPlace()
    torch.jit.script(module).save(tmp_path / "mask.pt")
    monkeypatch.setenv("CALQUE_DUMP_PHASES", str(tmp_path))
    loaded = calque.jit.load(tmp_path / "mask.pt")
    assert "calque::attention(" in last_phase(tmp_path)
    for length, keys in ((1, 9), (7, 7), (40, 3), (5, 1), (1, 1)):
        q, k, v = torch.randn(2, 4, length, 8), torch.randn(2, 4, keys, 8), torch.randn(2, 4, keys, 8)
        found = loaded(q.numpy(), k.numpy(), v.numpy()).numpy()
        numpy.testing.assert_allclose(found, module(q, k, v).numpy(), rtol=1e-5, atol=1e-4)
