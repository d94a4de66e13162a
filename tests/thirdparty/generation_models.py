"""Loops that generate: greedy, sampling, beams, with caches as tensors, lists, dicts and objects."""

import math
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


class CachedAttention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, past: Optional[Tuple[Tensor, Tensor]]) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        b, t, c = x.size()
        q, k, v = self.qkv(x).split(c, dim=2)
        k = k.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        q = q.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        v = v.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        if past is not None:
            k = torch.cat((past[0], k), dim=-2)
            v = torch.cat((past[1], v), dim=-2)
        mask = torch.ones(t, k.size(-2), dtype=torch.bool).tril(diagonal=k.size(-2) - t)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.proj(y.transpose(1, 2).reshape(b, t, c)), (k, v)


class Gpt(nn.Module):
    """nanoGPT with a cache of tuples, greedy or with temperature and top-k."""

    def __init__(self, vocab: int = 23, width: int = 16, heads: int = 2, layers: int = 2):
        super().__init__()
        self.wte = nn.Embedding(vocab, width)
        self.wpe = nn.Embedding(64, width)
        self.attn = nn.ModuleList([CachedAttention(width, heads) for _ in range(layers)])
        self.mlp = nn.ModuleList([nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width)) for _ in range(layers)])
        self.ln = nn.ModuleList([nn.LayerNorm(width) for _ in range(layers)])
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, vocab, bias=False)
        self.wte.weight = self.lm_head.weight

    def forward(self, ids: Tensor, past: Optional[List[Tuple[Tensor, Tensor]]] = None) -> Tuple[Tensor, List[Tuple[Tensor, Tensor]]]:
        offset = 0
        if past is not None:
            offset = past[0][0].size(2)
        x = self.wte(ids) + self.wpe(torch.arange(offset, offset + ids.size(1), dtype=torch.long))
        present: List[Tuple[Tensor, Tensor]] = []
        for i, (ln, attn, mlp) in enumerate(zip(self.ln, self.attn, self.mlp)):
            a, cache = attn(ln(x), past[i] if past is not None else None)
            x = x + a
            x = x + mlp(x)
            present.append(cache)
        return self.lm_head(self.ln_f(x)), present

    @torch.jit.export
    def generate(self, ids: Tensor, max_new_tokens: int, eos: int = 0, repetition_penalty: float = 1.0, no_repeat_ngram: int = 0) -> Tensor:
        past: Optional[List[Tuple[Tensor, Tensor]]] = None
        unfinished = torch.ones(ids.size(0), dtype=torch.long)
        step_input = ids
        for _ in range(max_new_tokens):
            logits, past = self.forward(step_input, past)
            scores = logits[:, -1, :]
            if repetition_penalty != 1.0:
                seen = torch.gather(scores, 1, ids)
                seen = torch.where(seen < 0, seen * repetition_penalty, seen / repetition_penalty)
                scores = scores.scatter(1, ids, seen)
            if no_repeat_ngram > 0:
                scores = self.ban_ngrams(ids, scores, no_repeat_ngram)
            token = torch.argmax(scores, dim=-1) * unfinished + eos * (1 - unfinished)
            ids = torch.cat([ids, token[:, None]], dim=-1)
            unfinished = unfinished.mul(token.ne(eos).long())
            step_input = token[:, None]
            if unfinished.max() == 0:
                break
        return ids

    def ban_ngrams(self, ids: Tensor, scores: Tensor, n: int) -> Tensor:
        scores = scores.clone()
        for row in range(ids.size(0)):
            tokens: List[int] = ids[row].tolist()
            table: Dict[str, List[int]] = {}
            for i in range(len(tokens) - n + 1):
                key = ",".join([str(t) for t in tokens[i : i + n - 1]])
                if key not in table:
                    table[key] = torch.jit.annotate(List[int], [])
                table[key].append(tokens[i + n - 1])
            last = ",".join([str(t) for t in tokens[len(tokens) - n + 1 :]])
            if last in table:
                for banned in table[last]:
                    scores[row, banned] = -float("inf")
        return scores

    @torch.jit.export
    def perplexity(self, ids: Tensor) -> Tuple[float, Tensor]:
        logits, _ = self.forward(ids[:, :-1], None)
        loss = F.cross_entropy(logits.reshape(-1, logits.size(-1)), ids[:, 1:].reshape(-1), reduction="none")
        return math.exp(float(loss.mean())), loss

    @torch.jit.export
    def filter_logits(self, logits: Tensor, top_k: int, top_p: float, temperature: float) -> Tensor:
        logits = logits / temperature
        if top_k > 0:
            k = min(top_k, logits.size(-1))
            kth = torch.topk(logits, k)[0][..., -1, None]
            logits = logits.masked_fill(logits < kth, float("-inf"))
        if top_p < 1.0:
            sorted_logits, sorted_indices = torch.sort(logits, descending=True)
            cumulative = torch.cumsum(F.softmax(sorted_logits, dim=-1), dim=-1)
            remove = cumulative > top_p
            remove[..., 1:] = remove[..., :-1].clone()
            remove[..., 0] = False
            logits = logits.masked_fill(remove.scatter(1, sorted_indices, remove), float("-inf"))
        return F.softmax(logits, dim=-1)


