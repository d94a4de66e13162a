"""torch.compile with its defaults. What it compiles is kept nowhere, so that the first call is a first call."""

import os
import tempfile

os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", tempfile.mkdtemp(prefix="inductor-"))
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

import torch

from .torch_models import TorchEngine, checkpoint_module


class Engine(TorchEngine):
    def module(self):
        return torch.compile(checkpoint_module(self.model))
