"""`.debug_pkl` records say where the code came from. Whatever stands in one, the archive loads, and errors are typed."""

import io
import pickle
import zipfile

import pytest
import safetensors.torch
import torch

FORMAT = "FORMAT_WITH_STRING_TABLE"
LARGEST = 2**63 - 1
PIECES = (0, 1)
TEXTS = ["def f(x):\n", "    return x.view(7)\n", "file.py"]


def one_range(start=0, line=1, file=2, pieces=PIECES):
    return (0, ((pieces, file, line), start, start + 1), 0)


RECORDS = {
    "none": None,
    "good": (FORMAT, TEXTS, (one_range(),)),
    "largest line": (FORMAT, TEXTS, (one_range(line=LARGEST),)),
    "smallest line": (FORMAT, TEXTS, (one_range(line=-LARGEST - 1),)),
    "largest start": (FORMAT, TEXTS, (one_range(start=LARGEST - 1),)),
    "smallest start": (FORMAT, TEXTS, (one_range(start=-LARGEST - 1),)),
    "huge numbers": (FORMAT, TEXTS, (one_range(start=2**80, line=2**80),)),
    "no such string": (FORMAT, TEXTS, (one_range(file=99, pieces=(99, -1)),)),
    "other format": ("FORMAT_OF_TOMORROW", TEXTS, ()),
    "no sequence": (FORMAT, 3, 4),
    "short": (FORMAT,),
    "text": "text",
    "ranges of nothing": (FORMAT, [], ((), (0,), (0, ()), (0, ((), 0), 0), (-5, ((PIECES, 2, 1), 0, 0), 0))),
    # A long source, looked at from many places: bounded work.
    "long": (FORMAT, ["x\n" * 50_000, "f.py"], tuple(one_range(start=99_999 - i, file=1, pieces=(0,) * 50) for i in range(3000))),
}


@pytest.fixture(scope="module")
def archive():
    buffer = io.BytesIO()
    with pytest.warns(Warning):
        scripted = torch.jit.script(torch.nn.Flatten(0))
    torch.jit.save(scripted, buffer)
    return buffer.getvalue()


def with_record(archive: bytes, content: bytes, path) -> None:
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, content if entry.filename.endswith(".debug_pkl") else old.read(entry))


@pytest.mark.parametrize("name", RECORDS)
def test_any_record(archive, calque, tmp_path, name):
    with_record(archive, pickle.dumps(RECORDS[name], 2), tmp_path / "m.pt")
    safetensors.torch.save_file({"input.0": torch.ones(2, 3)}, tmp_path / "in.safetensors")
    done = calque.run("run", tmp_path / "m.pt", "--input", tmp_path / "in.safetensors")
    assert done.returncode == 0, done.stderr
    safetensors.torch.save_file({"input.0": torch.ones(2)[0]}, tmp_path / "in.safetensors")
    done = calque.run("run", tmp_path / "m.pt", "--input", tmp_path / "in.safetensors")
    assert done.returncode in (0, 1), done.stderr


def test_no_pickle(archive, calque, tmp_path):
    with_record(archive, b"\xff" * 40, tmp_path / "m.pt")
    safetensors.torch.save_file({"input.0": torch.ones(2, 3)}, tmp_path / "in.safetensors")
    done = calque.run("run", tmp_path / "m.pt", "--input", tmp_path / "in.safetensors")
    assert done.returncode == 0, done.stderr
