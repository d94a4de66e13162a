"""Configurations, models and tokenizers of Hugging Face Transformers, with its names, arguments and results.

Every architecture that the C++ library knows is here under its name: a class is made when it is first asked for.
"""

from __future__ import annotations

import functools
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calque import _calque, errors
from calque._modeling import ModelOutput, PreTrainedModel
from calque._configuration import AutoConfig, BertConfig, PretrainedConfig
from calque._tokenization import (
    AutoTokenizer,
    BatchEncoding,
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


_ARCHITECTURE = re.compile(r"([A-Z][A-Za-z0-9]*?)(Model|For[A-Z][A-Za-z]*)")


@functools.cache
def _architecture(name: str) -> type[PreTrainedModel]:
    """The class of an architecture, whether it is written above or known to the library only."""
    written = globals().get(name)
    if isinstance(written, type) and issubclass(written, PreTrainedModel):
        return written
    with tempfile.TemporaryDirectory() as folder:
        # No architecture has this type: those that exist say so, those that do not exist are refused first.
        Path(folder, "config.json").write_text('{"model_type": "?"}')
        try:
            _calque.Model.from_pretrained(folder, name)
        except errors.ValueError:
            pass
    return type(name, (PreTrainedModel,), {"__module__": __name__})


class AutoModel:
    """The plain model of the `model_type` in config.json, without head."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Any:
        """As PreTrainedModel.from_pretrained."""
        return PreTrainedModel._load(lambda name: _architecture(name), pretrained_model_name_or_path, "", True, **kwargs)


class _AutoHead:
    _suffix = ""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Any:
        """As PreTrainedModel.from_pretrained."""
        config = AutoConfig.from_pretrained(pretrained_model_name_or_path)
        names = getattr(config, "architectures", None) or [config.model_type.capitalize() + "Model"]
        match = _ARCHITECTURE.fullmatch(names[0])
        if match is None:
            raise errors.ValueError(f"{pretrained_model_name_or_path}: cannot read the architecture {names[0]!r}")
        return _architecture(match[1] + cls._suffix).from_pretrained(pretrained_model_name_or_path, **kwargs)


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


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if _ARCHITECTURE.fullmatch(name):
            try:
                return _architecture(name)
            except errors.NotImplementedError as error:
                raise AttributeError(str(error)) from None
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
