"""Weights in low precision: archives that PyTorch runs as well, results near float32, and layers that stay when they would spoil them."""

import json

import numpy
import pytest
import torch
import transformers

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")
commands = calque.commands

DTYPES = ["int8", "bf16", "int8-weights", "int4-weights"]
# Least cosine of a row with float32, of a small seeded model.
COSINES = {"int8": 0.995, "bf16": 0.9995, "int8-weights": 0.999, "int4-weights": 0.95}
STORED = {"int8": torch.int8, "bf16": torch.bfloat16, "int8-weights": torch.int8, "int4-weights": torch.uint8}


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        sizes = {"vocab_size": 300, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
        self.model = transformers.BertModel(transformers.BertConfig(**sizes, attn_implementation="eager"))

    def forward(self, ids, mask):
        return self.model(ids, attention_mask=mask, return_dict=False)


def batch(seed, rows=3, length=12):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, 300, (rows, length), generator=generator)
    lengths = torch.randint(2, length + 1, (rows,), generator=generator)
    return ids, (torch.arange(length)[None] < lengths[:, None]).long()


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    torch.manual_seed(3)
    model = Encoder().eval()
    for parameter in model.parameters():
        if parameter.dim() == 1:
            parameter.add_(torch.randn(parameter.shape) * 0.1)
    trace = torch.jit.trace(model, batch(1))
    path = tmp_path_factory.mktemp("quantize") / "encoder.pt"
    torch.jit.save(trace, path)
    return trace, path


@pytest.fixture(scope="module", params=DTYPES)
def quantized(request, encoder, tmp_path_factory):
    module = calque.jit.load(encoder[1])
    calibration = [[ids.numpy(), mask.numpy()] for ids, mask in map(batch, range(20, 28))]
    made, report = calque.jit.quantize(module, request.param, calibration=calibration)
    path = tmp_path_factory.mktemp("quantized") / f"{request.param}.pt"
    calque.jit.save(made, path)
    return request.param, made, report, path


def outputs(module, ids, mask):
    return [torch.from_numpy(numpy.array(value.numpy())) for value in module(ids.numpy(), mask.numpy())]


def cosine(a, b):
    return torch.nn.functional.cosine_similarity(a, b, dim=-1)


def test_pytorch_runs_the_archive_on_the_rounded_weights(quantized, encoder, monkeypatch):
    dtype, _, _, path = quantized
    there = torch.jit.load(path)
    monkeypatch.setenv("CALQUE_DISABLE_PASS", "fuse_quantized")
    plain = calque.jit.load(path)
    for seed, shape in ((5, (3, 12)), (6, (1, 1)), (7, (8, 30))):
        ids, mask = batch(seed, *shape) if shape[1] > 1 else (torch.tensor([[7]]), torch.tensor([[1]]))
        for expected, found, exact in zip(there(ids, mask), outputs(plain, ids, mask), encoder[0](ids, mask)):
            torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)
            assert cosine(expected, exact).min() > COSINES[dtype]


def test_here_it_runs_on_the_integers(quantized, encoder, tmp_path, monkeypatch):
    dtype, made, _, path = quantized
    monkeypatch.setenv("CALQUE_DUMP_PHASES", str(tmp_path))
    loaded, there = calque.jit.load(path), torch.jit.load(path)
    last = sorted(tmp_path.glob("*.txt"))[-1].read_text()
    assert "aten::linear" not in last and "calque::linear_3(" in last
    assert "aten::stack" not in last
    for seed in (8, 9):
        ids, mask = batch(seed)
        rounded = there(ids, mask)
        for expected, found, again in zip(rounded, outputs(loaded, ids, mask), outputs(made, ids, mask)):
            assert torch.equal(found, again)
            if dtype.endswith("-weights"):
                torch.testing.assert_close(found, expected, rtol=0, atol=5e-5)
            else:
                assert 0 < (found - expected).abs().max() < 0.2
                assert cosine(found, expected).min() > COSINES[dtype]


