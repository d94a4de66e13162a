// Norms of vectors and matrices.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/composite.h"
#include "ops/decompose.h"
#include "ops/reduce.h"
#include "ops/tables.h"
#include "ops/unary.h"
#include "tensor/dtype.h"

namespace calque::ops {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// One row's p-norm.
template <class T>
double row_norm(const T* p, int64_t n, double order) {
  double total = order == -kInfinity ? kInfinity : 0;
  for (int64_t i = 0; i < n; ++i) {
    const double v = std::fabs(static_cast<double>(Element<T>::load(p[i])));
    if (order == kInfinity) {
      total = v > total || v != v ? v : total;
    } else if (order == -kInfinity) {
      total = v < total || v != v ? v : total;
    } else if (order == 0) {
      total += v != 0 ? 1 : 0;
    } else if (order == 1) {
      total += v;
    } else if (order == 2) {
      total += v * v;
    } else {
      total += std::pow(v, order);
    }
    if (total != total) return total;
  }
  if (std::isinf(order) || order == 0 || order == 1) return total;
  return order == 2 ? std::sqrt(total) : std::pow(total, 1 / order);
}

Tensor p_norm(const Tensor& x, double order, const ReductionDims& dims, ScalarType dtype) {
  const Tensor out = empty(dims.result_sizes(x), dtype);
  const ReductionInput in = reduction_input(x.to(dtype), dims.mask);
  dispatch_floating(dtype, "norm_cpu", [&]<class T>(TypeTag<T>) {
    reduce_rows<T, T>(out, in, [order](const T* p, int64_t n) {
      return Element<T>::store(static_cast<OpType<T>>(row_norm(p, n, order)));
    });
  });
  return out;
}

ScalarType norm_dtype(const Tensor& x, const std::optional<ScalarType>& dtype, std::string_view op) {
  if (!x.is_floating_point()) {
    throw RuntimeError(
        cat(op, ": Expected a floating point or complex tensor as input. Got ", dtype_cpp_name(x.dtype())));
  }
  if (dtype && !is_floating_point(*dtype)) {
    throw RuntimeError(cat(op, ": dtype should be floating point for a floating point input, but got ",
                           dtype_cpp_name(*dtype)));
  }
  return dtype.value_or(x.dtype());
}

Tensor vector_norm(const Tensor& x, double order, const IValue& dims, bool keepdim,
                   std::optional<ScalarType> dtype) {
  const ScalarType type = norm_dtype(x, dtype, "linalg.vector_norm");
  const ReductionDims where = reduction_dims(dims, x.dim(), keepdim);
  if (x.numel() == 0 && (order < 0 || order == kInfinity)) {
    const bool all = ints_or_empty(dims).empty();
    for (int64_t d = 0; d < x.dim(); ++d) {
      if (all || (where.mask[d] && x.sizes()[d] == 0)) {
        throw RuntimeError(cat("linalg.vector_norm cannot compute the ", order, " norm on an empty ",
                               all ? "tensor" : cat("dimension ", d),
                               " because the operation does not have an identity"));
      }
    }
  }
  return p_norm(x, order, where, type);
}

void linalg_vector_norm(OpCall& c) {
  c.ret(vector_norm(c.tensor(0), c.number(1), c[2], c.boolean(3), c.optional_dtype(4)));
}

/// torch.norm with a number: as vector_norm.
void norm_scalar(OpCall& c) { c.ret(vector_norm(c.tensor(0), c.number(1), IValue(), false, std::nullopt)); }
double order_or_two(const IValue& value) { return value.isNone() ? 2 : value.toScalar().to_double(); }
void norm_dims(OpCall& c) {
  c.ret(vector_norm(c.tensor(0), order_or_two(c[1]), c[2], c.boolean(3), std::nullopt));
}
void norm_dims_dtype(OpCall& c) {
  c.ret(vector_norm(c.tensor(0), order_or_two(c[1]), c[2], c.boolean(3), c.optional_dtype(4)));
}
void norm_dtype_op(OpCall& c) {
  c.ret(vector_norm(c.tensor(0), order_or_two(c[1]), IValue(), false, c.optional_dtype(2)));
}
void frobenius_norm(OpCall& c) {
  if (c.ints(1).size() > 2) {
    throw RuntimeError(
        cat("Expected at most 2 dimensions, but got ", c.ints(1).size(), " dimensions instead."));
  }
  c.ret(vector_norm(c.tensor(0), 2, c[1], c.boolean(2), std::nullopt));
}

// --- matrices

struct MatrixDims {
  int64_t rows, columns;
};

MatrixDims matrix_dims(const Dims& dims, const Tensor& x, std::string_view op) {
  if (x.dim() < 2) {
    throw RuntimeError(cat(op, ": The input tensor A must have at least 2 dimensions."));
  }
  if (dims.size() != 2) throw RuntimeError(cat(op, ": dim must be a 2-tuple. Got ", IntArrayRef(dims)));
  const MatrixDims d{.rows = wrap_dim(dims[0], x.dim()), .columns = wrap_dim(dims[1], x.dim())};
  if (d.rows == d.columns) {
    throw RuntimeError(cat(op, ": dims must be different. Got (", dims[0], ", ", dims[1], ")"));
  }
  return d;
}

Tensor keep_both(Tensor t, MatrixDims d, bool keepdim) {
  if (!keepdim) return t;
  t = t.unsqueeze(std::min(d.rows, d.columns));
  return t.unsqueeze(std::max(d.rows, d.columns));
}

/// The singular values of every matrix, [..., k].
Tensor singular_values(const Tensor& x, MatrixDims d) {
  Dims order;
  for (int64_t i = 0; i < x.dim(); ++i) {
    if (i != d.rows && i != d.columns) order.push_back(i);
  }
  order.insert(order.end(), {d.rows, d.columns});
  return singular_value_decomposition(x.permute(order)).s;
}

/// Largest (smallest) sum of a row or column: a vector 1-norm, then an extreme norm.
Tensor line_sums(const Tensor& x, MatrixDims d, double order, bool keepdim) {
  const int64_t summed = std::fabs(order) == 1 ? d.rows : d.columns;
  const int64_t other = std::fabs(order) == 1 ? d.columns : d.rows;
  const Tensor sums = p_norm(x, 1, one_dim(summed, x.dim(), true), x.dtype());
  Tensor found = p_norm(sums, order > 0 ? kInfinity : -kInfinity, one_dim(other, x.dim(), true), x.dtype());
  if (keepdim) return found;
  return found.squeeze(std::max(d.rows, d.columns)).squeeze(std::min(d.rows, d.columns));
}

Tensor matrix_norm(Tensor x, const std::string& name, double order, const Dims& dims, bool keepdim,
                   std::optional<ScalarType> dtype) {
  x = x.to(norm_dtype(x, dtype, "linalg.matrix_norm"));
  const MatrixDims d = matrix_dims(dims, x, "linalg.matrix_norm");
  if (name == "fro") return vector_norm(x, 2, IValue(Dims{d.rows, d.columns}), keepdim, std::nullopt);
  if (name == "nuc") {
    const Tensor s = singular_values(x, d);
    return keep_both(sum(s, one_dim(-1, s.dim(), false), s.dtype()), d, keepdim);
  }
  if (!name.empty()) throw RuntimeError(cat("linalg.matrix_norm: Order ", name, " not supported."));
  const double magnitude = std::fabs(order);
  if (magnitude == 1 || magnitude == kInfinity) return line_sums(x, d, order, keepdim);
  if (magnitude != 2) throw RuntimeError(cat("linalg.matrix_norm: Order ", order, " not supported."));
  const Tensor s = singular_values(x, d);
  return keep_both(p_norm(s, order > 0 ? kInfinity : -kInfinity, one_dim(-1, s.dim(), false), s.dtype()), d,
                   keepdim);
}

void matrix_norm_op(OpCall& c) {
  c.ret(matrix_norm(c.tensor(0), "", c.number(1), c.ints(2), c.boolean(3), c.optional_dtype(4)));
}
void matrix_norm_name(OpCall& c) {
  c.ret(matrix_norm(c.tensor(0), c[1].toStringRef(), 0, c.ints(2), c.boolean(3), c.optional_dtype(4)));
}

/// Without an order the 2-norm of the flattened tensor; with one, a vector or matrix norm by the number of
/// dims.
void linalg_norm(OpCall& c) {
  const Tensor x = c.tensor(0);
  const std::optional<ScalarType> dtype = c.optional_dtype(4);
  if (c[1].isNone()) return c.ret(vector_norm(x, 2, c[2], c.boolean(3), dtype));
  const Dims dims = ints_or_empty(c[2]);
  if (!c[2].isNone() && dims.size() != 1 && dims.size() != 2) {
    throw RuntimeError(
        cat("linalg.norm: If dim is specified, it must be of length 1 or 2. Got ", IntArrayRef(dims)));
  }
  if (c[2].isNone() && x.dim() != 1 && x.dim() != 2) {
    throw RuntimeError(cat(
        "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got ", x.dim(), "D."));
  }
  const bool matrix = c[2].isNone() ? x.dim() == 2 : dims.size() == 2;
  if (!matrix) return c.ret(vector_norm(x, c.number(1), c[2], c.boolean(3), dtype));
  c.ret(matrix_norm(x, "", c.number(1), c[2].isNone() ? Dims{0, 1} : dims, c.boolean(3), dtype));
}
void linalg_norm_name(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Dims dims = c[2].isNone() ? Dims{-2, -1} : c.ints(2);
  if (c[2].isNone() && x.dim() != 2) {
    throw RuntimeError(cat(
        "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got ", x.dim(), "D."));
  }
  c.ret(matrix_norm(x, c[1].toStringRef(), 0, dims, c.boolean(3), c.optional_dtype(4)));
}
void nuclear_norm(OpCall& c) {
  c.ret(matrix_norm(c.tensor(0), "nuc", 0, {-2, -1}, c.boolean(1), std::nullopt));
}
void nuclear_norm_dims(OpCall& c) {
  c.ret(matrix_norm(c.tensor(0), "nuc", 0, c.ints(1), c.boolean(2), std::nullopt));
}

/// The last argument takes the result, whose shape it must have.
template <bool HasDtype>
void norm_out(OpCall& c) {
  const Tensor out = c.tensor(c.size() - 1);
  std::vector<IValue> arguments = {c[0], c[1], c[2], c[3]};
  if (HasDtype) arguments.push_back(c[4]);
  const Tensor result =
      invoke(HasDtype ? "aten::norm.ScalarOpt_dim_dtype" : "aten::norm.ScalarOpt_dim", arguments);
  if (!std::ranges::equal(out.sizes(), result.sizes())) {
    throw RuntimeError(cat("norm: out has size ", out.sizes(), ", but the result has size ", result.sizes(),
                           "; give a tensor of that size, or none"));
  }
  write_in_place(out, result);
  c.ret(IValue(out));
}

constexpr OpRow kVectorNormOps[] = {
    {"aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, "
     "ScalarType? dtype=None) -> Tensor",
     linalg_vector_norm},
    {"aten::norm.Scalar(Tensor self, Scalar p=2) -> Tensor", norm_scalar},
    {"aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor", norm_dims},
    {"aten::norm.ScalarOpt_dim_dtype(Tensor self, Scalar? p, int[1] dim, bool keepdim, *, ScalarType dtype) "
     "-> Tensor",
     norm_dims_dtype},
    {"aten::norm.dtype_out(Tensor self, Scalar? p, int[1] dim, bool keepdim, *, ScalarType dtype, Tensor(a!) "
     "out) -> Tensor(a!)",
     norm_out<true>},
    {"aten::norm.out(Tensor self, Scalar? p, int[1] dim, bool keepdim=False, *, Tensor(a!) out) -> "
     "Tensor(a!)",
     norm_out<false>},
    {"aten::norm.ScalarOpt_dtype(Tensor self, Scalar? p, *, ScalarType dtype) -> Tensor", norm_dtype_op},
    {"aten::frobenius_norm.dim(Tensor self, int[1] dim, bool keepdim=False) -> Tensor", frobenius_norm},
    {"aten::linalg_norm(Tensor self, Scalar? ord=None, int[1]? dim=None, bool keepdim=False, *, ScalarType? "
     "dtype=None) -> Tensor",
     linalg_norm},
    {"aten::linalg_norm.ord_str(Tensor self, str ord, int[1]? dim=None, bool keepdim=False, *, ScalarType? "
     "dtype=None) -> Tensor",
     linalg_norm_name},
    {"aten::linalg_matrix_norm(Tensor self, Scalar ord, int[] dim=[-2, -1], bool keepdim=False, *, "
     "ScalarType? dtype=None) -> Tensor",
     matrix_norm_op},
    {"aten::linalg_matrix_norm.str_ord(Tensor self, str ord=\"fro\", int[] dim=[-2, -1], bool keepdim=False, "
     "*, ScalarType? dtype=None) -> Tensor",
     matrix_norm_name},
    {"aten::nuclear_norm(Tensor self, bool keepdim=False) -> Tensor", nuclear_norm},
    {"aten::nuclear_norm.dim(Tensor self, int[2] dim, bool keepdim=False) -> Tensor", nuclear_norm_dims},
};

}  // namespace

OpTable vector_norm_ops() { return kVectorNormOps; }

}  // namespace calque::ops
