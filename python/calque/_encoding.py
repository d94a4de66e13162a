"""What a tokenizer returns."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from calque import _calque, errors
from calque._calque import Encoding, Tensor


class CharSpan(NamedTuple):
    """Characters from start to end, without end."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """Tokens from start to end, without end."""

    start: int
    end: int


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
        if isinstance(key, str):
            return self.data[key]
        if isinstance(key, slice):
            return {name: values[key] for name, values in self.data.items()}
        return self._encodings[key]

    def __getstate__(self) -> dict[str, Any]:
        # What only the library can make stays here; the numbers go.
        return {"data": self.data, "_encodings": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @property
    def is_fast(self) -> bool:
        """True: there are encodings."""
        return True

    @property
    def n_sequences(self) -> int | None:
        """1 for texts, 2 for pairs."""
        if not self._encodings:
            return None
        return len({number for number in self._encodings[0].sequence_ids if number is not None}) or 1

    def convert_to_tensors(self, tensor_type: Any = None) -> Self:
        """Lists as arrays ("np") or tensors ("pt")."""
        if tensor_type is not None:
            self.data = {name: convert(values, tensor_type) for name, values in self.data.items()}
        return self

    def _place(self, batch_or_index: int, index: int | None) -> tuple[Encoding, int]:
        batch, at = (0, batch_or_index) if index is None else (batch_or_index, index)
        encoding = self._encodings[batch]
        return encoding, at + len(encoding) if at < 0 else at

    def token_to_word(self, batch_or_token_index: int, token_index: int | None = None) -> int | None:
        """Index of the word of a token."""
        encoding, at = self._place(batch_or_token_index, token_index)
        return encoding.word_ids[at]

    def token_to_sequence(self, batch_or_token_index: int, token_index: int | None = None) -> int | None:
        """0 or 1: the text of a token."""
        encoding, at = self._place(batch_or_token_index, token_index)
        return encoding.sequence_ids[at]

    def token_to_chars(self, batch_or_token_index: int, token_index: int | None = None) -> CharSpan | None:
        """First character of a token in its text, and the one after its last."""
        encoding, at = self._place(batch_or_token_index, token_index)
        return None if encoding.sequence_ids[at] is None else CharSpan(*encoding.offset_mapping[at])

    def word_to_tokens(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> TokenSpan | None:
        """First token of a word, and the one after its last."""
        encoding, word = self._place(batch_or_word_index, word_index)
        found = [
            at
            for at, (number, text) in enumerate(zip(encoding.word_ids, encoding.sequence_ids, strict=True))
            if number == word and text == sequence_index
        ]
        return TokenSpan(found[0], found[-1] + 1) if found else None

    def char_to_token(self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0) -> int | None:
        """The token that a character of a text is in."""
        encoding, char = self._place(batch_or_char_index, char_index)
        for at, (start, end) in enumerate(encoding.offset_mapping):
            if start <= char < end and encoding.sequence_ids[at] == sequence_index:
                return at
        return None

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


def plain(ids: Any) -> Any:
    if hasattr(ids, "tolist"):
        return ids.tolist()
    return [plain(item) for item in ids] if isinstance(ids, (list, tuple)) else ids


def collect(encodings: list[Encoding], names: list[str], kind: Any) -> dict[str, Any]:
    if kind is None:
        return {name: [getattr(encoding, name) for encoding in encodings] for name in names}
    return {name: tensor_kind(_calque.stack_encodings(encodings, name), kind) for name in names}


def convert(values: list[Any], kind: Any) -> Any:
    return values if kind is None else tensor_kind(_calque.tensor(values), kind)


def tensor_kind(tensor: Tensor, kind: Any) -> Any:
    name = getattr(kind, "value", kind)
    if name not in ("np", "pt"):
        raise errors.ValueError(f"return_tensors: found {name!r}, expected 'np' (NumPy arrays) or 'pt' (tensors of calque)")
    return tensor.numpy() if name == "np" else tensor
