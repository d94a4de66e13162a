"""Recommenders, clustering, fitting, simulation, interpolation, graphs: numeric code in modules."""

import math
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


class DeepFm(nn.Module):
    """Dict of sparse and dense features; names come from lists of the constructor."""

    def __init__(self):
        super().__init__()
        self.sparse: List[str] = ["user", "item", "hour"]
        self.dense: List[str] = ["age", "price"]
        self.embeddings = nn.ModuleDict({name: nn.Embedding(20, 4) for name in self.sparse})
        self.linear = nn.ModuleDict({name: nn.Embedding(20, 1) for name in self.sparse})
        self.history = nn.EmbeddingBag(20, 4, mode="mean", padding_idx=0)
        self.mlp = nn.Sequential(nn.Linear(18, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.PReLU(), nn.Linear(16, 1))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: Dict[str, Tensor]) -> Dict[str, Tensor]:
        for name in self.sparse + self.dense:
            if name not in inputs:
                raise KeyError("feature " + name + " is missing")
        fields: List[Tensor] = []
        first: List[Tensor] = []
        for name, table in self.embeddings.items():
            fields.append(table(inputs[name]))
        for name, table in self.linear.items():
            first.append(table(inputs[name]))
        if "history" in inputs:
            fields.append(self.history(inputs["history"]))
        else:
            fields.append(torch.zeros_like(fields[0]))
        stacked = torch.stack(fields, dim=1)
        square_of_sum = torch.pow(torch.sum(stacked, dim=1), 2)
        sum_of_square = torch.sum(stacked * stacked, dim=1)
        second = 0.5 * torch.sum(square_of_sum - sum_of_square, dim=1, keepdim=True)
        dense = torch.stack([torch.log1p(inputs[name].float().clamp(min=0.0)) for name in self.dense], dim=1)
        deep = self.mlp(torch.cat([stacked.flatten(1), dense], dim=1))
        logit = torch.cat(first, dim=1).sum(1, keepdim=True) + second + deep + self.bias
        return {"logit": logit, "p": torch.sigmoid(logit).squeeze(1)}


class TwoTower(nn.Module):
    """Candidates by dot product, with exclusion and blocks of a catalogue."""

    def __init__(self):
        super().__init__()
        self.user = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 6))
        self.register_buffer("catalogue", F.normalize(torch.randn(37, 6), dim=1))
        self.block = 10

    def forward(self, x: Tensor, k: int, exclude: Optional[List[List[int]]] = None) -> Tuple[Tensor, Tensor]:
        u = F.normalize(self.user(x), dim=1)
        best_v = torch.full([x.size(0), k], -1e30)
        best_i = torch.full([x.size(0), k], -1, dtype=torch.long)
        for begin in range(0, self.catalogue.size(0), self.block):
            part = self.catalogue[begin : begin + self.block]
            scores = u @ part.T
            if exclude is not None:
                for row, items in enumerate(exclude):
                    for item in items:
                        if begin <= item < begin + part.size(0):
                            scores[row, item - begin] = float("-inf")
            v = torch.cat([best_v, scores], 1)
            i = torch.cat([best_i, torch.arange(begin, begin + part.size(0)).expand(x.size(0), -1)], 1)
            best_v, at = v.topk(k, dim=1)
            best_i = i.gather(1, at)
        return best_i, best_v


class KMeansResult(NamedTuple):
    centers: Tensor
    labels: Tensor
    inertia: float
    iterations: int


