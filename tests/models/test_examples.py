"""The example programs: they run, and PyTorch and Transformers agree with what they print and write."""

import pathlib
import re
import subprocess

import pytest
import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def example(tool):
    def run(name, *arguments, code=0):
        path = tool.path.parent / name
        assert path.exists(), f"{path} is missing: run `make test`"
        done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def printed_numbers(text: str) -> list:
    """Of a tensor as libtorch prints it: an optional common factor, rows, then dtype and shape."""
    lines = text.strip().splitlines()
    assert re.fullmatch(r"\[ CPUFloatType\{1,5\} \]", lines[-1])
    factor = 1.0
    if lines[0].rstrip().endswith("*"):
        factor = float(lines.pop(0).rstrip(" *"))
    return [factor * float(word) for line in lines[:-1] for word in line.split()]


def test_the_guide(example, minilm, tmp_path):
    archive = tmp_path / "traced_bert.pt"
    out = example("01_export_to_torchscript", minilm, archive).stdout
    assert out.startswith("all_encoder_layers: 1 x 14 x 384\npooled_output:\n")

    tokenizer = transformers.BertTokenizer.from_pretrained(minilm)
    tokens = tokenizer.tokenize("[CLS] Who was Jim Henson ? [SEP] Jim Henson was a puppeteer [SEP]")
    tokens[8] = "[MASK]"
    ids = torch.tensor([tokenizer.convert_tokens_to_ids(tokens)])
    segments = torch.tensor([[0] * 7 + [1] * 7])
    model = transformers.BertModel.from_pretrained(minilm, torchscript=True, attn_implementation="eager").eval()
    wanted = model(ids, segments)
    for ours, theirs in zip(torch.jit.load(str(archive))(ids, segments), wanted, strict=True):
        assert (ours - theirs).abs().max() <= 1e-5
    numbers = printed_numbers(out.split("pooled_output:\n")[1])
    assert numbers == pytest.approx(wanted[1][0, :5].tolist(), abs=1e-4)


def test_the_guide_without_a_model(example, tmp_path):
    done = example("01_export_to_torchscript", tmp_path / "absent", code=1)
    assert done.stderr.startswith("error: ")
    assert "usage: " in example("01_export_to_torchscript", code=2).stderr


class Classifier(torch.nn.Module):
    """Takes the image of PyTorch's tutorial."""

    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 1000)

    def forward(self, x):
        return self.fc(x[:, :, 0, 0])


def test_the_tutorial(example, tmp_path):
    torch.manual_seed(0)
    model = Classifier().eval()
    image = torch.ones(1, 3, 224, 224)
    torch.jit.trace(model, image).save(str(tmp_path / "model.pt"))
    out = example("02_load_in_cpp", tmp_path / "model.pt").stdout
    assert out.startswith("ok\n")
    assert printed_numbers(out.removeprefix("ok\n")) == pytest.approx(model(image)[0, :5].tolist(), abs=1e-4)


def test_the_tutorial_without_an_archive(example, tmp_path):
    done = example("02_load_in_cpp", tmp_path / "absent.pt", code=1)
    assert done.stderr.startswith("error loading the model")
    assert example("02_load_in_cpp", code=2).stderr.startswith("usage: ")


def test_the_tutorial_is_libtorch_but_for_names():
    """With PyTorch's names it is a libtorch program: what differs is listed here, and nothing else mentions us."""
    text = (ROOT / "examples/02_load_in_cpp.cc").read_text()
    for ours, theirs in (
        ("<calque/script.h>", "<torch/script.h>"),
        ("calque::jit::", "torch::jit::"),
        ("calque::Error", "c10::Error"),
        ("calque::Tensor", "at::Tensor"),
        ("calque::ones", "torch::ones"),
    ):
        text = text.replace(ours, theirs)
    assert "calque" not in text
