"""What projects around language models ship: sentence encoders, rerankers, taggers, recognisers of names."""

import math
from dataclasses import dataclass
from enum import Enum
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class MiniBert(nn.Module):
    def __init__(self, vocab_size: int = 50, hidden_size: int = 16, num_heads: int = 4, num_layers: int = 2, max_position: int = 32):
        super().__init__()
        self.word = nn.Embedding(vocab_size, hidden_size, padding_idx=0)
        self.position = nn.Embedding(max_position, hidden_size)
        self.token_type = nn.Embedding(2, hidden_size)
        self.norm = nn.LayerNorm(hidden_size, eps=1e-12)
        self.register_buffer("position_ids", torch.arange(max_position).expand((1, -1)), persistent=False)
        self.blocks = nn.ModuleList([BertBlock(hidden_size, num_heads) for _ in range(num_layers)])

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Optional[Tensor] = None) -> Tensor:
        seq_length = input_ids.size(1)
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)
        hidden = self.word(input_ids) + self.position(self.position_ids[:, :seq_length]) + self.token_type(token_type_ids)
        hidden = self.norm(hidden)
        extended = (1.0 - attention_mask[:, None, None, :].to(hidden.dtype)) * -3.4028234663852886e38
        for block in self.blocks:
            hidden = block(hidden, extended)
        return hidden


class BertBlock(nn.Module):
    def __init__(self, hidden_size: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.head_dim = hidden_size // num_heads
        self.q_proj = nn.Linear(hidden_size, hidden_size)
        self.k_proj = nn.Linear(hidden_size, hidden_size)
        self.v_proj = nn.Linear(hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, hidden_size)
        self.norm1 = nn.LayerNorm(hidden_size)
        self.mlp = nn.Sequential(nn.Linear(hidden_size, hidden_size * 2), nn.GELU(approximate="tanh"), nn.Dropout(0.1), nn.Linear(hidden_size * 2, hidden_size))
        self.norm2 = nn.LayerNorm(hidden_size)

    def _shape(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], -1, self.num_heads, self.head_dim).permute(0, 2, 1, 3)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self._shape(self.q_proj(x)), self._shape(self.k_proj(x)), self._shape(self.v_proj(x))
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / math.sqrt(self.head_dim)
        probs = F.softmax(scores + mask, dim=-1)
        context = torch.einsum("bhqk,bhkd->bhqd", probs, v).permute(0, 2, 1, 3).flatten(2)
        x = self.norm1(x + self.out(context))
        return self.norm2(x + self.mlp(x))


def ids_and_mask(batch: int = 3, length: int = 7) -> Tuple[Tensor, Tensor]:
    ids = torch.randint(1, 50, (batch, length))
    lengths = torch.randint(1, length + 1, (batch,))
    lengths[0] = length
    mask = (torch.arange(length)[None, :] < lengths[:, None]).long()
    return ids * mask, mask


class SentenceEncoder(nn.Module):
    """The modules of sentence-transformers in one: transformer, pooling, dense, normalize, truncation."""

    def __init__(self, pooling: str = "mean"):
        super().__init__()
        self.bert = MiniBert()
        self.pooling = pooling
        self.dense = nn.Linear(16, 12)
        self.activation = nn.Tanh()

    def forward(self, features: Dict[str, Tensor], truncate_dim: Optional[int] = None, normalize: bool = True) -> Dict[str, Tensor]:
        token_embeddings = self.bert(features["input_ids"], features["attention_mask"])
        features["token_embeddings"] = token_embeddings
        mask = features["attention_mask"]
        output_vectors: List[Tensor] = []
        if self.pooling == "cls":
            output_vectors.append(token_embeddings[:, 0])
        elif self.pooling == "max":
            expanded = mask.unsqueeze(-1).expand(token_embeddings.size()).to(token_embeddings.dtype)
            token_embeddings[expanded == 0] = -1e9
            output_vectors.append(torch.max(token_embeddings, 1)[0])
        elif self.pooling == "weightedmean":
            weights = torch.arange(1, token_embeddings.shape[1] + 1).unsqueeze(0).unsqueeze(-1).expand(token_embeddings.size()).to(token_embeddings.dtype)
            expanded = mask.unsqueeze(-1).expand(token_embeddings.size()).to(token_embeddings.dtype) * weights
            output_vectors.append(torch.sum(token_embeddings * expanded, 1) / torch.clamp(expanded.sum(1), min=1e-9))
        else:
            expanded = mask.unsqueeze(-1).expand(token_embeddings.size()).float()
            output_vectors.append(torch.sum(token_embeddings * expanded, 1) / torch.clamp(expanded.sum(1), min=1e-9))
        embedding = self.activation(self.dense(torch.cat(output_vectors, 1)))
        if truncate_dim is not None:
            embedding = embedding[..., :truncate_dim]
        if normalize:
            embedding = F.normalize(embedding, p=2.0, dim=1)
        features["sentence_embedding"] = embedding
        return features


