// Decompositions: singular values, LU (solve, inverse, determinant), Cholesky, QR.
#include "ops/decompose.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "ops/loops.h"
#include "ops/matmul.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"

namespace calque::ops {

namespace {

void check_floating(const Tensor& a, std::string_view op) {
  if (a.dtype() == kFloat || a.dtype() == kDouble) return;
  if (a.is_floating_point()) {
    throw RuntimeError(cat(op, ": Low precision dtypes not supported. Got ", dtype_cpp_name(a.dtype())));
  }
  throw RuntimeError(
      cat(op, ": Expected a floating point or complex tensor as input. Got ", dtype_cpp_name(a.dtype())));
}

void check_matrix(const Tensor& a, std::string_view op) {
  if (a.dim() < 2) throw RuntimeError(cat(op, ": The input tensor A must have at least 2 dimensions."));
}

void check_square(const Tensor& a, std::string_view op) {
  check_matrix(a, op);
  if (a.size(-1) != a.size(-2)) {
    throw RuntimeError(cat(op, ": A must be batches of square matrices, but they are ", a.size(-2), " by ",
                           a.size(-1), " matrices"));
  }
}

/// A contiguous matrix of doubles inside a batch.
struct Matrix {
  double* p;
  int64_t rows, columns;
  double& at(int64_t i, int64_t j) const { return p[i * columns + j]; }
};

/// A copy in double; matrix(i) is its i-th.
struct Batch {
  Tensor data;
  explicit Batch(const Tensor& a) : data(empty(a.sizes(), kDouble)) { data.copy_(a); }
  int64_t count() const { return product(data.sizes().first(data.sizes().size() - 2)); }
  Matrix matrix(int64_t i) const {
    const int64_t rows = data.size(-2);
    const int64_t columns = data.size(-1);
    return {.p = elements<double>(data) + i * rows * columns, .rows = rows, .columns = columns};
  }
};

Dims batch_and(const Tensor& a, std::initializer_list<int64_t> tail) {
  Dims sizes(a.sizes().begin(), a.sizes().end() - 2);
  sizes.insert(sizes.end(), tail);
  return sizes;
}

// --- singular values

/// Rotates columns i and j of `a`, and of `v` with them, so that they become orthogonal. False when they
/// were.
bool orthogonalise(const Matrix& a, const Matrix& v, int64_t i, int64_t j) {
  double ii = 0;
  double jj = 0;
  double ij = 0;
  for (int64_t r = 0; r < a.rows; ++r) {
    ii += a.at(r, i) * a.at(r, i);
    jj += a.at(r, j) * a.at(r, j);
    ij += a.at(r, i) * a.at(r, j);
  }
  if (!(std::fabs(ij) > 1e-15 * std::sqrt(ii * jj)) || ij == 0) return false;
  const double zeta = (jj - ii) / (2 * ij);
  const double t = std::copysign(1.0, zeta) / (std::fabs(zeta) + std::hypot(1.0, zeta));
  const double cosine = 1 / std::hypot(1.0, t);
  const double sine = cosine * t;
  const auto rotate = [&](const Matrix& m) {
    for (int64_t r = 0; r < m.rows; ++r) {
      const double x = m.at(r, i);
      const double y = m.at(r, j);
      m.at(r, i) = cosine * x - sine * y;
      m.at(r, j) = sine * x + cosine * y;
    }
  };
  rotate(a);
  rotate(v);
  return true;
}

double column_norm(const Matrix& a, int64_t j) {
  double total = 0;
  for (int64_t r = 0; r < a.rows; ++r) total += a.at(r, j) * a.at(r, j);
  return std::sqrt(total);
}

/// Makes columns [first, columns) orthonormal to those before them, by Gram and Schmidt on unit vectors.
void complete_basis(const Matrix& q, int64_t first) {
  int64_t candidate = 0;
  for (int64_t j = first; j < q.columns; ++j) {
    for (; candidate < q.rows; ++candidate) {
      for (int64_t r = 0; r < q.rows; ++r) q.at(r, j) = r == candidate ? 1 : 0;
      for (int pass = 0; pass < 2; ++pass) {
        for (int64_t k = 0; k < j; ++k) {
          double dot = 0;
          for (int64_t r = 0; r < q.rows; ++r) dot += q.at(r, k) * q.at(r, j);
          for (int64_t r = 0; r < q.rows; ++r) q.at(r, j) -= dot * q.at(r, k);
        }
      }
      const double norm = column_norm(q, j);
      if (norm < 1e-8) continue;
      for (int64_t r = 0; r < q.rows; ++r) q.at(r, j) /= norm;
      ++candidate;
      break;
    }
  }
}

/// `a` (rows >= columns) becomes U diag(s); columns in falling order of s.
void jacobi_svd(const Matrix& a, const Matrix& u, double* s, const Matrix& v) {
  const int64_t n = a.columns;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) v.at(i, j) = i == j ? 1 : 0;
  }
  bool rotated = true;
  for (int sweep = 0; rotated && sweep < 60; ++sweep) {
    rotated = false;
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = i + 1; j < n; ++j) rotated = orthogonalise(a, v, i, j) || rotated;
    }
  }
  std::vector<double> norms(static_cast<size_t>(n));
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (int64_t j = 0; j < n; ++j) norms[j] = column_norm(a, j);
  std::ranges::sort(
      order, [&](int64_t x, int64_t y) { return norms[x] > norms[y] || (norms[x] == norms[y] && x < y); });
  const std::vector<double> old_v(v.p, v.p + n * n);
  int64_t rank = 0;
  for (int64_t j = 0; j < n; ++j) {
    const int64_t from = order[j];
    s[j] = norms[from];
    for (int64_t r = 0; r < n; ++r) v.at(r, j) = old_v[r * n + from];
    const bool tiny = !(s[j] > 1e-300);
    for (int64_t r = 0; r < a.rows; ++r) u.at(r, j) = tiny ? 0 : a.at(r, from) / s[j];
    if (!tiny) rank = j + 1;
  }
  complete_basis(u, rank);
}

