"""What torch.jit shows of a module, we show: names, order, shapes, values, error texts."""

import io
import zipfile

import pytest
import torch
from torch import nn

import freezing_zoo
import zoo as writer_zoo
import zoo_modules
from jit_compare import same


class Shared(nn.Module):
    """Tied weights, a buffer that is not saved, a buffer that is None, parameters of several dtypes, nested containers."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.again = self.first
        self.norm = nn.BatchNorm1d(3)
        self.table = nn.Embedding(4, 3).half()
        self.register_buffer("fleeting", torch.ones(2), persistent=False)
        self.register_buffer("nothing", None)
        self.register_parameter("none", None)
        self.frozen = nn.Parameter(torch.zeros(2, 0), requires_grad=False)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(3, 3), nn.ReLU()) for _ in range(2)])
        self.scale: float = 1.5
        self.words = ["a", "b"]

    def forward(self, x: torch.Tensor, ids: torch.Tensor, flip: bool = False) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        x = self.norm(self.second(self.first(x))) * self.scale
        return (-x if flip else x) + self.table(ids).float() + self.again(x)


KINDS = [Shared, zoo_modules.Stack, zoo_modules.State, zoo_modules.Hooked, freezing_zoo.KeepsState, writer_zoo.Submodules]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def archive(request, tmp_path):
    kind = request.param
    path = tmp_path / "m.pt"
    module = writer_zoo.make(kind) if hasattr(writer_zoo, kind.__name__) else torch.jit.script(kind())
    torch.jit.save(module, str(path))
    return path


def fingerprint(tensor):
    value = 14695981039346656037
    for byte in tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes():
        value = (value ^ byte) * 1099511628211 % 2**64
    return str(value)


def tensors(named):
    found = []
    for name, value in named:
        shape = "[" + ", ".join(map(str, value.shape)) + "]"
        found.append([name, str(value.dtype).removeprefix("torch."), shape, value.requires_grad, fingerprint(value)])
    return found


def test_names_order_and_values(archive, jit_tool):
    mine = jit_tool.describe(archive)
    theirs = torch.jit.load(str(archive))
    assert mine["parameters"] == tensors(theirs.named_parameters())
    assert mine["own_parameters"] == tensors(theirs.named_parameters(recurse=False))
    assert mine["buffers"] == tensors(theirs.named_buffers())
    assert mine["own_buffers"] == tensors(theirs.named_buffers(recurse=False))
    state = dict(tensors_by_name(theirs.state_dict(keep_vars=True)))
    assert {row[0]: row[1:] for row in mine["state_dict"]} == state
    assert [row[0] for row in mine["state_dict"]] == list(theirs.state_dict())
    assert mine["modules"] == [[name, module.original_name, module.training] for name, module in theirs.named_modules()]
    assert mine["children"] == [[name, module.original_name, module.training] for name, module in theirs.named_children()]
    assert set(theirs._c._method_names()) == set(mine["methods"])


def tensors_by_name(state):
    return [(row[0], row[1:]) for row in tensors(state.items())]


def test_copies(archive, jit_tool):
    jit_tool("copies", archive)


def last_line(call):
    try:
        call()
    except Exception as error:  # noqa: BLE001: the text is what counts
        return str(error).strip().splitlines()[0]
    return "no error"


def test_error_texts(tmp_path, jit_tool):
    path = tmp_path / "m.pt"
    torch.jit.script(Shared().eval()).save(str(path))
    mine = jit_tool("errors", path).splitlines()
    m = torch.jit.load(str(path))
    theirs = [
        last_line(lambda: m._c._get_method("no_such_method")),
        None,  # Python's own AttributeError names the Python class
        None,
        None,
        last_line(lambda: m._c.forward()),
        last_line(lambda: m._c.forward(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
        last_line(lambda: m._c.forward(no_such_argument=1)),
        last_line(lambda: m._c.forward("text")),
        last_line(lambda: torch.jit.freeze(m, ["no_such_name"])),
        last_line(lambda: torch.jit.freeze(m, ["no.such.name"])),
        last_line(lambda: torch.jit.freeze(m.train())),
    ]
    for found, expected in zip(mine, theirs):
        assert expected is None or found == expected
    assert mine[1] == "Module '__torch__.tests.jit.test_verbs.Shared' has no attribute 'no_such_attribute'"
    assert mine[3].startswith("attribute 'training' of '__torch__.tests.jit.test_verbs.Shared' has type bool; a value of type str")
    assert mine[11].startswith("this Module is empty")


def test_edit_and_save_again(tmp_path, jit_tool):
    """setattr, train, to(float64) and extra files, all of which PyTorch reads back."""
    plain, edited = tmp_path / "plain.pt", tmp_path / "edited.pt"
    module = torch.jit.script(Shared().eval())
    torch.jit.save(module, str(plain), _extra_files={"notes.txt": "some notes"})
    jit_tool("edit", plain, edited)
    extra = {"notes.txt": "", "folder/other.bin": ""}
    again = torch.jit.load(str(edited), _extra_files=extra)
    assert extra == {"notes.txt": b"some notes and more", "folder/other.bin": b"\0\1\2"}
    assert again.scale == 2.5 and again.training and again.first.training
    assert {str(value.dtype) for value in again.state_dict().values()} == {"torch.float64", "torch.int64"}
    for name, value in module.state_dict().items():
        same(again.state_dict()[name], value.to(again.state_dict()[name].dtype), 0)
    assert again.first.weight.data_ptr() == again.second.weight.data_ptr()
    with zipfile.ZipFile(edited) as records:
        assert records.testzip() is None


def test_optimize_for_inference_leaves_a_frozen_module(tmp_path, jit_tool):
    plain, mine = tmp_path / "plain.pt", tmp_path / "mine.pt"
    torch.jit.script(Shared().train()).save(str(plain))
    jit_tool("optimize", plain, mine)
    loaded = torch.jit.load(str(mine))
    assert not list(loaded.parameters())
    assert loaded._c._method_names() == ["forward"]
    inputs = torch.ones(2, 3), torch.tensor([0, 1])
    same(loaded(*inputs), torch.jit.load(str(plain)).eval()(*inputs))
    saved = io.BytesIO()
    torch.jit.save(loaded, saved)
