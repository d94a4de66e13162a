"""The command line itself: help, exit codes, errors, output that scripts read."""

import json
import os
import pty
import re
import select
import shlex
import subprocess

import pytest

COMMANDS = ["export", "run", "inspect", "tokenize", "convert", "bench"]


@pytest.fixture(scope="module")
def archive(calque, minilm, tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "model.pt"
    calque("export", minilm, "-o", path)
    return path


@pytest.fixture(scope="module")
def inputs(calque, minilm, archive):
    path = archive.parent / "in.npz"
    calque("tokenize", minilm, "Who was Jim Henson ?", "-o", path)
    return path


def on_a_terminal(command, env=None) -> str:
    """What the command prints when its output and errors are a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(command, stdout=slave, stderr=slave, stdin=subprocess.DEVNULL, env=env)
    os.close(slave)
    out = b""
    while select.select([master], [], [], 60)[0]:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        out += chunk
    os.close(master)
    assert process.wait(60) == 0
    return out.decode()


def test_version(calque):
    assert re.fullmatch(r"calque \d+\.\d+\.\d+\n", calque("--version"))


def test_help_lists_every_command(calque):
    text = calque("--help")
    for command in COMMANDS:
        assert re.search(rf"^  {command}\b", text, re.MULTILINE), command


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(calque, command):
    assert f"  calque {command} " in calque(command, "--help").split("Examples:")[1]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["run"],
        ["run", "model.pt", "--frobnicate"],
        ["run", "model.pt", "--repeat", "0"],
        ["run", "model.pt", "--threads", "many"],
        ["export", "folder"],
        ["export", "folder", "-o", "x.pt", "--dtype", "int3"],
        ["inspect", "model.pt", "--code", "--graph"],
        ["inspect", "model.pt", "--inlined"],
        ["bench", "model.pt", "--shapes", "1xx"],
        ["tokenize", "folder"],
        ["tokenize", "folder", "text", "--ids", "--json"],
    ],
)
def test_wrong_command_line_exits_with_2(calque, arguments, archive):
    done = calque.run(*[str(archive) if a == "model.pt" else a for a in arguments])
    assert done.returncode == 2
    assert done.stdout == ""
    assert "calque" in done.stderr


def test_wrong_option_is_named(calque):
    done = calque.run("run", "model.pt", "--frobnicate")
    assert done.stderr.startswith("calque: error: ")
    assert "--frobnicate" in done.stderr
    assert "calque run --help" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "missing.pt"], ["missing.pt"]),
        (["inspect", "/"], ["/"]),
        (["inspect", "{text}"], ["text.txt"]),
        (["export", "/nonexistent", "-o", "x.pt"], ["/nonexistent"]),
        (["tokenize", "/nonexistent", "text"], ["/nonexistent"]),
        (["run", "{archive}", "--method", "backward"], ["Method 'backward' is not defined."]),
        (["run", "{archive}", "--input", "missing.npz"], ["missing.npz"]),
        (["run", "{archive}"], ["input_ids"]),
        (["inspect", "{archive}", "--module", "encoder.layer.99"], ["encoder.layer.99"]),
        (["convert", "{archive}", "-o", "/nonexistent/x.pt"], ["/nonexistent/x.pt"]),
        (["bench", "{text}"], ["text.txt"]),
    ],
)
def test_failed_work_exits_with_1_and_says_where(calque, archive, tmp_path, arguments, words):
    text = tmp_path / "text.txt"
    text.write_text("This is no archive.\n")
    done = calque.run(*[a.format(archive=archive, text=text) for a in arguments], cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("calque: error: ")
    for word in words:
        assert word in done.stderr


def test_unknown_input_is_named(calque, archive, tmp_path):
    (tmp_path / "in.json").write_text('{"input_idz": [[1, 2]]}')
    done = calque.run("run", archive, "--input", tmp_path / "in.json")
    assert done.returncode == 1
    assert "input_idz" in done.stderr and "input_ids" in done.stderr


def test_token_id_out_of_range(calque, archive, tmp_path):
    (tmp_path / "in.json").write_text(
        '{"input_ids": [[1, 2000000]], "attention_mask": [[1, 1]], "token_type_ids": [[0, 0]]}'
    )
    done = calque.run("run", archive, "--input", tmp_path / "in.json")
    assert done.returncode == 1
    assert "index out of range in self" in done.stderr


def test_full_disk_is_an_error(calque, archive):
    with open("/dev/full", "w") as full:
        done = subprocess.run([calque.path, "inspect", archive], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "standard output" in done.stderr


def test_failed_export_leaves_nothing(calque, minilm, tmp_path):
    done = calque.run("export", minilm, "-o", tmp_path / "model.pt", "--inputs", "pixel_values")
    assert done.returncode != 0
    assert "pixel_values" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_output_is_plain_when_piped(calque, archive, inputs):
    for arguments in (["inspect", archive], ["run", archive, "--input", inputs], ["bench", archive, "--repeat", 1]):
        done = calque.run(*arguments)
        assert done.returncode == 0
        assert "\033" not in done.stdout + done.stderr
        assert done.stderr == ""


def test_terminal_gets_colour_and_progress_unless_no_color(calque, archive):
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    assert "\033[1m" in on_a_terminal([calque.path, "inspect", archive], environment)
    assert "\033[1m" not in on_a_terminal([calque.path, "inspect", archive], environment | {"NO_COLOR": "1"})
    assert "measuring" in on_a_terminal([calque.path, "bench", archive, "--repeat", "1"], environment)


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_of_help_run(calque, minilm, archive, inputs, tmp_path, command):
    """With the names that the examples use laid out in a folder, every example runs as it stands."""
    names = {"model.pt": archive, "old.pt": archive, "unknown.pt": archive, "in.npz": inputs, "MODEL_DIR": minilm}
    for name, target in names.items():
        (tmp_path / name).symlink_to(target)
    (tmp_path / "lines.txt").write_text("One line.\nAnother, longer line.\n")
    calque("tokenize", minilm, "Hello", "-o", tmp_path / "in.json")
    # The examples write their output beside the input, never over it.
    for line in calque(command, "--help").split("Examples:")[1].splitlines():
        words = shlex.split(line)
        if not words:
            continue
        assert words[0] == "calque"
        if words[-1] in ("model.pt", "in.npz") and words[-2] == "-o":
            (tmp_path / words[-1]).unlink()
        done = calque.run(*words[1:], cwd=tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stderr}"


@pytest.mark.parametrize(
    "arguments",
    [["inspect", "{archive}", "--json"], ["bench", "{archive}", "--repeat", "1", "--json"], ["tokenize", "{minilm}", "a \"b\" \\ \t ü", "--json"]],
)
def test_json_is_valid(calque, archive, minilm, arguments):
    json.loads(calque(*[a.format(archive=archive, minilm=minilm) for a in arguments]))