def test_padding_is_left_out_as_before(quantized):
    _, _, _, path = quantized
    loaded = calque.jit.load(path)
    ids, mask = batch(10, 4, 16)
    expected = outputs(loaded, ids, mask)[0]
    found = loaded.run([ids.numpy(), mask.numpy()], options=calque.jit.RunOptions(skip_padding=True))[0]
    real = mask.bool()
    found = torch.from_numpy(numpy.array(found.numpy()))
    assert cosine(found[real], expected[real]).min() > 0.9999
    assert (found[~real] == 0).all()


def test_the_report_tells_what_a_comparison_finds(quantized, encoder):
    dtype, made, report, _ = quantized
    exact, near = [], []
    for seed in range(20, 28):
        exact.append(encoder[0](*batch(seed))[0])
        near.append(outputs(made, *batch(seed))[0])
    exact, near = torch.cat(exact).flatten(0, 1), torch.cat(near).flatten(0, 1)
    told = report.outputs[0]
    assert (told.name, told.rows, report.samples, report.seeded) == ("output.0", len(exact), 8, False)
    assert told.cosine_least == pytest.approx(float(cosine(exact, near).min()), abs=1e-5)
    assert told.max_difference == pytest.approx(float((exact - near).abs().max()), abs=1e-4)
    assert told.same_argmax == pytest.approx(float((exact.argmax(-1) == near.argmax(-1)).float().mean()))
    assert len(report.layers) == 13 and all(0 < layer.error for layer in report.layers)
    assert {layer.stored for layer in report.layers} <= {dtype, "bf16"}
    assert report.tables == 2 and report.bytes_after < report.bytes_before
    assert json.loads(report.json)["dtype"] == dtype and "results against float32" in str(report)


class Layers(torch.nn.Module):
    """Linear layers on inputs, some channels of which are much larger than others."""

    def __init__(self, sizes=(256, 512, 256), outlier=1.0):
        super().__init__()
        torch.manual_seed(11)
        self.layers = torch.nn.Sequential(*[torch.nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])])
        self.register_buffer("spread", torch.ones(sizes[0]))
        self.spread[3::64] = outlier

    def forward(self, x):
        return self.layers(x * self.spread)


def archive_of(module, path, width=256):
    torch.jit.save(torch.jit.trace(module.eval(), torch.zeros(2, width)), path)
    return calque.jit.load(path)


def rows(count=64, width=256):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(12))


@pytest.mark.parametrize(("dtype", "share"), [("int8", 0.27), ("bf16", 0.52), ("int8-weights", 0.27), ("int4-weights", 0.18)])
def test_archives_are_smaller(dtype, share, tmp_path):
    module = archive_of(Layers((256, 1024, 1024, 256)), tmp_path / "large.pt")
    made, report = calque.jit.quantize(module, dtype, calibration=[[rows().numpy()]])
    calque.jit.save(made, tmp_path / "small.pt")
    assert (tmp_path / "small.pt").stat().st_size < share * (tmp_path / "large.pt").stat().st_size
    assert report.bytes_after < share * report.bytes_before
    assert STORED[dtype] in constant_dtypes(torch.jit.load(tmp_path / "small.pt"))


def constant_dtypes(module):
    tensor = torch._C.TensorType.get()
    nodes = [node for node in module.graph.findAllNodes("prim::Constant") if node.output().type().isSubtypeOf(tensor)]
    return {node.t("value").dtype for node in nodes if "value" in node.attributeNames()}


def test_smoothing_helps_where_channels_are_uneven(tmp_path):
    module = archive_of(Layers(outlier=60.0), tmp_path / "uneven.pt")
    errors = {}
    for smooth in (False, True):
        _, report = calque.jit.quantize(module, calibration=[[rows().numpy()]], smooth=smooth, max_error=1)
        errors[smooth] = report.layers[0].error
        assert report.layers[0].smoothed == smooth
    assert errors[True] < 0.7 * errors[False]


