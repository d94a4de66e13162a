"""Fixtures of the tokenizer suites: the driver, real text, configurations to compare in."""

import json
import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["RUST_BACKTRACE"] = "0"

import tokenizer_reference  # noqa: E402
import tokenizer_texts  # noqa: E402


@pytest.fixture(scope="session")
def tool():
    found = tokenizer_reference.Tool()
    assert found.path.exists(), f"{found.path} is missing: run `make test`, or set CALQUE_TOK_TOOL"
    return found


@pytest.fixture(scope="session")
def real_lines():
    lines = tokenizer_texts.real_lines()
    needed = f"only {len(lines)} lines of real text on this machine: apt-get install {tokenizer_texts.PACKAGES}"
    assert len(lines) >= tokenizer_texts.REAL_LINES, needed
    return lines


@pytest.fixture(scope="session")
def cased(tmp_path_factory, minilm):
    """Directory of a cased tokenizer, with a vocabulary made from real text."""
    folder = tmp_path_factory.mktemp("cased")
    description = json.loads((minilm / "tokenizer.json").read_text(encoding="utf-8"))
    vocab = tokenizer_reference.cased_vocab(tokenizer_texts.real_lines(limit=30_000))
    description["model"]["vocab"] = {token: i for i, token in enumerate(vocab)}
    for token in description["added_tokens"]:
        token["id"] = vocab.index(token["content"])
    for token in description["post_processor"]["special_tokens"].values():
        token["ids"] = [vocab.index(token["id"])]
    description["normalizer"].update(lowercase=False, strip_accents=False, handle_chinese_chars=False)
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "strip_accents": False}
    config["tokenize_chinese_chars"] = False
    (folder / "tokenizer.json").write_text(json.dumps(description), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in vocab), encoding="utf-8", newline="")
    return folder


@pytest.fixture
def directory(tmp_path, minilm):
    """make(files, copied): a directory of MiniLM's files named in `copied` and of others, given as text or JSON."""

    def make(files, copied=("tokenizer.json",)):
        for name in copied:
            shutil.copy(minilm / name, tmp_path / name)
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        return tmp_path

    return make
