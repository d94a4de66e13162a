"""A text pipeline in TorchScript: normalisation, sentence splitting, byte-pair and unigram tokenizers, a tagger by
Viterbi, chunks, an inverted index with BM25, edit distance, a template engine and a small calculator.
"""

import math
from enum import Enum
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
import torch.nn as nn
from torch import Tensor


class Kind(Enum):
    WORD = 0
    NUMBER = 1
    PUNCTUATION = 2
    SPACE = 3


class Token(NamedTuple):
    text: str
    start: int
    end: int
    kind: Kind


class Chunk(NamedTuple):
    label: str
    words: List[str]
    score: float


def classify(c: str) -> Kind:
    if c.isspace():
        return Kind.SPACE
    if c.isdigit():
        return Kind.NUMBER
    if c.isalpha() or c == "'" or c == "_":
        return Kind.WORD
    return Kind.PUNCTUATION


def fold(text: str) -> str:
    """Lower case without the accents of Latin letters."""
    table = {"à": "a", "á": "a", "â": "a", "ä": "a", "ç": "c", "è": "e", "é": "e", "ê": "e", "ñ": "n", "ö": "o", "ü": "u", "ß": "ss", "’": "'"}
    out: List[str] = []
    for c in text.lower():
        out.append(table[c] if c in table else c)
    return "".join(out)


def scan(text: str) -> List[Token]:
    tokens: List[Token] = []
    i = 0
    while i < len(text):
        kind = classify(text[i])
        j = i + 1
        while j < len(text):
            following = classify(text[j])
            if kind == Kind.PUNCTUATION:
                break
            if kind == Kind.NUMBER and text[j] in ".," and j + 1 < len(text) and text[j + 1].isdigit():
                j += 1
                continue
            if following != kind:
                break
            j += 1
        if kind != Kind.SPACE:
            tokens.append(Token(text[i:j], i, j, kind))
        i = j
    return tokens


def sentences(text: str) -> List[str]:
    abbreviations = ["mr", "mrs", "dr", "e.g", "i.e", "etc"]
    out: List[str] = []
    begin = 0
    for i, c in enumerate(text):
        if c not in ".!?":
            continue
        if i + 1 < len(text) and not text[i + 1].isspace():
            continue
        before = text[begin:i].split(" ")[-1].lower()
        if c == "." and before in abbreviations:
            continue
        piece = text[begin : i + 1].strip()
        if len(piece) > 0:
            out.append(piece)
        begin = i + 1
    rest = text[begin:].strip()
    if rest != "":
        out.append(rest)
    return out


# --- tokenizers


class BytePair(nn.Module):
    ranks: Dict[str, int]
    vocabulary: Dict[str, int]
    cache: Dict[str, List[str]]

    def __init__(self, merges: List[Tuple[str, str]]):
        super().__init__()
        self.ranks = {a + " " + b: i for i, (a, b) in enumerate(merges)}
        pieces = sorted({c for pair in merges for c in "".join(pair)}) + [a + b for a, b in merges]
        self.vocabulary = {piece: i + 1 for i, piece in enumerate(dict.fromkeys(pieces))}
        self.cache = {}

    def bpe(self, word: str) -> List[str]:
        if word in self.cache:
            return self.cache[word]
        parts = [c for c in word]
        while len(parts) > 1:
            best = -1
            at = -1
            for i in range(len(parts) - 1):
                rank = self.ranks.get(parts[i] + " " + parts[i + 1], -1)
                if rank >= 0 and (best < 0 or rank < best):
                    best = rank
                    at = i
            if at < 0:
                break
            first, second = parts[at], parts[at + 1]
            merged: List[str] = []
            i = 0
            while i < len(parts):
                if i + 1 < len(parts) and parts[i] == first and parts[i + 1] == second:
                    merged.append(first + second)
                    i += 2
                else:
                    merged.append(parts[i])
                    i += 1
            parts = merged
        self.cache[word] = parts
        return parts

    def forward(self, text: str) -> Tuple[List[int], List[str]]:
        ids: List[int] = []
        pieces: List[str] = []
        for token in scan(fold(text)):
            for piece in self.bpe(token.text):
                pieces.append(piece)
                ids.append(self.vocabulary.get(piece, 0))
        return ids, pieces


