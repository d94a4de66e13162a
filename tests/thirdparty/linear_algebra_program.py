"""A library of numeric methods in scripted lists and floats, as one program: matrices, factors, eigenvalues, splines,
differential equations, quadrature, roots, Fourier transforms, polynomials, optimisation, sparse matrices, statistics.
"""

import math
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
import torch.nn as nn
from torch import Tensor

Matrix = List[List[float]]


def zeros(n: int, m: int) -> List[List[float]]:
    return [[0.0 for _ in range(m)] for _ in range(n)]


def identity(n: int) -> List[List[float]]:
    out = zeros(n, n)
    for i in range(n):
        out[i][i] = 1.0
    return out


def copy(a: List[List[float]]) -> List[List[float]]:
    return [row[:] for row in a]


def shape(a: List[List[float]]) -> Tuple[int, int]:
    if len(a) == 0:
        return 0, 0
    width = len(a[0])
    for i, row in enumerate(a):
        assert len(row) == width, f"row {i} has {len(row)} elements, the first has {width}"
    return len(a), width


def transpose(a: List[List[float]]) -> List[List[float]]:
    n, m = shape(a)
    return [[a[i][j] for i in range(n)] for j in range(m)]


def matmul(a: List[List[float]], b: List[List[float]]) -> List[List[float]]:
    n, k = shape(a)
    k2, m = shape(b)
    if k != k2:
        raise ValueError("cannot multiply {}x{} by {}x{}".format(n, k, k2, m))
    out = zeros(n, m)
    for i in range(n):
        row = a[i]
        for p in range(k):
            factor = row[p]
            if factor == 0.0:
                continue
            other = b[p]
            for j in range(m):
                out[i][j] += factor * other[j]
    return out


def matvec(a: List[List[float]], x: List[float]) -> List[float]:
    out: List[float] = []
    for row in a:
        total = 0.0
        for v, w in zip(row, x):
            total += v * w
        out.append(total)
    return out


def dot(x: List[float], y: List[float]) -> float:
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


def norm(x: List[float]) -> float:
    scale = 0.0
    ssq = 1.0
    for v in x:
        if v != 0.0:
            a = abs(v)
            if scale < a:
                ssq = 1.0 + ssq * (scale / a) ** 2
                scale = a
            else:
                ssq += (a / scale) ** 2
    return scale * math.sqrt(ssq)


def axpy(alpha: float, x: List[float], y: List[float]) -> List[float]:
    return [alpha * v + w for v, w in zip(x, y)]


def to_list(x: Tensor) -> List[List[float]]:
    out: List[List[float]] = []
    for i in range(x.size(0)):
        row: List[float] = []
        for j in range(x.size(1)):
            row.append(float(x[i, j].item()))
        out.append(row)
    return out


# --- factors


class LuFactors(NamedTuple):
    lu: List[List[float]]
    order: List[int]
    sign: float


def lu(a: List[List[float]]) -> LuFactors:
    n, m = shape(a)
    if n != m:
        raise ValueError(f"lu expects a square matrix, got {n}x{m}")
    f = copy(a)
    order = [i for i in range(n)]
    sign = 1.0
    for k in range(n):
        p = k
        for i in range(k + 1, n):
            if abs(f[i][k]) > abs(f[p][k]):
                p = i
        if f[p][k] == 0.0:
            raise RuntimeError(f"the matrix is singular at column {k}")
        if p != k:
            row = f[k]
            f[k] = f[p]
            f[p] = row
            order[k], order[p] = order[p], order[k]
            sign = -sign
        for i in range(k + 1, n):
            f[i][k] /= f[k][k]
            factor = f[i][k]
            for j in range(k + 1, n):
                f[i][j] -= factor * f[k][j]
    return LuFactors(f, order, sign)


def lu_solve(f: LuFactors, b: List[float]) -> List[float]:
    n = len(f.order)
    x = [b[i] for i in f.order]
    for i in range(n):
        for j in range(i):
            x[i] -= f.lu[i][j] * x[j]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            x[i] -= f.lu[i][j] * x[j]
        x[i] /= f.lu[i][i]
    return x