def test_what_spoils_stays_in_higher_precision(tmp_path):
    torch_module = Layers(outlier=3000.0)
    module = archive_of(torch_module, tmp_path / "uneven.pt")
    made, report = calque.jit.quantize(module, calibration=[[rows().numpy()]], smooth=False, max_error=0.02)
    assert [layer.stored for layer in report.layers] == [
        "bf16" if layer.error > 0.02 else "int8" for layer in report.layers
    ]
    _, strict = calque.jit.quantize(module, calibration=[[rows().numpy()]], max_error=1e-9)
    assert {layer.stored for layer in strict.layers} == {"bf16"}
    kept, named = calque.jit.quantize(module, calibration=[[rows().numpy()]], keep=["layers.0"])
    assert [layer.stored for layer in named.layers] == ["float32", "int8"]
    exact = torch_module(rows())
    assert cosine(torch.from_numpy(numpy.array(kept(rows().numpy()).numpy())), exact).min() > 0.999
    assert cosine(torch.from_numpy(numpy.array(made(rows().numpy()).numpy())), exact).min() > 0.99


@pytest.mark.parametrize("dtype", ["int8-weights", "int4-weights"])
@pytest.mark.parametrize("count", [1, 5, 70])
def test_weights_rounded_at_load_are_those_that_are_stored(dtype, count, tmp_path):
    archive_of(Layers(), tmp_path / "layers.pt")
    module = calque.jit.load(tmp_path / "layers.pt", precision=dtype)
    made, _ = calque.jit.quantize(calque.jit.load(tmp_path / "layers.pt"), dtype, calibration=[[rows().numpy()]])
    calque.jit.save(made, tmp_path / "stored.pt")
    x = rows(count)
    found = torch.from_numpy(numpy.array(module(x.numpy()).numpy()))
    torch.testing.assert_close(found, torch.jit.load(tmp_path / "stored.pt")(x), rtol=0, atol=1e-5)


def test_without_calibration_inputs_are_made_up(encoder):
    made, report = calque.jit.quantize(calque.jit.load(encoder[1]))
    assert report.seeded and report.samples == 8
    again, _ = calque.jit.quantize(calque.jit.load(encoder[1]))
    assert made.save_to_buffer() == again.save_to_buffer()


class Adder(torch.nn.Module):
    def forward(self, x, y):
        return x + y


class SumLayer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(64, 8)

    def forward(self, x, y):
        return self.layer(x + y)


def test_errors_say_what_to_do(encoder, tmp_path):
    module = calque.jit.load(encoder[1])
    with pytest.raises(ValueError, match="found precision .int3.; expected one of float32, bf16, int8"):
        calque.jit.quantize(module, "int3")
    with pytest.raises(ValueError, match="float32 is no low precision"):
        calque.jit.quantize(module, "float32")
    with pytest.raises(ValueError, match="there is no linear layer in .model.encoder.layer.7.; .* first: model.encoder.layer.0, model.encoder.layer.1, "):
        calque.jit.quantize(module, keep=["model.pooler", "model.encoder.layer.7"])
    torch.jit.save(torch.jit.trace(Adder().eval(), (torch.zeros(2), torch.zeros(2))), tmp_path / "adder.pt")
    adder = calque.jit.load(tmp_path / "adder.pt")
    torch.jit.save(torch.jit.trace(SumLayer().eval(), (torch.zeros(64), torch.zeros(64))), tmp_path / "sum.pt")
    with pytest.raises(ValueError, match="no value can be made up for the argument .x."):
        calque.jit.quantize(calque.jit.load(tmp_path / "sum.pt"))
    with pytest.raises(ValueError, match="neither linear nor embedding"):
        calque.jit.quantize(adder, calibration=[[numpy.ones(2, numpy.float32)] * 2])