/// `full`: U is square, its further columns complete the basis.
Svd svd(const Tensor& a, bool full) {
  check_matrix(a, "linalg.svd");
  check_floating(a, "linalg.svd");
  const int64_t m = a.size(-2);
  const int64_t n = a.size(-1);
  if (m < n) {
    const Svd t = svd(a.transpose(-2, -1), full);
    return {.u = t.vh.transpose(-2, -1), .s = t.s, .vh = t.u.transpose(-2, -1)};
  }
  const Batch work(a);
  const Tensor u = zeros(batch_and(a, {m, full ? m : n}), kDouble);
  const Tensor s = zeros(batch_and(a, {n}), kDouble);
  const Tensor v = zeros(batch_and(a, {n, n}), kDouble);
  for (int64_t i = 0; i < work.count(); ++i) {
    const int64_t width = full ? m : n;
    jacobi_svd(work.matrix(i), {.p = elements<double>(u) + i * m * width, .rows = m, .columns = width},
               elements<double>(s) + i * n, {.p = elements<double>(v) + i * n * n, .rows = n, .columns = n});
  }
  return {.u = u.to(a.dtype()), .s = s.to(a.dtype()), .vh = v.transpose(-2, -1).to(a.dtype())};
}

}  // namespace

Svd singular_value_decomposition(const Tensor& a) { return svd(a, false); }

namespace {

void linalg_svd(OpCall& c) {
  const Svd r = svd(c.tensor(0), c.boolean(1));
  c.ret(r.u, 0);
  c.ret(r.s, 1);
  c.ret(r.vh, 2);
}
void svd_op(OpCall& c) {
  const Svd r = svd(c.tensor(0), !c.boolean(1));
  const bool vectors = c.boolean(2);
  c.ret(vectors ? r.u : zeros(r.u.sizes(), r.u.dtype()), 0);
  c.ret(r.s, 1);
  const Tensor v = r.vh.transpose(-2, -1);
  c.ret(vectors ? v : zeros(v.sizes(), v.dtype()), 2);
}
void svdvals(OpCall& c) { c.ret(svd(c.tensor(0), false).s); }

// --- Cholesky and QR

Tensor cholesky(const Tensor& a, bool upper, std::string_view op) {
  check_square(a, op);
  check_floating(a, op);
  const Batch work(a);
  const int64_t n = a.size(-1);
  for (int64_t b = 0; b < work.count(); ++b) {
    const Matrix l = work.matrix(b);
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t i = 0; i < n; ++i) {
        if (i < j) l.at(i, j) = 0;
        if (i < j) continue;
        double value = l.at(i, j);
        for (int64_t k = 0; k < j; ++k) value -= l.at(i, k) * l.at(j, k);
        if (i == j && !(value > 0)) {
          throw RuntimeError(
              cat(op,
                  ": The factorization could not be completed because the input is not positive-definite "
                  "(the leading minor of order ",
                  j + 1, " is not positive-definite)."));
        }
        l.at(i, j) = i == j ? std::sqrt(value) : value / l.at(j, j);
      }
    }
  }
  const Tensor out = upper ? work.data.transpose(-2, -1) : work.data;
  return out.to(a.dtype());
}
void linalg_cholesky(OpCall& c) { c.ret(cholesky(c.tensor(0), c.boolean(1), "linalg.cholesky")); }
void cholesky_op(OpCall& c) { c.ret(cholesky(c.tensor(0), c.boolean(1), "cholesky")); }