class MaxPooled(SentenceEncoder):
    def __init__(self):
        super().__init__("max")


class WeightedPooled(SentenceEncoder):
    def __init__(self):
        super().__init__("weightedmean")


class Matryoshka(nn.Module):
    """One embedding at several widths, each normalised, quantised to bytes and bits on request."""

    dims: List[int]

    def __init__(self):
        super().__init__()
        self.bert = MiniBert()
        self.dims = [4, 8, 16]

    def quantize(self, x: Tensor, precision: str) -> Tensor:
        if precision == "float32":
            return x
        elif precision == "int8":
            low, high = x.min(dim=0).values, x.max(dim=0).values
            steps = (high - low) / 255.0
            return torch.clamp(torch.round((x - low) / steps) - 128, -128, 127).to(torch.int8)
        elif precision == "ubinary":
            bits = (x > 0).to(torch.uint8)
            padded = F.pad(bits, (0, (8 - bits.size(1) % 8) % 8))
            powers = 2 ** torch.arange(7, -1, -1)
            return (padded.view(x.size(0), -1, 8) * powers).sum(-1).to(torch.uint8)
        raise ValueError(f"precision {precision} is not supported")

    def forward(self, ids: Tensor, mask: Tensor, precision: str = "float32") -> Dict[int, Tensor]:
        hidden = self.bert(ids, mask)
        m = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * m).sum(1) / m.sum(1).clamp(min=1.0)
        return {d: self.quantize(F.normalize(pooled[:, :d], dim=-1), precision) for d in self.dims}


