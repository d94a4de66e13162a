"""Each fusing pass by itself: what it recognises, and that results are those of the program it rewrote."""

import os
import pathlib
import random
import re

import pytest
import torch
import torch.nn.functional as F
import transformers

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

SIZES = {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
CORPUS = pathlib.Path(os.environ.get("CALQUE_CORPUS", pathlib.Path(__file__).resolve().parents[3] / "shared/corpus"))


def planned(path, folder, **options):
    """The loaded archive, and the graph that its forward runs."""
    module = calque.jit.load(path, dump_phases=folder, **options)
    return module, max(folder.glob("*.txt"), key=lambda file: file.name).read_text()


def save(module, inputs, path):
    """A trace by real PyTorch."""
    with torch.no_grad():
        trace = torch.jit.trace(module, inputs, check_trace=False)
    torch.jit.save(trace, path)
    return trace


def run(module, *inputs, **options):
    result = module.run([x.numpy() for x in inputs], options=calque.jit.RunOptions(**options))
    return torch.from_numpy(result.numpy().copy())


def bert(**changes):
    torch.manual_seed(3)
    model = transformers.BertModel(transformers.BertConfig(**SIZES, **changes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn(parameter.shape) * 0.1)
    return model


def batch(seed, rows=4, length=11):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, 99, (rows, length), generator=generator)
    lengths = torch.randint(1, length + 1, (rows,), generator=generator)
    return ids, (torch.arange(length)[None] < lengths[:, None]).long()


class Hidden(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, mask):
        return self.model(ids, attention_mask=mask, return_dict=False)[0]


# Embeddings.


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus at {CORPUS}")
@pytest.mark.parametrize("file", sorted(p.name for p in CORPUS.glob("*bert*-*mask.pt")))
def test_embeddings_of_three_generations_of_transformers(file, tmp_path):
    module, graph = planned(CORPUS / file, tmp_path)
    assert graph.count("calque::embedding_sum(") == 1
    assert "aten::embedding(" not in graph


def test_embeddings_of_our_own_export(tiny, tmp_path):
    calque.commands.export(tiny, tmp_path / "tiny.pt")
    _, graph = planned(tmp_path / "tiny.pt", tmp_path / "phases")
    assert graph.count("calque::embedding_sum(") == 1 and "aten::embedding(" not in graph


class Sum(torch.nn.Module):
    """Tables whose indices broadcast; the last rows are added in place or not."""

    def __init__(self, tables, in_place, dtype=torch.float32):
        super().__init__()
        torch.manual_seed(tables)
        self.tables = torch.nn.ModuleList(torch.nn.Embedding(5 + i, 12, dtype=dtype) for i in range(tables))
        self.norm = torch.nn.LayerNorm(12, eps=1e-6, dtype=dtype)
        self.in_place = in_place

    def forward(self, *indices):
        rows = [table(index) for table, index in zip(self.tables, indices)]
        total = rows[0]
        for i, more in enumerate(rows[1:], 2):
            if self.in_place and i == len(rows) and len(rows) > 2:
                total += more
            else:
                total = total + more
        return self.norm(total)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("tables", [2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sums_of_embeddings(tables, in_place, dtype, tmp_path):
    indices = [torch.zeros(2, 3, dtype=torch.int64)] * tables
    trace = save(Sum(tables, in_place, dtype).eval(), tuple(indices), tmp_path / "m.pt")
    module, graph = planned(tmp_path / "m.pt", tmp_path / "phases")
    assert "calque::embedding_sum(" in graph and "aten::layer_norm" not in graph
    plain = calque.jit.load(tmp_path / "m.pt", disable_pass=["fuse_embeddings"])
    generator = torch.Generator().manual_seed(1)
    shapes = [[(4, 7), (1, 7), (4, 7)], [(3, 2), (3, 2), (1, 1)], [(2, 0), (2, 0), (1, 0)], [(6,), (6,), (6,)]]
    for case in shapes:
        rows = [torch.randint(0, 5, shape, generator=generator) for shape in case[:tables]]
        found = run(module, *rows)
        torch.testing.assert_close(found, trace(*rows), rtol=0, atol=1e-6)
        assert torch.equal(found, run(plain, *rows))
    for bad in (-1, 5 + tables - 1):
        rows = [torch.zeros(2, 3, dtype=torch.int64) for _ in range(tables)]
        rows[-1][1, 1] = bad
        for loaded in (module, plain):
            with pytest.raises(IndexError, match="index out of range in self"):
                run(loaded, *rows)
    rows = [torch.zeros(shape, dtype=torch.int64) for shape in [(2, 3), (2, 4), (2, 3)][:tables]]
    for loaded in (module, plain):
        with pytest.raises(RuntimeError, match=r"The size of tensor a \(3\) must match the size of tensor b \(4\) at non-singleton dimension 1"):
            run(loaded, *rows)
    if in_place and tables == 3:
        rows = [torch.zeros(shape, dtype=torch.int64) for shape in [(1, 3), (1, 3), (2, 3)]]
        for loaded in (module, plain):
            with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
                run(loaded, *rows)


# Common subexpressions.


class Twice(torch.nn.Module):
    """The same calls again, some of whose results are written to, handed out, or random."""

    def forward(self, x):
        shared = (x * 2 + 1) * (x * 2 + 1)
        first, second = x * 3, x * 3
        second += 1
        handed, out = x * 5, x * 5
        noise = torch.rand_like(x) - torch.rand_like(x)
        return shared, first, second, handed, out, noise


def test_common_calls_run_once(tmp_path):
    x = torch.randn(50, generator=torch.Generator().manual_seed(2))
    trace = save(Twice(), (x,), tmp_path / "m.pt")
    module, graph = planned(tmp_path / "m.pt", tmp_path / "phases")
    _, plain = planned(tmp_path / "m.pt", tmp_path / "plain", disable_pass=["merge_common"])
    assert plain.count("aten::mul(") - graph.count("aten::mul(") == 1 and graph.count("aten::rand_like(") == 2
    found = [torch.from_numpy(y.numpy()) for y in module(x.numpy())]
    for here, there in zip(found[:5], trace(x)[:5], strict=True):
        assert torch.equal(here, there)
    assert found[5].abs().max() > 0
    found[3].add_(1)
    assert torch.equal(found[4], x * 5)


def test_common_calls_change_no_bit(tmp_path):
    ids, mask = batch(3)
    save(Hidden(bert(attn_implementation="eager")), (ids, mask), tmp_path / "m.pt")
    plain = calque.jit.load(tmp_path / "m.pt", disable_pass=["merge_common"])
    assert torch.equal(run(calque.jit.load(tmp_path / "m.pt"), ids, mask), run(plain, ids, mask))


# Activations.

WRITTEN_OUT = ["gelu_new", "gelu_fast", "gelu_python", "quick_gelu", "gelu_accurate", "gelu_pytorch_tanh", "silu", "relu", "tanh", "gelu"]


@pytest.mark.parametrize("activation", WRITTEN_OUT)
def test_activations_join_their_layer(activation, tmp_path):
    ids, mask = batch(4)
    trace = save(Hidden(bert(hidden_act=activation)), (ids, mask), tmp_path / "m.pt")
    module, graph = planned(tmp_path / "m.pt", tmp_path / "phases")
    for name in ("aten::tanh", "aten::erf", "aten::pow", "aten::sigmoid", "aten::silu", "aten::relu", "calque::activation"):
        assert name not in graph, name
    torch.testing.assert_close(run(module, ids, mask), trace(ids, mask), rtol=0, atol=2e-5)


class Formula(torch.nn.Module):
    def __init__(self, formula):
        super().__init__()
        self.formula = formula

    def forward(self, x):
        return self.formula(x)


FORMULAS = {
    "gelu": lambda x: x * 0.5 * (1.0 + torch.erf(x / 1.4142135623730951)),
    "factors turned": lambda x: (torch.erf(x * 0.7071067811865476) + 1) * (x / 2),
    "tanh": lambda x: 0.5 * x * (1 + torch.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))),
    "tanh by Horner": lambda x: x / 2 * (torch.tanh(x * 0.7978845608 * (1 + 0.044715 * x * x)) + 1),
    "quick": lambda x: torch.sigmoid(x * 1.702) * x,
}
OTHERS = {
    "another factor": lambda x: 0.4 * x * (1 + torch.erf(x / 1.4142135623730951)),
    "another scale": lambda x: x * torch.sigmoid(1.7 * x),
    "another cube": lambda x: 0.5 * x * (1 + torch.tanh(0.7978845608028654 * (x + 0.0447 * x**3))),
    "two variables": lambda x: 0.5 * x * (1 + torch.erf((x + 1) / 1.4142135623730951)),
    "written": lambda x: 0.5 * x * (1 + torch.erf(x / 1.4142135623730951).mul_(0.5)),
}


@pytest.mark.parametrize("name", [*FORMULAS, *OTHERS])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.int64])
def test_formulas_of_activations(name, dtype, tmp_path):
    x = (torch.randn(7, 33, generator=torch.Generator().manual_seed(5)) * 4).to(dtype)
    if name == "quick" and dtype == torch.int64:
        pytest.skip("the trace of an int64 tensor is the same")
    formula = FORMULAS.get(name) or OTHERS[name]
    save(Formula(formula), (torch.zeros(2, 3),), tmp_path / "m.pt")
    module, graph = planned(tmp_path / "m.pt", tmp_path / "phases")
    assert ("calque::activation" in graph) == (name in FORMULAS)
    tolerance = {torch.float64: 1e-10, torch.float16: 2e-2}.get(dtype, 4e-6)
    torch.testing.assert_close(run(module, x), formula(x), rtol=tolerance, atol=tolerance)


