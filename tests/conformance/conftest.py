import pathlib
import sys

import pytest
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture(autouse=True, scope="session")
def one_thread_and_no_gradients():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