class KMeans(nn.Module):
    def plus_plus(self, x: Tensor, k: int, picks: List[float]) -> Tensor:
        centers = x[:1]
        for i in range(1, k):
            d = torch.cdist(x, centers).min(dim=1).values ** 2
            total = float(d.sum())
            at = int(torch.searchsorted(d.cumsum(0), picks[i - 1] * total))
            at = min(at, x.size(0) - 1)
            centers = torch.cat([centers, x[at : at + 1]])
        return centers

    def forward(self, x: Tensor, k: int, max_iter: int = 20, tol: float = 1e-6) -> KMeansResult:
        if k > x.size(0):
            raise ValueError("n_samples={} should be >= n_clusters={}.".format(x.size(0), k))
        centers = self.plus_plus(x, k, [0.3, 0.8, 0.1, 0.6])
        labels = torch.zeros(x.size(0), dtype=torch.long)
        iterations = 0
        for iteration in range(max_iter):
            iterations = iteration + 1
            labels = torch.cdist(x, centers).argmin(1)
            sums = torch.zeros_like(centers).index_add_(0, labels, x)
            counts = torch.bincount(labels, minlength=k).clamp(min=1).unsqueeze(1)
            fresh = sums / counts
            moved = float((fresh - centers).pow(2).sum())
            centers = fresh
            if moved < tol:
                break
        inertia = float((x - centers[labels]).pow(2).sum())
        return KMeansResult(centers, labels, inertia, iterations)


class Pca(nn.Module):
    """Power iteration with deflation, and the same by decompositions."""

    def forward(self, x: Tensor, k: int, steps: int = 60) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        centered = x - x.mean(0)
        cov = centered.t().mm(centered) / (x.size(0) - 1)
        values: List[float] = []
        vectors: List[Tensor] = []
        rest = cov.clone()
        for _ in range(k):
            v = torch.ones(x.size(1), dtype=x.dtype) / math.sqrt(x.size(1))
            for _ in range(steps):
                w = rest.mv(v)
                norm = w.norm().item()
                if norm == 0.0:
                    break
                v = w / norm
            value = float(v.dot(rest.mv(v)))
            rest -= value * torch.outer(v, v)
            values.append(value)
            vectors.append(v * torch.sign(v[v.abs().argmax()]))
        eigenvalues = torch.linalg.eigvalsh(cov)
        singular = torch.linalg.svdvals(centered)
        return torch.tensor(values), torch.stack(vectors), eigenvalues.flip(0)[:k], singular[:k] ** 2 / (x.size(0) - 1)


class Solvers(nn.Module):
    def conjugate_gradient(self, a: Tensor, b: Tensor, tol: float) -> Tuple[Tensor, int]:
        x = torch.zeros_like(b)
        r = b - a @ x
        p = r.clone()
        rs = torch.dot(r, r)
        n = 0
        while float(rs.sqrt()) > tol and n < 50:
            ap = a @ p
            alpha = rs / torch.dot(p, ap)
            x += alpha * p
            r -= alpha * ap
            fresh = torch.dot(r, r)
            p = r + (fresh / rs) * p
            rs = fresh
            n += 1
        return x, n

    def forward(self, m: Tensor, b: Tensor) -> Dict[str, Tensor]:
        a = m @ m.t() + torch.eye(m.size(0), dtype=m.dtype)
        l = torch.linalg.cholesky(a)
        x, n = self.conjugate_gradient(a, b, 1e-9)
        lu, pivots = torch.linalg.lu_factor(m)
        p, lower, upper = torch.lu_unpack(lu, pivots)
        q, r = torch.linalg.qr(m)
        sol = torch.linalg.lstsq(m[:, :2], b.unsqueeze(1)).solution
        return {
            "cg": x, "n": torch.tensor(n), "chol": torch.cholesky_solve(b.unsqueeze(1), l), "tri": torch.linalg.solve_triangular(l, b.unsqueeze(1), upper=False),
            "solve": torch.linalg.solve(m, b), "inv": torch.inverse(a), "det": torch.det(m), "plu": p @ lower @ upper, "qr": q @ r, "lstsq": sol, "pinv": torch.linalg.pinv(m[:, :2]),
            "rank": torch.linalg.matrix_rank(m), "exp": torch.matrix_exp(m * 0.1), "power": torch.linalg.matrix_power(m, 3), "lu_solve": torch.linalg.lu_solve(lu, pivots, b.unsqueeze(1)),
            "norm": torch.linalg.norm(m), "cond": torch.linalg.cond(a), "slog": torch.linalg.slogdet(a)[1], "multi": torch.linalg.multi_dot([m, a, b])}  # fmt: skip


