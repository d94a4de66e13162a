"""Modules of many kinds, scripted by real PyTorch, load and give its results."""

import warnings

import pytest
import torch

import zoo_attention
import zoo_control
import zoo_language
import zoo_modules
import zoo_services
import zoo_values

ZOOS = (zoo_control, zoo_values, zoo_modules, zoo_services, zoo_language, zoo_attention)
EXAMPLES = {kind: inputs for zoo in ZOOS for kind, inputs in zoo.EXAMPLES.items()}


def scripted(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(kind().eval())


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_scripted(kind, tmp_path, agrees):
    path = tmp_path / "m.pt"
    torch.jit.save(scripted(kind), str(path))
    agrees(path, [("forward", inputs) for inputs in EXAMPLES[kind]])


def test_other_methods(tmp_path, agrees):
    path = tmp_path / "m.pt"
    torch.jit.save(scripted(zoo_modules.Stack), str(path))
    agrees(path, [("other", (torch.ones(1, 4), 3))])


@pytest.mark.parametrize("kind", [zoo_modules.Stack, zoo_modules.Indexing, zoo_modules.Attributes], ids=lambda kind: kind.__name__)
def test_traced(kind, tmp_path, agrees):
    inputs = zoo_modules.EXAMPLES[kind][0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        class Wrapped(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = kind().eval()

            def forward(self, *args):
                result = self.inner(*args)
                items = result if isinstance(result, (list, tuple)) else [result]
                return tuple(item for item in items if isinstance(item, torch.Tensor))

        traced = torch.jit.trace(Wrapped(), inputs)
    path = tmp_path / "m.pt"
    torch.jit.save(traced, str(path))
    agrees(path, [("forward", inputs)])


def test_frozen(tmp_path, agrees):
    path = tmp_path / "m.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Freezing changes types that all modules of the process share, except those of a loaded module.
        torch.jit.save(scripted(zoo_modules.Stack), str(path))
        torch.jit.save(torch.jit.freeze(torch.jit.load(str(path))), str(path))
    agrees(path, [("forward", zoo_modules.EXAMPLES[zoo_modules.Stack][0])])
