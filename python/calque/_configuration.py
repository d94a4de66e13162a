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

    def _set(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name == "id2label":
                self.num_labels = len(value)
            if name not in ("label2id", "use_return_dict", "model_type"):
                setattr(self, name, value)


class PretrainedConfig(_Common):
    """Configuration of an architecture that has no class of its own: the values of config.json as attributes."""

    def __init__(self, **kwargs: Any) -> None:
        self.torchscript = False
        self.output_hidden_states = False
        self.output_attentions = False
        self.model_type = kwargs.get("model_type", "")
        self._set(kwargs)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Self:
        """Reads config.json of a directory; `kwargs` override its values."""
        return cls(**(read_config(pretrained_model_name_or_path) | kwargs))

    def to_dict(self) -> dict[str, Any]:
        """The values by name."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class BertConfig(_Common, _calque.BertConfig):
    """Configuration of BERT. Other names than its own are kept as attributes."""

    model_type = "bert"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        self._set(kwargs)

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
        fields = {name: getattr(self, name) for name in _BERT_FIELDS}
        return fields | {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def to_json_string(self) -> str:
        """The values as JSON."""
        return json.dumps(self.to_dict() | {"model_type": self.model_type}, indent=2, sort_keys=True) + "\n"

    def __repr__(self) -> str:
        return f"BertConfig {self.to_json_string()}"


class AutoConfig:
    """The configuration of a directory, in the class of its `model_type`."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Any:
        """Reads config.json; `kwargs` override its values."""
        if read_config(pretrained_model_name_or_path).get("model_type") == BertConfig.model_type:
            return BertConfig.from_pretrained(pretrained_model_name_or_path, **kwargs)
        return PretrainedConfig.from_pretrained(pretrained_model_name_or_path, **kwargs)