class Factorisation(nn.Module):
    """Alternating least squares and multiplicative updates."""

    def forward(self, ratings: Tensor, rank: int, steps: int) -> Tuple[Tensor, List[float]]:
        n, m = ratings.shape
        u = torch.linspace(0.1, 1.0, n * rank, dtype=ratings.dtype).view(n, rank)
        v = torch.linspace(1.0, 0.2, m * rank, dtype=ratings.dtype).view(m, rank)
        mask = ratings > 0
        errors: List[float] = []
        for _ in range(steps):
            for i in range(n):
                cols = torch.where(mask[i])[0]
                if len(cols) == 0:
                    continue
                w = v[cols]
                u[i] = torch.linalg.solve(w.t() @ w + 0.1 * torch.eye(rank, dtype=w.dtype), w.t() @ ratings[i, cols])
            for j in range(m):
                rows = mask[:, j].nonzero().squeeze(1)
                if rows.numel() > 0:
                    w = u[rows]
                    v[j] = torch.linalg.solve(w.t() @ w + 0.1 * torch.eye(rank, dtype=w.dtype), w.t() @ ratings[rows, j])
            difference = (ratings - u @ v.t())[mask]
            errors.append(float(difference.pow(2).mean().sqrt()))
        return u @ v.t(), errors


class Tables(nn.Module):
    """Interpolation in one and two dimensions, with names of axes and limits by policy."""

    axes: Dict[str, Tensor]

    def __init__(self):
        super().__init__()
        self.axes = {"t": torch.tensor([0.0, 1.0, 2.5, 4.0]), "p": torch.tensor([1.0, 2.0, 4.0])}
        self.register_buffer("values", torch.tensor([[1.0, 2.0, 3.0], [2.0, 2.5, 5.0], [0.0, 1.0, 8.0], [4.0, 4.0, 4.0]]))

    def locate(self, name: str, x: Tensor, policy: str) -> Tuple[Tensor, Tensor]:
        axis = self.axes[name]
        if policy == "raise" and bool(((x < axis[0]) | (x > axis[-1])).any()):
            raise IndexError(f"{name} is outside of [{axis[0].item()}, {axis[-1].item()}]")
        if policy == "clamp":
            x = torch.clamp(x, axis[0].item(), axis[-1].item())
        i = torch.bucketize(x, axis[1:-1].contiguous(), right=True)
        return i, (x - axis[i]) / (axis[i + 1] - axis[i])

    def forward(self, t: Tensor, p: Tensor, policy: str = "clamp") -> Tensor:
        i, a = self.locate("t", t, policy)
        j, b = self.locate("p", p, policy)
        v = self.values
        return (1 - a) * ((1 - b) * v[i, j] + b * v[i, j + 1]) + a * ((1 - b) * v[i + 1, j] + b * v[i + 1, j + 1])


class Kalman(nn.Module):
    def __init__(self):
        super().__init__()
        self.F = nn.Parameter(torch.tensor([[1.0, 1.0], [0.0, 1.0]]))
        self.H = nn.Parameter(torch.tensor([[1.0, 0.0]]))
        self.register_buffer("Q", 0.01 * torch.eye(2))
        self.register_buffer("R", torch.tensor([[0.5]]))

    def forward(self, z: Tensor) -> Tuple[Tensor, Tensor, float]:
        x = torch.zeros(2, 1)
        P = torch.eye(2)
        states: List[Tensor] = []
        loglik = 0.0
        for k in range(z.size(0)):
            x = self.F @ x
            P = self.F @ P @ self.F.T + self.Q
            if not torch.isnan(z[k]):
                y = z[k] - self.H @ x
                S = self.H @ P @ self.H.T + self.R
                K = P @ self.H.mT @ torch.linalg.inv(S)
                x = x + K @ y
                P = (torch.eye(2) - K @ self.H) @ P
                loglik += float(-0.5 * (y * y / S + torch.log(2 * math.pi * S)))
            states.append(x.squeeze(1))
        return torch.stack(states), P, loglik


