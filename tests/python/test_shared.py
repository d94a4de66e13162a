"""What a module gives or keeps shares no memory with what it was given, nor with its weights, unless PyTorch's does."""

import io

import pytest
import torch

import calque

HEAD = """
def forward(self, x: Tensor) -> Tensor:
    y = torch.cat([x, torch.zeros([0])])
"""
RETURNS = ["y", "torch.atleast_2d(y)", "y.type_as(x)", "torch.einsum('ij->ij', [y])", "y.sum_to_size([2, 2])", "y.transpose(0, 1)"]


def saved(text, path):
    module = type("Joins", (torch.jit.ScriptModule,), {})()
    module.define(text)
    module.save(str(path))
    return path


@pytest.mark.parametrize("result", RETURNS)
@pytest.mark.parametrize("write", [False, True])
def test_a_joined_tensor_is_a_copy(result, write, tmp_path):
    text = HEAD + f"    z = {result}\n" + ("    z.add_(1)\n" if write else "") + "    return z\n"
    path = saved(text, tmp_path / "joined.pt")
    x = torch.arange(4.0).reshape(2, 2)
    theirs = torch.jit.load(str(path))(x.clone())
    ours = torch.from_dlpack(calque.jit.load(path)(x))
    assert torch.equal(ours, theirs)
    ours.zero_()
    assert torch.equal(x, torch.arange(4.0).reshape(2, 2))


class Cache(torch.nn.Module):
    kept: list[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.kept = []

    def forward(self, x):
        self.kept.append(torch.cat([x, torch.zeros([0])]))
        return self.kept[0] + 0


def test_what_is_kept_is_a_copy(tmp_path):
    path = tmp_path / "cache.pt"
    torch.jit.script(Cache()).save(str(path))
    module = calque.jit.load(path)
    x = torch.arange(4.0)
    module(x)
    x.zero_()
    assert torch.equal(torch.from_dlpack(module(x)), torch.arange(4.0))


class Counts(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(4))

    @torch.no_grad()
    def forward(self, x: torch.Tensor):
        self.w.add_(1)
        return self.w + x


def test_bytes_are_not_written_to():
    stream = io.BytesIO()
    torch.jit.save(torch.jit.script(Counts()), stream)
    content = stream.getvalue()
    before = bytes(bytearray(content))
    for _ in range(2):
        ours = calque.jit.load(io.BytesIO(content))(torch.zeros(4))
        assert torch.equal(torch.from_dlpack(ours), torch.full((4,), 2.0))
    assert content == before
