"""Tokenizers: Transformers' call and its results."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Self

from calque import _calque, errors
from calque._calque import Encoding, PaddingStrategy, Side, TruncationStrategy
from calque._encoding import BatchEncoding, collect, convert, plain

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
_CONFIG = "tokenizer_config.json"
_FILES = ("tokenizer.json", "vocab.txt", "special_tokens_map.json", "added_tokens.json", _CONFIG)
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


def _is_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


class PreTrainedTokenizerFast:
    """A tokenizer read from files. Any number of threads may use one at once."""

    def __init__(self, *, tokenizer_file: str | os.PathLike[str]) -> None:
        self._setup(_calque.Tokenizer.from_json(Path(tokenizer_file).read_text(encoding="utf-8")), {})
        self._files |= {"tokenizer.json": Path(tokenizer_file)}

    def _setup(self, tokenizer: _calque.Tokenizer, settings: dict[str, Any]) -> None:
        self._tokenizer = tokenizer
        self.model_max_length: int = settings.get("model_max_length") or tokenizer.model_max_length
        self.padding_side: str = settings.get("padding_side") or tokenizer.padding_side.name.lower()
        self.truncation_side: str = settings.get("truncation_side") or tokenizer.truncation_side.name.lower()
        names = settings.get("model_input_names") or ["input_ids", "token_type_ids", "attention_mask"]
        self.model_input_names: list[str] = list(names)
        self.name_or_path = ""
        self._files: dict[str, Path] = {}
        self._options: dict[str, Any] = {}

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
        self = cls._make(cls._read(directory, **options), settings)
        self.name_or_path, self._options = directory, options
        self._files = {name: Path(directory, name) for name in _FILES if Path(directory, name).exists()}
        return self

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> tuple[str, ...]:
        """Writes the tokenizer's files, as it was read, with what has been set since; gives their paths.

        Raises LoadError when the files that it was read from are gone.
        """
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        settings: dict[str, Any] = {"tokenizer_class": type(self).__name__}
        if self.name_or_path:
            settings = _settings(self.name_or_path)
        settings |= self._options | {"padding_side": self.padding_side, "truncation_side": self.truncation_side}
        settings |= {"model_input_names": self.model_input_names} | self.special_tokens_map
        if self.model_max_length < 2**62:
            settings["model_max_length"] = self.model_max_length
        try:
            contents = {name: path.read_bytes() for name, path in self._files.items() if name != _CONFIG}
        except OSError as error:
            raise errors.LoadError(f"save_pretrained: the files of this tokenizer are gone: {error}") from None
        contents[_CONFIG] = (json.dumps(settings, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
        if self._options:
            # The options say how the vocabulary is used; tokenizer.json says how it was used before.
            contents.pop("tokenizer.json", None)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        return tuple(str(folder / name) for name in contents)

    @property
    def is_fast(self) -> bool:
        """True: there are offsets and word ids."""
        return True

    @property
    def vocab(self) -> dict[str, int]:
        """As get_vocab()."""
        return self.get_vocab()

    @property
    def special_tokens_map(self) -> dict[str, Any]:
        """The special tokens by what they are for."""
        names = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
        found = {name: getattr(self._tokenizer, name) for name in names}
        return {name: token for name, token in found.items() if token is not None}

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.name_or_path:
            raise errors.TypeError(f"cannot pickle a {type(self).__name__} that was not made by from_pretrained")
        return _from_pretrained, (type(self), self.name_or_path, self._options, self._set_since())

    def _set_since(self) -> dict[str, Any]:
        names = ("model_max_length", "padding_side", "truncation_side", "model_input_names")
        return {name: getattr(self, name) for name in names}

    def pad(
        self,
        encoded_inputs: Any,
        padding: Any = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: Any = None,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Fills up sequences of ids that are there already: a dict of lists, or a list of dicts (for example of a data set)."""
        del verbose
        rows = encoded_inputs
        if isinstance(rows, (list, tuple)):
            rows = {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}
        data = {name: plain(values) for name, values in rows.items()}
        main = self.model_input_names[0]
        if main not in data:
            raise errors.ValueError(
                "You should supply an encoding or a list of encodings to this method that includes "
                f"{main}, but you provided {list(data)}"
            )
        is_batch = not data[main] or isinstance(data[main][0], list)
        data = data if is_batch else {name: [values] for name, values in data.items()}
        if self._wanted("attention_mask", return_attention_mask) and "attention_mask" not in data:
            data["attention_mask"] = [[1] * len(ids) for ids in data[main]]
        length = self._padded_length([len(ids) for ids in data[main]], padding, max_length, pad_to_multiple_of)
        fillers = {main: self.pad_token_id, "token_type_ids": 0, "attention_mask": 0, "special_tokens_mask": 1}
        is_left = _choice(_SIDES, "padding side", padding_side or self.padding_side) is Side.LEFT
        for name, filler in fillers.items():
            for row, values in enumerate(data.get(name, ())):
                filling = [filler] * max(0, length - len(values))
                data[name][row] = filling + values if is_left else values + filling
        result = BatchEncoding(data).convert_to_tensors(return_tensors)
        if not is_batch and return_tensors is None:
            result.data = {name: values[0] for name, values in result.data.items()}
        return result

    def _padded_length(self, lengths: list[int], padding: Any, max_length: int | None, multiple: int | None) -> int:
        strategy = _choice(_PADDING, "PaddingStrategy", padding)
        if strategy is PaddingStrategy.DO_NOT_PAD or not lengths:
            return 0
        length = max(lengths)
        if strategy is PaddingStrategy.MAX_LENGTH:
            length = max_length if max_length is not None else self._longest() or length
        return -(-length // multiple) * multiple if multiple else length

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
        data = collect([part for _, part in parts], [name for name, wanted in names.items() if wanted], return_tensors)
        if return_offsets_mapping:
            data["offset_mapping"] = convert([part.offset_mapping for _, part in parts], return_tensors)
        if return_overflowing_tokens:
            data["overflow_to_sample_mapping"] = convert([sample for sample, _ in parts], return_tensors)
        if return_length:
            data["length"] = convert([len(part) for _, part in parts], return_tensors)
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
        ids = plain(token_ids)
        ids = ids if isinstance(ids, list) else [ids]
        return self._tokenizer.decode(ids, skip_special_tokens, clean_up_tokenization_spaces)

    def batch_decode(self, sequences: Any, skip_special_tokens: bool = False, **kwargs: Any) -> list[str]:
        """Text of each sequence of ids."""
        return [self.decode(ids, skip_special_tokens, **kwargs) for ids in plain(sequences)]

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """Id of a token, or ids of a list of tokens; unknown ones give the unknown token's."""
        if isinstance(tokens, str):
            return self._tokenizer.convert_tokens_to_ids([tokens])[0]
        return self._tokenizer.convert_tokens_to_ids(tokens)

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """Token of an id, or tokens of a list of ids."""
        numbers = plain(ids)
        if isinstance(numbers, int):
            return self._tokenizer.convert_ids_to_tokens([numbers])[0]
        return self._tokenizer.convert_ids_to_tokens(numbers, skip_special_tokens)

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
        self._files, self._options = {"vocab.txt": Path(vocab_file)}, dict(kwargs)

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


def _from_pretrained(cls: Any, directory: str, options: dict[str, Any], settings: dict[str, Any]) -> Any:
    return cls.from_pretrained(directory, **options, **settings)
