"""Names that lead to files: the line Path. Only what stands beside the file that was given is ever opened."""

import json
import os
import zipfile

import pytest
import torch

import hostile_archives as archives
import hostile_checkpoints as checkpoints
from hostile_archives import Tensor, code_of, instance, records, write

LEADING_OUT = ["../secret.safetensors", "a/../../secret.safetensors", "/etc/passwd", "sub/inside.safetensors", "./model.safetensors", "..", ".", "",
               "..\\secret.safetensors", "C:\\secret.safetensors", "file:///etc/passwd", "a\0b", "secret.safetensors/.", "~/secret.safetensors"]  # fmt: skip


@pytest.mark.parametrize("name", LEADING_OUT)
def test_path_shard_names(export_refused, weights, tmp_path, name):
    """A shard index that names files elsewhere, although they are there and good."""
    (tmp_path / "secret.safetensors").write_bytes(weights)
    checkpoints.write(tmp_path / "checkpoint/sub", {"inside.safetensors": weights})
    index = {"weight_map": {"embeddings.word_embeddings.weight": name}}
    export_refused({"model.safetensors.index.json": index}, "model.safetensors.index.json", without=("model.safetensors",))


@pytest.mark.parametrize(
    "index",
    [{}, {"weight_map": None}, {"weight_map": []}, {"weight_map": {"a": 1}}, {"weight_map": {"a": ["x"]}}, {"weight_map": {"a": "missing.safetensors"}}, [], b"{", b"\xff"],
)
def test_path_shard_index_of_other_types(export_refused, index):
    export_refused({"model.safetensors.index.json": index}, "checkpoint", without=("model.safetensors",))


def test_path_shard_names_beside_the_index(exports, weights, tmp_path):
    """What is meant to work: a plain name, and the links of a hub's cache, which the owner of the disk made."""
    import safetensors

    names = [name for name, _ in safetensors.deserialize(weights)]
    index = {"weight_map": dict.fromkeys(names, "part-1.safetensors")}
    (tmp_path / "blob").write_bytes(weights)
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint/part-1.safetensors").symlink_to("../blob")
    done = exports({"model.safetensors.index.json": index}, without=("model.safetensors",))()
    assert done.code == 0, done.error


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "missing", "loop", "empty"])
def test_path_what_is_no_file(hostile, tmp_path, kind):
    """Neither read for ever nor waited for."""
    path = tmp_path / "m.pt"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "empty":
        path.touch()
    done = hostile.refuses(("inspect", path), "m.pt")
    assert done.seconds < 5


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_path_checkpoint_files_that_are_pipes(exports, hostile, tmp_path, name):
    (tmp_path / "checkpoint").mkdir()
    os.mkfifo(tmp_path / "checkpoint" / name)
    exports({}, without=(name,))
    assert hostile.refuses(("export", tmp_path / "checkpoint", "-o", tmp_path / "out.pt"), name).seconds < 5


@pytest.mark.parametrize("key", ["vocab_file", "merges_file", "tokenizer_file", "name_or_path", "chat_template", "auto_map", "added_tokens_file"])
def test_path_tokenizer_file_names(hostile, tmp_path, key):
    """Names of files in tokenizer_config.json are what some tool wrote there; the files have fixed names here."""
    secret = tmp_path / "secret.txt"
    secret.write_text("\n".join(["stolen", *checkpoints.WORDS]))
    config = {"tokenizer_class": "BertTokenizer", key: "../secret.txt" if key != "auto_map" else {"AutoTokenizer": ["../secret.Evil", None]}}
    folder = checkpoints.write(tmp_path / "t", {"vocab.txt": "\n".join(checkpoints.WORDS).encode(), "tokenizer_config.json": config})
    done = hostile("tokenize", folder, "the cats", "--ids")
    assert (done.code, done.out) == (0, "2 5 6 7 3\n")


def test_path_a_hub_name_is_not_looked_up(hostile, tmp_path):
    hostile.refuses(("tokenize", "bert-base-uncased", "the cats"), "is not a directory", cwd=tmp_path)
    hostile.refuses(("export", "bert-base-uncased", "-o", tmp_path / "out.pt"), "bert-base-uncased", cwd=tmp_path)


@pytest.mark.parametrize("key", ["../../etc/passwd", "/etc/passwd", "../code/__torch__.py", "..", "", "0\0", "a" * 100_000])
def test_path_records_of_tensors(hostile, tmp_path, key):
    """The key of a storage names a record below data/ of this archive, nothing else."""
    path = write(tmp_path / "m.pt", records(w=Tensor(key=key).pickle()))
    hostile.refuses(("inspect", path), "file not found")