/// Householder reflections; R's diagonal has LAPACK's signs.
void householder(const Matrix& r, const Matrix& q) {
  for (int64_t i = 0; i < q.rows; ++i) {
    for (int64_t j = 0; j < q.columns; ++j) q.at(i, j) = i == j ? 1 : 0;
  }
  for (int64_t k = 0; k < std::min(r.rows - 1, r.columns); ++k) {
    double norm = 0;
    for (int64_t i = k; i < r.rows; ++i) norm += r.at(i, k) * r.at(i, k);
    norm = std::sqrt(norm);
    double below = 0;
    for (int64_t i = k + 1; i < r.rows; ++i) below += std::fabs(r.at(i, k));
    if (below == 0) continue;
    const double beta = -std::copysign(norm, r.at(k, k));
    std::vector<double> v(static_cast<size_t>(r.rows), 0);
    for (int64_t i = k; i < r.rows; ++i) v[i] = r.at(i, k);
    v[k] -= beta;
    double length = 0;
    for (const double x : v) length += x * x;
    const auto reflect = [&](const Matrix& m, bool from_right) {
      const int64_t lines = from_right ? m.rows : m.columns;
      for (int64_t line = 0; line < lines; ++line) {
        double dot = 0;
        for (int64_t i = k; i < r.rows; ++i) dot += v[i] * (from_right ? m.at(line, i) : m.at(i, line));
        const double scale = 2 * dot / length;
        for (int64_t i = k; i < r.rows; ++i) (from_right ? m.at(line, i) : m.at(i, line)) -= scale * v[i];
      }
    };
    reflect(r, false);
    reflect(q, true);
    for (int64_t i = k + 1; i < r.rows; ++i) r.at(i, k) = 0;
  }
}

void qr(OpCall& c, bool complete, bool want_q) {
  const Tensor a = c.tensor(0);
  check_matrix(a, "linalg.qr");
  check_floating(a, "linalg.qr");
  const int64_t m = a.size(-2);
  const int64_t k = complete ? m : std::min(m, a.size(-1));
  const Batch r(a);
  const Tensor q = zeros(batch_and(a, {m, m}), kDouble);
  for (int64_t i = 0; i < r.count(); ++i) {
    householder(r.matrix(i), {.p = elements<double>(q) + i * m * m, .rows = m, .columns = m});
  }
  c.ret(want_q ? q.slice(-1, 0, k).to(a.dtype()) : empty({0}, a.dtype()), 0);
  c.ret(r.data.slice(-2, 0, k).to(a.dtype()), 1);
}
void linalg_qr(OpCall& c) {
  const std::string& mode = c[1].toStringRef();
  if (mode != "reduced" && mode != "complete" && mode != "r") {
    throw RuntimeError(cat("qr received unrecognized mode '", mode,
                           "' but expected one of 'reduced' (default), 'r', or 'complete'"));
  }
  qr(c, mode == "complete", mode != "r");
}
void qr_op(OpCall& c) { qr(c, !c.boolean(1), true); }

constexpr OpRow kDecomposeOps[] = {
    {"aten::linalg_svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor U, Tensor S, "
     "Tensor Vh)",
     linalg_svd},
    {"aten::svd(Tensor self, bool some=True, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor V)",
     svd_op},
    {"aten::linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor", svdvals},
    {"aten::linalg_cholesky(Tensor self, *, bool upper=False) -> Tensor", linalg_cholesky},
    {"aten::cholesky(Tensor self, bool upper=False) -> Tensor", cholesky_op},
    {"aten::linalg_qr(Tensor A, str mode=\"reduced\") -> (Tensor Q, Tensor R)", linalg_qr},
    {"aten::qr(Tensor self, bool some=True) -> (Tensor Q, Tensor R)", qr_op},
};

}  // namespace

OpTable decompose_ops() { return kDecomposeOps; }

}  // namespace calque::ops
