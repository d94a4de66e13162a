"""Configurations: config.json as objects."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Self

from calque import _calque, errors

_METHODS = ("read", "validate")
_BERT_FIELDS = [name for name in dir(_calque.BertConfig) if not name.startswith("_") and name not in _METHODS]


def read_config(directory: Any) -> dict[str, Any]:
    """The content of `directory`/config.json."""
    path = Path(os.fspath(directory), "config.json")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise errors.LoadError(f"{path}: {error}; expected a directory that holds a Transformers checkpoint") from None
    if not isinstance(content, dict):
        raise errors.LoadError(f"{path}: found {type(content).__name__}, expected an object")
    return content


class _Common:
    """What all configurations have besides their own fields."""

    model_type: str = ""
    return_dict: bool = True
    torchscript: bool

    @property
    def use_return_dict(self) -> bool:
        """Whether models give named outputs: `return_dict`, unless `torchscript` is set."""
        return self.return_dict and not self.torchscript

    @property
    def label2id(self) -> dict[str, int]:
        """The inverse of id2label."""
        return {label: number for number, label in self.id2label.items()}

    @property
    def id2label(self) -> dict[int, str]:
        """Names of the labels of a classifier; LABEL_0 … when the configuration has none."""
        given = self.__dict__.get("_id2label")
        count = getattr(self, "num_labels", 2)
        return given if given is not None else {number: f"LABEL_{number}" for number in range(count)}

    @id2label.setter
    def id2label(self, labels: dict[Any, str]) -> None:
        self.__dict__["_id2label"] = {int(number): label for number, label in labels.items()}

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Self:
        """From values by name; `kwargs` override them."""
        return cls(**(config_dict | kwargs))

    def to_dict(self) -> dict[str, Any]:
        """The values by name."""
        values = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        if "_id2label" in vars(self):
            values |= {"id2label": self.id2label, "label2id": self.label2id}
        return values | {"model_type": self.model_type}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_dict, (self.to_dict(),)

    def to_json_string(self) -> str:
        """The values as JSON."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Writes config.json."""
        Path(save_directory).mkdir(parents=True, exist_ok=True)
        Path(save_directory, "config.json").write_text(self.to_json_string(), encoding="utf-8")

    def __repr__(self) -> str:
        return f"{type(self).__name__} {self.to_json_string()}"

    def _set(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name == "id2label":
                self.num_labels = len(value)
            if name in ("label2id", "use_return_dict", "model_type"):
                continue
            try:
                setattr(self, name, value)
            except TypeError as error:
                wanted = str(error).partition("(self, arg: ")[2].partition(", /)")[0] or "another type"
                raise errors.TypeError(f"{type(self).__name__}: {name} is {value!r}; expected {wanted}") from None


class PretrainedConfig(_Common):
    """Configuration of an architecture that has no class of its own: the values of config.json as attributes."""

    def __init__(self, **kwargs: Any) -> None:
        self.torchscript = False
        self.output_hidden_states = False
        self.output_attentions = False
        self.model_type = kwargs.get("model_type", type(self).model_type)
        self._set(kwargs)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Self:
        """Reads config.json of a directory; `kwargs` override its values."""
        return cls(**(read_config(pretrained_model_name_or_path) | kwargs))


class BertConfig(_Common, _calque.BertConfig):
    """Configuration of BERT. Other names than its own are kept as attributes."""

    model_type = "bert"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        if len(args) > len(_BERT_ORDER):
            raise errors.TypeError(f"BertConfig takes at most {len(_BERT_ORDER)} values without names, found {len(args)}")
        self._set(dict(zip(_BERT_ORDER, args, strict=False)) | kwargs)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Self:
        """Reads config.json of a directory; `kwargs` override its values.

        Raises LoadError on a missing or malformed file, ValueError on nonsense values.
        """
        config = cls()
        config.read(os.fspath(pretrained_model_name_or_path))
        content = read_config(pretrained_model_name_or_path)
        config._set({name: value for name, value in content.items() if name not in _BERT_FIELDS})
        config._set(kwargs)
        return config

    def to_dict(self) -> dict[str, Any]:
        """The values by name."""
        return {name: getattr(self, name) for name in _BERT_FIELDS} | super().to_dict()


# Values without names come in this order, as in Transformers.
_BERT_ORDER = (
    "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act hidden_dropout_prob "
    "attention_probs_dropout_prob max_position_embeddings type_vocab_size initializer_range layer_norm_eps pad_token_id "
    "position_embedding_type"
).split()


class AutoConfig:
    """The configuration of a directory, in the class of its `model_type`."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Any:
        """Reads config.json; `kwargs` override its values."""
        from calque import transformers

        chosen = transformers.config_class(read_config(pretrained_model_name_or_path).get("model_type", ""))
        return chosen.from_pretrained(pretrained_model_name_or_path, **kwargs)

    @classmethod
    def for_model(cls, model_type: str, **kwargs: Any) -> Any:
        """A configuration with the defaults of a model_type."""
        from calque import transformers

        return transformers.config_class(model_type)(model_type=model_type, **kwargs)