def determinant(a: List[List[float]]) -> float:
    f = lu(a)
    out = f.sign
    for i in range(len(a)):
        out *= f.lu[i][i]
    return out


def inverse(a: List[List[float]]) -> List[List[float]]:
    f = lu(a)
    n = len(a)
    columns: List[List[float]] = []
    for j in range(n):
        e = [0.0] * n
        e[j] = 1.0
        columns.append(lu_solve(f, e))
    return transpose(columns)


def cholesky(a: List[List[float]]) -> List[List[float]]:
    n, _ = shape(a)
    l = zeros(n, n)
    for i in range(n):
        for j in range(i + 1):
            s = a[i][j]
            for k in range(j):
                s -= l[i][k] * l[j][k]
            if i == j:
                if s <= 0.0:
                    raise RuntimeError("the matrix is not positive definite: pivot {} is {}".format(i, s))
                l[i][j] = math.sqrt(s)
            else:
                l[i][j] = s / l[j][j]
    return l


def householder_qr(a: List[List[float]]) -> Tuple[List[List[float]], List[List[float]]]:
    n, m = shape(a)
    r = copy(a)
    q = identity(n)
    for k in range(min(n - 1, m)):
        x = [r[i][k] for i in range(k, n)]
        alpha = -math.copysign(norm(x), x[0])
        if alpha == 0.0:
            continue
        v = x[:]
        v[0] -= alpha
        vn = norm(v)
        if vn == 0.0:
            continue
        v = [value / vn for value in v]
        for j in range(m):
            s = 0.0
            for i in range(k, n):
                s += v[i - k] * r[i][j]
            for i in range(k, n):
                r[i][j] -= 2.0 * s * v[i - k]
        for i in range(n):
            s = 0.0
            for j in range(k, n):
                s += q[i][j] * v[j - k]
            for j in range(k, n):
                q[i][j] -= 2.0 * s * v[j - k]
    return q, r


def least_squares(a: List[List[float]], b: List[float]) -> List[float]:
    n, m = shape(a)
    q, r = householder_qr(a)
    y = matvec(transpose(q), b)
    x = [0.0 for _ in range(m)]
    for i in range(m - 1, -1, -1):
        s = y[i]
        for j in range(i + 1, m):
            s -= r[i][j] * x[j]
        x[i] = s / r[i][i]
    return x


# --- eigenvalues


def hessenberg(a: List[List[float]]) -> List[List[float]]:
    n = len(a)
    h = copy(a)
    for k in range(n - 2):
        p = k + 1
        for i in range(k + 2, n):
            if abs(h[i][k]) > abs(h[p][k]):
                p = i
        if h[p][k] == 0.0:
            continue
        if p != k + 1:
            for j in range(n):
                h[p][j], h[k + 1][j] = h[k + 1][j], h[p][j]
            for i in range(n):
                h[i][p], h[i][k + 1] = h[i][k + 1], h[i][p]
        for i in range(k + 2, n):
            factor = h[i][k] / h[k + 1][k]
            if factor != 0.0:
                for j in range(n):
                    h[i][j] -= factor * h[k + 1][j]
                for j in range(n):
                    h[j][k + 1] += factor * h[j][i]
    return h