class Unigram(nn.Module):
    """SentencePiece: the path with the best sum of log probabilities."""

    scores: Dict[str, float]

    def __init__(self, scores: Dict[str, float]):
        super().__init__()
        self.scores = scores
        self.unknown = min(scores.values()) - 10.0
        self.longest = max(len(piece) for piece in scores)

    def forward(self, text: str) -> Tuple[List[str], float]:
        s = "_" + text.strip().replace(" ", "_")
        n = len(s)
        best: List[float] = [-math.inf] * (n + 1)
        back: List[int] = [-1] * (n + 1)
        best[0] = 0.0
        for end in range(1, n + 1):
            for begin in range(max(0, end - self.longest), end):
                piece = s[begin:end]
                score = -math.inf
                if piece in self.scores:
                    score = self.scores[piece]
                elif end - begin == 1:
                    score = self.unknown
                if best[begin] + score > best[end]:
                    best[end] = best[begin] + score
                    back[end] = begin
        pieces: List[str] = []
        at = n
        while at > 0:
            pieces.append(s[back[at] : at])
            at = back[at]
        pieces.reverse()
        joined: List[str] = []
        for piece in pieces:
            if len(joined) > 0 and piece not in self.scores and joined[-1] not in self.scores:
                joined[-1] = joined[-1] + piece
            else:
                joined.append(piece)
        return joined, best[n]


# --- a tagger


class Tagger(nn.Module):
    """A hidden Markov model with features of suffixes for unknown words."""

    tags: List[str]
    lexicon: Dict[str, List[Tuple[int, float]]]

    def __init__(self):
        super().__init__()
        self.tags = ["DET", "NOUN", "VERB", "ADJ", "ADP", "NUM", "PUNCT"]
        self.lexicon = {
            "the": [(0, -0.1)], "a": [(0, -0.2)], "dog": [(1, -0.3)], "run": [(1, -2.0), (2, -0.5)], "runs": [(2, -0.4), (1, -2.5)], "quick": [(3, -0.2)], "brown": [(3, -0.5), (1, -1.5)],
            "in": [(4, -0.1)], "park": [(1, -0.6), (2, -1.6)], "saw": [(2, -0.4), (1, -1.4)]}  # fmt: skip
        torch.manual_seed(11)
        base = torch.randn(7, 7) * 0.3
        base[0, 1] += 2.0
        base[0, 3] += 1.5
        base[3, 1] += 2.0
        base[1, 2] += 1.5
        base[2, 0] += 1.0
        base[4, 0] += 1.5
        self.register_buffer("transitions", torch.log_softmax(base, 1))
        self.start = nn.Parameter(torch.log_softmax(torch.tensor([2.0, 1.0, 0.0, 0.5, 0.0, 0.0, -3.0]), 0))

    def emission(self, token: Token) -> Tensor:
        out = torch.full([len(self.tags)], -8.0)
        word = token.text.lower()
        if token.kind == Kind.NUMBER:
            out[5] = -0.1
        elif token.kind == Kind.PUNCTUATION:
            out[6] = -0.1
        elif word in self.lexicon:
            for tag, score in self.lexicon[word]:
                out[tag] = score
        else:
            out[1] = -1.5
            if word.endswith("ing") or word.endswith("ed"):
                out[2] = -0.7
            if word.endswith(("ous")) or word.endswith("ful"):
                out[3] = -0.4
        return out

    def viterbi(self, tokens: List[Token]) -> Tuple[List[int], float]:
        if len(tokens) == 0:
            empty: List[int] = []
            return empty, 0.0
        score = self.start + self.emission(tokens[0])
        back: List[Tensor] = []
        for token in tokens[1:]:
            step, at = torch.max(score.unsqueeze(1) + self.transitions, dim=0)
            score = step + self.emission(token)
            back.append(at)
        last = int(score.argmax())
        path = [last]
        for i in range(len(back)):
            last = int(back[len(back) - 1 - i][last])
            path.insert(0, last)
        return path, float(score.max())

    def posterior(self, tokens: List[Token]) -> Tensor:
        """Forward and backward sums."""
        e = torch.stack([self.emission(token) for token in tokens])
        n = e.size(0)
        alpha = torch.zeros_like(e)
        beta = torch.zeros_like(e)
        alpha[0] = self.start + e[0]
        for i in range(1, n):
            alpha[i] = torch.logsumexp(alpha[i - 1].unsqueeze(1) + self.transitions, 0) + e[i]
        for i in range(n - 2, -1, -1):
            beta[i] = torch.logsumexp(self.transitions + (e[i + 1] + beta[i + 1]).unsqueeze(0), 1)
        return torch.softmax(alpha + beta, 1)

    def chunks(self, tokens: List[Token], path: List[int], p: Tensor) -> List[Chunk]:
        out: List[Chunk] = []
        words: List[str] = []
        score = 1.0
        for i, tag in enumerate(path + [6]):
            name = self.tags[tag]
            if name in ["DET", "ADJ", "NOUN"]:
                words.append(tokens[i].text)
                score *= float(p[i, tag])
                continue
            if len(words) > 1:
                out.append(Chunk("NP", words, score))
            words = torch.jit.annotate(List[str], [])
            score = 1.0
        return out

    def forward(self, text: str) -> Tuple[List[str], float, List[Chunk]]:
        tokens = scan(text)
        path, score = self.viterbi(tokens)
        if len(tokens) == 0:
            nothing: List[Chunk] = []
            return [self.tags[t] for t in path], score, nothing
        return [self.tags[t] for t in path], score, self.chunks(tokens, path, self.posterior(tokens))