class Beam(NamedTuple):
    tokens: Tensor
    logprob: float
    state: List[Tensor]


class Seq2Seq(nn.Module):
    """Encoder, attention and decoder cell of the 2017 kind, with a beam search over named tuples."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.encoder = nn.GRU(8, 8, batch_first=True)
        self.cell = nn.GRUCell(16, 8)
        self.attn = nn.Bilinear(8, 8, 1)
        self.out = nn.Linear(16, 20)
        self.bos = 1
        self.eos = 2

    def attend(self, h: Tensor, memory: Tensor) -> Tensor:
        n, t, c = memory.shape
        scores = self.attn(h.unsqueeze(1).expand(n, t, c).contiguous(), memory).squeeze(-1)
        return torch.bmm(F.softmax(scores, dim=1).unsqueeze(1), memory).squeeze(1)

    def step(self, token: Tensor, state: List[Tensor], memory: Tensor) -> Tuple[Tensor, List[Tensor]]:
        h, context = state[0], state[1]
        h = self.cell(torch.cat([self.embed(token), context], dim=1), h)
        context = self.attend(h, memory)
        return F.log_softmax(self.out(torch.cat([h, context], dim=1)), dim=1), [h, context]

    def forward(self, source: Tensor, beam_size: int = 3, max_len: int = 6, alpha: float = 0.6) -> List[Tuple[List[int], float]]:
        memory, last = self.encoder(self.embed(source))
        beams: List[Beam] = [Beam(torch.tensor([self.bos]), 0.0, [last[0], torch.zeros(1, 8)])]
        finished: List[Beam] = []
        for _ in range(max_len):
            candidates: List[Beam] = []
            for beam in beams:
                logp, state = self.step(beam.tokens[-1:], beam.state, memory)
                top, at = logp[0].topk(beam_size)
                for k in range(beam_size):
                    tokens = torch.cat([beam.tokens, at[k : k + 1]])
                    candidates.append(Beam(tokens, beam.logprob + top[k].item(), state))
            order: List[int] = torch.tensor([c.logprob for c in candidates]).argsort(descending=True).tolist()
            beams = torch.jit.annotate(List[Beam], [])
            for i in order:
                chosen = candidates[i]
                if int(chosen.tokens[-1]) == self.eos:
                    finished.append(chosen)
                else:
                    beams.append(chosen)
                if len(beams) == beam_size:
                    break
            if len(finished) >= beam_size or len(beams) == 0:
                break
        results: List[Tuple[List[int], float]] = []
        for beam in finished + beams:
            penalty = ((5 + beam.tokens.numel()) / 6.0) ** alpha
            row: List[int] = beam.tokens.tolist()
            results.append((row, beam.logprob / penalty))
        return results


class BatchedBeam(nn.Module):
    """fairseq's way: all beams in one tensor, reordered by index_select."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(11, 11))
        self.pad, self.eos = 1, 2

    def forward(self, prefix: Tensor, beam: int, steps: int) -> Tuple[Tensor, Tensor, List[int]]:
        bsz = prefix.size(0)
        vocab = self.table.size(0)
        tokens = torch.full((bsz * beam, steps + 2), self.pad, dtype=torch.long)
        tokens[:, 0] = prefix.repeat_interleave(beam)
        scores = torch.zeros(bsz * beam, steps + 1)
        blacklist = torch.zeros(bsz, beam).to(torch.bool)
        offsets = (torch.arange(0, bsz) * beam).unsqueeze(1)
        done_at: List[int] = [-1 for _ in range(bsz)]
        for step in range(steps):
            lprobs = torch.log_softmax(self.table[tokens[:, step]], -1)
            lprobs[:, self.pad] = -math.inf
            if step == steps - 1:
                lprobs[:, : self.eos] = -math.inf
                lprobs[:, self.eos + 1 :] = -math.inf
            lprobs = lprobs.view(bsz, beam, vocab)
            if step == 0:
                lprobs = lprobs[:, ::beam, :].contiguous()
            else:
                lprobs = lprobs + scores.view(bsz, beam, -1)[:, :, step - 1].unsqueeze(-1)
            top, at = torch.topk(lprobs.view(bsz, -1), k=min(beam * 2, lprobs.view(bsz, -1).size(1) - 1))
            beams = torch.div(at, vocab, rounding_mode="trunc")
            at = at.fmod(vocab)
            eos_mask = at.eq(self.eos) & top.ne(-math.inf)
            eos_mask[:, :beam][blacklist] = torch.tensor(0).to(eos_mask)
            for sent in range(bsz):
                if done_at[sent] < 0 and bool(eos_mask[sent].any()):
                    done_at[sent] = step
            eos_mask[:, :beam] = ~((~blacklist) & (~eos_mask[:, :beam]))
            active = torch.add(eos_mask.type_as(torch.arange(1)) * (beam * 2), torch.arange(0, eos_mask.size(1)))
            new_blacklist, hypos = torch.topk(active, k=beam, dim=1, largest=False)
            blacklist = new_blacklist.ge(beam * 2)[:, :beam]
            active_idx = torch.gather(beams + offsets, dim=1, index=hypos).view(-1)
            tokens[:, : step + 1] = torch.index_select(tokens[:, : step + 1], dim=0, index=active_idx)
            tokens.view(bsz, beam, -1)[:, :, step + 1] = torch.gather(at, dim=1, index=hypos)
            scores[:, :step] = torch.index_select(scores[:, :step], dim=0, index=active_idx)
            scores.view(bsz, beam, -1)[:, :, step] = torch.gather(top, dim=1, index=hypos)
        return tokens, scores, done_at


