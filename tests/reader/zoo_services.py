"""Modules as services around encoders have them: pooling, padding, search, text, state."""

from typing import Dict, Final, List, NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Encoder(nn.Module):
    """Stands for a small transformer."""

    def __init__(self, vocabulary: int = 30, width: int = 8, heads: int = 2, layers: int = 2):
        super().__init__()
        torch.manual_seed(3)
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        self.layers = nn.ModuleList([Layer(width, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x)


class Layer(nn.Module):
    heads: Final[int]

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def split_heads(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        return x.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self.query_key_value(x).chunk(3, dim=-1)
        q, k, v = self.split_heads(q), self.split_heads(k), self.split_heads(v)
        scores = torch.matmul(q, k.transpose(-2, -1)) / (q.size(-1) ** 0.5)
        scores = scores.masked_fill(mask[:, None, None, :] == 0, -3.4e38)
        y = torch.matmul(torch.softmax(scores, dim=-1), v)
        x = x + self.out(y.transpose(1, 2).contiguous().view(x.shape))
        return x + self.feed_forward(x)


IDS = torch.tensor([[2, 5, 6, 3, 0], [2, 9, 3, 0, 0]])
MASK = (IDS != 0).to(torch.int64)


class Pooling(nn.Module):
    """Mean, max, first or last token, as sentence encoders have them."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.modes: List[str] = ["mean", "max", "cls", "last"]
        self.scale = nn.Parameter(torch.tensor(1.5))

    def pool(self, hidden: Tensor, mask: Tensor, mode: str) -> Tensor:
        wide = mask.unsqueeze(-1).expand(hidden.size()).float()
        if mode == "mean":
            return torch.sum(hidden * wide, 1) / torch.clamp(wide.sum(1), min=1e-9)
        elif mode == "max":
            hidden = hidden.clone()
            hidden[wide == 0] = -1e9
            return torch.max(hidden, 1)[0]
        elif mode == "cls":
            return hidden[:, 0]
        assert mode == "last", f"unknown mode {mode}"
        last = mask.sum(1) - 1
        return hidden[torch.arange(hidden.size(0)), last]

    def forward(self, ids: Tensor, mask: Optional[Tensor] = None, normalise: bool = True) -> Dict[str, Tensor]:
        if mask is None:
            mask = (ids != 0).to(torch.long)
        hidden = self.encoder(ids, mask)
        out: Dict[str, Tensor] = {}
        for mode in self.modes:
            pooled = self.pool(hidden, mask, mode) * self.scale
            out[mode] = F.normalize(pooled, p=2.0, dim=1) if normalise else pooled
        return out


class PaddingLoop(nn.Module):
    """Sorts by length, makes batches of a token budget, pads each, and puts the results back in order."""

    budget: Final[int] = 10

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()

    def pad(self, rows: List[List[int]]) -> Tuple[Tensor, Tensor]:
        longest = 0
        for row in rows:
            longest = max(longest, len(row))
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[i, : len(row)] = 1
        return ids, mask

    def forward(self, rows: List[List[int]]) -> Tuple[Tensor, List[int]]:
        lengths = torch.tensor([len(row) for row in rows])
        order: List[int] = torch.argsort(lengths, descending=True, stable=True).tolist()
        results: List[Optional[Tensor]] = [None for _ in range(len(rows))]
        sizes: List[int] = []
        at = 0
        while at < len(order):
            batch: List[int] = []
            longest = len(rows[order[at]])
            while at < len(order) and (len(batch) + 1) * longest <= self.budget:
                batch.append(order[at])
                at += 1
            if len(batch) == 0:
                raise RuntimeError("row {} is longer than the budget".format(order[at]))
            ids, mask = self.pad([rows[i] for i in batch])
            hidden = self.encoder(ids, mask)
            for j in range(len(batch)):
                results[batch[j]] = hidden[j, 0]
            sizes.append(len(batch))
        found: List[Tensor] = []
        for result in results:
            if result is not None:
                found.append(result)
        return torch.stack(found), sizes


class Hypothesis(NamedTuple):
    tokens: List[int]
    score: float
    done: bool


class BeamSearch(nn.Module):
    """By hand: a table of transitions stands for the model."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.register_buffer("table", torch.log_softmax(torch.randn(7, 7), -1))
        self.end = 1

    def step(self, tokens: List[int]) -> Tensor:
        return self.table[tokens[-1]] + 0.1 * self.table[len(tokens) % 7]

    def expand(self, beams: List[Hypothesis], width: int) -> List[Hypothesis]:
        candidates: List[Tuple[float, int, int]] = []
        for number, beam in enumerate(beams):
            if beam.done:
                candidates.append((beam.score, number, -1))
                continue
            values, indices = torch.topk(self.step(beam.tokens), width)
            for k in range(width):
                candidates.append((beam.score + float(values[k]), number, int(indices[k])))
        candidates.sort(reverse=True)
        out: List[Hypothesis] = []
        for score, number, token in candidates[:width]:
            if token < 0:
                out.append(beams[number])
            else:
                out.append(Hypothesis(beams[number].tokens + [token], score, token == self.end))
        return out

    def forward(self, start: int, width: int = 3, steps: int = 5) -> Tuple[List[List[int]], List[float]]:
        beams = [Hypothesis([start], 0.0, False)]
        for _ in range(steps):
            beams = self.expand(beams, width)
            if all([beam.done for beam in beams]):
                break
        return [beam.tokens for beam in beams], [beam.score for beam in beams]


class GreedyDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.head = nn.Linear(8, 30, bias=False)
        self.head.weight = self.encoder.embedding.weight

    def forward(self, ids: Tensor, limit: int) -> Tensor:
        finished = torch.zeros(ids.size(0), dtype=torch.bool)
        while ids.size(1) < limit and not bool(finished.all()):
            logits = self.head(self.encoder(ids, torch.ones_like(ids))[:, -1])
            chosen = logits.argmax(-1)
            chosen = torch.where(finished, torch.zeros_like(chosen), chosen)
            finished |= chosen == 3
            ids = torch.cat([ids, chosen.unsqueeze(1)], dim=1)
        return ids


class WordPiece(nn.Module):
    """A tokenizer in TorchScript: cleaning, splitting, longest match first."""

    vocabulary: Dict[str, int]

    def __init__(self):
        super().__init__()
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "run", "##ning", "the", ",", "!", "a", "##b"]
        self.vocabulary = {word: i for i, word in enumerate(words)}
        self.longest = 12

    def clean(self, text: str) -> str:
        out: List[str] = []
        for character in text:
            code = ord(character)
            if code == 0 or code == 0xFFFD:
                continue
            out.append(" " if character.isspace() else character)
        return "".join(out)

    def split(self, text: str) -> List[str]:
        words: List[str] = []
        current = ""
        for character in self.clean(text).lower().strip():
            if character == " ":
                if len(current) > 0:
                    words.append(current)
                current = ""
            elif character in ",.!?":
                if current != "":
                    words.append(current)
                words.append(character)
                current = ""
            else:
                current += character
        if current != "":
            words.append(current)
        return words

    def pieces(self, word: str) -> List[int]:
        if len(word) > self.longest:
            return [self.vocabulary["[UNK]"]]
        out: List[int] = []
        start = 0
        while start < len(word):
            end = len(word)
            found = -1
            while start < end:
                piece = word[start:end]
                if start > 0:
                    piece = "##" + piece
                if piece in self.vocabulary:
                    found = self.vocabulary[piece]
                    break
                end -= 1
            if found < 0:
                return [self.vocabulary["[UNK]"]]
            out.append(found)
            start = end
        return out

    def forward(self, texts: List[str], limit: int = 8) -> Tuple[Tensor, Tensor, List[List[str]]]:
        rows: List[List[int]] = []
        words: List[List[str]] = []
        for text in texts:
            row = [self.vocabulary["[CLS]"]]
            words.append(self.split(text))
            for word in words[-1]:
                row.extend(self.pieces(word))
            row = row[: limit - 1] + [self.vocabulary["[SEP]"]]
            rows.append(row)
        width = max([len(row) for row in rows])
        ids = torch.full([len(rows), width], self.vocabulary["[PAD]"])
        for i, row in enumerate(rows):
            for j, token in enumerate(row):
                ids[i, j] = token
        return ids, ids.ne(self.vocabulary["[PAD]"]).long(), words


class Statistics(nn.Module):
    """State in dicts and lists that lives from call to call."""

    counts: Dict[str, int]
    history: List[Tuple[str, float]]
    last: Optional[Tensor]

    def __init__(self):
        super().__init__()
        self.counts = {}
        self.history = []
        self.last = None
        self.register_buffer("total", torch.zeros(3))

    @torch.jit.export
    def reset(self) -> int:
        n = len(self.history)
        self.history.clear()
        self.counts = torch.jit.annotate(Dict[str, int], {})
        self.last = None
        return n

    def forward(self, name: str, x: Tensor) -> Tuple[Dict[str, int], List[Tuple[str, float]], Tensor, bool]:
        if name not in self.counts:
            self.counts[name] = 0
        self.counts[name] += 1
        self.total += x
        self.history.append((name, float(self.total.sum())))
        same = False
        last = self.last
        if last is not None:
            same = bool((last == x).all())
        self.last = x
        return self.counts, self.history, self.total.clone(), same


class Heads(nn.Module):
    """Heads by name, chosen by the caller."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(7)
        self.heads = nn.ModuleDict({"labels": nn.Linear(8, 3), "tokens": nn.Linear(8, 5), "score": nn.Linear(8, 1)})
        self.encoder = Encoder()

    def forward(self, ids: Tensor, wanted: List[str]) -> Dict[str, Tensor]:
        hidden = self.encoder(ids, torch.ones_like(ids))
        out: Dict[str, Tensor] = {}
        for name, head in self.heads.items():
            if name in wanted:
                out[name] = head(hidden if name == "tokens" else hidden[:, 0]).squeeze(-1)
        if "labels" in out:
            probabilities = out["labels"].softmax(-1)
            out["best"] = probabilities.argmax(-1)
            out["confidence"] = probabilities.max(dim=-1).values
        return out


class Spans(nn.Module):
    """Answers of question answering: best pairs of start and end."""

    def forward(self, start: Tensor, end: Tensor, longest: int, top: int) -> List[Tuple[int, int, float]]:
        p = torch.softmax(start, -1)
        q = torch.softmax(end, -1)
        outer = torch.triu(p.unsqueeze(1) * q.unsqueeze(0))
        outer = outer - torch.triu(outer, longest)
        values, places = outer.flatten().topk(top)
        width = start.size(0)
        out = [(int(at) // width, int(at) % width, float(v)) for at, v in zip(places, values)]
        return out


class SlidingWindow(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()

    def forward(self, ids: Tensor, size: int, stride: int) -> Tensor:
        length = ids.size(0)
        total = torch.zeros(length, 8)
        seen = torch.zeros(length, 1)
        begin = 0
        while True:
            end = min(begin + size, length)
            window = ids[begin:end].unsqueeze(0)
            total[begin:end] += self.encoder(window, torch.ones_like(window)).squeeze(0)
            seen[begin:end] += 1
            if end == length:
                break
            begin += stride
        return total / seen


EXAMPLES = {
    Encoder: [(IDS, MASK)],
    Pooling: [(IDS,), (IDS, MASK, False)],
    PaddingLoop: [([[2, 5, 3], [2, 3], [2, 4, 5, 6, 3], [2, 3], [2, 7, 3]],), ([[2] * 11],)],
    BeamSearch: [(2,), (3, 2, 9), (0, 1, 3)],
    GreedyDecoder: [(torch.tensor([[2, 5], [4, 9]]), 6)],
    WordPiece: [(["Unaffable, the\trunning!", "ab a  xyz", "a"],), (["running " * 9, "averyverylongword"], 5)],
    Statistics: [("a", torch.ones(3))],
    Heads: [(IDS, ["labels", "score"]), (IDS, ["tokens"])],
    Spans: [(torch.arange(6.0), torch.arange(6.0).flip(0) * 0.5, 3, 4)],
    SlidingWindow: [(torch.arange(1, 12), 5, 3), (torch.arange(1, 4), 5, 3)],
}