# --- search


@torch.jit.script
class Index:
    """Postings by word, lengths, and BM25."""

    def __init__(self, k1: float, b: float):
        self.k1 = k1
        self.b = b
        self.postings: Dict[str, Dict[int, int]] = {}
        self.lengths: List[int] = []

    def add(self, words: List[str]) -> int:
        number = len(self.lengths)
        self.lengths.append(len(words))
        for word in words:
            if word not in self.postings:
                self.postings[word] = torch.jit.annotate(Dict[int, int], {})
            found = self.postings[word]
            found[number] = found.get(number, 0) + 1
        return number

    def idf(self, word: str) -> float:
        n = len(self.postings[word])
        return math.log((len(self.lengths) - n + 0.5) / (n + 0.5) + 1.0)

    def search(self, words: List[str], k: int) -> List[Tuple[float, int]]:
        total = 0
        for length in self.lengths:
            total += length
        average = total / len(self.lengths)
        scores: Dict[int, float] = {}
        for word in words:
            if word not in self.postings:
                continue
            idf = self.idf(word)
            for number, tf in self.postings[word].items():
                norm = 1.0 - self.b + self.b * self.lengths[number] / average
                scores[number] = scores.get(number, 0.0) + idf * tf * (self.k1 + 1.0) / (tf + self.k1 * norm)
        ranked = [(score, -number) for number, score in scores.items()]
        ranked.sort(reverse=True)
        return [(score, -number) for score, number in ranked[:k]]


def edit_distance(a: str, b: str) -> int:
    before = [j for j in range(len(b) + 1)]
    for i in range(1, len(a) + 1):
        row = [i]
        for j in range(1, len(b) + 1):
            cost = 0 if a[i - 1] == b[j - 1] else 1
            row.append(min(min(row[j - 1] + 1, before[j] + 1), before[j - 1] + cost))
        before = row
    return before[-1]


def align(a: str, b: str) -> Tuple[str, str]:
    """Longest common subsequence with gaps."""
    n, m = len(a), len(b)
    table = torch.zeros(n + 1, m + 1, dtype=torch.int64)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            if a[i - 1] == b[j - 1]:
                table[i, j] = table[i - 1, j - 1] + 1
            else:
                table[i, j] = torch.maximum(table[i - 1, j], table[i, j - 1])
    i, j = n, m
    x, y = "", ""
    while i > 0 or j > 0:
        if i > 0 and j > 0 and a[i - 1] == b[j - 1]:
            x, y = a[i - 1] + x, b[j - 1] + y
            i, j = i - 1, j - 1
        elif j > 0 and (i == 0 or bool(table[i, j - 1] >= table[i - 1, j])):
            x, y = "-" + x, b[j - 1] + y
            j -= 1
        else:
            x, y = a[i - 1] + x, "-" + y
            i -= 1
    return x, y