def eigenvalues(a: List[List[float]], limit: int = 500) -> List[Tuple[float, float]]:
    """Pairs of real and imaginary part, by shifted QR steps on the Hessenberg form."""
    h = hessenberg(a)
    n = len(h)
    out: List[Tuple[float, float]] = []
    hi = n - 1
    steps = 0
    while hi >= 0:
        if steps > limit:
            raise RuntimeError(f"no convergence after {limit} steps, {hi + 1} values are left")
        lo = hi
        while lo > 0:
            small = abs(h[lo - 1][lo - 1]) + abs(h[lo][lo])
            if abs(h[lo][lo - 1]) < 1e-12 * (small if small > 0.0 else 1.0):
                break
            lo -= 1
        if lo == hi:
            out.append((h[hi][hi], 0.0))
            hi -= 1
            steps = 0
            continue
        tr = h[hi - 1][hi - 1] + h[hi][hi]
        det = h[hi - 1][hi - 1] * h[hi][hi] - h[hi - 1][hi] * h[hi][hi - 1]
        disc = tr * tr / 4.0 - det
        if lo == hi - 1:
            if disc >= 0.0:
                root = math.sqrt(disc)
                out.append((tr / 2.0 + root, 0.0))
                out.append((tr / 2.0 - root, 0.0))
            else:
                root = math.sqrt(-disc)
                out.append((tr / 2.0, root))
                out.append((tr / 2.0, -root))
            hi -= 2
            steps = 0
            continue
        shift = h[hi][hi] if disc < 0.0 else (tr / 2.0 + math.sqrt(disc) if abs(tr / 2.0 + math.sqrt(disc) - h[hi][hi]) < abs(tr / 2.0 - math.sqrt(disc) - h[hi][hi]) else tr / 2.0 - math.sqrt(disc))
        if steps % 11 == 10:
            shift = abs(h[hi][hi - 1]) + abs(h[hi - 1][hi - 2])
        size = hi - lo + 1
        block = zeros(size, size)
        for i in range(size):
            for j in range(size):
                block[i][j] = h[lo + i][lo + j] - (shift if i == j else 0.0)
        q, r = householder_qr(block)
        fresh = matmul(r, q)
        for i in range(size):
            for j in range(size):
                h[lo + i][lo + j] = fresh[i][j] + (shift if i == j else 0.0)
        steps += 1
    return sorted(out)


def jacobi(a: List[List[float]], sweeps: int = 30) -> Tuple[List[float], List[List[float]]]:
    n = len(a)
    d = copy(a)
    v = identity(n)
    for sweep in range(sweeps):
        off = 0.0
        for i in range(n):
            for j in range(n):
                if i != j:
                    off += d[i][j] ** 2
        if off < 1e-22:
            break
        for p in range(n - 1):
            for q in range(p + 1, n):
                if abs(d[p][q]) < 1e-300:
                    continue
                theta = (d[q][q] - d[p][p]) / (2.0 * d[p][q])
                t = math.copysign(1.0, theta) / (abs(theta) + math.sqrt(theta * theta + 1.0))
                c = 1.0 / math.sqrt(t * t + 1.0)
                s = t * c
                for k in range(n):
                    x, y = d[k][p], d[k][q]
                    d[k][p], d[k][q] = c * x - s * y, s * x + c * y
                for k in range(n):
                    x, y = d[p][k], d[q][k]
                    d[p][k], d[q][k] = c * x - s * y, s * x + c * y
                for k in range(n):
                    x, y = v[k][p], v[k][q]
                    v[k][p], v[k][q] = c * x - s * y, s * x + c * y
    return [d[i][i] for i in range(n)], v


# --- splines


