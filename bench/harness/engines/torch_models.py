"""What the engines of PyTorch, and those that convert from it, share."""

import json

import numpy
import torch


def checkpoint_module(model, **options):
    """The Transformers model of the checkpoint, returning tuples."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    config = json.loads((model.checkpoint / "config.json").read_text())
    architecture = getattr(transformers, config.get("architectures", ["BertModel"])[0])
    return architecture.from_pretrained(model.checkpoint, return_dict=False, local_files_only=True, **options).eval()


def source_module(model, **options):
    """The module that conversions start from: the checkpoint's, or the archive when there is no checkpoint."""
    if model.checkpoint:
        return checkpoint_module(model, **options)
    return torch.jit.load(str(model.archive)).eval()


def example(model) -> dict[str, torch.Tensor]:
    """Dummy inputs of two sequences, one of which is padded, so that a trace keeps the mask."""
    ids = torch.randint(5, min(model.vocabulary, 100), (2, 16), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, 10:] = 0
    arrays = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    return {name: arrays[name] for name in model.arguments}


def first_of(result):
    """The hidden states, or whatever the model returns first."""
    if isinstance(result, dict):
        return next(iter(result.values()))
    return result[0] if isinstance(result, (tuple, list)) else result


class TorchEngine:
    """An engine whose module takes torch tensors; subclasses say which."""

    def __init__(self, model, precision, threads):
        self.model, self.precision = model, precision
        torch.set_num_threads(threads)
        if self.model.checkpoint:
            import transformers  # noqa: F401  an import is no part of loading

    def load(self) -> None:
        self.loaded = self.module()

    def bind(self, arrays: dict[str, numpy.ndarray]):
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}

        def call():
            with torch.inference_mode():
                return self.loaded(**tensors)

        return call

    def array(self, result) -> numpy.ndarray:
        return first_of(result).float().numpy()