def test_what_is_in_low_precision_already_is_refused(quantized, tmp_path, command):
    dtype, made, report, path = quantized
    for again in ("int8", "int4-weights"):
        with pytest.raises(ValueError, match=f"all {len(report.layers)} linear layers are in low precision already; quantise the float32"):
            calque.jit.quantize(calque.jit.load(path), again)
    done = command.run("quantize", path, "-o", tmp_path / "again.pt", "--dtype", dtype)
    assert done.returncode == 1 and "already" in done.stderr and not (tmp_path / "again.pt").exists()


def test_a_frozen_one_stays_in_low_precision(quantized, tmp_path):
    dtype, made, report, path = quantized
    frozen = calque.jit.optimize_for_inference(calque.jit.freeze(calque.jit.load(path)))
    calque.jit.save(frozen, tmp_path / "frozen.pt")
    assert STORED[dtype] in constant_dtypes(torch.jit.load(tmp_path / "frozen.pt"))
    ids, mask = batch(11)
    for found, expected in zip(outputs(frozen, ids, mask), outputs(made, ids, mask)):
        assert torch.equal(found, expected)


def test_the_layers_that_are_left_are_quantised(encoder, tmp_path):
    module = calque.jit.load(encoder[1])
    some, first = calque.jit.quantize(module, keep=["model.encoder.layer.1", "model.pooler"])
    calque.jit.save(some, tmp_path / "some.pt")
    made, report = calque.jit.quantize(calque.jit.load(tmp_path / "some.pt"))
    left = [layer.name for layer in first.layers if layer.stored == "float32"]
    assert first.already == 0 and report.already == len(first.layers) - len(left)
    assert len(report.layers) == len(left) and f"{report.already} more were in low precision before" in str(report)
    # What the first step did to embeddings is done once: the scales of their rows are no tables.
    assert first.tables == 2 and report.tables == 0
    ids, mask = batch(5)
    once, _ = calque.jit.quantize(module)
    for found, expected in zip(outputs(made, ids, mask), outputs(once, ids, mask)):
        assert cosine(found, expected).min() > 0.999


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_weights_of_another_dtype_are_named(dtype, tiny, tmp_path, command):
    commands.export(tiny, tmp_path / "m.pt", dtype=getattr(calque, dtype))
    with pytest.raises(ValueError, match=f"weights of {dtype}, expected float32; .*--dtype float32"):
        commands.quantize(tmp_path / "m.pt", tmp_path / "q.pt")
    done = command.run("convert", tmp_path / "m.pt", "-o", tmp_path / "p.pt", "--pack", "int8")
    assert done.returncode == 1 and f"is of {dtype}, and weights of float32 are packed" in done.stderr
    command("convert", tmp_path / "m.pt", "-o", tmp_path / "f.pt", "--dtype", "float32")
    assert commands.quantize(tmp_path / "f.pt", tmp_path / "q.pt").layers


def test_a_dtype_that_changes_nothing_is_noted(quantized, tmp_path, command, caplog):
    path = quantized[3]
    done = command.run("convert", path, "-o", tmp_path / "half.pt", "--dtype", "float16")
    assert done.returncode == 0 and "dtype float16 changes nothing" in done.stderr
    with caplog.at_level("INFO", logger="calque"):
        calque.jit.load(path, dtype=calque.float16)
    assert "dtype float16 changes nothing" in caplog.text


def test_calibration_is_what_it_says(tiny, tmp_path, command):
    commands.export(tiny, tmp_path / "m.pt")
    done = command.run("quantize", tmp_path / "m.pt", "-o", tmp_path / "q.pt", "--calibrate", "lines.csv", "--tokenizer", tiny)
    assert done.returncode == 2 and "ends in none of .txt, .npz" in done.stderr
    done = command.run("quantize", tmp_path / "m.pt", "-o", tmp_path / "q.pt", "--tokenizer", tiny)
    assert done.returncode == 2 and "--tokenizer reads the texts of --calibrate" in done.stderr
    with pytest.raises(ValueError, match="tokenizer reads the texts of calibrate"):
        commands.quantize(tmp_path / "m.pt", tmp_path / "q.pt", tokenizer=tiny)