@torch.jit.script
class KvCache:
    """Preallocated, written in place, as an object that methods share."""

    def __init__(self, layers: int, capacity: int, width: int):
        self.keys = torch.zeros(layers, capacity, width)
        self.values = torch.zeros(layers, capacity, width)
        self.length = 0
        self.stats: Dict[str, int] = {"writes": 0}

    def append(self, layer: int, k: Tensor, v: Tensor) -> Tuple[Tensor, Tensor]:
        end = self.length + k.size(0)
        if end > self.keys.size(1):
            raise RuntimeError(f"the cache of {self.keys.size(1)} is full")
        self.keys[layer, self.length : end] = k
        self.values[layer, self.length : end].copy_(v)
        self.stats["writes"] += 1
        return self.keys[layer, :end], self.values[layer, :end]

    def advance(self, n: int):
        self.length += n

    def __len__(self) -> int:
        return self.length


class ObjectCache(nn.Module):
    def __init__(self):
        super().__init__()
        self.k = nn.ModuleList([nn.Linear(6, 6) for _ in range(2)])
        self.v = nn.ModuleList([nn.Linear(6, 6) for _ in range(2)])

    def forward(self, chunks: List[Tensor], capacity: int) -> Tuple[Tensor, int, Dict[str, int]]:
        cache = KvCache(2, capacity, 6)
        out: List[Tensor] = []
        for chunk in chunks:
            x = chunk
            for i, (key, value) in enumerate(zip(self.k, self.v)):
                k, v = cache.append(i, key(x), value(x))
                x = torch.softmax(x @ k.t() / 6**0.5, -1) @ v
            cache.advance(chunk.size(0))
            out.append(x)
        return torch.cat(out), len(cache), cache.stats