# Pooling.


def expanded(hidden, mask):
    weights = mask.unsqueeze(-1).expand(hidden.size()).float()
    return torch.sum(hidden * weights, 1) / torch.clamp(weights.sum(1), min=1e-9)


def unexpanded(hidden, mask):
    weights = mask[..., None].to(hidden.dtype)
    return (weights * hidden).sum(1) / weights.sum(1).clamp_min(1e-9)


def unclamped(hidden, mask):
    weights = mask.unsqueeze(2).float()
    return (hidden * weights).sum(1) / weights.sum(1)


class Encoder(torch.nn.Module):
    def __init__(self, pool, normalise):
        super().__init__()
        self.model, self.pool, self.normalise = bert(), pool, normalise

    def forward(self, ids, mask):
        pooled = self.pool(self.model(ids, attention_mask=mask, return_dict=False)[0], mask)
        return F.normalize(pooled, p=2, dim=1) if self.normalise else pooled


@pytest.mark.parametrize("pool", [expanded, unexpanded, unclamped])
@pytest.mark.parametrize("normalise", [False, True])
def test_sentence_vectors(pool, normalise, tmp_path):
    trace = save(Encoder(pool, normalise), batch(6), tmp_path / "m.pt")
    module, graph = planned(tmp_path / "m.pt", tmp_path / "phases")
    assert graph.count("calque::mean_pool(") == 1 and graph.count("calque::normalize(") == normalise
    assert "aten::sum" not in graph and "calque::unpack_tokens(" not in graph and "calque::pack_tokens(" in graph
    for seed, rows, length in ((7, 4, 11), (8, 1, 1), (9, 7, 30)):
        ids, mask = batch(seed, rows, length)
        for skip in (False, True):
            torch.testing.assert_close(run(module, ids, mask, skip_padding=skip), trace(ids, mask), rtol=0, atol=2e-5)
    mask[0] = 0
    for skip in (False, True):
        found = run(module, ids, mask, skip_padding=skip)
        torch.testing.assert_close(found, trace(ids, mask), rtol=0, atol=2e-5, equal_nan=True)


