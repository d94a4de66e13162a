"""PyTorch with Transformers, as it comes: the model's forward in Python."""

import torch

from .torch_models import TorchEngine, checkpoint_module

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


class Engine(TorchEngine):
    def module(self):
        return checkpoint_module(self.model).to(DTYPES[self.precision])
