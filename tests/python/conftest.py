"""Puts the package built by python/build.sh on the path, unless CALQUE_PYTHON_PACKAGE says `installed`."""

import os
import pathlib
import shutil
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = os.environ.get("CALQUE_PYTHON_PACKAGE", str(ROOT / "build/python/package"))
TOOLS = ROOT / "build/python/tools"
FULL = bool(os.environ.get("CALQUE_FULL"))

if PACKAGE != "installed":
    sys.path.insert(0, PACKAGE)
# ml_dtypes, after everything else: the folder holds the build's tools, too.
sys.path.append(str(TOOLS))


@pytest.fixture(scope="session")
def package_environment() -> dict[str, str]:
    """Environment for other interpreters that import the package."""
    environment = dict(os.environ)
    if PACKAGE != "installed":
        environment["PYTHONPATH"] = PACKAGE
    return environment


@pytest.fixture(autouse=True, scope="module")
def one_thread_and_no_gradients():
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny(minilm, tmp_path_factory) -> pathlib.Path:
    """A small seeded BERT as Transformers saves it, with MiniLM's vocabulary."""
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(5)
    config = transformers.BertConfig(
        hidden_size=36, num_hidden_layers=2, num_attention_heads=3, intermediate_size=50, max_position_embeddings=64
    )
    model = transformers.BertModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.save_pretrained(folder)
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(minilm / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether the long forms of the tests run (CALQUE_FULL)."""
    return FULL


@pytest.fixture(scope="session")
def command(calque):
    """The `calque` command."""
    return calque