def excluded(hidden, mask):
    return unexpanded(hidden, 1 - mask)


def later_half(hidden, mask):
    return unexpanded(hidden, mask * (torch.arange(mask.size(1)) > 3).long())


@pytest.mark.parametrize("pool", [excluded, later_half])
def test_other_means_with_padding_left_out(pool, tmp_path):
    save(Encoder(pool, False), batch(6), tmp_path / "m.pt")
    module = calque.jit.load(tmp_path / "m.pt")
    plain = calque.jit.load(tmp_path / "m.pt", disable_pass=["fuse_pooling"])
    for seed, rows, length in ((7, 4, 11), (9, 7, 11)):
        ids, mask = batch(seed, rows, length)
        for skip in (False, True):
            found = run(module, ids, mask, skip_padding=skip)
            torch.testing.assert_close(found, run(plain, ids, mask, skip_padding=skip), rtol=0, atol=1e-6)


@pytest.mark.parametrize("pool", [expanded, unexpanded, unclamped])
def test_weights_of_any_kind(pool, tmp_path):
    hidden, mask = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(1)), torch.ones(3, 5, dtype=torch.int64)
    trace = save(Formula2(pool), (hidden, mask), tmp_path / "m.pt")
    module, graph = planned(tmp_path / "m.pt", tmp_path / "phases")
    assert "calque::mean_pool(" in graph
    generator = random.Random(2)
    for dtype in (torch.int64, torch.float32, torch.bool, torch.int32):
        weights = torch.tensor([[generator.randint(0, 3) for _ in range(5)] for _ in range(3)]).to(dtype)
        for x in (hidden, hidden.double(), hidden.transpose(1, 2).contiguous().transpose(1, 2)):
            torch.testing.assert_close(run(module, x, weights), trace(x, weights), rtol=1e-6, atol=1e-6, equal_nan=True)
    with pytest.raises(RuntimeError):
        run(module, hidden, mask[:2])