# --- a template engine and a calculator


def render(template: str, values: Dict[str, str], lists: Dict[str, List[str]]) -> str:
    out = ""
    at = 0
    begin = template.find("{{")
    while begin >= 0:
        end = template.find("}}", begin)
        if end < 0:
            raise ValueError("the field at {} has no end".format(begin))
        out += template[at:begin]
        field = template[begin + 2 : end].strip()
        parts = field.split("|")
        name = parts[0].strip()
        if name in lists:
            value = ", ".join(lists[name])
        elif name in values:
            value = values[name]
        else:
            raise KeyError(f"no value for {name}")
        for option in parts[1:]:
            option = option.strip()
            if option == "upper":
                value = value.upper()
            elif option == "title":
                value = value.title()
            elif option.startswith("pad"):
                value = value.ljust(int(option[3:]), ".")
            elif option.startswith("cut"):
                value = value[: int(option[3:])]
            else:
                raise ValueError("unknown option '" + option + "'")
        out += value
        at = end + 2
        begin = template.find("{{", at)
    return out + template[at:]


PRECEDENCE: Dict[str, int] = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 3}


def precedence(op: str) -> int:
    if op in "+-":
        return 1
    if op in "*/%":
        return 2
    return 3 if op == "^" else 0


def apply(op: str, a: float, b: float) -> float:
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    if op == "*":
        return a * b
    if op == "/":
        if b == 0.0:
            raise ZeroDivisionError("division of {} by zero".format(a))
        return a / b
    if op == "%":
        return math.fmod(a, b)
    return a**b


def calculate(expression: str, variables: Dict[str, float]) -> float:
    """Shunting yard."""
    values: List[float] = []
    ops: List[str] = []
    expects_value = True
    for token in scan(expression):
        text = token.text
        if token.kind == Kind.NUMBER:
            values.append(float(text.replace(",", "")))
            expects_value = False
        elif token.kind == Kind.WORD:
            if text not in variables:
                raise KeyError("unknown variable " + text)
            values.append(variables[text])
            expects_value = False
        elif text == "(":
            ops.append(text)
            expects_value = True
        elif text == ")":
            while len(ops) > 0 and ops[-1] != "(":
                b, a = values.pop(), values.pop()
                values.append(apply(ops.pop(), a, b))
            assert len(ops) > 0, "a bracket is closed that was not opened"
            ops.pop()
            expects_value = False
        else:
            if expects_value:
                if text != "-":
                    raise ValueError(f"'{text}' at {token.start} needs a value before it")
                values.append(0.0)
            p = precedence(text)
            if p == 0:
                raise ValueError(f"unknown operator '{text}'")
            while len(ops) > 0 and ops[-1] != "(" and (precedence(ops[-1]) > p or (precedence(ops[-1]) == p and text != "^")):
                b, a = values.pop(), values.pop()
                values.append(apply(ops.pop(), a, b))
            ops.append(text)
            expects_value = True
    while len(ops) > 0:
        b, a = values.pop(), values.pop()
        values.append(apply(ops.pop(), a, b))
    if len(values) != 1:
        raise ValueError("{} values are left".format(len(values)))
    return values[0]


