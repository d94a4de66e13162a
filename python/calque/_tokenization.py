"""Tokenizers: Transformers' call and its results."""

from __future__ import annotations

import json
import os
from collections import UserDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from calque import _calque, errors
from calque._calque import Encoding, PaddingStrategy, Side, Tensor, TruncationStrategy

_PADDING = {
    True: PaddingStrategy.LONGEST,
    False: PaddingStrategy.DO_NOT_PAD,
    "longest": PaddingStrategy.LONGEST,
    "max_length": PaddingStrategy.MAX_LENGTH,
    "do_not_pad": PaddingStrategy.DO_NOT_PAD,
}
_TRUNCATION = {
    True: TruncationStrategy.LONGEST_FIRST,
    False: TruncationStrategy.DO_NOT_TRUNCATE,
    "longest_first": TruncationStrategy.LONGEST_FIRST,
    "only_first": TruncationStrategy.ONLY_FIRST,
    "only_second": TruncationStrategy.ONLY_SECOND,
    "do_not_truncate": TruncationStrategy.DO_NOT_TRUNCATE,
}
_SIDES = {"right": Side.RIGHT, "left": Side.LEFT}
_BERT_OPTIONS = frozenset(
    "do_lower_case tokenize_chinese_chars strip_accents unk_token sep_token pad_token cls_token mask_token".split()
)
_IGNORED = frozenset("use_fast local_files_only cache_dir trust_remote_code revision token force_download".split())
_NOT_BATCHED = (
    "text input must be of type `str` (single example), `list[str]` (batch or single pretokenized example) or "
    "`list[list[str]]` (batch of pretokenized examples)."
)


def _choice(table: dict[Any, Any], name: str, value: Any) -> Any:
    key = getattr(value, "value", value)
    if key not in table:
        known = ", ".join(repr(known) for known in table)
        raise errors.ValueError(f"{key!r} is not a valid {name}, please select one of [{known}]")
    return table[key]


class BatchEncoding(UserDict[str, Any]):
    """What a tokenizer returns: names with lists, arrays or tensors, as keys and as attributes."""

    def __init__(self, data: dict[str, Any], encodings: Sequence[Encoding] = ()) -> None:
        super().__init__(data)
        self._encodings = list(encodings)

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("data", {}):
            return self.data[name]
        raise AttributeError(f"this BatchEncoding has no {name!r}")

    def __getitem__(self, key: Any) -> Any:
        return self.data[key] if isinstance(key, str) else self._encodings[key]

    @property
    def encodings(self) -> list[Encoding]:
        """One per text (or part of a text that was cut)."""
        return self._encodings

    def to(self, *device: Any, **kwargs: Any) -> Self:
        """Devices are accepted and change nothing."""
        del device, kwargs
        return self

    def tokens(self, batch_index: int = 0) -> list[str]:
        """Tokens of one text."""
        return list(self._encodings[batch_index].tokens)

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """For each token the index of its word; None for special tokens."""
        return list(self._encodings[batch_index].word_ids)

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """For each token 0 or 1, the text it came from; None for special tokens."""
        return list(self._encodings[batch_index].sequence_ids)


def _is_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