class RotaryDecoder(nn.Module):
    """Rotary positions, grouped heads, RMS norm and a gated unit, as decoders of 2023 have them."""

    def __init__(self, width: int = 16, heads: int = 4, kv_heads: int = 2):
        super().__init__()
        self.heads, self.kv_heads, self.dim = heads, kv_heads, width // heads
        self.q = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(width, 2 * kv_heads * self.dim, bias=False)
        self.o = nn.Linear(width, width, bias=False)
        self.weight = nn.Parameter(torch.ones(width))
        self.up, self.gate, self.down = nn.Linear(width, 24, bias=False), nn.Linear(width, 24, bias=False), nn.Linear(24, width, bias=False)
        self.register_buffer("inv_freq", 1.0 / (10000 ** (torch.arange(0, self.dim, 2).float() / self.dim)))

    def rotate(self, x: Tensor, positions: Tensor) -> Tensor:
        freqs = torch.outer(positions.float(), self.inv_freq)
        emb = torch.cat((freqs, freqs), dim=-1)
        x1, x2 = x.chunk(2, dim=-1)
        return x * emb.cos() + torch.cat((-x2, x1), dim=-1) * emb.sin()

    def norm(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        b, t, c = x.shape
        h = self.norm(x)
        positions = torch.arange(start, start + t)
        q = self.rotate(self.q(h).view(b, t, self.heads, self.dim).transpose(1, 2), positions)
        k, v = self.kv(h).view(b, t, 2, self.kv_heads, self.dim).unbind(2)
        k = self.rotate(k.transpose(1, 2), positions).repeat_interleave(self.heads // self.kv_heads, dim=1)
        v = v.transpose(1, 2)[:, :, None].expand(b, self.kv_heads, self.heads // self.kv_heads, t, self.dim).reshape(b, self.heads, t, self.dim)
        x = x + self.o(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, c))
        h = self.norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


EXAMPLES = {
    Gpt: [("forward", lambda: (torch.randint(0, 23, (2, 5)),)), ("generate", lambda: (torch.randint(1, 23, (2, 3)), 8)),
          ("generate", lambda: (torch.randint(1, 23, (2, 3)), 6, 0, 1.3, 2)), ("perplexity", lambda: (torch.randint(0, 23, (2, 6)),)),
          ("filter_logits", lambda: (torch.randn(2, 23), 5, 0.9, 0.7)), ("generate", lambda: (torch.full((1, 2), 23), 1))],
    Seq2Seq: [("forward", lambda: (torch.randint(0, 20, (1, 6)),)), ("forward", lambda: (torch.randint(0, 20, (1, 4)), 2, 9, 1.0))],
    BatchedBeam: [("forward", lambda: (torch.tensor([4, 5]), 3, 5)), ("forward", lambda: (torch.tensor([0]), 2, 3))],
    ObjectCache: [("forward", lambda: ([torch.randn(3, 6), torch.randn(1, 6), torch.randn(2, 6)], 8)), ("forward", lambda: ([torch.randn(3, 6), torch.randn(2, 6)], 4))],
    RotaryDecoder: [("forward", lambda: (torch.randn(2, 5, 16),)), ("forward", lambda: (torch.randn(1, 1, 16), 7))],
}  # fmt: skip