@pytest.mark.parametrize("module", ["__torch__.....etc", "__torch__./etc", "..", "/etc/passwd", "__torch__.a/../../b", "__torch__.a\\b"])
def test_path_classes_name_records_only(hostile, tmp_path, module):
    (tmp_path / "passwd.py").write_text("class X(Module):\n  a : int\n")
    value = archives.name_of(module, "X") + b")\x81}b"
    hostile.refuses(("inspect", write(tmp_path / "m.pt", records(data=value))), "data.pkl", cwd=tmp_path)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil", "..", "\0", "a//../../b"])
def test_path_extra_files_are_listed_and_never_written(hostile, tmp_path, name):
    """Extra files stay in memory; an archive with names that lead out is refused as a whole."""
    path = tmp_path / "m.pt"
    path.write_bytes(archives.zip_bytes(archives.stored(records() | {f"m/extra/{name}": b"x"})))
    before = sorted(tmp_path.iterdir())
    done = hostile("inspect", path, cwd=tmp_path)
    assert done.code == (0 if name == "/tmp/evil" else 1), done.error
    assert sorted(tmp_path.iterdir()) == before


def test_path_names_of_outputs_stay_in_the_file(hostile, tmp_path):
    """Keys of a dict that a program returns never become names of files or of records."""
    body = 'd = annotate(Dict[str, Tensor], {})\n_0 = torch._set_item(d, "../../evil", self.w)\n_1 = torch._set_item(d, "/tmp/evil.npy", self.w)\nreturn d'
    code = code_of(body, "self: __torch__.M").replace("(self: __torch__.M)", "(self: __torch__.M) -> Dict[str, Tensor]")
    path = write(tmp_path / "m.pt", records(code=code))
    for ending in ("npz", "safetensors", "json"):
        done = hostile("run", path, "--output", f"out.{ending}", cwd=tmp_path)
        assert done.code == 0, done.error
    with zipfile.ZipFile(tmp_path / "out.npz") as file:
        assert file.namelist() == ["output.0.npy", "output.1.npy"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["m.pt", "out.json", "out.npz", "out.safetensors"]


def test_path_names_of_weights_stay_in_the_file(hostile, tmp_path):
    """`calque convert` of an archive whose attributes are called by paths."""
    code = archives.CLASS.replace("w : Tensor", "w : Tensor").replace('"w"', '"w"')
    path = write(tmp_path / "m.pt", records())
    done = hostile("convert", path, "-o", "out.safetensors", cwd=tmp_path)
    assert done.code == 0, done.error + code
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["m.pt", "out.safetensors"]


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "missing folder"])
def test_path_on_write(hostile, tmp_path, kind):
    model, out = write(tmp_path / "m.pt", records()), tmp_path / "out.pt"
    if kind == "folder":
        out.mkdir()
    elif kind == "pipe":
        os.mkfifo(out)
    elif kind == "loop":
        out.symlink_to(out)
    else:
        out = tmp_path / "none/out.pt"
    hostile.refuses(("convert", model, "-o", out), out.name)


def test_path_write_through_links(hostile, tmp_path):
    """A symbolic link stays and its file is replaced as a whole; another hard link to the old file keeps the old bytes."""
    model, target = write(tmp_path / "m.pt", records()), tmp_path / "target.pt"
    target.write_bytes(b"old")
    os.link(target, tmp_path / "hard.pt")
    (tmp_path / "link.pt").symlink_to("target.pt")
    assert hostile("convert", model, "-o", tmp_path / "link.pt").code == 0
    assert (tmp_path / "link.pt").is_symlink() and target.read_bytes()[:2] == b"PK"
    assert (tmp_path / "hard.pt").read_bytes() == b"old"


def test_path_what_is_written_over_itself(hostile, tmp_path):
    """The mapped input is not the file that is written: it stays whole until the new one is complete."""
    model = write(tmp_path / "m.pt", records())
    assert hostile("convert", model, "-o", model).code == 0
    assert torch.jit.load(str(model))(torch.ones(4)).tolist() == [2, 3, 4, 5]


def test_path_configuration_beside_an_archive_is_not_read(hostile, tmp_path):
    """Files that other tools would run."""
    for name in ("config.json", "modeling.py", "m.pt.py", "__init__.py", "sitecustomize.py"):
        (tmp_path / name).write_text(json.dumps({"auto_map": {"AutoModel": "modeling.Evil"}}))
    assert hostile("inspect", write(tmp_path / "m.pt", records(data=instance("M", {"w": Tensor().pickle(), "training": b"\x89"}))), cwd=tmp_path).code == 0
