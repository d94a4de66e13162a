"""Configurations, models and tokenizers of Hugging Face Transformers, with its names, arguments and results.

Every architecture that the C++ library knows is here under its name: a class is made when it is first asked for.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from calque import _calque, errors
from calque._modeling import ModelOutput, PreTrainedModel
from calque._configuration import AutoConfig, BertConfig, PretrainedConfig
from calque._encoding import BatchEncoding
from calque._tokenization import (
    AutoTokenizer,
    BertTokenizer,
    BertTokenizerFast,
    PreTrainedTokenizerFast,
)

__all__ = [
    "AutoConfig",
    "AutoModel",
    "AutoModelForMaskedLM",
    "AutoModelForNextSentencePrediction",
    "AutoModelForPreTraining",
    "AutoModelForQuestionAnswering",
    "AutoModelForSequenceClassification",
    "AutoModelForTokenClassification",
    "AutoTokenizer",
    "BatchEncoding",
    "BertConfig",
    "BertForMaskedLM",
    "BertForNextSentencePrediction",
    "BertForPreTraining",
    "BertForQuestionAnswering",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "BertModel",
    "BertTokenizer",
    "BertTokenizerFast",
    "ModelOutput",
    "PreTrainedModel",
    "PreTrainedTokenizerFast",
    "PretrainedConfig",
]


class BertModel(PreTrainedModel):
    """Outputs: last_hidden_state (batch, length, hidden), pooler_output (batch, hidden)."""


class BertForSequenceClassification(PreTrainedModel):
    """Output: logits (batch, num_labels)."""


class BertForTokenClassification(PreTrainedModel):
    """Output: logits (batch, length, num_labels)."""


class BertForQuestionAnswering(PreTrainedModel):
    """Outputs: start_logits, end_logits (batch, length)."""


class BertForMaskedLM(PreTrainedModel):
    """Output: logits (batch, length, vocab_size)."""


class BertForNextSentencePrediction(PreTrainedModel):
    """Output: logits (batch, 2)."""


class BertForPreTraining(PreTrainedModel):
    """Outputs: prediction_logits (batch, length, vocab_size), seq_relationship_logits (batch, 2)."""


def _plain(model_type: str) -> str:
    """`Bert` of `bert`: what the names of its classes begin with."""
    for class_name, known in _calque.architectures():
        if known == model_type:
            return class_name.removesuffix("Model")
    types = ", ".join(dict.fromkeys(known for _, known in _calque.architectures()))
    raise errors.NotImplementedError(f'model_type "{model_type}" is not supported; supported are {types}')


@functools.cache
def _architecture(name: str) -> type[PreTrainedModel]:
    """The class of an architecture, whether it is written above or known to the library only."""
    written = globals().get(name)
    if isinstance(written, type) and issubclass(written, PreTrainedModel):
        return written
    names = [class_name for class_name, _ in _calque.architectures()]
    if name not in names:
        raise errors.NotImplementedError(f'architecture "{name}" is not supported; supported are {", ".join(names)}')
    return type(name, (PreTrainedModel,), {"__module__": __name__, "__doc__": f"{name} of Transformers."})


def architecture_for(pretrained_model_name_or_path: Any, suffix: str) -> str:
    """The class with that head (`ForMaskedLM`, or `Model` for none) for the model_type of a directory."""
    return _plain(AutoConfig.from_pretrained(pretrained_model_name_or_path).model_type) + suffix


def load_configured(pretrained_model_name_or_path: Any, **kwargs: Any) -> Any:
    """The model that `architectures` in config.json names. Arguments as PreTrainedModel.from_pretrained."""
    return PreTrainedModel._load(_architecture, pretrained_model_name_or_path, "", False, **kwargs)


class AutoModel:
    """The plain model of the `model_type` in config.json, without head."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Any:
        """As PreTrainedModel.from_pretrained."""
        return PreTrainedModel._load(_architecture, pretrained_model_name_or_path, "", True, **kwargs)

    @classmethod
    def from_config(cls, config: Any, **kwargs: Any) -> Any:
        """With random weights."""
        return _architecture(_plain(config.model_type) + "Model")(config, **kwargs)


class _AutoHead:
    _suffix = ""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Any:
        """As PreTrainedModel.from_pretrained."""
        name = architecture_for(pretrained_model_name_or_path, cls._suffix)
        return _architecture(name).from_pretrained(pretrained_model_name_or_path, **kwargs)

    @classmethod
    def from_config(cls, config: Any, **kwargs: Any) -> Any:
        """With random weights."""
        return _architecture(_plain(config.model_type) + cls._suffix)(config, **kwargs)


class AutoModelForSequenceClassification(_AutoHead):
    """The model with a head for classification of texts."""

    _suffix = "ForSequenceClassification"


class AutoModelForTokenClassification(_AutoHead):
    """The model with a head for classification of tokens."""

    _suffix = "ForTokenClassification"


class AutoModelForQuestionAnswering(_AutoHead):
    """The model with a head for spans of answers."""

    _suffix = "ForQuestionAnswering"


class AutoModelForMaskedLM(_AutoHead):
    """The model with a head for masked tokens."""

    _suffix = "ForMaskedLM"


class AutoModelForNextSentencePrediction(_AutoHead):
    """The model with a head for pairs of sentences."""

    _suffix = "ForNextSentencePrediction"


class AutoModelForPreTraining(_AutoHead):
    """The model with the heads of its pre-training."""

    _suffix = "ForPreTraining"


def _names() -> dict[str, str]:
    """Every name that the library's tables give, with what kind it is."""
    names: dict[str, str] = {}
    for class_name, model_type in _calque.architectures():
        prefix = _plain(model_type)
        names[class_name] = "model"
        names[f"{prefix}Config"] = "config"
        names[f"AutoModel{class_name.removeprefix(prefix).removeprefix('Model')}"] = "auto"
    return names


@functools.cache
def _config(name: str) -> type[PretrainedConfig]:
    for class_name, model_type in _calque.architectures():
        if class_name == name.removesuffix("Config") + "Model":
            return type(name, (PretrainedConfig,), {"__module__": __name__, "model_type": model_type})
    raise AttributeError(name)


def config_class(model_type: str) -> Any:
    """The class of configuration of a model_type; PretrainedConfig for one that the library does not know."""
    if model_type == BertConfig.model_type:
        return BertConfig
    for class_name, known in _calque.architectures():
        if known == model_type:
            return _config(class_name.removesuffix("Model") + "Config")
    return PretrainedConfig


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        kind = _names().get(name)
        if kind == "config":
            return _config(name)
        if kind == "auto":
            return type(name, (_AutoHead,), {"__module__": __name__, "_suffix": name.removeprefix("AutoModel")})
        try:
            return _architecture(name)
        except errors.NotImplementedError as error:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}: {error}") from None

    def __dir__() -> list[str]:
        return sorted({*globals(), *_names()})
