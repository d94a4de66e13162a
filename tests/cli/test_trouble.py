"""What goes wrong around the command: outputs that cannot be written, signals, odd arguments, hostile texts."""

import os
import pathlib
import signal
import stat
import subprocess
import time
import zipfile

import pytest
import safetensors.torch
import torch


class Scale(torch.nn.Module):
    def forward(self, x):
        return {"\x1b[31mred\n": x * 2}


class OwnName(torch.nn.Module):
    """PyTorch keeps the name that the first argument has in Python."""

    def forward(this, x, y):  # noqa: N805
        return x - y


class Shout(torch.nn.Module):
    def forward(self, x):
        if x.size(0) > 0:
            raise RuntimeError("\x1b]0;title\x07 boom")
        return x


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("trouble")
    for module in (Scale(), OwnName(), Shout()):
        torch.jit.script(module).save(str(path / f"{type(module).__name__}.pt"))
    safetensors.torch.save_file({"x": torch.ones(2)}, path / "x.safetensors")
    safetensors.torch.save_file({"input.0": torch.ones(2) * 3, "input.1": torch.ones(2)}, path / "xy.safetensors")
    return path


@pytest.mark.parametrize("inputs", ["by name", "by position"])
def test_first_argument_of_any_name(calque, folder, tmp_path, inputs):
    if inputs == "by name":
        safetensors.torch.save_file({"x": torch.ones(2) * 3, "y": torch.ones(2)}, tmp_path / "in.safetensors")
    else:
        (tmp_path / "in.safetensors").write_bytes((folder / "xy.safetensors").read_bytes())
    calque("run", folder / "OwnName.pt", "-i", tmp_path / "in.safetensors", "-o", tmp_path / "out.safetensors")
    assert safetensors.torch.load_file(tmp_path / "out.safetensors")["output.0"].tolist() == [2.0, 2.0]
    assert "this" not in calque("inspect", folder / "OwnName.pt")


@pytest.mark.parametrize("where", ["full", "closed"])
def test_stderr_that_cannot_be_written(calque, folder, where):
    redirection = "2>/dev/full" if where == "full" else "2>&-"
    done = subprocess.run(["bash", "-c", f'"$0" run nosuch.pt -i "$1" {redirection}', calque.path, folder / "x.safetensors"])
    assert done.returncode == 1


def test_nothing_is_left_of_an_interrupted_export(calque, minilm, tmp_path):
    for delay in (0.02, 0.1, 0.2):
        process = subprocess.Popen([calque.path, "export", minilm, "-o", tmp_path / "model.pt"], stdout=subprocess.DEVNULL)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        assert set(os.listdir(tmp_path)) <= {"model.pt"}
        if (tmp_path / "model.pt").exists():
            assert zipfile.is_zipfile(tmp_path / "model.pt")


def test_file_size_limit_is_an_error(calque, minilm, tmp_path):
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 10; exec "$0" export "$1" -o "$2"', calque.path, minilm, tmp_path / "model.pt"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and "too large" in done.stderr
    assert os.listdir(tmp_path) == []


def test_permissions_and_links_stay(calque, folder, tmp_path):
    target = tmp_path / "private.safetensors"
    target.write_bytes(b"old")
    target.chmod(0o600)
    (tmp_path / "link.safetensors").symlink_to("private.safetensors")
    calque("run", folder / "OwnName.pt", "-i", folder / "xy.safetensors", "-o", tmp_path / "link.safetensors")
    assert (tmp_path / "link.safetensors").is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "output.0" in safetensors.torch.load_file(target)