class Graph(nn.Module):
    """Message passing by index_add and scatter_reduce; attention by segments; degrees."""

    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4, bias=False)
        self.att = nn.Parameter(torch.randn(8))

    def forward(self, x: Tensor, edges: Tensor, steps: int = 2) -> Dict[str, Tensor]:
        n = x.size(0)
        src, dst = edges[0], edges[1]
        deg = torch.zeros(n).scatter_add_(0, dst, torch.ones(dst.size(0)))
        h = x
        for _ in range(steps):
            h = self.lin(h)
            e = F.leaky_relu(torch.cat([h[src], h[dst]], 1) @ self.att, 0.2)
            top = torch.full([n], -1e9).scatter_reduce(0, dst, e, reduce="amax")
            w = torch.exp(e - top[dst])
            total = torch.zeros(n).index_add(0, dst, w).clamp(min=1e-12)
            h = torch.zeros_like(h).index_add_(0, dst, h[src] * (w / total[dst]).unsqueeze(1)) + h
            h = F.elu(h)
        mean = torch.zeros_like(h).scatter_reduce_(0, dst.unsqueeze(1).expand(-1, 4), h[src], reduce="mean", include_self=False)
        return {"h": h, "degree": deg, "mean": mean}


class Statistics(nn.Module):
    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        hist = torch.histc(x, bins=5, min=-2.0, max=2.0)
        return {
            "quantile": torch.quantile(x, torch.tensor([0.1, 0.5, 0.9]), dim=1), "q": torch.quantile(x, 0.25), "nanmean": torch.nanmean(x, 0), "hist": hist, "cov": torch.cov(x), "corr": torch.corrcoef(x),
            "trapz": torch.trapezoid(x, dx=0.5), "cum": torch.cumulative_trapezoid(x, torch.arange(x.size(1)).float()), "median": x.median(dim=1)[0], "mode": x.round().mode(1)[0],
            "var": torch.var_mean(x, 1, unbiased=False)[0], "kth": x.kthvalue(2, dim=1)[0], "unique": torch.unique(x.round(), sorted=True), "diff": torch.diff(x), "logcum": torch.logcumsumexp(x, 1),
            "block": torch.block_diag(x[:1], x[1:]), "combos": torch.combinations(x[0]), "cross": torch.cross(x[:, :3], x[:, 1:4], dim=1), "vander": torch.vander(x[0, :3]),
            "window": torch.hamming_window(5) + torch.blackman_window(5) + torch.kaiser_window(5), "sinc": torch.sinc(x), "i0": torch.i0(x), "fill": torch.zeros(3, 3).fill_diagonal_(2.0),
            "gaussian": torch.special.ndtr(x), "bessel": torch.special.entr(x.abs()), "put": x.clone().put_(torch.tensor([0, 1]), torch.tensor([9.0, 8.0]))}  # fmt: skip


class Bootstrap(nn.Module):
    """Random numbers of a seed."""

    def forward(self, x: Tensor, seed: int) -> Tuple[Tensor, Tensor, Tensor]:
        torch.manual_seed(seed)
        idx = torch.randint(0, x.size(0), (4, x.size(0)))
        means = x[idx].mean(1)
        noise = torch.randn(x.size(0)) * 0.1
        order = torch.randperm(x.size(0))
        draws = torch.multinomial(torch.softmax(x, 0), 6, replacement=True)
        return means, (x + noise)[order], draws


@torch.jit.script
class RingBuffer:
    def __init__(self, capacity: int):
        self.data: List[float] = [0.0 for _ in range(capacity)]
        self.head = 0
        self.size = 0

    def push(self, x: float) -> Optional[float]:
        out: Optional[float] = None
        if self.size == len(self.data):
            out = self.data[self.head]
        else:
            self.size += 1
        self.data[self.head] = x
        self.head = (self.head + 1) % len(self.data)
        return out

    def mean(self) -> float:
        if self.size == 0:
            return float("nan")
        total = 0.0
        for i in range(self.size):
            total += self.data[i]
        return total / self.size


