"""The subcommands of `calque` from Python: the same options, defaults and results."""

import inspect
import io
import json
import re

import numpy
import pytest
import torch

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")
commands = calque.commands

# What only a terminal needs, what starts a program of the source tree, and flags that say no to what is on by default.
ONLY_THERE = {"help", "json", "quiet", "code", "graph", "inlined", "depth", "ids", "tokens", "decode", "skip_special_tokens"} | {"against"}
RENAMED = {"no_smooth": "smooth", "no_check_trace": "check_trace", "no_special_tokens": "special_tokens"}


@pytest.mark.parametrize("name", ["export", "run", "inspect", "check", "bench", "convert", "quantize", "script", "tokenize"])
def test_every_option_has_its_argument(name, command):
    text = command.run(name, "--help").stdout
    options = {option.replace("-", "_") for option in re.findall(r"(?:^|,| )--([a-z][a-z-]*)", text.split("Examples:")[0])}
    wanted = {RENAMED.get(option, option) for option in options} - ONLY_THERE
    parameters = inspect.signature(getattr(commands, name)).parameters
    assert wanted <= set(parameters), wanted - set(parameters)
    for option, default in re.findall(r"--([a-z-]+)[^\n]*?\[(?!default)([\w.x,]+)\] *$", text, re.MULTILINE):
        here = parameters[RENAMED.get(option.replace("-", "_"), option.replace("-", "_"))].default
        assert str(here) == default or numpy.isclose(float(here), float(default)), (option, here, default)