@torch.jit.script
class Spline:
    """Natural cubic spline."""

    def __init__(self, x: List[float], y: List[float]):
        if len(x) != len(y):
            raise ValueError(f"{len(x)} places and {len(y)} values")
        for i in range(1, len(x)):
            if x[i] <= x[i - 1]:
                raise ValueError("places must rise")
        self.x = x
        self.y = y
        self.m: List[float] = self.moments()

    def moments(self) -> List[float]:
        n = len(self.x)
        a: List[float] = [0.0 for _ in range(n)]
        b: List[float] = [1.0 for _ in range(n)]
        c: List[float] = [0.0 for _ in range(n)]
        d: List[float] = [0.0 for _ in range(n)]
        for i in range(1, n - 1):
            h0 = self.x[i] - self.x[i - 1]
            h1 = self.x[i + 1] - self.x[i]
            a[i] = h0 / 6.0
            b[i] = (h0 + h1) / 3.0
            c[i] = h1 / 6.0
            d[i] = (self.y[i + 1] - self.y[i]) / h1 - (self.y[i] - self.y[i - 1]) / h0
        for i in range(1, n):
            w = a[i] / b[i - 1]
            b[i] -= w * c[i - 1]
            d[i] -= w * d[i - 1]
        m: List[float] = [0.0 for _ in range(n)]
        for i in range(n - 1, -1, -1):
            right = m[i + 1] if i + 1 < n else 0.0
            m[i] = (d[i] - c[i] * right) / b[i]
        return m

    def find(self, t: float) -> int:
        lo = 0
        hi = len(self.x) - 1
        while hi - lo > 1:
            mid = (lo + hi) // 2
            if self.x[mid] > t:
                hi = mid
            else:
                lo = mid
        return lo

    def at(self, t: float) -> float:
        i = self.find(t)
        h = self.x[i + 1] - self.x[i]
        u = (self.x[i + 1] - t) / h
        v = (t - self.x[i]) / h
        return u * self.y[i] + v * self.y[i + 1] + ((u**3 - u) * self.m[i] + (v**3 - v) * self.m[i + 1]) * h * h / 6.0

    def __call__(self, t: float) -> float:
        return self.at(t)

    def __len__(self) -> int:
        return len(self.x)


# --- differential equations


def lorenz(state: List[float], t: float) -> List[float]:
    x, y, z = state[0], state[1], state[2]
    return [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]


def pendulum(state: List[float], t: float) -> List[float]:
    return [state[1], -0.25 * state[1] - 5.0 * math.sin(state[0]) + 0.1 * math.cos(t)]


def derivative(name: str, state: List[float], t: float) -> List[float]:
    if name == "lorenz":
        return lorenz(state, t)
    elif name == "pendulum":
        return pendulum(state, t)
    raise ValueError("unknown system " + name)


def rk4(name: str, state: List[float], t: float, h: float) -> List[float]:
    k1 = derivative(name, state, t)
    k2 = derivative(name, axpy(h / 2, k1, state), t + h / 2)
    k3 = derivative(name, axpy(h / 2, k2, state), t + h / 2)
    k4 = derivative(name, axpy(h, k3, state), t + h)
    return [s + h / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1, k2, k3, k4)]


