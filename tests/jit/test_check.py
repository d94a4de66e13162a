"""calque check: verdict, operators, what an export has fixed, and files that are no archives."""

import json
import zipfile

import pytest
import torch
from torch import nn

import zoo_modules


@pytest.fixture
def check(calque):
    """check(file, options...) -> (exit code, report)."""

    def run(*arguments):
        done = calque.run("check", *arguments, "--json")
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    return run


def rewritten(source, target, change):
    """A copy of an archive whose code records went through change(text)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for record in old.infolist():
            content = old.read(record)
            if "/code/" in record.filename and record.filename.endswith(".py"):
                content = change(content.decode()).encode()
            new.writestr(record.filename, content)


def save(module, path, *example):
    made = torch.jit.trace(module.eval(), example, check_trace=False) if example else torch.jit.script(module.eval())
    torch.jit.save(made, str(path))
    return path


def whats(report, kind):
    return [finding["what"] for finding in report["findings"] if finding["kind"] == kind]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)

    def forward(self, x):
        return self.norm(torch.tanh(self.lin(x)))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(16, 8)
        self.blocks = nn.ModuleList([Block(), Block()])

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        x = self.table(input_ids)
        for block in self.blocks:
            x = block(x)
        return x


def test_a_good_archive(tmp_path, check):
    path = save(Model(), tmp_path / "m.pt")
    code, report = check(path, "--shapes", "1x4,3x5")
    assert code == 0 and report["loads"] and report["runs"] and report["error"] == ""
    assert report["parameters"] == sum(p.numel() for p in Model().parameters())
    assert report["weight_bytes"] == 4 * report["parameters"]
    operators = {row["name"]: row for row in report["operators"]}
    assert operators["aten::linear"]["count"] == 2 and operators["aten::linear"]["support"] == "fast"
    assert operators["aten::linear"]["places"] == ["blocks.0.lin", "blocks.1.lin"]
    assert report["findings"] == []
    first, second = report["costs"]
    assert first["multiply_adds"] == 4 * 8 * 8 * 2 and second["multiply_adds"] == 15 * 8 * 8 * 2
    assert first["inputs"] == ["input_ids: int64[1, 4]"]
    # The result of one product, what is made of it, and the rows of the table: a few tensors of 4 x 8 floats.
    assert 2 * 4 * 8 * 4 <= first["activation_bytes"] <= 6 * 4 * 8 * 4


def test_nothing_runs_unless_it_is_asked_for(tmp_path, check):
    class Endless(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            while True:
                x = x + 1
            return x

    code, report = check(save(Endless(), tmp_path / "m.pt"))
    assert code == 0 and report["costs"] == []
    code, report = check(tmp_path / "m.pt", "--shapes", "1x2", "--max-seconds", "0.2")
    assert code == 1 and report["loads"] and not report["runs"]
    assert "longer than the 0.2 s" in report["costs"][0]["error"]


def test_every_missing_operator_is_listed(tmp_path, check, calque):
    plain = save(Model(), tmp_path / "plain.pt")
    odd = tmp_path / "odd.pt"

    def change(text):
        return text.replace("torch.tanh(", "ops.mine.very_own(").replace("torch.embedding(", "ops.other.lookup(")

    rewritten(plain, odd, change)
    code, report = check(odd)
    assert code == 1 and not report["loads"] and report["error_kind"] == "NotImplementedError"
    missing = {row["name"]: row["places"] for row in report["operators"] if row["support"] == "missing"}
    assert missing == {"mine::very_own": ["blocks.0", "blocks.1"], "other::lookup": ["table"]} or missing.keys() == {
        "mine::very_own",
        "other::lookup",
    }
    assert any(row["name"] == "aten::linear" for row in report["operators"]), "what is there is listed, too"
    assert report["parameters"] > 0
    page = calque.run("check", odd)
    assert page.returncode == 1 and page.stderr == ""
    assert "would load here: no" in page.stdout and "mine::very_own" in page.stdout


class Static(nn.Module):
    """Sizes as Python numbers, as models that call int(x.size(1)) give them to the tracer."""

    def forward(self, x):
        batch, length = int(x.size(0)), int(x.size(1))
        heads = x.float().view(batch, length, 2, -1).permute(0, 2, 1, 3)
        scores = heads @ heads.transpose(-1, -2)
        mask = torch.ones(1, 1, 1, length).expand(batch, 1, length, length)
        return (scores + mask).reshape(batch, length, 2 * length) + torch.arange(2 * length)


def test_a_static_trace(tmp_path, check):
    path = save(Static(), tmp_path / "m.pt", torch.ones(2, 7, 6, dtype=torch.int64))
    code, report = check(path, "--shapes", "2x7x6,2x5x6")
    assert code == 1 and [cost["ran"] for cost in report["costs"]] == [True, False]
    sizes = whats(report, "constant size")
    assert any(what.startswith("aten::expand with the constant shape [2, 1, 7, 7]") for what in sizes)
    assert any("aten::view with the constant shape" in what for what in sizes)
    assert any("aten::arange with the constant end 14" in what for what in sizes)
    assert whats(report, "dummy shape") == ["the sizes tell a dummy input of shape 2x7"]
    assert "x.size(1)" in report["findings"][0]["advice"]


def test_a_dynamic_trace_is_not_suspected(tmp_path, check):
    class Dynamic(nn.Module):
        def forward(self, x):
            y = x.float().view(x.size(0), x.size(1), 2, 3).permute(0, 2, 1, 3)
            return y.reshape(x.size(0), x.size(1), 6).view(-1, 6) + torch.zeros(1, 1)

    code, report = check(save(Dynamic(), tmp_path / "m.pt", torch.ones(2, 4, 6)), "--shapes", "3x5x6")
    assert code == 0 and report["findings"] == []


def test_our_own_export_is_not_suspected(tmp_path, check, calque, minilm):
    """Its table of positions is as long as the longest input, and cut to the length of the input."""
    calque("export", minilm, "-o", tmp_path / "m.pt")
    code, report = check(tmp_path / "m.pt")
    assert code == 0 and report["findings"] == []


def test_positions_up_to_a_constant(tmp_path, check):
    class Fixed(nn.Module):
        def forward(self, x):
            return x + torch.arange(7)

    code, report = check(save(Fixed(), tmp_path / "m.pt", torch.ones(2, 7)))
    assert code == 0 and whats(report, "constant size") != []


def test_a_baked_device_and_dtype(tmp_path, check):
    class Cast(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin = nn.Linear(4, 4)

        def forward(self, x):
            return self.lin(x).to(torch.float16) + torch.zeros(x.size(0), 4, device="cpu")

    plain = save(Cast(), tmp_path / "plain.pt", torch.ones(2, 4))
    odd = tmp_path / "cuda.pt"
    rewritten(plain, odd, lambda text: text.replace('"cpu"', '"cuda:1"'))
    code, report = check(odd, "--shapes", "2x4")
    assert code == 0
    assert whats(report, "device") == ["the device cuda:1 is named"]
    assert whats(report, "dtype") == ["a cast to float16, where the weights are float32"]
    assert any("cuda:1" in note for note in report["notes"])


def test_an_unrolled_loop(tmp_path, check):
    class Unrolled(nn.Module):
        def forward(self, x):
            state = torch.zeros_like(x[0])
            for row in range(x.shape[0]):
                state = torch.tanh(state + x[row])
            return state

    _, report = check(save(Unrolled(), tmp_path / "m.pt", torch.ones(6, 3)))
    assert whats(report, "unrolled loop") == ["elements 0 to 5 of dim 0 are taken one by one"]


def test_other_methods_and_inputs(tmp_path, check):
    path = save(zoo_modules.Stack(), tmp_path / "m.pt")
    code, report = check(path, "--method", "other")
    assert code == 0 and report["schema"].startswith("other(")
    code, report = check(path, "--method", "nothing")
    assert code == 1 and report["error"] == "Method 'nothing' is not defined."


@pytest.mark.parametrize("kind", ["absent", "empty", "text", "cut", "flipped", "no code"])
def test_damaged_files(kind, tmp_path, check):
    good = save(Model(), tmp_path / "good.pt")
    content = bytearray(good.read_bytes())
    bad = tmp_path / "bad.pt"
    if kind == "empty":
        bad.write_bytes(b"")
    elif kind == "text":
        bad.write_text("this is no archive\n" * 50)
    elif kind == "cut":
        bad.write_bytes(content[: len(content) // 2])
    elif kind == "flipped":
        position = content.index(b".py") + 80  # inside a record of code, which is compressed
        content[position] ^= 1
        bad.write_bytes(content)
    elif kind == "no code":
        rewritten(good, bad, lambda text: "")
    code, report = check(bad)
    assert code == 1 and not report["loads"] and not report["runs"]
    assert report["error_kind"] == "LoadError" and str(bad) in report["error"]


def test_wrong_command_lines(calque, tmp_path):
    path = save(Model(), tmp_path / "m.pt")
    for options in (["--shapes", "1y2"], ["--shapes", "0x2"], ["--max-seconds", "-1"]):
        done = calque.run("check", path, *options)
        assert done.returncode == 2, (options, done.stdout)


def test_the_page_is_one_page(tmp_path, calque):
    path = save(Model(), tmp_path / "m.pt")
    page = calque("check", path, "--shapes", "1x4")
    assert len(page.splitlines()) < 40
    assert "would run here:  yes" in page and "Fixed by the export: nothing found" in page
