"""Models: the class that all architectures share."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from calque import _calque, errors
from calque._calque import Tensor
from calque._configuration import AutoConfig, BertConfig, PretrainedConfig

_log = logging.getLogger("calque.transformers")

# Arguments of Transformers about downloads, devices and code, which mean nothing here.
_IGNORED = frozenset(
    "cache_dir code_revision device_map force_download from_tf from_flax local_files_only low_cpu_mem_usage proxies "
    "revision subfolder token trust_remote_code use_safetensors variant weights_only".split()
)
_OPTIONS = ("torchscript", "output_hidden_states", "output_attentions", "num_labels", "attn_implementation")


class ModelOutput(dict[str, Any]):
    """Outputs of a model by name, as attributes, as keys and by position."""

    def __getattr__(self, name: str) -> Any:
        try:
            return dict.__getitem__(self, name)
        except KeyError:
            raise AttributeError(f"this output has no {name!r}; it has {', '.join(self)}") from None

    def __getitem__(self, key: Any) -> Any:
        return dict.__getitem__(self, key) if isinstance(key, str) else self.to_tuple()[key]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def to_tuple(self) -> tuple[Any, ...]:
        """The outputs in order."""
        return tuple(self.values())


class PreTrainedModel:
    """Base of the models: random weights from a configuration (in training mode: call eval()), or from_pretrained."""

    config: Any

    def __init__(self, config: Any, *, seed: int = 0) -> None:
        name = type(self).__name__
        if isinstance(config, BertConfig) and name.startswith("Bert"):
            self._model = _calque.Model.from_config(config, name, seed)
        elif isinstance(config, (BertConfig, PretrainedConfig)):
            self._model = _calque.Model.from_json(config.to_json_string(), name, seed)
        else:
            raise errors.TypeError(
                f"{name}: found {type(config).__name__}, expected a configuration such as BertConfig. "
                f"{name}.from_pretrained(directory) reads weights"
            )
        self.config = config

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Self:
        """Reads config.json and the weights (safetensors) of a directory. In evaluation mode.

        `torchscript`, `output_hidden_states`, `output_attentions`, `num_labels`, `attn_implementation` override config.json,
        as do those of `config`. `dtype` (or `torch_dtype`) converts the weights; `ignore_mismatched_sizes` initialises anew
        what has another shape; `output_loading_info=True` gives a pair of the model and what was missing and unexpected.

        Raises LoadError, ValueError, NotImplementedError, RuntimeError "size mismatch …".
        """
        loaded: Self = cls._load(lambda name: cls, pretrained_model_name_or_path, cls.__name__, False, **kwargs)
        return loaded

    @classmethod
    def _load(
        cls,
        class_of: Callable[[str], type[PreTrainedModel]],
        directory: Any,
        architecture: str,
        plain: bool,
        *,
        config: Any = None,
        dtype: Any = None,
        torch_dtype: Any = None,
        ignore_mismatched_sizes: bool = False,
        use_mmap: bool = True,
        seed: int = 0,
        output_loading_info: bool = False,
        **kwargs: Any,
    ) -> Any:
        overrides = {name: kwargs.pop(name) for name in (*_OPTIONS, "return_dict") if name in kwargs}
        unknown = sorted(set(kwargs) - _IGNORED)
        if unknown:
            raise errors.TypeError(f"from_pretrained() got an unexpected keyword argument {unknown[0]!r}")
        if config is None:
            config = AutoConfig.from_pretrained(directory, **overrides)
        else:
            overrides = {name: getattr(config, name) for name in _OPTIONS if hasattr(config, name)} | overrides
        wanted = dtype if dtype is not None else torch_dtype
        model = _calque.Model.from_pretrained(
            os.fspath(directory),
            architecture,
            plain,
            _log.warning,
            **{name: value for name, value in overrides.items() if name in _OPTIONS},
            dtype=wanted if isinstance(wanted, _calque.dtype) else None,
            ignore_mismatched_sizes=ignore_mismatched_sizes,
            use_mmap=use_mmap,
            seed=seed,
        )
        made = class_of(model.class_name)
        self = made.__new__(made)
        self.config, self._model = config, model
        return (self, model.loading_info) if output_loading_info else self

    def __call__(self, *args: Any, return_dict: bool | None = None, **kwargs: Any) -> Any:
        """Runs the model. `input_ids` (batch, length) first; arrays are taken as well as tensors.

        Gives a ModelOutput, or a tuple with `return_dict=False` and when the configuration says `torchscript`.
        """
        for name in ("output_hidden_states", "output_attentions"):
            wanted = kwargs.pop(name, None)
            if wanted is not None and bool(wanted) != bool(getattr(self.config, name)):
                raise errors.NotImplementedError(f"{name} is set when the model is made: from_pretrained(…, {name}={wanted})")
        outputs = self._model(*args, **kwargs)
        named = self.config.use_return_dict if return_dict is None else return_dict
        if not named:
            return outputs
        return ModelOutput(zip(self._model.output_names, outputs, strict=True))

    forward = __call__

    def eval(self) -> Self:
        """Evaluation mode: no dropout."""
        self._model.train(False)
        return self

    def train(self, mode: bool = True) -> Self:
        """Training mode, which exists for fidelity: nothing is trained here."""
        self._model.train(mode)
        return self

    @property
    def main_input_names(self) -> list[str]:
        """Those inputs that a tokenizer gives; what an export takes by default."""
        return list(self._model.main_input_names)

    @property
    def training(self) -> bool:
        """Whether the model is in training mode."""
        return self._model.training

    @property
    def device(self) -> _calque.device:
        """The CPU, always."""
        return _calque.device("cpu")

    @property
    def dtype(self) -> _calque.dtype:
        """Of the first floating-point weight."""
        return next(value.dtype for value in self.state_dict().values() if value.dtype.is_floating_point)

    @property
    def input_names(self) -> list[str]:
        """Inputs in the order of Transformers' signature."""
        return list(self._model.input_names)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Devices are accepted and change nothing. Another dtype is chosen in from_pretrained."""
        for value in (*args, *kwargs.values()):
            if isinstance(value, _calque.dtype) and value is not self.dtype:
                raise errors.NotImplementedError(f"to({value}): choose it when loading, from_pretrained(…, dtype={value})")
        return self

    def state_dict(self) -> dict[str, Tensor]:
        """Weights under Transformers' names, shared with the model; tied ones under every name."""
        return self._model.state_dict()

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Names and weights."""
        return iter(self.state_dict().items())

    def parameters(self) -> Iterator[Tensor]:
        """The weights."""
        return iter(self.state_dict().values())

    def cpu(self) -> Self:
        """Itself: everything runs on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Itself: everything runs on the CPU."""
        del device
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Itself: nothing is differentiated."""
        del requires_grad
        return self

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Writes config.json and model.safetensors, which Transformers reads."""
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        once: dict[int, str] = {}
        weights = {name: value for name, value in self.state_dict().items() if once.setdefault(value.data_ptr(), name) == name}
        _calque.write_tensors(folder / "model.safetensors", weights)
        content = self.config.to_dict() | {
            "architectures": [type(self).__name__],
            "model_type": self._model.model_type,
            "dtype": str(self.dtype).removeprefix("calque."),
        }
        for name in ("attn_implementation", "torch_dtype", "_name_or_path"):
            content.pop(name, None)
        text = json.dumps({name: value for name, value in content.items() if value is not None}, indent=2, sort_keys=True)
        (folder / "config.json").write_text(text + "\n", encoding="utf-8")

    def num_parameters(self) -> int:
        """Numbers in all weights, tied ones counted once."""
        return sum({tensor.data_ptr(): tensor.numel() for tensor in self.parameters()}.values())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.num_parameters():,} parameters)"
