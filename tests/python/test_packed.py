"""Archives that hold their weights packed: the same bits, PyTorch reads them, and what does not fit is packed anew and said so."""

import json
import logging
import random
import zipfile

import numpy
import pytest
import torch

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")
commands = calque.commands

PRECISIONS = ["float32", "bf16", "int8", "int8-weights", "int4-weights"]
INDEX = "archive/packed/index.json"


def inputs(seed, rows=3, length=11):
    rng = numpy.random.default_rng(seed)
    ids = rng.integers(1000, 20000, (rows, length))
    return {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}


def results(path, precision="float32", **options):
    module = calque.jit.load(path, precision=precision, **options)
    return [value.numpy().copy() for value in module(*inputs(1).values())]


def same(ours, theirs):
    return len(ours) == len(theirs) and all(numpy.array_equal(a, b) for a, b in zip(ours, theirs))


def rewritten(path, to, change):
    """A copy of the archive; change(name, content) gives the content of each record, or None to leave it out."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as new:
        for entry in old.infolist():
            content = change(entry.filename, old.read(entry))
            if content is None:
                continue
            # Python's writer does not align; the extra field that PyTorch uses for it does.
            used = new.fp.tell() + 30 + len(entry.filename.encode()) + 4
            info = zipfile.ZipInfo(entry.filename)
            fill = -used % 64
            info.extra = b"FB" + fill.to_bytes(2, "little") + b"Z" * fill
            new.writestr(info, content)
    return to


@pytest.fixture(scope="module")
def archive(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "tiny.pt"
    commands.export(tiny, path)
    return path


@pytest.fixture(scope="module", params=PRECISIONS)
def packed(request, archive, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / f"{request.param}.pt"
    commands.convert(archive, path, pack=request.param)
    return request.param, path


@pytest.fixture
def notes(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records if "packed" in record.getMessage()]


@pytest.fixture(scope="module")
def float32(archive, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "float32.pt"
    commands.convert(archive, path, pack="float32")
    return path


def test_bits_are_those_of_packing_at_load(archive, packed, notes):
    precision, path = packed
    assert same(results(path, precision), results(archive, precision))
    assert same(results(path, precision, verify_checksums=True), results(archive, precision))
    assert same(results(path, precision, prepare=False), results(archive, precision))
    assert same(results(path), results(archive))
    assert notes() == []


def test_what_is_packed_is_used(packed, tmp_path):
    """Zeros in the packed weights, and a directory that agrees: the results tell where the weights come from."""
    precision, path = packed
    with zipfile.ZipFile(path) as records:
        layers = json.loads(records.read(INDEX))["layers"]
    weights = {f"archive/packed/{i}.{part}" for i, layer in enumerate(layers) for part in range(len(layer["parts"]) - 1)}
    zeroed = rewritten(path, tmp_path / "zero.pt", lambda name, content: bytes(len(content)) if name in weights else content)
    module, other = calque.jit.load(zeroed, precision=precision), calque.jit.load(path, precision=precision)
    ours, theirs = (m(*inputs(1).values())[1].numpy() for m in (module, other))
    expected = numpy.tanh(other.pooler.dense.bias.numpy())
    numpy.testing.assert_allclose(ours, numpy.broadcast_to(expected, ours.shape), atol=1e-6)
    assert numpy.abs(theirs - expected).max() > 0.01


def test_every_linear_layer_is_in_the_index(packed):
    _, path = packed
    with zipfile.ZipFile(path) as records:
        index = json.loads(records.read(INDEX))
        names = set(records.namelist())
    sources = {source["record"] for layer in index["layers"] for source in layer["sources"]}
    sizes = sorted((layer["k"], layer["n"]) for layer in index["layers"])
    assert sizes == sorted(2 * [(36, 108), (36, 36), (36, 50), (50, 36)] + [(36, 36)])
    assert len(sources) == 2 * 12 + 2 and all(f"archive/{name}" in names for name in sources)


def test_pytorch_reads_it(archive, packed):
    _, path = packed
    module, other = torch.jit.load(path), torch.jit.load(archive)
    given = [torch.from_numpy(value) for value in inputs(2).values()]
    for ours, theirs in zip(module(*given), other(*given)):
        assert torch.equal(ours, theirs)


def test_saving_again_leaves_it_out(archive, packed, tmp_path):
    precision, path = packed
    calque.jit.save(calque.jit.load(path, precision=precision), tmp_path / "plain.pt")
    calque.jit.save(calque.jit.load(archive), tmp_path / "expected.pt")
    assert (tmp_path / "plain.pt").read_bytes() == (tmp_path / "expected.pt").read_bytes()
    calque.jit.save_packed(calque.jit.load(path, precision=precision), tmp_path / "again.pt")
    assert (tmp_path / "again.pt").read_bytes() == path.read_bytes()


def test_the_command_writes_the_same(archive, packed, tmp_path, command):
    precision, path = packed
    assert command.run("convert", archive, "-o", tmp_path / "there.pt", "--pack", precision).returncode == 0
    assert (tmp_path / "there.pt").read_bytes() == path.read_bytes()


def test_extra_files_are_kept(archive, tmp_path):
    calque.jit.save_packed(calque.jit.load(archive), tmp_path / "a.pt", _extra_files={"note.txt": "x"})
    commands.convert(tmp_path / "a.pt", tmp_path / "b.pt", pack="int8")
    assert calque.io.read_record(tmp_path / "b.pt", "extra/note.txt") == b"x"


def test_another_instruction_set_packs_anew(archive, float32, tmp_path, command):
    numpy.savez(tmp_path / "in.npz", **inputs(1))
    environment = {"CALQUE_ISA": "scalar"}
    for name, path in (("a", archive), ("b", float32)):
        done = command.run("run", path, "-i", tmp_path / "in.npz", "-o", tmp_path / f"{name}.npz", env=environment)
        assert done.returncode == 0
    assert "packed anew" in done.stderr and "scalar is in use" in done.stderr
    a, b = numpy.load(tmp_path / "a.npz"), numpy.load(tmp_path / "b.npz")
    assert all(numpy.array_equal(a[name], b[name]) for name in a)


def test_weights_that_changed_are_packed_anew(archive, float32, tmp_path, notes):
    """Another program replaces a weight and leaves the rest."""
    with zipfile.ZipFile(float32) as records:
        target = json.loads(records.read(INDEX))["layers"][0]["sources"][0]["record"]

    def change(name, content):
        return numpy.zeros(len(content) // 4, numpy.float32).tobytes() if name == f"archive/{target}" else content

    changed = rewritten(float32, tmp_path / "changed.pt", change)
    plain = rewritten(archive, tmp_path / "plain.pt", change)
    assert same(results(changed), results(plain)) and not same(results(changed), results(float32))
    assert any("has changed since" in note for note in notes())


def test_a_module_that_changes_is_not_mistaken(archive, float32):
    ours, theirs = calque.jit.load(float32), calque.jit.load(archive)
    for module in (ours, theirs):
        module.pooler.dense.weight.fill_(0.25)
    given = inputs(3).values()
    assert numpy.array_equal(ours(*given)[1].numpy(), theirs(*given)[1].numpy())
    halves = [calque.jit.load(path, dtype=calque.bfloat16)(*given)[1].numpy().astype(numpy.float32) for path in (float32, archive)]
    assert numpy.array_equal(*halves)


def replaced(layer, key, value):
    return layer.__setitem__(key, value)


BROKEN = {
    "not JSON": lambda index: "{",
    "no object": lambda index: "[1, 2]",
    "another layout": lambda index: json.dumps({**index, "layout": 7}),
    "no layers": lambda index: json.dumps({"layout": index["layout"]}),
    "sizes": lambda index: [replaced(layer, "n", 1 << 40) for layer in index["layers"]] and json.dumps(index),
    "depth": lambda index: [replaced(layer, "k", -5) for layer in index["layers"]] and json.dumps(index),
    "no parts": lambda index: [replaced(layer, "parts", []) for layer in index["layers"]] and json.dumps(index),
    "no sources": lambda index: [replaced(layer, "sources", []) for layer in index["layers"]] and json.dumps(index),
    "precision": lambda index: [replaced(layer, "precision", "int3") for layer in index["layers"]] and json.dumps(index),
    "dtype": lambda index: [replaced(layer["sources"][0], "dtype", "complex64") for layer in index["layers"]] and json.dumps(index),
    "outside": lambda index: [replaced(layer["sources"][0], "offset", 1 << 60) for layer in index["layers"]] and json.dumps(index),
    "strides": lambda index: [replaced(layer["sources"][0], "strides", [1 << 62, 1 << 62]) for layer in index["layers"]] and json.dumps(index),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_index_is_left_alone(archive, float32, tmp_path, notes, name):
    def change(record, content):
        return BROKEN[name](json.loads(content)).encode() if record == INDEX else content

    broken = rewritten(float32, tmp_path / "broken.pt", change)
    assert same(results(broken), results(archive))
    assert notes()


def test_sizes_that_fit_the_record_and_not_the_weight_are_no_harm(archive, float32, tmp_path):
    """As many bytes as the layer of 36 to 36 has with AVX-512, in another shape: the weights themselves are used."""

    def change(record, content):
        if record != INDEX:
            return content
        index = json.loads(content)
        for layer in index["layers"]:
            if (layer["k"], layer["n"]) == (36, 36):
                layer.update(k=54, n=32, parts=[*layer["parts"][:-1], 0])
        return json.dumps(index).encode()

    path = rewritten(float32, tmp_path / "shape.pt", change)
    for ours, theirs in zip(results(path), results(archive)):
        numpy.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_missing_and_short_records_are_left_alone(archive, float32, tmp_path, notes):
    for number, change in enumerate((lambda content: None, lambda content: content[:-4], lambda content: content + bytes(64))):
        broken = rewritten(float32, tmp_path / f"{number}.pt", lambda name, content: change(content) if name.endswith("packed/3.0") else content)
        assert same(results(broken), results(archive))
        assert len(notes()) == number + 1


def with_index(path, to, change):
    """A copy whose index `change` has edited in place."""

    def edit(name, content):
        if name != INDEX:
            return content
        index = json.loads(content)
        change(index["layers"])
        return json.dumps(index).encode()

    return rewritten(path, to, edit)


def swap(a, b, key):
    a[key], b[key] = b[key], a[key]


def of_size(layers, k, n):
    return [layer for layer in layers if (layer["k"], layer["n"]) == (k, n)]


def sources_of_two_layers(layers):
    swap(*of_size(layers, 36, 50), "sources")


def sources_of_two_sizes(layers):
    swap(of_size(layers, 36, 50)[0], of_size(layers, 50, 36)[0], "sources")


def weights_of_one_layer(layers):
    (sources,) = (layer["sources"] for layer in of_size(layers, 36, 108)[:1])
    sources[0], sources[1] = sources[1], sources[0]


def weight_and_bias(layers):
    layers[0]["sources"].reverse()


def unknown_source(layers):
    layers[0]["sources"][-1]["record"] = "data/\x1b[31mnone"


MISTAKEN = {
    sources_of_two_layers: ["was packed with another bias"] * 2,
    sources_of_two_sizes: ["has other sizes than its sources"] * 2,
    weights_of_one_layer: ["1 matrices of {} that forward multiplies by are made of other sources"],
    weight_and_bias: ["matrix 0 has other sizes than its sources"],
    unknown_source: ["none\", which matrix 0 was made of, is not in the archive"],
}


@pytest.fixture(scope="module")
def uneven(tiny, tmp_path_factory):
    """Biases that differ from layer to layer: those of a fresh model are zeros."""
    path = tmp_path_factory.mktemp("packed") / "uneven.pt"
    commands.export(tiny, path)
    module, rng = calque.jit.load(path), numpy.random.default_rng(4)
    for name, tensor in module.named_parameters():
        if name.endswith("bias"):
            tensor.copy_(calque.tensor(rng.standard_normal(tensor.shape).astype(numpy.float32)))
    calque.jit.save(module, path)
    return path


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("change", MISTAKEN)
def test_sources_that_are_mistaken_are_told(uneven, tmp_path, notes, precision, change):
    commands.convert(uneven, tmp_path / "packed.pt", pack=precision)
    assert same(results(tmp_path / "packed.pt", precision), results(uneven, precision)) and notes() == []
    wrong = with_index(tmp_path / "packed.pt", tmp_path / "wrong.pt", change)
    assert same(results(wrong, precision), results(uneven, precision))
    told = [note for text in MISTAKEN[change] for note in notes() if text.format(precision) in note]
    assert len(told) >= len(MISTAKEN[change]) and "\x1b" not in "".join(notes())


def test_a_load_in_another_precision_is_no_mistake(packed, notes):
    _, path = packed
    for precision in PRECISIONS:
        calque.jit.load(path, precision=precision)
    assert notes() == []


def test_passes_that_are_left_out_are_told(float32, archive, notes):
    """Query, key and value are one matrix in the archive, and three without the pass that joins them."""
    assert same(results(float32, disable_pass=["merge_linears"]), results(archive, disable_pass=["merge_linears"]))
    assert any("6 matrices of float32 that forward" in note for note in notes())


def test_an_index_of_very_many_matrices_is_not_read(float32, archive, tmp_path, notes):
    path = with_index(float32, tmp_path / "many.pt", lambda layers: layers.extend(layers[:1] * 20_000))
    assert same(results(path), results(archive))
    assert any("at most 16384 are read" in note for note in notes())


def test_empty_matrices_are_no_harm(float32, archive, tmp_path, notes):
    def empty(layers):
        source = layers[0]["sources"][0]
        many = [{**source, "offset": i, "sizes": [0, 0], "strides": [1, 1]} for i in range(5_000)]
        layers[1:] = [{**layers[0], "k": 0, "n": 0, "parts": [0, 0], "sources": [one]} for one in many]

    assert same(results(with_index(float32, tmp_path / "empty.pt", empty)), results(archive))
    assert any("matrix 5000 has other sizes than its sources" in note for note in notes())


def test_random_changes_of_the_index_do_no_harm(archive, float32, tmp_path):
    """Whatever the index says, a load ends, and a call gives results of the right size or an error of ours."""
    expected = [value.shape for value in results(archive)]
    with zipfile.ZipFile(float32) as records:
        text = records.read(INDEX)
    rng = random.Random(0)
    numbers = [b"0", b"1", b"-1", b"35", b"37", b"36", b"4294967296", b"9223372036854775807", b"null", b'"x"']
    for round_ in range(150):
        mutant = bytearray(text)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(mutant))
            end = at + 1
            if chr(mutant[at]).isdigit():
                while chr(mutant[end]).isdigit():
                    end += 1
            mutant[at:end] = rng.choice(numbers)
        path = rewritten(float32, tmp_path / "mutant.pt", lambda name, content: bytes(mutant) if name == INDEX else content)
        assert [value.shape for value in results(path)] == expected, round_


def test_a_wrong_checksum_is_told_when_asked(float32, tmp_path):
    with zipfile.ZipFile(float32) as records:
        entry = records.getinfo("archive/packed/0.0")
    content = bytearray(float32.read_bytes())
    content[entry.header_offset + 200] ^= 1
    (tmp_path / "bad.pt").write_bytes(content)
    calque.jit.load(tmp_path / "bad.pt")
    with pytest.raises(calque.LoadError, match="packed/0.0"):
        calque.jit.load(tmp_path / "bad.pt", verify_checksums=True)


def test_nothing_to_pack_is_an_error(tmp_path):
    torch.jit.save(torch.jit.trace(torch.nn.ReLU(), torch.ones(2)), tmp_path / "relu.pt")
    with pytest.raises(ValueError, match="can be packed"):
        calque.jit.save_packed(calque.jit.load(tmp_path / "relu.pt"), tmp_path / "x.pt")
    assert not (tmp_path / "x.pt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["relu.pt"]


def test_quantised_weights_are_packed_too(archive, tmp_path):
    module, _ = calque.jit.quantize(calque.jit.load(archive), "int8", calibration=[list(inputs(seed).values()) for seed in range(5, 9)])
    calque.jit.save(module, tmp_path / "plain.pt")
    calque.jit.save_packed(calque.jit.load(tmp_path / "plain.pt"), tmp_path / "packed.pt")
    with zipfile.ZipFile(tmp_path / "packed.pt") as records:
        assert {layer["precision"] for layer in json.loads(records.read(INDEX))["layers"]} & {"int8", "int8-weights"}
    assert same(results(tmp_path / "packed.pt"), results(tmp_path / "plain.pt"))
