"""Linear layers whose weights are stored as [in, out]: GPT-2's Conv1D, and products that people write."""

import numpy
import pytest
import torch
import transformers

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

# Least cosine of a row with float32.
COSINES = {"float32": 0.999999, "bf16": 0.9995, "int8": 0.995, "int8-weights": 0.999, "int4-weights": 0.95}
PASSES = ["find_linears", "unflatten", "find_activations", "fuse_quantized", "fuse_linear", "hoist_select", "merge_linears", "fuse_rows"]


class Decoder(torch.nn.Module):
    """The mask is made here, so that the trace holds at every length."""

    def __init__(self, attention):
        super().__init__()
        sizes = {"n_layer": 2, "n_embd": 64, "n_head": 4, "vocab_size": 300, "n_positions": 64}
        config = transformers.GPT2Config(**sizes, attn_implementation=attention, use_cache=False)
        self.model = transformers.GPT2Model(config)

    def forward(self, ids):
        length = ids.shape[1]
        mask = torch.full((length, length), torch.finfo(torch.float32).min).triu(1)
        return self.model(ids, attention_mask=mask[None, None])[0]


def batch(seed, rows=3, length=12):
    return torch.randint(0, 300, (rows, length), generator=torch.Generator().manual_seed(seed))


BATCHES = [batch(5), batch(6, 1, 1), batch(7, 8, 30), batch(8, 1, 64)]


def save(module, inputs, path):
    with torch.no_grad():
        trace = torch.jit.trace(module, inputs, check_trace=False)
    torch.jit.save(trace, path)
    return trace


def planned(path, folder, **options):
    """The loaded archive, and the graph that its forward runs."""
    module = calque.jit.load(path, dump_phases=folder, **options)
    return module, max(folder.glob("*.forward.*.txt"), key=lambda file: file.name).read_text()


def run(module, *inputs):
    return torch.from_numpy(numpy.array(module.run([x.numpy() for x in inputs]).numpy()))


def assert_near(module, trace, least):
    for ids in BATCHES:
        with torch.no_grad():
            expected = trace(ids)
        found = run(module, ids)
        assert found.shape == expected.shape
        assert torch.nn.functional.cosine_similarity(found, expected, dim=-1).min() > least


@pytest.fixture(scope="module", params=["eager", "sdpa"])
def decoder(request, tmp_path_factory):
    torch.manual_seed(3)
    model = Decoder(request.param).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn(parameter.shape) * 0.1)
    path = tmp_path_factory.mktemp("decoder") / f"{request.param}.pt"
    return save(model, (batch(1),), path), path


def test_layers_of_gpt2_are_linear_layers(decoder, tmp_path):
    trace, path = decoder
    module, graph = planned(path, tmp_path)
    assert "aten::addmm" not in graph and graph.count("calque::linear(") == 8
    frozen = tmp_path / "frozen.pt"
    calque.jit.freeze(calque.jit.load(path)).save(frozen)
    constant, graph = planned(frozen, tmp_path)
    # Attention's two, and the feed-forward layer with its activation and residual; nothing is flattened.
    assert graph.count("calque::linear(") == 4 and graph.count("calque::feed_forward(") == 2
    assert "aten::addmm" not in graph and "aten::tanh" not in graph
    for ids in BATCHES:
        with torch.no_grad():
            torch.testing.assert_close(run(module, ids), trace(ids), rtol=0, atol=1e-5)
            torch.testing.assert_close(run(constant, ids), trace(ids), rtol=0, atol=1e-5)


class Row(torch.nn.Module):
    """Products whose biases are no rows, of which rows are taken or whose result is viewed."""

    def __init__(self, sizes):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.w = torch.nn.Parameter(torch.randn(64, 64, generator=generator))
        self.b = torch.nn.Parameter(torch.randn(sizes, generator=generator))

    def forward(self, x):
        y = torch.relu(torch.addmm(self.b, x.view(-1, x.size(-1)), self.w))
        return y.view(x.size(0), x.size(1), 64), y[0], y[-1:]


