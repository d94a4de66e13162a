"""A trace of PyTorch's own, frozen and saved, as the guide tells its readers; loaded and run in Python."""

import torch

from .torch_models import TorchEngine, example, source_module


def prepare(model, precision) -> None:
    del precision
    module = source_module(model)
    if model.checkpoint:
        module = torch.jit.trace(module, tuple(example(model).values()), strict=False)
    torch.jit.save(torch.jit.freeze(module), str(model.folder / "frozen.pt"))


class Engine(TorchEngine):
    def module(self):
        return torch.jit.load(str(self.model.folder / "frozen.pt"))

    def bind(self, arrays):
        tensors = tuple(torch.from_numpy(arrays[name]) for name in self.model.arguments)

        def call():
            with torch.inference_mode():
                return self.loaded(*tensors)

        return call