@pytest.fixture(scope="module")
def archive(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("commands") / "tiny.pt"
    commands.export(tiny, path)
    return path


def test_export_writes_the_same_archive(tiny, archive, tmp_path, command):
    assert command.run("export", tiny, "-o", tmp_path / "there.pt").returncode == 0
    assert archive.read_bytes() == (tmp_path / "there.pt").read_bytes()
    commands.export(tiny, tmp_path / "here.pt", task="fill-mask", inputs=["input_ids"], seq_len=5, batch=2)
    command.run("export", tiny, "-o", tmp_path / "there.pt", "--task", "fill-mask", "--inputs", "input_ids", "--seq-len", 5, "--batch", 2)
    assert (tmp_path / "here.pt").read_bytes() == (tmp_path / "there.pt").read_bytes()
    static = commands.export(tiny, tmp_path / "static.pt", architecture="BertModel", static=True, check_trace=False)
    with pytest.raises(RuntimeError, match="must match"):
        static(torch.zeros(1, 9, dtype=torch.int64), torch.ones(1, 9, dtype=torch.int64), torch.zeros(1, 9, dtype=torch.int64))
    for arguments, text in (
        ({"task": "nonsense"}, "feature-extraction"),
        ({"inputs": ["nonsense"]}, "has no input 'nonsense'"),
        ({"task": "fill-mask", "architecture": "BertModel"}, "exclude"),
    ):
        with pytest.raises(ValueError, match=text):
            commands.export(tiny, tmp_path / "x.pt", **arguments)


def test_run_gives_the_same_results(archive, minilm, tmp_path, command):
    here = commands.tokenize(minilm, "Who was Jim Henson ?", "A puppeteer", output=tmp_path / "in.npz")
    command.run("tokenize", minilm, "Who was Jim Henson ?", "A puppeteer", "-o", tmp_path / "there.npz")
    ours, theirs = calque.read_tensors(tmp_path / "in.npz"), numpy.load(tmp_path / "there.npz")
    for name, value in theirs.items():
        numpy.testing.assert_array_equal(ours[name].numpy(), value)
        assert here[name] == value[0].tolist()
    found = commands.run(archive, tmp_path / "in.npz", tmp_path / "out.npz", repeat=2, threads=1)
    assert command.run("run", archive, "-i", tmp_path / "in.npz", "-o", tmp_path / "expected.npz").returncode == 0
    expected, written = numpy.load(tmp_path / "expected.npz"), numpy.load(tmp_path / "out.npz")
    assert list(found) == list(expected) == list(written)
    for name, value in found.items():
        numpy.testing.assert_array_equal(value.numpy(), expected[name])
    by_position = commands.run(archive, {f"input.{i}": ours[name] for i, name in enumerate(("input_ids", "attention_mask"))} | {
        "token_type_ids": ours["token_type_ids"]})  # fmt: skip
    numpy.testing.assert_array_equal(by_position["output.1"].numpy(), expected["output.1"])
    with pytest.raises(ValueError, match="no argument is called nonsense"):
        commands.run(archive, {**ours, "nonsense": 1.0})
    with pytest.raises(TypeError, match="missing value for argument"):
        commands.run(archive)
    with pytest.raises(calque.LimitError):
        commands.run(archive, ours, max_memory=10)


class Kinds(torch.nn.Module):
    def forward(self, x: torch.Tensor, n: int, name: str, sizes: list[int], parts: list[torch.Tensor], scale: float = 1.0):
        return {"b": x * n * scale, "a": (len(name), 2.5, name, None, parts[1] + sizes[0])}


def test_run_with_arguments_of_many_kinds(tmp_path, command):
    torch.jit.script(Kinds()).save(str(tmp_path / "kinds.pt"))
    tensors = {
        "x": numpy.ones(2, numpy.float32), "n": numpy.int64(3), "name": numpy.frombuffer(b"ab", numpy.uint8),
        "sizes": numpy.array([7, 8]), "parts.0": numpy.zeros(1, numpy.float32), "parts.1": numpy.ones(1, numpy.float32),
    }  # fmt: skip
    numpy.savez(tmp_path / "in.npz", **tensors)
    found = commands.run(tmp_path / "kinds.pt", tensors)
    command.run("run", tmp_path / "kinds.pt", "-i", tmp_path / "in.npz", "-o", tmp_path / "out.npz")
    expected = numpy.load(tmp_path / "out.npz")
    assert list(found) == list(expected)
    for name, value in found.items():
        numpy.testing.assert_array_equal(value.numpy(), expected[name])
        assert value.numpy().dtype == expected[name].dtype


def test_inspect_tells_the_same(archive, command):
    there = json.loads(command.run("inspect", archive, "--json").stdout)
    here = commands.inspect(archive)
    assert (here.version, here.bytes) == (there["version"], there["bytes"])
    assert here.operators == there["operators"]
    assert here.methods == {row["name"]: row["schema"] for row in there["methods"]}
    assert here.modules == {row["name"]: (row["class"], row["parameters"], row["bytes"]) for row in there["modules"]}
    assert here.parameters == {row["name"]: (row["dtype"], tuple(row["shape"])) for row in there["parameters"]}
    assert list(here.buffers) == [row["name"] for row in there["buffers"]] and here.extra_files == {}
    assert commands.inspect(archive, module="pooler").modules[""][0] == "BertPooler"
    with pytest.raises(ValueError, match="there is no module 'nonsense'"):
        commands.inspect(archive, module="nonsense")


def test_check_tells_the_same(archive, command):
    there = json.loads(command.run("check", archive, "--json", "--shapes", "1x8").stdout)
    here = json.loads(commands.check(archive, shapes=[(1, 8)], threads=1).json)
    for report in (here, there):
        report["costs"][0].pop("seconds")
    assert here == there


def test_bench(archive):
    report = commands.bench(archive, shapes=[(1, 4), (2, 3)], repeat=3)
    assert [row.shape for row in report.runs] == ["1x4", "2x3"] and report.peak_bytes > 1 << 20
    assert all(0 < row.median <= row.p99 and row.calls == 3 for row in report.runs) and "1x4" in str(report)
    ids = numpy.ones((1, 3), numpy.int64)
    inputs = {"input_ids": ids, "attention_mask": ids, "token_type_ids": ids}
    assert commands.bench(archive, input=inputs, seconds=0).runs[0].calls == 5


def test_convert(archive, tmp_path, command):
    calque.jit.save(calque.jit.load(archive), tmp_path / "extra.pt", _extra_files={"a.txt": b"1"})
    commands.convert(tmp_path / "extra.pt", tmp_path / "here.pt", dtype=calque.float16)
    command.run("convert", tmp_path / "extra.pt", "-o", tmp_path / "there.pt", "--dtype", "float16")
    assert (tmp_path / "here.pt").read_bytes() == (tmp_path / "there.pt").read_bytes()
    assert calque.io.read_record(tmp_path / "here.pt", "extra/a.txt") == b"1"
    content = bytearray((tmp_path / "extra.pt").read_bytes())
    record = next(record for record in calque.io.list_records(tmp_path / "extra.pt") if record.name.startswith("data/"))
    assert record.size == record.stored_size
    content[len(content) // 2] ^= 1
    (tmp_path / "bad.pt").write_bytes(content)
    with pytest.raises(calque.LoadError):
        commands.convert(tmp_path / "bad.pt", tmp_path / "x.pt")


def test_script(tmp_path, command):
    source = tmp_path / "pool.py"
    source.write_text("def twice(x):\n    return x * 2\n\ndef forward(x):\n    return twice(x) + 1\n")
    assert commands.script(source, tmp_path / "here.pt").function_names() == ["twice", "forward"]
    command.run("script", source, "-o", tmp_path / "there.pt")
    assert (tmp_path / "here.pt").read_bytes() == (tmp_path / "there.pt").read_bytes()
    commands.script(source, tmp_path / "twice.pt", function="twice")
    assert calque.jit.load(tmp_path / "twice.pt")(calque.ones(1)).tolist() == [2.0]
    with pytest.raises(ValueError, match="choose one with function="):
        commands.script(source, tmp_path / "x.pt", function="absent")
    source.write_text("def f(x):\n    return y\n")
    with pytest.raises(calque.LoadError, match=re.escape(f"{source}:2:12")):
        commands.script(source)


def test_tokenize(minilm, tmp_path, command):
    lines = tmp_path / "lines.txt"
    lines.write_text("one two three\nfour\n")
    options = {"padding": "longest", "truncation": "longest_first", "max_length": 4, "stride": 1}
    commands.tokenize(minilm, file=lines, output=tmp_path / "here.npz", **options)
    command.run("tokenize", minilm, "--file", lines, "-o", tmp_path / "there.npz", "--padding", "longest", "--truncation",
                "longest_first", "--max-length", 4, "--stride", 1)  # fmt: skip
    here, there = numpy.load(tmp_path / "here.npz"), numpy.load(tmp_path / "there.npz")
    assert sorted(here) == sorted(there)
    for name in here:
        numpy.testing.assert_array_equal(here[name], there[name])
    with pytest.raises(ValueError, match="either a text or a file"):
        commands.tokenize(minilm)


@pytest.mark.parametrize("ending", ["npz", "safetensors", "json"])
def test_files_of_tensors(ending, tmp_path):
    path = tmp_path / f"tensors.{ending}"
    tensors = {"a": calque.tensor([[1, 2]]), "b": numpy.array([0.5, numpy.inf], numpy.float32), "c": torch.tensor(True)}
    calque.write_tensors(path, tensors)
    found = calque.read_tensors(path)
    assert list(found) == list(tensors)
    for name, value in tensors.items():
        assert calque.equal(found[name], calque.as_tensor(value)), name
    with pytest.raises(ValueError, match="ending|kind|txt"):
        calque.read_tensors(tmp_path / "x.txt")
    path.write_bytes(b"broken")
    with pytest.raises(calque.LoadError):
        calque.read_tensors(path)


def test_progress_is_silent_unless_there_is_a_terminal(capsys, monkeypatch, archive):
    from calque._progress import progress

    commands.bench(archive, shapes=[(1, 2)], repeat=1)
    assert capsys.readouterr() == ("", "")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for hide_tqdm in (False, True):
        screen = Terminal()
        monkeypatch.setattr("sys.stderr", screen)
        if hide_tqdm:
            monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)
        with progress("work", 2) as step:
            step("first part")
            step("second part")
        assert "work" in screen.getvalue() and "second part" in screen.getvalue()
    monkeypatch.setenv("TQDM_DISABLE", "1")
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with progress("work", 1) as step:
        step("hidden")
    assert screen.getvalue() == ""