class Anomaly(nn.Module):
    """Thresholds over a moving window, with events as a list of unions and a report in text."""

    def describe(self, value: Union[int, float, str, None]) -> str:
        if value is None:
            return "-"
        if isinstance(value, str):
            return "'" + value + "'"
        elif isinstance(value, int):
            return "#{}".format(value)
        else:
            return "%f" % value

    def forward(self, series: List[float], window: int = 4, limit: float = 2.0) -> Tuple[List[int], str, float]:
        buffer = RingBuffer(window)
        found: List[int] = []
        lines: List[str] = []
        for i, x in enumerate(series):
            mean = buffer.mean()
            evicted = buffer.push(x)
            if i >= window and abs(x - mean) > limit:
                found.append(i)
                parts: List[Union[int, float, str, None]] = [i, x, "spike" if x > mean else "dip", evicted]
                lines.append(" ".join([self.describe(p) for p in parts]))
        return found, "\n".join(lines), buffer.mean()


@torch.jit.interface
class Scorer(nn.Module):
    def score(self, x: Tensor) -> Tensor:
        pass


class LinearScorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(3))

    def score(self, x: Tensor) -> Tensor:
        return x @ self.w


class RadialScorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Parameter(torch.randn(3))

    def score(self, x: Tensor) -> Tensor:
        return torch.exp(-((x - self.c) ** 2).sum(-1))


class Ensemble(nn.Module):
    first: Scorer
    second: Scorer

    def __init__(self):
        super().__init__()
        self.first = LinearScorer()
        self.second = RadialScorer()

    def choose(self, flag: bool) -> Scorer:
        if flag:
            return self.first
        return self.second

    def forward(self, x: Tensor, config: Dict[str, float]) -> Tuple[Tensor, Any]:
        total = config.get("a", 1.0) * self.first.score(x) + config["b"] * self.second.score(x)
        extra: Any = "none"
        if "sum" in config:
            extra = float(self.first.score(x).sum().item())
        return total, extra


EXAMPLES = {
    DeepFm: [("forward", lambda: ({"user": torch.randint(0, 20, (3,)), "item": torch.randint(0, 20, (3,)), "hour": torch.randint(0, 20, (3,)), "age": torch.rand(3), "price": torch.randint(0, 9, (3,)),
                                   "history": torch.randint(0, 20, (3, 4))},)),
             ("forward", lambda: ({"user": torch.tensor([1]), "item": torch.tensor([2])},))],
    TwoTower: [("forward", lambda: (torch.randn(2, 5), 4)), ("forward", lambda: (torch.randn(2, 5), 3, [[1, 12, 36], [0]]))],
    KMeans: [("forward", lambda: (torch.randn(30, 3), 4)), ("forward", lambda: (torch.randn(2, 3), 3))],
    Pca: [("forward", lambda: (torch.randn(40, 4) * torch.tensor([5.0, 2.0, 0.7, 0.1]), 2))],
    Solvers: [("forward", lambda: (torch.randn(4, 4, dtype=torch.float64) + 3 * torch.eye(4, dtype=torch.float64), torch.randn(4, dtype=torch.float64)))],
    Factorisation: [("forward", lambda: (torch.randint(0, 5, (6, 5)).double(), 2, 4))],
    Tables: [("forward", lambda: (torch.rand(5) * 5, torch.rand(5) * 5)), ("forward", lambda: (torch.tensor([9.0]), torch.tensor([1.0]), "raise"))],
    Kalman: [("forward", lambda: (torch.tensor([1.0, 2.1, float("nan"), 3.9, 5.2]),))],
    Graph: [("forward", lambda: (torch.randn(5, 4), torch.randint(0, 5, (2, 9))))],
    Statistics: [("forward", lambda: (torch.randn(3, 7),))],
    Bootstrap: [("forward", lambda: (torch.randn(8), 7))],
    Anomaly: [("forward", lambda: ([1.0, 1.1, 0.9, 1.0, 5.0, 1.0, -4.5, 1.0],)), ("forward", lambda: ([0.5], 2))],
    Ensemble: [("forward", lambda: (torch.randn(2, 3), {"a": 0.5, "b": 2.0})), ("forward", lambda: (torch.randn(2, 3), {"b": 2.0, "sum": 1.0})), ("forward", lambda: (torch.randn(2, 3), {"a": 2.0}))],
}  # fmt: skip