@pytest.mark.parametrize("sizes", [(64,), (1, 64), (6, 64), (6, 1), (1, 1)])
@pytest.mark.parametrize("freeze", [False, True])
def test_biases_of_other_shapes(sizes, freeze, tmp_path):
    x = torch.randn(2, 3, 64, generator=torch.Generator().manual_seed(4))
    script = torch.jit.script(Row(sizes).eval())
    script.save(str(tmp_path / "row.pt"))
    module = calque.jit.load(tmp_path / "row.pt")
    if freeze:
        module = calque.jit.freeze(module)
    for ours, theirs in zip(module(x), script(x)):
        torch.testing.assert_close(torch.from_dlpack(ours), theirs.detach(), rtol=0, atol=2e-5)


class Joined(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k = torch.nn.Linear(16, 8), torch.nn.Linear(16, 8)

    def forward(self, x):
        return self.q(x).view(x.size(0), -1), self.k(x).view(-1)


def test_views_that_join_rows(tmp_path):
    x = torch.randn(2, 3, 16, generator=torch.Generator().manual_seed(5))
    torch.manual_seed(6)
    script = torch.jit.script(Joined().eval())
    script.save(str(tmp_path / "joined.pt"))
    for ours, theirs in zip(calque.jit.load(tmp_path / "joined.pt")(x), script(x)):
        torch.testing.assert_close(torch.from_dlpack(ours), theirs.detach(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", COSINES)
def test_gpt2_in_low_precision(precision, decoder):
    trace, path = decoder
    assert_near(calque.jit.load(path, precision=precision), trace, COSINES[precision])


@pytest.mark.parametrize("name", PASSES)
def test_gpt2_with_a_pass_left_out(name, decoder):
    trace, path = decoder
    assert_near(calque.jit.load(path, disable_pass=[name]), trace, COSINES["float32"])


@pytest.mark.parametrize("precision", COSINES)
def test_packed_archives_of_gpt2(precision, decoder, tmp_path, caplog):
    trace, path = decoder
    packed = tmp_path / "packed.pt"
    calque.commands.convert(path, packed, pack=precision)
    ids = batch(9)
    found = run(calque.jit.load(packed, precision=precision), ids)
    assert torch.equal(found, run(calque.jit.load(path, precision=precision), ids))
    assert not caplog.records  # nothing is packed anew
    calque.jit.save_packed(calque.jit.load(packed, precision=precision), tmp_path / "again.pt")
    assert (tmp_path / "again.pt").read_bytes() == packed.read_bytes()
    with torch.no_grad():
        assert torch.equal(torch.jit.load(packed)(ids), trace(ids))


@pytest.fixture(scope="module", params=["int8", "bf16", "int8-weights", "int4-weights"])
def quantized(request, decoder, tmp_path_factory):
    module = calque.jit.load(decoder[1])
    made, report = calque.jit.quantize(module, request.param, calibration=[[batch(seed).numpy()] for seed in range(20, 28)])
    path = tmp_path_factory.mktemp("quantized") / "gpt2.pt"
    calque.jit.save(made, path)
    return request.param, report, path


def test_quantized_gpt2(quantized, decoder, tmp_path):
    dtype, report, path = quantized
    assert len(report.layers) == 8
    layer = report.layers[0]
    assert layer.name.endswith("attn.c_attn") and (layer.inputs, layer.outputs) == (64, 192)
    module, graph = planned(path, tmp_path)
    assert graph.count("calque::linear(") == 4 and graph.count("calque::feed_forward(") == 2
    assert "aten::linear" not in graph and "aten::addmm" not in graph
    assert_near(module, decoder[0], COSINES[dtype])


def test_pytorch_reads_quantized_gpt2(quantized, decoder, monkeypatch):
    dtype, _, path = quantized
    there = torch.jit.load(path)
    monkeypatch.setenv("CALQUE_DISABLE_PASS", "fuse_quantized")
    plain = calque.jit.load(path)
    for ids in BATCHES:
        with torch.no_grad():
            expected, exact = there(ids), decoder[0](ids)
        torch.testing.assert_close(run(plain, ids), expected, rtol=0, atol=2e-5)
        assert torch.nn.functional.cosine_similarity(expected, exact, dim=-1).min() > COSINES[dtype]


def test_layers_of_gpt2_that_are_kept(decoder, tmp_path):
    keep = ["model.h.0.mlp"]
    made, report = calque.jit.quantize(calque.jit.load(decoder[1]), "int8", keep=keep, calibration=[[batch(20).numpy()]])
    assert [layer.name for layer in report.layers if layer.stored == "float32"] == [keep[0] + ".c_fc", keep[0] + ".c_proj"]
    calque.jit.save(made, tmp_path / "kept.pt")
    assert_near(calque.jit.load(tmp_path / "kept.pt"), decoder[0], COSINES["int8"])
    with torch.no_grad():
        found, expected = torch.jit.load(tmp_path / "kept.pt")(BATCHES[0]), decoder[0](BATCHES[0])
    assert torch.nn.functional.cosine_similarity(found, expected, dim=-1).min() > COSINES["int8"]


# Products that people write.


def seeded(*sizes, dtype=torch.float32):
    return torch.nn.Parameter(torch.randn(*sizes, dtype=dtype))


class Written(torch.nn.Module):
    """Weights and biases of any sizes; `formula` says what is made of them."""

    def __init__(self, formula, *sizes, dtype=torch.float32):
        super().__init__()
        torch.manual_seed(len(sizes))
        self.formula = formula
        for i, size in enumerate(sizes):
            setattr(self, f"p{i}", seeded(*size, dtype=dtype))

    def forward(self, x):
        return self.formula(self, x)


# Formula, sizes, fused operators, and how many of them; x is [3, 5, 12].
FORMS = {
    "bias": (lambda m, x: torch.matmul(x, m.p0) + m.p1, [(12, 20), (20,)], "linear", 1),
    "bias first": (lambda m, x: m.p1 + x @ m.p0, [(12, 20), (20,)], "linear", 1),
    "activation": (lambda m, x: torch.relu(x @ m.p0 + m.p1), [(12, 20), (20,)], "linear", 1),
    "activation, no bias": (lambda m, x: torch.tanh(x @ m.p0), [(12, 20)], "linear", 1),
    "residual": (lambda m, x: x + (x @ m.p0 + m.p1), [(12, 12), (12,)], "linear", 1),
    "two layers": (lambda m, x: x + (torch.nn.functional.gelu(x @ m.p0 + m.p1) @ m.p2 + m.p3), [(12, 20), (20,), (20, 12), (12,)], "feed_forward", 1),
    "one input": (lambda m, x: (x @ m.p0 + m.p1).view(3, 5, 2, 4) * (x @ m.p2).view(3, 5, 2, 4), [(12, 8), (8,), (12, 8)], "linear_2", 1),
    "transposed": (lambda m, x: x @ m.p0.T + x @ m.p0.transpose(0, 1), [(20, 12)], "linear", 2),
    "a bias for each place": (lambda m, x: torch.relu(x @ m.p0 + m.p1), [(12, 20), (5, 20)], "linear", 1),
    "a bias for each batch": (lambda m, x: torch.relu(x @ m.p0 + m.p1), [(12, 20), (2, 1, 1, 20)], "linear", 1),
    "a bias for all": (lambda m, x: torch.relu(x @ m.p0 + m.p1), [(12, 20), (1,)], "linear", 1),
    "a vector": (lambda m, x: torch.relu(x @ m.p0 + m.p1), [(12,), (5,)], "linear", 1),
    "a matrix for each batch": (lambda m, x: torch.relu(x @ m.p0 + m.p1), [(3, 12, 20), (20,)], "linear", 1),
    "one row read": (lambda m, x: (torch.relu(x.view(3, 5, 12)) @ m.p0 + m.p1)[:, 0], [(3, 12, 20), (5, 20)], "linear", 1),
    "two biases": (lambda m, x: x @ m.p0 + m.p1 + m.p2, [(12, 20), (20,), (20,)], "linear", 1),
    "flattened": (lambda m, x: torch.addmm(m.p1, x.view(-1, x.size(-1)), m.p0).view(x.size(0), x.size(1), 20), [(12, 20), (20,)], "linear", 1),
    "mm": (lambda m, x: torch.mm(x.view(-1, 12), m.p0), [(12, 20)], "linear", 1),
    "a bias of two dimensions": (lambda m, x: torch.addmm(m.p1, x.view(-1, 12), m.p0), [(12, 20), (15, 20)], "linear", 1),
    "other factors": (lambda m, x: torch.addmm(m.p1, x.view(-1, 12), m.p0, beta=0.5, alpha=2), [(12, 20), (20,)], "linear", 0),
    "half a sum": (lambda m, x: torch.add(x @ m.p0, m.p1, alpha=2), [(12, 20), (20,)], "linear", 1),
}
FLOATS = torch.randn(3, 5, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("form", FORMS)
def test_products_that_people_write(form, tmp_path):
    formula, sizes, operator, count = FORMS[form]
    path = tmp_path / "m.pt"
    trace = save(Written(formula, *sizes).eval(), (FLOATS,), path)
    module, graph = planned(path, tmp_path / "phases")
    assert graph.count(f"calque::{operator}(") == count
    with torch.no_grad():
        expected = trace(FLOATS)
    for loaded in [module, *(calque.jit.load(path, disable_pass=[name]) for name in PASSES)]:
        torch.testing.assert_close(run(loaded, FLOATS), expected, rtol=1e-5, atol=1e-5)
    low = run(calque.jit.load(path, precision="bf16"), FLOATS)
    assert torch.nn.functional.cosine_similarity(low, expected, dim=-1).min() > 0.995
    frozen = calque.jit.freeze(calque.jit.load(path).eval())
    torch.testing.assert_close(run(frozen, FLOATS), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_products_of_doubles(form, tmp_path):
    formula, sizes, _, _ = FORMS[form]
    trace = save(Written(formula, *sizes, dtype=torch.float64), (FLOATS.double(),), tmp_path / "m.pt")
    with torch.no_grad():
        torch.testing.assert_close(run(calque.jit.load(tmp_path / "m.pt"), FLOATS.double()), trace(FLOATS.double()))


def test_factors_that_change(tmp_path):
    formula, sizes, _, _ = FORMS["activation"]
    trace = save(Written(formula, *sizes).eval(), (FLOATS,), tmp_path / "m.pt")
    module = calque.jit.load(tmp_path / "m.pt")
    run(module, FLOATS)
    module.state_dict()["p0"].copy_(calque.as_tensor(torch.zeros(12, 20).numpy()))
    with torch.no_grad():
        assert torch.equal(run(module, FLOATS), torch.relu(trace.p1).expand(3, 5, 20))


@pytest.mark.parametrize("dtype", ["int8", "bf16", "int8-weights"])
@pytest.mark.parametrize("form", ["activation", "two layers", "flattened", "one input"])
def test_written_products_are_quantized(form, dtype, tmp_path):
    formula, sizes, operator, count = FORMS[form]
    trace = save(Written(formula, *sizes).eval(), (FLOATS,), tmp_path / "m.pt")
    made, report = calque.jit.quantize(calque.jit.load(tmp_path / "m.pt"), dtype, calibration=[[FLOATS.numpy()]])
    assert {layer.stored for layer in report.layers} == {dtype}
    calque.jit.save(made, tmp_path / "small.pt")
    module, graph = planned(tmp_path / "small.pt", tmp_path / "phases")
    assert graph.count(f"calque::{operator}(") == count and "aten::linear(" not in graph
    with torch.no_grad():
        for found in (run(module, FLOATS), torch.jit.load(tmp_path / "small.pt")(FLOATS)):
            assert torch.nn.functional.cosine_similarity(found, trace(FLOATS), dim=-1).min() > 0.99


@pytest.mark.parametrize("precision", ["float32", "bf16", "int8"])
def test_written_products_are_packed(precision, tmp_path, caplog):
    formula, sizes, _, _ = FORMS["two layers"]
    save(Written(formula, *sizes).eval(), (FLOATS,), tmp_path / "m.pt")
    calque.commands.convert(tmp_path / "m.pt", tmp_path / "packed.pt", pack=precision)
    assert (tmp_path / "packed.pt").stat().st_size > (tmp_path / "m.pt").stat().st_size
    found = run(calque.jit.load(tmp_path / "packed.pt", precision=precision), FLOATS)
    assert torch.equal(found, run(calque.jit.load(tmp_path / "m.pt", precision=precision), FLOATS))
    assert not caplog.records