class Pipeline(nn.Module):
    registry: Dict[str, int]

    def __init__(self):
        super().__init__()
        self.bytes = BytePair([("t", "h"), ("th", "e"), ("i", "n"), ("in", "g"), ("r", "u"), ("ru", "n"), ("run", "n"), ("d", "o"), ("do", "g")])
        self.unigram = Unigram({"_the": -1.0, "_": -2.0, "run": -2.5, "ning": -3.0, "_run": -2.2, "s": -1.5, "_dog": -2.4, "d": -4.0, "o": -4.0, "g": -4.1, "n": -3.3, "i": -3.2})
        self.tagger = Tagger()
        self.registry = {}

    @torch.jit.export
    def tokens(self, text: str) -> List[Tuple[str, int, int, str]]:
        return [(t.text, t.start, t.end, t.kind.name) for t in scan(text)]

    @torch.jit.export
    def search(self, documents: List[str], query: str, k: int = 2) -> List[Tuple[int, float, str]]:
        index = Index(1.2, 0.75)
        for document in documents:
            kept: List[str] = []
            for t in scan(fold(document)):
                if t.kind == Kind.WORD:
                    kept.append(t.text)
            index.add(kept)
        words = [t.text for t in scan(fold(query))]
        return [(number, score, documents[number]) for score, number in index.search(words, k)]

    @torch.jit.export
    def correct(self, word: str, candidates: List[str]) -> Tuple[str, int, Tuple[str, str]]:
        best = min([edit_distance(word, c) for c in candidates])
        for c in sorted(candidates):
            if edit_distance(word, c) == best:
                return c, best, align(word, c)
        raise RuntimeError("no candidate")

    @torch.jit.export
    def fill(self, template: str, values: Dict[str, str], lists: Dict[str, List[str]]) -> str:
        return render(template, values, lists)

    @torch.jit.export
    def compute(self, expressions: List[str]) -> List[float]:
        variables = {"x": 2.0, "tau": 2 * math.pi}
        out: List[float] = []
        for expression in expressions:
            out.append(calculate(expression, variables))
            variables["last"] = out[-1]
        return out

    def forward(self, text: str) -> Tuple[List[str], List[List[int]], List[Tuple[List[str], float]], List[List[str]], List[Chunk], Dict[str, int]]:
        parts = sentences(text)
        ids: List[List[int]] = []
        unigrams: List[Tuple[List[str], float]] = []
        tags: List[List[str]] = []
        chunks: List[Chunk] = []
        for part in parts:
            row, pieces = self.bytes(part)
            ids.append(row)
            for piece in pieces:
                if piece not in self.registry:
                    self.registry[piece] = len(self.registry)
            unigrams.append(self.unigram(fold(part)))
            names, _, found = self.tagger(part)
            tags.append(names)
            chunks.extend(found)
        return parts, ids, unigrams, tags, chunks, self.registry


DOCUMENTS = ["The quick dog runs.", "A dog saw the park, the dog barked.", "Nothing here."]

EXAMPLES = {
    Pipeline: [
        ("forward", lambda: ("The quick brown dog runs in the park. Mr. Fox saw 3,141.59 dogs!  Is it?",)), ("forward", lambda: ("",)), ("forward", lambda: ("running the thing",)),
        ("tokens", lambda: ("a_b 12.5% (c'd)\te",)), ("search", lambda: (DOCUMENTS, "dog park")), ("search", lambda: (DOCUMENTS, "cat", 5)),
        ("correct", lambda: ("speling", ["spelling", "selling", "spewing"])), ("correct", lambda: ("a", torch.jit.annotate(List[str], []))),
        ("fill", lambda: ("Dear {{ name | title }}, {{items|upper}}: {{ n | pad6 }}|", {"name": "ada lovelace", "n": "7"}, {"items": ["x", "y"]})),
        ("fill", lambda: ("{{ nobody }}", {"name": "a"}, {"items": ["x"]})), ("fill", lambda: ("{{ name", {"name": "a"}, {"items": ["x"]})), ("fill", lambda: ("{{ name|shout }}", {"name": "a"}, {"items": ["x"]})),
        ("compute", lambda: (["1 + 2 * 3", "-(x + 1) ^ 2", "2 ^ 3 ^ 2", "tau / 2", "last * 10 % 7", "1,000.5 - .5"],)), ("compute", lambda: (["1 / 0"],)), ("compute", lambda: (["y + 1"],)), ("compute", lambda: (["1 + ) 2"],)),
        ("compute", lambda: (["* 2"],)), ("compute", lambda: (["1 2"],)), ("compute", lambda: (["1 ! 2"],))],
}  # fmt: skip