class Formula2(Formula):
    def forward(self, x, mask):
        return self.formula(x, mask)


# Forms of linear layers.


class Products(torch.nn.Module):
    """Layers as older releases traced them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(9)
        self.first = torch.nn.Parameter(torch.randn(20, 12))
        self.second = torch.nn.Parameter(torch.randn(12, 20))
        self.third = torch.nn.Parameter(torch.randn(7, 12))
        self.bias = torch.nn.Parameter(torch.randn(12))
        self.last = torch.nn.Parameter(torch.randn(7))

    def forward(self, x):
        x = torch.relu(torch.matmul(x, self.first.t()))
        x = torch.addmm(self.bias, x, self.second.t())
        return torch.addmm(self.last, torch.tanh(x), self.third.t())


def test_products_with_weights_are_linear_layers(tmp_path):
    x = torch.randn(5, 12, generator=torch.Generator().manual_seed(1))
    trace = save(Products(), (x,), tmp_path / "m.pt")
    for precision, tolerance in (("float32", 1e-5), ("bf16", 0.3), ("int8", 0.6)):
        module, graph = planned(tmp_path / "m.pt", tmp_path / precision, precision=precision)
        assert graph.count("calque::linear(") == 3 and "aten::addmm" not in graph and "aten::matmul" not in graph
        torch.testing.assert_close(run(module, x), trace(x), rtol=0, atol=tolerance)
    weights = module.state_dict()
    weights["third"].copy_(calque.as_tensor(torch.zeros(7, 12).numpy()))
    assert (run(module, x) == trace.last).all()


# A head of which few rows are read.


def heads():
    torch.manual_seed(4)
    tasks = {
        "pooled": (transformers.BertModel, lambda out: out.pooler_output),
        "first token": (transformers.BertModel, lambda out: out.last_hidden_state[:, 0]),
        "last token": (transformers.BertForMaskedLM, lambda out: out.logits[:, -1]),
        "last tokens": (transformers.BertForMaskedLM, lambda out: out.logits[:, -1:, :]),
        "class": (transformers.BertForSequenceClassification, lambda out: out.logits),
    }
    config = transformers.BertConfig(**SIZES, attn_implementation="sdpa")
    return {name: Headed(cls(config).eval(), read) for name, (cls, read) in tasks.items()}


class Headed(torch.nn.Module):
    def __init__(self, model, read):
        super().__init__()
        self.model, self.read = model, read

    def forward(self, ids, mask):
        return self.read(self.model(ids, attention_mask=mask))


@pytest.mark.parametrize("name", list(heads()))
def test_rows_that_nobody_reads_are_not_computed(name, tmp_path):
    trace = save(heads()[name], batch(1), tmp_path / "m.pt")
    module, graph = planned(tmp_path / "m.pt", tmp_path / "phases")
    lines = graph.splitlines()
    chosen = [i for i, line in enumerate(lines) if "aten::select(" in line or "aten::slice(" in line]
    layers = [i for i, line in enumerate(lines) if re.search(r"calque::(linear|linear_norm|feed_forward)\(", line)]
    attention = max(i for i, line in enumerate(lines) if "calque::attention(" in line)
    # After the last attention come its output layer and two more for each token; here, for the rows that are read.
    assert min(layer for layer in layers if layer > attention) > min(row for row in chosen if row > attention)
    plain = calque.jit.load(tmp_path / "m.pt", disable_pass=["hoist_select"])
    for seed, rows, length in ((2, 4, 11), (3, 1, 1), (4, 3, 30)):
        ids, mask = batch(seed, rows, length)
        for skip in (False, True):
            found = run(module, ids, mask, skip_padding=skip)
            torch.testing.assert_close(found, run(plain, ids, mask, skip_padding=skip), rtol=0, atol=0)
            if not (skip and "last" in name):
                torch.testing.assert_close(found, trace(ids, mask), rtol=0, atol=2e-5)


def test_columns_are_not_taken_for_rows(tmp_path):
    class Column(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(6, 3)

        def forward(self, x):
            return self.layer(x)[:, 0], self.layer(x.reshape([2, 6])).select(1, -1)

    x = torch.randn(2, 6)
    trace = save(Column(), (x,), tmp_path / "m.pt")
    for mine, theirs in zip(calque.jit.load(tmp_path / "m.pt")(x.numpy()), trace(x), strict=True):
        torch.testing.assert_close(torch.from_numpy(mine.numpy()), theirs)


class Mean(torch.nn.Module):
    def __init__(self, dtype, least):
        super().__init__()
        self.dtype, self.least = dtype, least

    def forward(self, hidden, mask):
        weights = mask.unsqueeze(-1).to(self.dtype)
        return (hidden * weights).sum(1) / weights.sum(1).clamp(min=self.least)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_spoils_a_mean_though_it_is_masked(bad, tmp_path):
    hidden, mask = torch.ones(2, 3, 5), torch.tensor([[1, 1, 0], [1, 0, 0]])
    hidden[0, 2, 1] = bad
    trace = save(Mean(torch.float32, 1e-9), (hidden, mask), tmp_path / "m.pt")
    module, graph = planned(tmp_path / "m.pt", tmp_path / "phases")
    assert "calque::mean_pool(" in graph
    torch.testing.assert_close(run(module, hidden, mask), trace(hidden, mask), equal_nan=True)


@pytest.mark.parametrize("weight_dtype", [torch.int64, torch.bool])
def test_a_mean_with_counts_that_are_ints_keeps_its_dtype(weight_dtype, tmp_path):
    hidden, mask = torch.ones(2, 3, 5, dtype=torch.float16), torch.tensor([[1, 1, 0], [1, 0, 0]])
    trace = save(Mean(weight_dtype, 1), (hidden, mask), tmp_path / "m.pt")
    found, expected = run(calque.jit.load(tmp_path / "m.pt"), hidden, mask), trace(hidden, mask)
    assert found.dtype == expected.dtype == torch.float16
    torch.testing.assert_close(found, expected)