def test_the_command_writes_the_same(tiny, tmp_path, command):
    commands.export(tiny, tmp_path / "float.pt")
    (tmp_path / "text.txt").write_text("Who was Jim Henson ?\n\nJim Henson was a puppeteer\nA third line\n")
    there = command(
        "quantize", tmp_path / "float.pt", "-o", tmp_path / "there.pt", "--calibrate", tmp_path / "text.txt", "--tokenizer", tiny,
        "--samples", 2, "--threads", 1, "--json",
    )  # fmt: skip
    here = commands.quantize(
        tmp_path / "float.pt", tmp_path / "here.pt", calibrate=tmp_path / "text.txt", tokenizer=tiny, samples=2, threads=1
    )
    assert json.loads(there) == json.loads(here.json) and here.samples == 2
    assert (tmp_path / "there.pt").read_bytes() == (tmp_path / "here.pt").read_bytes()
    commands.tokenize(tiny, "Who was Jim Henson ?", output=tmp_path / "in.npz")
    text = command("quantize", tmp_path / "float.pt", "-o", tmp_path / "x.pt", "--dtype", "bf16", "--calibrate", tmp_path / "in.npz")
    assert "dtype bf16" in text and "judged on 1 inputs" in text
    done = command.run("quantize", tmp_path / "float.pt", "-o", tmp_path / "x.pt", "--calibrate", tmp_path / "text.txt")
    assert done.returncode == 2 and "--tokenizer MODEL_DIR" in done.stderr
    with pytest.raises(ValueError, match="text needs tokenizer"):
        commands.quantize(tmp_path / "float.pt", tmp_path / "x.pt", calibrate=tmp_path / "text.txt")


class Counter(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(64, 64)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        self.calls = self.calls + 1
        return self.layer(x) * self.calls


def test_calibration_leaves_no_trace_in_the_module(tmp_path):
    torch.jit.save(torch.jit.script(Counter().eval()), tmp_path / "m.pt")
    module, x = calque.jit.load(tmp_path / "m.pt"), numpy.ones((3, 64), numpy.float32)
    made, report = calque.jit.quantize(module, "int8", calibration=[[x], [x]])
    calque.jit.save(made, tmp_path / "q.pt")
    state = {name: value for name, value in torch.jit.load(str(tmp_path / "q.pt")).named_buffers()}
    assert state["calls"].item() == 0 and module.state_dict()["calls"].numpy()[0] == 0
    assert report.outputs[0].max_difference < 0.1


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_report_of_what_is_not_finite(bad, tmp_path, command):
    model = torch.nn.Sequential(torch.nn.Linear(64, 8)).eval()
    with torch.no_grad():
        model[0].weight[2, 3] = bad
    torch.jit.save(torch.jit.trace(model, torch.ones(2, 64)), tmp_path / "m.pt")
    module = calque.jit.load(tmp_path / "m.pt")
    _, report = calque.jit.quantize(module, "int8", calibration=[[numpy.ones((2, 64), numpy.float32)]])
    assert 0 <= report.outputs[0].cosine_least <= 1
    expected = ~numpy.isfinite(module(numpy.ones((2, 64), numpy.float32)).numpy()).all(-1)
    assert report.outputs[0].not_finite == expected.sum() > 0 and f"{expected.sum()} of 2 rows are not finite in float32" in str(report)
    assert report.layers[0].error is None and report.layers[0].stored == "bf16"
    row = next(line for line in str(report).splitlines() if line.startswith(report.layers[0].name))
    assert row.split() == [report.layers[0].name, "bf16", "nan", "kept"]
    numpy.savez(tmp_path / "in.npz", **{"input.0": numpy.ones((2, 64), numpy.float32)})
    text = command("quantize", tmp_path / "m.pt", "-o", tmp_path / "q.pt", "--calibrate", tmp_path / "in.npz", "--json")
    assert json.loads(text)["outputs"][0]["cosine_least"] >= 0
    with pytest.raises(ValueError, match="max_error is nan"):
        calque.jit.quantize(module, "int8", max_error=float("nan"))
