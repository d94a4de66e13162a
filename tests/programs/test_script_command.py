"""`calque script`: source file to archive, and what it says about mistakes."""

import json
import warnings

import pytest
import torch

POOL = '''"""Sentence embeddings from hidden states."""
from __future__ import annotations

import math
from enum import Enum
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-9
Shape = Tuple[int, int]


class Mode(Enum):
    MEAN = "mean"
    MAX = "max"


class Pooled(NamedTuple):
    values: Tensor
    count: int = 1


@torch.jit.script
class Counter:
    """Counts words."""

    def __init__(self, start: int):
        self.count = start
        self.seen: Dict[str, int] = {}

    def add(self, word: str) -> int:
        self.count += 1
        self.seen[word] = self.seen.get(word, 0) + 1
        return self.seen[word]

    @property
    def twice(self) -> int:
        return self.count * 2

    @staticmethod
    def half(n: int) -> int:
        return n // 2


def words_of(text: str) -> List[str]:
    return [word.lower() for word in text.split()]


@torch.jit.script
def mean_pool(hidden: Tensor, mask: Optional[Tensor] = None, normalise: bool = True) -> Tensor:
    """Mean over the tokens that the mask keeps."""
    if mask is None:
        mask = torch.ones_like(hidden[..., 0])
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    out = (hidden * weights).sum(1) / weights.sum(1).clamp(min=EPSILON)
    return F.normalize(out, dim=-1) if normalise else out


def forward(hidden: Tensor, text: str = "a b A", mode: int = 0):
    counter = Counter(3)
    last = 0
    for word in words_of(text):
        last = counter.add(word)
    chosen = Mode.MEAN if mode == 0 else Mode.MAX
    with torch.no_grad():
        values = mean_pool(hidden) if chosen == Mode.MEAN else F.softmax(hidden.max(1)[0], dim=-1)
    pooled = Pooled(values, last)
    return pooled.values, pooled.count, counter.twice, Counter.half(counter.count), counter.seen, math.sqrt(2.0)
'''


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "pool.py"
    path.write_text(POOL)
    return path


def load(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.load(str(path))


def test_pytorch_runs_the_archive(calque, source, tmp_path):
    calque("script", source, "-o", tmp_path / "pool.pt")
    model = load(tmp_path / "pool.pt")
    hidden = torch.arange(24.0).view(2, 3, 4)
    values, count, twice, half, seen, root = model(hidden)
    torch.testing.assert_close(values, torch.nn.functional.normalize(hidden.mean(1), dim=-1))
    assert (count, twice, half, seen, root) == (2, 12, 3, {"a": 2, "b": 1}, 2**0.5)
    values, *_ = model(hidden, "x", 1)
    torch.testing.assert_close(values, hidden.max(1)[0].softmax(-1))


def test_run_gives_what_pytorch_gives(calque, source, tmp_path):
    calque("script", source, "-o", tmp_path / "mean.pt", "--function", "mean_pool")
    hidden = torch.arange(24.0).view(2, 3, 4)
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])
    inputs = {"hidden": {"dtype": "float32", "data": hidden.tolist()}, "mask": {"dtype": "int64", "data": mask.tolist()}}
    (tmp_path / "in.json").write_text(json.dumps(inputs))
    calque("run", tmp_path / "mean.pt", "--input", tmp_path / "in.json", "--output", tmp_path / "out.json")
    (found,) = json.loads((tmp_path / "out.json").read_text()).values()
    torch.testing.assert_close(torch.tensor(found["data"]).view(2, 4), load(tmp_path / "mean.pt")(hidden, mask))


def test_check_only_lists_the_functions(calque, source):
    assert calque("script", source).splitlines() == [
        "words_of(str text) -> str[]",
        "mean_pool(Tensor hidden, Tensor? mask=None, bool normalise=True) -> Tensor",
        'forward(Tensor hidden, str text="a b A", int mode=0) -> (Tensor, int, int, int, Dict(str, int), float)',
    ]


def test_reads_standard_input_and_prints_code(calque):
    code = calque("script", "-", "--code", input="def f(x, n: int):\n    return x * n\n")
    assert code == "def f(x,\n    n: int) -> Tensor:\n  return torch.mul(x, n)\n"