def dormand_prince(name: str, state: List[float], t0: float, t1: float, tol: float) -> Tuple[List[float], int, int]:
    c: List[float] = [0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0]
    a: List[List[float]] = [
        [0.0],
        [1 / 5],
        [3 / 40, 9 / 40],
        [44 / 45, -56 / 15, 32 / 9],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
        [35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ]
    low: List[float] = [5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40]
    t = t0
    h = (t1 - t0) / 50
    accepted = 0
    rejected = 0
    while t < t1:
        if t + h > t1:
            h = t1 - t
        ks: List[List[float]] = []
        for stage in range(7):
            y = state[:]
            for j in range(stage):
                y = axpy(h * a[stage][j], ks[j], y)
            ks.append(derivative(name, y, t + c[stage] * h))
        high = state[:]
        for j in range(6):
            high = axpy(h * a[6][j], ks[j], high)
        other = state[:]
        for j in range(7):
            other = axpy(h * low[j], ks[j], other)
        error = 0.0
        for u, v in zip(high, other):
            error = max(error, abs(u - v) / (1.0 + abs(u)))
        if error <= tol or h < 1e-9:
            t += h
            state = high
            accepted += 1
        else:
            rejected += 1
        if accepted + rejected > 3000:
            raise RuntimeError("too many steps")
        factor = 0.9 * (tol / error) ** 0.2 if error > 0.0 else 4.0
        h *= min(4.0, max(0.1, factor))
    return state, accepted, rejected


# --- quadrature and roots


def integrand(kind: int, x: float) -> float:
    if kind == 0:
        return math.exp(-x * x)
    if kind == 1:
        return 1.0 / (1.0 + 25.0 * x * x)
    if kind == 2:
        return math.sin(10.0 * x) * math.log(1.0 + x * x)
    return math.sqrt(abs(x))


class Interval(NamedTuple):
    a: float
    b: float
    fa: float
    fm: float
    fb: float
    whole: float
    depth: int


def adaptive_simpson(kind: int, a: float, b: float, eps: float) -> Tuple[float, int]:
    fa, fm, fb = integrand(kind, a), integrand(kind, (a + b) / 2), integrand(kind, b)
    stack = [Interval(a, b, fa, fm, fb, (b - a) / 6 * (fa + 4 * fm + fb), 0)]
    total = 0.0
    calls = 3
    while len(stack) > 0:
        i = stack.pop()
        m = (i.a + i.b) / 2
        fl, fr = integrand(kind, (i.a + m) / 2), integrand(kind, (m + i.b) / 2)
        calls += 2
        left = (m - i.a) / 6 * (i.fa + 4 * fl + i.fm)
        right = (i.b - m) / 6 * (i.fm + 4 * fr + i.fb)
        delta = left + right - i.whole
        if abs(delta) <= 15 * eps / 2.0**i.depth or i.depth > 30:
            total += left + right + delta / 15
        else:
            stack.append(Interval(i.a, m, i.fa, fl, i.fm, left, i.depth + 1))
            stack.append(Interval(m, i.b, i.fm, fr, i.fb, right, i.depth + 1))
    return total, calls


def gauss_legendre(n: int) -> Tuple[List[float], List[float]]:
    nodes: List[float] = []
    weights: List[float] = []
    for i in range(n):
        x = math.cos(math.pi * (i + 0.75) / (n + 0.5))
        dp = 1.0
        for _ in range(100):
            p0, p1 = 1.0, x
            for k in range(2, n + 1):
                p0, p1 = p1, ((2 * k - 1) * x * p1 - (k - 1) * p0) / k
            dp = n * (x * p1 - p0) / (x * x - 1.0)
            dx = p1 / dp
            x -= dx
            if abs(dx) < 1e-15:
                break
        nodes.append(x)
        weights.append(2.0 / ((1.0 - x * x) * dp * dp))
    return nodes, weights


def polyval(c: List[float], x: float) -> float:
    out = 0.0
    for k in range(len(c) - 1, -1, -1):
        out = out * x + c[k]
    return out


def polymul(a: List[float], b: List[float]) -> List[float]:
    out = [0.0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] += x * y
    return out


def brent(c: List[float], a: float, b: float, tol: float = 1e-13) -> Optional[float]:
    fa, fb = polyval(c, a), polyval(c, b)
    if fa * fb > 0.0:
        return None
    if abs(fa) < abs(fb):
        a, b, fa, fb = b, a, fb, fa
    d = a
    other, fo = a, fa
    bisected = True
    for _ in range(200):
        if fb == 0.0 or abs(b - a) < tol:
            return b
        if fa != fo and fb != fo:
            s = a * fb * fo / ((fa - fb) * (fa - fo)) + b * fa * fo / ((fb - fa) * (fb - fo)) + other * fa * fb / ((fo - fa) * (fo - fb))
        else:
            s = b - fb * (b - a) / (fb - fa)
        lo, hi = (3 * a + b) / 4, b
        if lo > hi:
            lo, hi = hi, lo
        bad = not (lo < s and s < hi)
        if bisected:
            bad = bad or abs(s - b) >= abs(b - other) / 2 or abs(b - other) < tol
        else:
            bad = bad or abs(s - b) >= abs(other - d) / 2 or abs(other - d) < tol
        if bad:
            s = (a + b) / 2
        bisected = bad
        fs = polyval(c, s)
        d, other, fo = other, b, fb
        if fa * fs < 0.0:
            b, fb = s, fs
        else:
            a, fa = s, fs
        if abs(fa) < abs(fb):
            a, b, fa, fb = b, a, fb, fa
    return b


# --- Fourier transforms: lists of pairs, and tensors


def fft(re: List[float], im: List[float], sign: float) -> Tuple[List[float], List[float]]:
    n = len(re)
    assert n > 0 and (n & (n - 1)) == 0, "the length must be a power of two"
    a, b = re[:], im[:]
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            a[i], a[j] = a[j], a[i]
            b[i], b[j] = b[j], b[i]
    length = 2
    while length <= n:
        angle = sign * 2.0 * math.pi / length
        half = length // 2
        for start in range(0, n, length):
            for k in range(half):
                wr, wi = math.cos(angle * k), math.sin(angle * k)
                p, q = start + k, start + k + half
                xr = a[q] * wr - b[q] * wi
                xi = a[q] * wi + b[q] * wr
                a[q], b[q] = a[p] - xr, b[p] - xi
                a[p], b[p] = a[p] + xr, b[p] + xi
        length <<= 1
    return a, b


def convolve(x: List[float], y: List[float]) -> List[float]:
    n = 1
    while n < len(x) + len(y) - 1:
        n *= 2
    ar, ai = fft(x + [0.0] * (n - len(x)), [0.0] * n, -1.0)
    br, bi = fft(y + [0.0] * (n - len(y)), [0.0] * n, -1.0)
    cr = [p * r - q * s for p, q, r, s in zip(ar, ai, br, bi)]
    ci = [p * s + q * r for p, q, r, s in zip(ar, ai, br, bi)]
    out, _ = fft(cr, ci, 1.0)
    return [v / n for v in out[: len(x) + len(y) - 1]]


def fft_tensor(x: Tensor) -> Tensor:
    """[n, 2] by halves, without recursion: bit reversal by reshaping."""
    n = x.size(0)
    bits = 0
    while (1 << bits) < n:
        bits += 1
    order = torch.zeros(n, dtype=torch.int64)
    for b in range(bits):
        order |= ((torch.arange(n) >> b) & 1) << (bits - 1 - b)
    y = x[order]
    half = 1
    while half < n:
        blocks = y.view(n // (2 * half), 2, half, 2)
        angle = -math.pi * torch.arange(half, dtype=x.dtype) / half
        w = torch.stack([torch.cos(angle), torch.sin(angle)], -1)
        odd = blocks[:, 1]
        t = torch.stack([odd[..., 0] * w[:, 0] - odd[..., 1] * w[:, 1], odd[..., 0] * w[:, 1] + odd[..., 1] * w[:, 0]], -1)
        y = torch.cat([blocks[:, 0] + t, blocks[:, 0] - t], 1).reshape(n, 2)
        half *= 2
    return y


# --- sparse matrices by dict, graphs, optimisation


@torch.jit.script
class Sparse:
    def __init__(self, n: int):
        self.n = n
        self.items: Dict[int, float] = {}

    def add(self, i: int, j: int, v: float):
        key = i * self.n + j
        if key in self.items:
            self.items[key] += v
        else:
            self.items[key] = v

    def mul(self, x: List[float]) -> List[float]:
        out = [0.0 for _ in range(self.n)]
        for key, v in self.items.items():
            out[key // self.n] += v * x[key % self.n]
        return out

    def nnz(self) -> int:
        return len(self.items)


def poisson(n: int, rhs: float) -> Tuple[List[float], int, int]:
    a = Sparse(n * n)
    for i in range(n):
        for j in range(n):
            k = i * n + j
            a.add(k, k, 4.0)
            if i > 0:
                a.add(k, k - n, -1.0)
            if i < n - 1:
                a.add(k, k + n, -1.0)
            if j > 0:
                a.add(k, k - 1, -1.0)
            if j < n - 1:
                a.add(k, k + 1, -1.0)
    x = [0.0] * (n * n)
    r = [rhs] * (n * n)
    p = r[:]
    rs = dot(r, r)
    steps = 0
    for _ in range(200):
        ap = a.mul(p)
        alpha = rs / dot(p, ap)
        x = axpy(alpha, p, x)
        r = axpy(-alpha, ap, r)
        fresh = dot(r, r)
        steps += 1
        if math.sqrt(fresh) < 1e-10:
            break
        p = axpy(fresh / rs, p, r)
        rs = fresh
    return x, steps, a.nnz()


def rosenbrock(x: List[float]) -> float:
    total = 0.0
    for i in range(len(x) - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def nelder_mead(start: List[float], steps: int) -> Tuple[List[float], float]:
    n = len(start)
    points = [start]
    for i in range(n):
        p = start[:]
        p[i] += 0.5
        points.append(p)
    values = [rosenbrock(p) for p in points]
    for _ in range(steps):
        pairs = [(v, i) for i, v in enumerate(values)]
        pairs.sort()
        order = [pair[1] for pair in pairs]
        points = [points[k] for k in order]
        values = [pair[0] for pair in pairs]
        if values[n] - values[0] < 1e-14:
            break
        center = [0.0] * n
        for p in points[:n]:
            center = axpy(1.0 / n, p, center)
        worst = points[n]
        reflected = [c + (c - w) for c, w in zip(center, worst)]
        fr = rosenbrock(reflected)
        if fr < values[0]:
            expanded = [c + 2.0 * (c - w) for c, w in zip(center, worst)]
            fe = rosenbrock(expanded)
            if fe < fr:
                points[n], values[n] = expanded, fe
            else:
                points[n], values[n] = reflected, fr
        elif fr < values[n - 1]:
            points[n], values[n] = reflected, fr
        else:
            inside = [c + 0.5 * (w - c) for c, w in zip(center, worst)]
            fi = rosenbrock(inside)
            if fi < values[n]:
                points[n], values[n] = inside, fi
            else:
                for i in range(1, n + 1):
                    points[i] = [points[0][k] + 0.5 * (points[i][k] - points[0][k]) for k in range(n)]
                    values[i] = rosenbrock(points[i])
    best = values.index(min(values))
    return points[best], values[best]


def dijkstra(edges: List[Tuple[int, int, float]], n: int, source: int) -> Tuple[List[float], List[List[int]]]:
    neighbours: Dict[int, List[Tuple[int, float]]] = {}
    for u, v, w in edges:
        if w < 0.0:
            raise ValueError(f"edge {u}-{v} has the negative length {w}")
        for a, b in [(u, v), (v, u)]:
            if a not in neighbours:
                neighbours[a] = torch.jit.annotate(List[Tuple[int, float]], [])
            neighbours[a].append((b, w))
    distance = [float("inf")] * n
    before = [-1] * n
    distance[source] = 0.0
    done = [False] * n
    for _ in range(n):
        best = -1
        for i in range(n):
            if not done[i] and (best < 0 or distance[i] < distance[best]):
                best = i
        if best < 0 or distance[best] == float("inf"):
            break
        done[best] = True
        if best in neighbours:
            for v, w in neighbours[best]:
                if distance[best] + w < distance[v]:
                    distance[v] = distance[best] + w
                    before[v] = best
    paths: List[List[int]] = []
    for i in range(n):
        path: List[int] = []
        at = i
        while at >= 0 and distance[i] < float("inf"):
            path.insert(0, at)
            at = before[at]
        paths.append(path)
    return distance, paths


class NumericLibrary(nn.Module):
    """The library behind one module: a method for each part, and `forward` for a report of all of them."""

    @torch.jit.export
    def algebra(self, x: Tensor, b: List[float]) -> Dict[str, List[List[float]]]:
        a = to_list(x)
        q, r = householder_qr(a)
        f = lu(a)
        spd = matmul(transpose(a), a)
        values, vectors = jacobi(spd)
        return {
            "inverse": inverse(a), "qr": matmul(q, r), "x": [lu_solve(f, b)], "det": [[determinant(a)]], "cholesky": cholesky(spd), "eigen": [sorted(values)],
            "general": [[re, im] for re, im in eigenvalues(a)], "lstsq": [least_squares([row[:2] for row in a], b)]}  # fmt: skip

    @torch.jit.export
    def spline(self, x: List[float], y: List[float], at: List[float]) -> Tuple[List[float], int]:
        s = Spline(x, y)
        return [s(t) for t in at], len(s)

    @torch.jit.export
    def flow(self, name: str, state: List[float], steps: int, tol: float) -> Tuple[List[float], List[float], int, int]:
        fixed = state[:]
        t = 0.0
        for _ in range(steps):
            fixed = rk4(name, fixed, t, 0.01)
            t += 0.01
        adaptive, accepted, rejected = dormand_prince(name, state, 0.0, t, tol)
        return fixed, adaptive, accepted, rejected

    @torch.jit.export
    def calculus(self, eps: float) -> Tuple[List[float], List[int], float, List[Optional[float]]]:
        totals: List[float] = []
        calls: List[int] = []
        for kind in range(4):
            total, n = adaptive_simpson(kind, -1.0, 2.0, eps)
            totals.append(total)
            calls.append(n)
        nodes, weights = gauss_legendre(8)
        gauss = 0.0
        for x, w in zip(nodes, weights):
            gauss += w * integrand(0, x)
        c = polymul(polymul([-1.0, 1.0], [-2.0, 1.0]), [3.5, 1.0])
        return totals, calls, gauss, [brent(c, 0.0, 1.5), brent(c, 1.5, 3.0), brent(c, -10.0, 0.0), brent(c, 5.0, 6.0)]

    @torch.jit.export
    def fourier(self, x: Tensor) -> Tuple[Tensor, List[float], float]:
        values: List[float] = [float(v) for v in x]
        re, im = fft(values, [0.0] * len(values), -1.0)
        fast = fft_tensor(torch.stack([x, torch.zeros_like(x)], -1))
        slow = torch.stack([torch.tensor(re, dtype=x.dtype), torch.tensor(im, dtype=x.dtype)], -1)
        return fast, convolve(values, [1.0, -2.0, 1.0]), float((fast - slow).abs().max() < 1e-4)

    def forward(self, x: Tensor) -> Tuple[List[str], Dict[str, List[List[float]]]]:
        parts = self.algebra(x, [1.0, 2.0, 3.0, 4.0][: x.size(0)])
        lines: List[str] = []
        for name in sorted(list(parts.keys())):
            value = parts[name]
            lines.append("{}: {}x{}".format(name, len(value), len(value[0])))
        solution, steps, nnz = poisson(4, 1.0)
        lines.append(f"poisson: {steps} steps, {nnz} elements, centre {math.floor(solution[5] * 1e6)}")
        at, value = nelder_mead([-1.2, 1.0], 120)
        lines.append("minimum %s at %d points" % (str(round(value)), len(at)))
        distance, paths = dijkstra([(0, 1, 4.0), (0, 2, 1.0), (2, 1, 2.0), (1, 3, 5.0)], 5, 0)
        lines.append(str(distance[3]) + " " + " ".join([str(i) for i in paths[3]]) + " " + str(distance[4]))
        return lines, parts


def _square():
    return torch.randn(4, 4, dtype=torch.float64) + 3 * torch.eye(4, dtype=torch.float64)


EXAMPLES = {
    NumericLibrary: [
        ("forward", lambda: (_square(),)), ("algebra", lambda: (_square(), [1.0, 0.0, -1.0, 2.0])), ("algebra", lambda: (torch.zeros(3, 3), [1.0, 1.0, 1.0])), ("algebra", lambda: (torch.zeros(3, 2), [1.0])),
        ("spline", lambda: ([0.0, 1.0, 2.5, 4.0], [1.0, -1.0, 0.5, 2.0], [0.3, 1.7, 3.9, -0.5])), ("spline", lambda: ([0.0, 0.0], [1.0, 2.0], [0.1])), ("spline", lambda: ([0.0], [1.0, 2.0], [0.1])),
        ("flow", lambda: ("lorenz", [1.0, 1.0, 1.0], 60, 1e-7)), ("flow", lambda: ("pendulum", [2.5, 0.0], 80, 1e-8)), ("flow", lambda: ("unknown", [2.5, 0.0], 80, 1e-8)),
        ("calculus", lambda: (1e-8,)), ("fourier", lambda: (torch.randn(16),)), ("fourier", lambda: (torch.randn(6),))],
}  # fmt: skip