class CrossEncoder(nn.Module):
    """A reranker: scores of pairs, sorted, with the best k."""

    def __init__(self):
        super().__init__()
        self.bert = MiniBert()
        self.pooler = nn.Linear(16, 16)
        self.classifier = nn.Linear(16, 1)

    @torch.jit.export
    def score(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        pooled = torch.tanh(self.pooler(self.bert(ids, mask, types)[:, 0]))
        return self.classifier(pooled).squeeze(-1)

    def forward(self, query: List[int], documents: List[List[int]], top_k: int = 3) -> List[Tuple[int, float]]:
        width = max([len(document) for document in documents]) + len(query) + 3
        ids = torch.zeros([len(documents), width], dtype=torch.long)
        types = torch.zeros_like(ids)
        mask = torch.zeros_like(ids)
        for i, document in enumerate(documents):
            row = [2] + query + [3] + document + [3]
            ids[i, : len(row)] = torch.tensor(row)
            types[i, len(query) + 2 : len(row)] = 1
            mask[i, : len(row)] = 1
        scores = torch.sigmoid(self.score(ids, mask, types))
        values, order = torch.sort(scores, descending=True)
        out: List[Tuple[int, float]] = []
        for i in range(min(top_k, len(documents))):
            out.append((int(order[i].item()), float(values[i].item())))
        return out


class ColBert(nn.Module):
    """Late interaction: the sum over query tokens of the largest similarity."""

    def __init__(self):
        super().__init__()
        self.bert = MiniBert()
        self.linear = nn.Linear(16, 8, bias=False)
        self.skiplist = torch.jit.annotate(List[int], [5, 6, 7])

    def encode(self, ids: Tensor, mask: Tensor) -> Tensor:
        return F.normalize(self.linear(self.bert(ids, mask)), p=2.0, dim=2) * mask.unsqueeze(-1)

    def forward(self, query: Tensor, query_mask: Tensor, docs: Tensor, docs_mask: Tensor) -> Tensor:
        keep = docs_mask.clone()
        for skipped in self.skiplist:
            keep &= (docs != skipped).long()
        q = self.encode(query, query_mask)
        d = self.encode(docs, keep)
        similarity = q.unsqueeze(1) @ d.unsqueeze(0).transpose(2, 3)
        similarity.masked_fill_(~keep.to(torch.bool)[None, :, None, :], -9999.0)
        return (similarity.max(-1).values * query_mask[:, None, :]).sum(-1)


class Splade(nn.Module):
    """Sparse vectors of terms: log(1 + relu(logits)), pooled by max; as lists of (term, weight)."""

    def __init__(self):
        super().__init__()
        self.bert = MiniBert()
        self.decoder = nn.Linear(16, 50)
        self.decoder.weight = self.bert.word.weight

    def forward(self, ids: Tensor, mask: Tensor) -> Tuple[Tensor, List[Dict[int, float]]]:
        logits = self.decoder(self.bert(ids, mask))
        values = torch.max(torch.log1p(torch.relu(logits)) * mask.unsqueeze(-1), dim=1)[0]
        sparse: List[Dict[int, float]] = []
        for row in values:
            terms: Dict[int, float] = {}
            for index in torch.nonzero(row).flatten():
                terms[int(index)] = float(row[index])
            sparse.append(terms)
        return values, sparse


class Entity(NamedTuple):
    start: int
    end: int
    label: str
    score: float


class Crf(nn.Module):
    """As in pytorch-crf: log-likelihood and Viterbi."""

    def __init__(self, num_tags: int):
        super().__init__()
        self.num_tags = num_tags
        self.start_transitions = nn.Parameter(torch.randn(num_tags))
        self.end_transitions = nn.Parameter(torch.randn(num_tags))
        self.transitions = nn.Parameter(torch.randn(num_tags, num_tags))

    def compute_normalizer(self, emissions: Tensor, mask: Tensor) -> Tensor:
        seq_length = emissions.size(0)
        score = self.start_transitions + emissions[0]
        for i in range(1, seq_length):
            next_score = score.unsqueeze(2) + self.transitions + emissions[i].unsqueeze(1)
            next_score = torch.logsumexp(next_score, dim=1)
            score = torch.where(mask[i].unsqueeze(1), next_score, score)
        return torch.logsumexp(score + self.end_transitions, dim=1)

    def compute_score(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        seq_length, batch_size = tags.shape
        m = mask.float()
        score = self.start_transitions[tags[0]]
        score += emissions[0, torch.arange(batch_size), tags[0]]
        for i in range(1, seq_length):
            score += self.transitions[tags[i - 1], tags[i]] * m[i]
            score += emissions[i, torch.arange(batch_size), tags[i]] * m[i]
        seq_ends = mask.long().sum(dim=0) - 1
        last_tags = tags[seq_ends, torch.arange(batch_size)]
        return score + self.end_transitions[last_tags]

    def decode(self, emissions: Tensor, mask: Tensor) -> List[List[int]]:
        seq_length, batch_size = mask.shape
        score = self.start_transitions + emissions[0]
        history: List[Tensor] = []
        for i in range(1, seq_length):
            next_score, indices = (score.unsqueeze(2) + self.transitions + emissions[i].unsqueeze(1)).max(dim=1)
            score = torch.where(mask[i].unsqueeze(1), next_score, score)
            history.append(indices)
        score += self.end_transitions
        seq_ends = mask.long().sum(dim=0) - 1
        best_tags_list: List[List[int]] = []
        for idx in range(batch_size):
            _, best_last_tag = score[idx].max(dim=0)
            best_tags: List[int] = [int(best_last_tag.item())]
            steps = history[: int(seq_ends[idx])]
            for j in range(len(steps)):
                hist = steps[len(steps) - 1 - j]
                best_tags.append(int(hist[idx][best_tags[-1]].item()))
            best_tags.reverse()
            best_tags_list.append(best_tags)
        return best_tags_list


class NerTagger(nn.Module):
    """BiLSTM-CRF over packed sequences with character CNN features; entities out of BIO tags."""

    labels: List[str]

    def __init__(self):
        super().__init__()
        self.labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
        self.word = nn.Embedding(50, 10, padding_idx=0)
        self.char = nn.Embedding(30, 6)
        self.char_cnn = nn.Conv1d(6, 8, kernel_size=3, padding=1)
        self.lstm = nn.LSTM(18, 7, num_layers=2, bidirectional=True, batch_first=True, dropout=0.25)
        self.head = nn.Linear(14, 5)
        self.crf = Crf(5)

    def emissions(self, words: Tensor, chars: Tensor, lengths: Tensor) -> Tensor:
        batch, length, width = chars.shape
        c = self.char(chars.view(batch * length, width)).transpose(1, 2)
        c = F.relu(self.char_cnn(c)).max(dim=2)[0].view(batch, length, -1)
        x = torch.cat([self.word(words), c], dim=-1)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, _ = self.lstm(packed)
        unpacked, _ = pad_packed_sequence(out, batch_first=True, total_length=length)
        return self.head(unpacked)

    def entities(self, tags: List[int], scores: Tensor) -> List[Entity]:
        found: List[Entity] = []
        begin = -1
        kind = ""
        for i in range(len(tags) + 1):
            label = self.labels[tags[i]] if i < len(tags) else "O"
            inside = label.startswith("I-") and label[2:] == kind and begin >= 0
            if not inside and begin >= 0:
                found.append(Entity(begin, i, kind, float(scores[begin:i].mean())))
                begin = -1
            if label.startswith("B-"):
                begin = i
                kind = label[2:]
        return found

    def forward(self, words: Tensor, chars: Tensor, lengths: Tensor) -> Tuple[List[List[int]], List[List[Entity]], Tensor]:
        e = self.emissions(words, chars, lengths).transpose(0, 1)
        mask = torch.arange(words.size(1)).unsqueeze(1) < lengths.unsqueeze(0)
        paths = self.crf.decode(e, mask)
        confidence = torch.softmax(e, -1).amax(-1)
        out = [self.entities(path, confidence[:, i]) for i, path in enumerate(paths)]
        padded = torch.zeros_like(words).t()
        for i, path in enumerate(paths):
            padded[: len(path), i] = torch.tensor(path)
        loss = self.crf.compute_score(e, padded, mask) - self.crf.compute_normalizer(e, mask)
        return paths, out, loss


class GruTagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 8)
        self.gru = nn.GRU(8, 6, num_layers=2, bidirectional=True)
        self.attention = nn.Parameter(torch.randn(12))
        self.out = nn.Linear(12, 4)

    def forward(self, ids: Tensor, hidden: Optional[Tensor] = None) -> Tuple[Tensor, Tensor, Tensor]:
        x = self.embedding(ids).transpose(0, 1)
        y, h = self.gru(x, hidden)
        weights = torch.softmax(torch.tensordot(torch.tanh(y), self.attention, dims=1), dim=0)
        pooled = torch.sum(y * weights.unsqueeze(-1), dim=0)
        return F.log_softmax(self.out(pooled), dim=-1), h, weights.t()


class TextCnn(nn.Module):
    """Kim 2014."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 12)
        self.convs = nn.ModuleList([nn.Conv2d(1, 6, (k, 12)) for k in (2, 3, 4)])
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(18, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embedding(x).unsqueeze(1)
        pooled: List[Tensor] = []
        for conv in self.convs:
            y = F.relu(conv(x)).squeeze(3)
            pooled.append(F.max_pool1d(y, y.size(2)).squeeze(2))
        return self.fc(self.dropout(torch.cat(pooled, 1)))


class FastText(nn.Module):
    """Hashed n-grams in an EmbeddingBag."""

    def __init__(self, mode: str = "mean"):
        super().__init__()
        self.bag = nn.EmbeddingBag(100, 8, mode=mode)
        self.out = nn.Linear(8, 3)
        self.buckets = 100

    def hashes(self, text: str) -> List[int]:
        out: List[int] = []
        padded = "<" + text + ">"
        for n in range(2, 5):
            for i in range(len(padded) - n + 1):
                h = 2166136261
                for c in padded[i : i + n]:
                    h = ((h ^ ord(c)) * 16777619) & 0xFFFFFFFF
                out.append(h % self.buckets)
        return out

    def forward(self, texts: List[str]) -> Tuple[Tensor, List[int]]:
        ids: List[int] = []
        offsets: List[int] = []
        for text in texts:
            offsets.append(len(ids))
            ids.extend(self.hashes(text))
        pooled = self.bag(torch.tensor(ids), torch.tensor(offsets))
        logits = self.out(pooled)
        best: List[int] = logits.argmax(1).tolist()
        return logits, best


class Task(Enum):
    CLASSIFY = "classify"
    REGRESS = "regress"


@dataclass
class HeadConfig:
    width: int
    labels: int
    task: str


class Heads(nn.Module):
    """A head chosen by an enum, made from a dataclass in Python."""

    def __init__(self):
        super().__init__()
        config = HeadConfig(16, 4, "classify")
        self.bert = MiniBert(num_layers=1)
        self.classifier = nn.Linear(config.width, config.labels)
        self.regressor = nn.Linear(config.width, 1)
        self.task = Task.CLASSIFY if config.task == "classify" else Task.REGRESS

    @torch.jit.export
    def set_task(self, name: str) -> str:
        if name == Task.CLASSIFY.value:
            self.task = Task.CLASSIFY
        else:
            self.task = Task.REGRESS
        return self.task.name

    def forward(self, ids: Tensor, mask: Tensor, labels: Optional[Tensor] = None) -> Tuple[Tensor, Optional[Tensor]]:
        cls = self.bert(ids, mask)[:, 0]
        loss: Optional[Tensor] = None
        if self.task == Task.REGRESS:
            logits = self.regressor(cls).squeeze(-1)
            if labels is not None:
                loss = F.smooth_l1_loss(logits, labels.float())
        else:
            logits = self.classifier(cls)
            if labels is not None:
                loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
        return logits, loss


def _features():
    ids, mask = ids_and_mask()
    return {"input_ids": ids, "attention_mask": mask}


def _words():
    lengths = torch.tensor([5, 2, 4])
    words = torch.randint(1, 50, (3, 5)) * (torch.arange(5)[None] < lengths[:, None])
    return words, torch.randint(0, 30, (3, 5, 4)), lengths


EXAMPLES = {
    SentenceEncoder: [("forward", lambda: (_features(),)), ("forward", lambda: (_features(), 6, True)), ("forward", lambda: (_features(), None, False))],
    MaxPooled: [("forward", lambda: (_features(),))],
    WeightedPooled: [("forward", lambda: (_features(),))],
    Matryoshka: [("forward", lambda: ids_and_mask()), ("forward", lambda: (*ids_and_mask(), "int8")), ("forward", lambda: (*ids_and_mask(), "ubinary")),
                 ("forward", lambda: (*ids_and_mask(), "int4"))],
    CrossEncoder: [("forward", lambda: ([5, 6, 7], [[8, 9], [10], [11, 12, 13, 14], [15]])), ("forward", lambda: ([5], [[8, 9]], 5)), ("forward", lambda: ([5], torch.jit.annotate(List[List[int]], [])))],
    ColBert: [("forward", lambda: (*ids_and_mask(2, 4), *ids_and_mask(3, 6)))],
    Splade: [("forward", lambda: ids_and_mask())],
    NerTagger: [("forward", _words), ("forward", lambda: (torch.ones(1, 3, dtype=torch.long), torch.ones(1, 3, 4, dtype=torch.long), torch.tensor([0])))],
    GruTagger: [("forward", lambda: (torch.randint(0, 50, (3, 6)),)), ("forward", lambda: (torch.randint(0, 50, (2, 4)), torch.randn(4, 2, 6))),
                ("forward", lambda: (torch.randint(0, 50, (2, 4)), torch.randn(4, 3, 6)))],
    TextCnn: [("forward", lambda: (torch.randint(0, 50, (3, 9)),)), ("forward", lambda: (torch.randint(0, 50, (3, 2)),))],
    FastText: [("forward", lambda: (["hello", "wörld", "a"],)), ("forward", lambda: ([""],))],
    Heads: [("forward", lambda: (*ids_and_mask(), torch.tensor([0, 3, 1]))), ("set_task", lambda: ("regress",)), ("forward", lambda: (*ids_and_mask(), torch.tensor([0, 3, 1]))),
            ("forward", lambda: (*ids_and_mask(), torch.tensor([0, 3])))],
}  # fmt: skip