def test_choice_of_function(calque, tmp_path):
    (tmp_path / "two.py").write_text("def f(x):\n    return x\ndef g(x):\n    return x + 1\n")
    done = calque.run("script", tmp_path / "two.py", "-o", tmp_path / "two.pt")
    assert done.returncode == 2 and "f, g" in done.stderr and "--function" in done.stderr
    done = calque.run("script", tmp_path / "two.py", "-o", tmp_path / "two.pt", "--function", "h")
    assert done.returncode == 2 and "f, g" in done.stderr
    calque("script", tmp_path / "two.py", "-o", tmp_path / "two.pt", "--function", "g")
    assert load(tmp_path / "two.pt")(torch.ones(1)).item() == 2


def test_same_source_same_bytes(calque, source, tmp_path):
    for name in ("a", "b"):
        calque("script", source, "-o", tmp_path / f"{name}.pt")
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()


MISTAKES = {
    "def f(x):\n    return y\n": (2, 12, "undefined value y"),
    "def f(x):\n    return numpy.sum(x)\n": (2, 12, "undefined value numpy"),
    "import numpy as np\ndef f(x):\n    return np.sum(x)\n": (3, 12, "torch and math"),
    "def f(x: Tensr):\n    return x\n": (1, 10, "Unknown type name 'Tensr'"),
    "def f(x):\n    global y\n    return x\n": (2, 5, "pass the value as an argument"),
    "def f(*xs):\n    return xs\n": (1, 8, "name every argument"),
    "class M(nn.Module):\n    def forward(self, x):\n        return x\n": (1, 1, "Pass the weights as arguments"),
    "def g(a: List[float]):\n    return a\ndef f():\n    a = [1, 2]\n    a.append(3)\n    return g(a)\n": (6, 12, "List[int]"),
    "def f(x: int):\n    a = torch.jit.annotate(List[Any], [])\n    a.append(x)\n    return torch.eq(a, a)\n": (4, 17, "List[Any]"),
    "class A:\n    pass\nclass B(A):\n    pass\n": (3, 9, "does not support class inheritance"),
    "@torch.jit.ignore\ndef f(x):\n    return x\n": (1, 2, "leaves a function to Python"),
    "@cache\ndef f(x):\n    return x\n": (1, 2, "Remove it, or write what it does into the function"),
    "def f(x):\n    if x is None\n        return x\n": (2, 17, "expected ':'"),
    "def f(n: int):\n    if n > 1:\n        y = 1\n    return y\n": (4, 12, "y is not defined in the false branch"),
    "def f(n: int):\n    y = 1\n    for i in range(n):\n        y = 'a'\n    return y\n": (4, 9, "previously had type 'int'"),
    "def f(n: int) -> int:\n    return f(n - 1)\n": (1, 1, "write the recursion as a loop"),
    "def f(n: Optional[int]) -> int:\n    return n + 1\n": (2, 14, "Optional[int]"),
    "def f(x):\n    return torch.no_such_thing(x)\n": (2, 12, "aten::no_such_thing"),
    "def f(x):\n    return x.no_such_thing()\n": (2, 12, "aten::no_such_thing"),
    "def f(x):\n    try:\n        return x\n    except ValueError:\n        return x\n": (2, 5, "before it fails"),
    "def f(x):\n    return lambda y: y\n": (2, 12, "write a function with a name"),
    "def f(x):\n    yield x\n": (2, 5, "collect the values in a list"),
    "from .other import g\ndef f(x):\n    return g(x)\n": (1, 6, "put what it needs into it"),
    "x = 1 + 2\ndef f(y):\n    return y\n": (1, 7, ""),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_name_the_place_and_what_to_do(calque, tmp_path, text):
    line, column, advice = MISTAKES[text]
    path = tmp_path / "wrong.py"
    path.write_text(text)
    done = calque.run("script", path, "-o", tmp_path / "wrong.pt")
    assert done.returncode == 1
    assert advice in done.stderr
    if "aten::" in advice or "recursion" in advice:
        assert f"wrong.py line {line}" in done.stderr or "called recursively" in done.stderr
        return
    assert f"wrong.py:{line}:{column}: " in done.stderr
    assert text.splitlines()[line - 1] in done.stderr and "^" in done.stderr
    assert not (tmp_path / "wrong.pt").exists()


def test_help_teaches_by_examples(calque):
    text = calque("script", "--help")
    assert "def mean_pool" in text and "calque script pool.py -o pool.pt --function mean_pool" in text