class PreTrainedTokenizerFast:
    """A tokenizer read from files. Any number of threads may use one at once."""

    def __init__(self, *, tokenizer_file: str | os.PathLike[str]) -> None:
        self._setup(_calque.Tokenizer.from_json(Path(tokenizer_file).read_text(encoding="utf-8")), {})

    def _setup(self, tokenizer: _calque.Tokenizer, settings: dict[str, Any]) -> None:
        self._tokenizer = tokenizer
        self.model_max_length: int = settings.get("model_max_length") or tokenizer.model_max_length
        self.padding_side: str = settings.get("padding_side") or tokenizer.padding_side.name.lower()
        self.truncation_side: str = settings.get("truncation_side") or tokenizer.truncation_side.name.lower()
        names = settings.get("model_input_names") or ["input_ids", "token_type_ids", "attention_mask"]
        self.model_input_names: list[str] = list(names)

    @classmethod
    def _make(cls, tokenizer: _calque.Tokenizer, settings: dict[str, Any]) -> Self:
        self = cls.__new__(cls)
        self._setup(tokenizer, settings)
        return self

    @classmethod
    def _read(cls, directory: str, **options: Any) -> _calque.Tokenizer:
        if options:
            raise errors.TypeError(f"from_pretrained() got an unexpected keyword argument {sorted(options)[0]!r}")
        return _calque.Tokenizer.from_pretrained(directory)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Self:
        """Reads `tokenizer.json` or `vocab.txt` of a directory, with `tokenizer_config.json` and its kin.

        `model_max_length`, `padding_side`, `truncation_side` and `model_input_names` override the files.
        Raises LoadError on missing or malformed files, NotImplementedError naming a component that is not supported.
        """
        directory = os.fspath(pretrained_model_name_or_path)
        settings = _settings(directory)
        own = ("model_max_length", "padding_side", "truncation_side", "model_input_names")
        settings |= {name: kwargs.pop(name) for name in own if name in kwargs}
        options = {name: value for name, value in kwargs.items() if name not in _IGNORED}
        # The files' own maximum is the library's to read, as it may be absent or absurd.
        if "model_max_length" not in kwargs and settings.get("model_max_length", 0) > 2**62:
            del settings["model_max_length"]
        return cls._make(cls._read(directory, **options), settings)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(_calque.Tokenizer, name):
            return getattr(self._tokenizer, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __len__(self) -> int:
        return len(self._tokenizer)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(vocab_size={self._tokenizer.vocab_size}, model_max_length={self.model_max_length})"

    def __call__(
        self,
        text: Any = None,
        text_pair: Any = None,
        *,
        add_special_tokens: bool = True,
        padding: Any = False,
        truncation: Any = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: Any = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Token ids of a text, a pair, or a batch of these.

        Gives lists; with `return_tensors="np"` arrays, with `"pt"` tensors of shape (texts, tokens), int64.
        Raises ValueError when options contradict each other, or lengths differ where a tensor is wanted.
        """
        del verbose
        options = _calque.EncodeOptions()
        options.add_special_tokens = add_special_tokens
        options.padding = _choice(_PADDING, "PaddingStrategy", padding)
        if truncation is None:
            # A length that was given is meant, unless padding uses it.
            truncation = max_length is not None and options.padding is PaddingStrategy.DO_NOT_PAD
        options.truncation = _choice(_TRUNCATION, "TruncationStrategy", truncation)
        options.max_length = max_length if max_length is not None else self._longest()
        options.stride = stride
        options.pad_to_multiple_of = pad_to_multiple_of
        options.padding_side = _choice(_SIDES, "padding side", padding_side or self.padding_side)
        options.truncation_side = _choice(_SIDES, "truncation side", self.truncation_side)
        options.return_overflowing_tokens = return_overflowing_tokens
        encodings, is_batch = self._encode(text, text_pair, is_split_into_words, options)
        names = {
            "input_ids": True,
            "token_type_ids": self._wanted("token_type_ids", return_token_type_ids),
            "attention_mask": self._wanted("attention_mask", return_attention_mask),
            "special_tokens_mask": return_special_tokens_mask,
        }
        parts = [(sample, part) for sample, whole in enumerate(encodings) for part in (whole, *whole.overflowing)]
        data = _collect([part for _, part in parts], [name for name, wanted in names.items() if wanted], return_tensors)
        if return_offsets_mapping:
            data["offset_mapping"] = _convert([part.offset_mapping for _, part in parts], return_tensors)
        if return_overflowing_tokens:
            data["overflow_to_sample_mapping"] = _convert([sample for sample, _ in parts], return_tensors)
        if return_length:
            data["length"] = _convert([len(part) for _, part in parts], return_tensors)
        if not is_batch and return_tensors is None and not return_overflowing_tokens:
            data = {name: values[0] for name, values in data.items()}
        return BatchEncoding(data, [part for _, part in parts])

    def _longest(self) -> int | None:
        return self.model_max_length if self.model_max_length < 2**62 else None

    def _wanted(self, name: str, choice: bool | None) -> bool:
        return name in self.model_input_names if choice is None else choice

    def _encode(self, text: Any, pair: Any, words: bool, options: _calque.EncodeOptions) -> tuple[list[Encoding], bool]:
        tokenizer = self._tokenizer
        if words:
            if _is_texts(text):
                return tokenizer.encode_words_batch([text], None if pair is None else [pair], options), False
            if isinstance(text, (list, tuple)) and all(_is_texts(item) for item in text):
                return tokenizer.encode_words_batch(text, pair, options), True
            raise errors.ValueError(_NOT_BATCHED)
        if isinstance(text, str):
            return tokenizer.encode_batch([text], None if pair is None else [pair], options), False
        if _is_texts(text):
            pairs = [pair] * len(text) if isinstance(pair, str) else pair
            return tokenizer.encode_batch(text, pairs, options), True
        if isinstance(text, (list, tuple)) and pair is None and all(_is_texts(item) and len(item) == 2 for item in text):
            return tokenizer.encode_batch([a for a, _ in text], [b for _, b in text], options), True
        raise errors.ValueError(_NOT_BATCHED)

    def encode(self, text: Any, text_pair: Any = None, **kwargs: Any) -> Any:
        """The input_ids of a text or a pair."""
        return self(text, text_pair, **kwargs)["input_ids"]

    def encode_plus(self, text: Any, text_pair: Any = None, **kwargs: Any) -> BatchEncoding:
        """As calling the tokenizer with one text."""
        return self(text, text_pair, **kwargs)

    def batch_encode_plus(self, batch_text_or_text_pairs: Any, **kwargs: Any) -> BatchEncoding:
        """As calling the tokenizer with a batch."""
        return self(batch_text_or_text_pairs, **kwargs)

    def tokenize(self, text: str, pair: str | None = None, add_special_tokens: bool = False) -> list[str]:
        """The tokens of a text."""
        if pair is None and not add_special_tokens:
            return self._tokenizer.tokenize(text)
        return self(text, pair, add_special_tokens=add_special_tokens).tokens()

    def decode(
        self, token_ids: Any, skip_special_tokens: bool = False, clean_up_tokenization_spaces: bool | None = None
    ) -> str:
        """Text of ids: a number, a list, an array or a tensor."""
        ids = _plain(token_ids)
        ids = ids if isinstance(ids, list) else [ids]
        return self._tokenizer.decode(ids, skip_special_tokens, clean_up_tokenization_spaces)

    def batch_decode(self, sequences: Any, skip_special_tokens: bool = False, **kwargs: Any) -> list[str]:
        """Text of each sequence of ids."""
        return [self.decode(ids, skip_special_tokens, **kwargs) for ids in _plain(sequences)]

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """Id of a token, or ids of a list of tokens; unknown ones give the unknown token's."""
        if isinstance(tokens, str):
            return self._tokenizer.convert_tokens_to_ids([tokens])[0]
        return self._tokenizer.convert_tokens_to_ids(tokens)

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """Token of an id, or tokens of a list of ids."""
        plain = _plain(ids)
        if isinstance(plain, int):
            return self._tokenizer.convert_ids_to_tokens([plain])[0]
        return self._tokenizer.convert_ids_to_tokens(plain, skip_special_tokens)

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Text of tokens."""
        return self._tokenizer.decode(self._tokenizer.convert_tokens_to_ids(tokens), False, False)

    def get_vocab(self) -> dict[str, int]:
        """Tokens with their ids."""
        named = ((self._tokenizer.id_to_token(number), number) for number in range(len(self)))
        return {token: number for token, number in named if token is not None}


class BertTokenizerFast(PreTrainedTokenizerFast):
    """The tokenizer of BERT: clean-up, optional lower case, WordPiece."""

    def __init__(self, vocab_file: str | os.PathLike[str], **kwargs: Any) -> None:
        self._setup(_calque.Tokenizer.bert_from_vocab(os.fspath(vocab_file), **kwargs), {})

    @classmethod
    def _read(cls, directory: str, **options: Any) -> _calque.Tokenizer:
        if not options:
            return _calque.Tokenizer.bert_from_pretrained(directory)
        unknown = sorted(set(options) - _BERT_OPTIONS)
        if unknown:
            raise errors.TypeError(f"from_pretrained() got an unexpected keyword argument {unknown[0]!r}")
        stored = {name: value for name, value in _settings(directory).items() if name in _BERT_OPTIONS}
        stored = {name: value for name, value in stored.items() if isinstance(value, (str, bool))}
        return _calque.Tokenizer.bert_from_vocab(os.path.join(directory, "vocab.txt"), **(stored | options))


class BertTokenizer(BertTokenizerFast):
    """As BertTokenizerFast; both are one here."""


class AutoTokenizer:
    """The tokenizer of a directory."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> PreTrainedTokenizerFast:
        """Reads the tokenizer's files of a directory, as PreTrainedTokenizerFast.from_pretrained."""
        return PreTrainedTokenizerFast.from_pretrained(pretrained_model_name_or_path, **kwargs)


def _settings(directory: str) -> dict[str, Any]:
    """The content of tokenizer_config.json; the library checks it, here it may be absent or wrong."""
    try:
        content = json.loads(Path(directory, "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _plain(ids: Any) -> Any:
    return ids.tolist() if hasattr(ids, "tolist") else ids


def _collect(encodings: list[Encoding], names: list[str], kind: Any) -> dict[str, Any]:
    if kind is None:
        return {name: [getattr(encoding, name) for encoding in encodings] for name in names}
    return {name: _tensor_kind(_calque.stack_encodings(encodings, name), kind) for name in names}


def _convert(values: list[Any], kind: Any) -> Any:
    return values if kind is None else _tensor_kind(_calque.tensor(values), kind)


def _tensor_kind(tensor: Tensor, kind: Any) -> Any:
    name = getattr(kind, "value", kind)
    if name not in ("np", "pt"):
        raise errors.ValueError(f"return_tensors: found {name!r}, expected 'np' (NumPy arrays) or 'pt' (tensors of calque)")
    return tensor.numpy() if name == "np" else tensor