def test_export_does_not_overwrite_the_checkpoint(calque, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    done = calque.run("export", tmp_path, "-o", tmp_path / "model.safetensors")
    assert done.returncode == 2 and "file of the checkpoint" in done.stderr
    assert (tmp_path / "model.safetensors").read_bytes() == b"weights"


WRONG = [
    (["run", "m.pt", "-i", ""], "the path is empty"),
    (["run", "m.pt", "-o", ""], "the path is empty"),
    (["run", "m.pt", "-i", "text.txt"], "ends in none of .npz, .npy, .safetensors, .json"),
    (["run", "m.pt", "-o", "out.txt"], "ends in none of .npz, .npy, .safetensors, .json"),
    (["export", "", "-o", "m.pt"], "the path is empty"),
    (["export", "dir", "-o", ""], "the path is empty"),
    (["export", "dir", "-o", "m.pt", "--batch", "99999999999999999999"], "--batch"),
    (["inspect", "m.pt", "--depth", "-1"], "not in range"),
    (["bench", "m.pt", "--seconds", "nan"], "not from 0 to 3600"),
    (["tokenize", "dir", "text", "--max-length", "0"], "not in range 1 to 1000000000"),
    (["tokenize", "dir", "text", "--decode", "1"], "exclude each other"),
    (["tokenize", "dir", "text", "-f", "file"], "exclude each other"),
    (["tokenize", "dir"], "give a text, or --file, or --decode"),
    (["tokenize", "dir", "text", "-o", ""], "the path is empty"),
    (["tokenize", "dir", "text", "--skip-special-tokens"], "--decode"),
    (["frobnicate"], "there is no command 'frobnicate'; the commands are export, run, "),
]


@pytest.mark.parametrize("arguments, message", WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_command_lines(calque, arguments, message):
    done = calque.run(*arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr


@pytest.mark.parametrize("ids", ["-1", "99999999999999999999999", "x"])
def test_wrong_ids(calque, minilm, ids):
    done = calque.run("tokenize", minilm, f"--decode={ids}")
    assert done.returncode == 2 and "no list of token ids" in done.stderr


def test_a_folder_is_no_file_of_lines(calque, minilm, tmp_path):
    done = calque.run("tokenize", minilm, "-f", tmp_path, "--ids")
    assert done.returncode == 1 and "cannot be read" in done.stderr


def test_lines_are_printed_as_they_are_read(calque, minilm, tmp_path):
    lines = [f"line {i}" for i in range(2500)]
    (tmp_path / "lines.txt").write_text("\n".join(lines))
    printed = calque("tokenize", minilm, "-f", tmp_path / "lines.txt", "--tokens", "--no-special-tokens").splitlines()
    assert [line.replace(" ##", "") for line in printed] == lines


def test_control_characters_do_not_reach_the_terminal(calque, folder):
    done = calque.run("run", folder / "Shout.pt", "-i", folder / "x.safetensors")
    assert done.returncode == 1 and "\x1b" not in done.stderr and "boom" in done.stderr
    printed = calque("run", folder / "Scale.pt", "-i", folder / "x.safetensors")
    assert "\x1b" not in printed and len(printed.splitlines()) == 1


def damaged(path: pathlib.Path, to: pathlib.Path) -> None:
    """One bit of the weights is flipped."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        (entry,) = [entry for entry in file.infolist() if entry.filename.endswith("data/0")]
    start = content.index(b"data/0", entry.header_offset)
    at = content.index(torch.full((8,), 0.5).numpy().tobytes(), start)
    content[at + 1] ^= 1
    to.write_bytes(content)


def test_damaged_weights(calque, tmp_path):
    module = torch.nn.Linear(4, 2)
    with torch.no_grad():
        module.weight.fill_(0.5)
    torch.jit.script(module).save(str(tmp_path / "good.pt"))
    damaged(tmp_path / "good.pt", tmp_path / "bad.pt")
    safetensors.torch.save_file({"input": torch.ones(1, 4)}, tmp_path / "in.safetensors")
    for command in (
        ["convert", tmp_path / "bad.pt", "-o", tmp_path / "new.pt"],
        ["inspect", tmp_path / "bad.pt", "--verify-checksums"],
        ["run", tmp_path / "bad.pt", "-i", tmp_path / "in.safetensors", "--verify-checksums"],
    ):
        done = calque.run(*command)
        assert done.returncode == 1 and "data/0" in done.stderr, done.stderr
    assert not (tmp_path / "new.pt").exists()
    calque("inspect", tmp_path / "good.pt", "--verify-checksums")


def test_input_that_is_missing(calque, folder, tmp_path):
    safetensors.torch.save_file({"x": torch.ones(2), "z": torch.ones(2)}, tmp_path / "in.safetensors")
    done = calque.run("run", folder / "OwnName.pt", "-i", tmp_path / "in.safetensors")
    assert done.returncode == 1
    assert "no tensor for argument 'y'; the method takes Tensor x, Tensor y; given are x, z" in done.stderr
