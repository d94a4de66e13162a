#include "ops/matmul.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "kernels/gemm/gemm.h"
#include "ops/arithmetic.h"
#include "ops/loops.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

std::string_view c_name(ScalarType dtype) {
  switch (dtype) {
    case kByte:
      return "unsigned char";
    case kChar:
      return "signed char";
    case kShort:
      return "short int";
    case kInt:
      return "int";
    case kLong:
      return "long int";
    case kHalf:
      return "c10::Half";
    case kFloat:
      return "float";
    case kDouble:
      return "double";
    case kBFloat16:
      return "c10::BFloat16";
    default:
      return dtype_name(dtype);
  }
}

/// One product, or a plane of them, with the strides of the operands.
struct Product {
  Tensor a, b, out;
  int64_t m, n, k;
  int64_t a_at = 0, b_at = 0, out_at = 0;
  kernels::GemmBatch batch{};
};

template <class Args, class T>
Args gemm_args(const Product& p) {
  const size_t last_a = p.a.sizes().size() - 1;
  const size_t last_b = p.b.sizes().size() - 1;
  return {.m = p.m,
          .n = p.n,
          .k = p.k,
          .a = elements<T>(p.a) + p.a_at,
          .a_row = p.a.strides()[last_a - 1],
          .a_col = p.a.strides()[last_a],
          .b = elements<T>(p.b) + p.b_at,
          .b_row = p.b.strides()[last_b - 1],
          .b_col = p.b.strides()[last_b],
          .c = elements<T>(p.out) + p.out_at,
          .c_row = p.n};
}

/// Integers: the definition.
template <class T>
void integer_product(const Product& p) {
  const auto args = gemm_args<kernels::BasicGemmArgs<T>, T>(p);
  for (int64_t outer = 0; outer < p.batch.outer; ++outer) {
    for (int64_t inner = 0; inner < p.batch.inner; ++inner) {
      const T* a = args.a + outer * p.batch.a_outer + inner * p.batch.a_inner;
      const T* b = args.b + outer * p.batch.b_outer + inner * p.batch.b_inner;
      T* c = args.c + outer * p.batch.c_outer + inner * p.batch.c_inner;
      for (int64_t i = 0; i < p.m; ++i) {
        for (int64_t j = 0; j < p.n; ++j) {
          T sum = 0;
          for (int64_t l = 0; l < p.k; ++l) {
            sum = wrap_add(sum,
                           wrap_mul(a[i * args.a_row + l * args.a_col], b[l * args.b_row + j * args.b_col]));
          }
          c[i * p.n + j] = sum;
        }
      }
    }
  }
}

void run(const Product& p) {
  switch (p.out.dtype()) {
    case kFloat:
      return kernels::gemm_batched(gemm_args<kernels::GemmArgs, float>(p), p.batch);
    case kDouble:
      return kernels::gemm_batched(gemm_args<kernels::GemmArgsF64, double>(p), p.batch);
    case kHalf:
      return kernels::gemm_batched_f16(gemm_args<kernels::GemmArgs16, uint16_t>(p), p.batch);
    case kBFloat16:
      return kernels::gemm_batched_bf16(gemm_args<kernels::GemmArgs16, uint16_t>(p), p.batch);
    default:
      dispatch_integral(p.out.dtype(), "addmm_impl_cpu_",
                        [&]<class T>(TypeTag<T>) { integer_product<T>(p); });
  }
}

Dims batch_sizes(const Tensor& t) { return {t.sizes().begin(), t.sizes().end() - 2}; }

/// Strides of the batch dimensions, broadcast to `batch`.
Dims batch_strides(const Tensor& t, const Dims& batch) {
  Dims out(batch.size(), 0);
  const size_t rank = t.sizes().size() - 2;
  for (size_t i = 0; i < rank; ++i) {
    const size_t at = batch.size() - rank + i;
    out[at] = t.sizes()[i] == 1 ? 0 : t.strides()[i];
  }
  return out;
}

void check_same_dtype(const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype()) return;
  throw RuntimeError(cat("expected m1 and m2 to have the same dtype, but got: ", c_name(a.dtype()),
                         " != ", c_name(b.dtype())));
}

void check_not_bool(const Tensor& a, std::string_view op) {
  if (a.dtype() == kBool || is_complex(a.dtype())) throw_not_implemented(op, a.dtype());
}

void check_multiplicable(int64_t m, int64_t k, int64_t k2, int64_t n) {
  if (k == k2) return;
  throw RuntimeError(cat("mat1 and mat2 shapes cannot be multiplied (", m, "x", k, " and ", k2, "x", n, ")"));
}

}  // namespace

Tensor batched_product(const Tensor& a, const Tensor& b) {
  const Dims batch = broadcast_shapes(batch_sizes(a), batch_sizes(b));
  Product p{.a = a, .b = b, .out = {}, .m = a.size(-2), .n = b.size(-1), .k = a.size(-1)};
  Dims sizes = batch;
  sizes.insert(sizes.end(), {p.m, p.n});
  p.out = empty(sizes, a.dtype());
  if (p.out.numel() == 0) return p.out;
  const StridedLoop<3> loop(batch,
                            {batch_strides(p.out, batch), batch_strides(a, batch), batch_strides(b, batch)});
  loop.for_each_plane([&](int64_t outer, int64_t inner, const auto& at, const auto& row, const auto& step) {
    p.out_at = at[0];
    p.a_at = at[1];
    p.b_at = at[2];
    p.batch = {.outer = outer,
               .inner = inner,
               .a_outer = row[1],
               .a_inner = step[1],
               .b_outer = row[2],
               .b_inner = step[2],
               .c_outer = row[0],
               .c_inner = step[0]};
    run(p);
  });
  return p.out;
}

namespace {

Tensor mm(const Tensor& a, const Tensor& b) {
  if (a.dim() != 2) throw RuntimeError("self must be a matrix");
  if (b.dim() != 2) throw RuntimeError("mat2 must be a matrix");
  check_multiplicable(a.sizes()[0], a.sizes()[1], b.sizes()[0], b.sizes()[1]);
  check_same_dtype(a, b);
  check_not_bool(a, "addmm_impl_cpu_");
  return batched_product(a, b);
}

void check_bmm(const Tensor& a, const Tensor& b) {
  if (a.dim() != 3) throw RuntimeError("batch1 must be a 3D tensor");
  if (b.dim() != 3) throw RuntimeError("batch2 must be a 3D tensor");
  if (a.sizes()[0] != b.sizes()[0] || a.sizes()[2] != b.sizes()[1]) {
    throw RuntimeError(cat("Expected size for first two dimensions of batch2 tensor to be: [", a.sizes()[0],
                           ", ", a.sizes()[2], "] but got: [", b.sizes()[0], ", ", b.sizes()[1], "]."));
  }
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  check_bmm(a, b);
  if (a.dtype() != b.dtype()) {
    throw RuntimeError(
        cat("expected scalar type ", dtype_cpp_name(a.dtype()), " but found ", dtype_cpp_name(b.dtype())));
  }
  check_not_bool(a, "bmm");
  return batched_product(a, b);
}

Tensor dot(const Tensor& a, const Tensor& b) {
  if (a.dim() != 1 || b.dim() != 1) {
    throw RuntimeError(cat("1D tensors expected, but got ", a.dim(), "D and ", b.dim(), "D tensors"));
  }
  if (a.dtype() != b.dtype()) {
    throw RuntimeError(cat("dot : expected both vectors to have same dtype, but found ",
                           dtype_cpp_name(a.dtype()), " and ", dtype_cpp_name(b.dtype())));
  }
  if (a.numel() != b.numel()) {
    throw RuntimeError(cat("inconsistent tensor size, expected tensor [", a.numel(), "] and src [", b.numel(),
                           "] to have the same number of elements, but got ", a.numel(), " and ", b.numel(),
                           " elements respectively"));
  }
  check_not_bool(a, "dot");
  return batched_product(a.unsqueeze(0), b.unsqueeze(1)).view(Dims{});
}

Tensor mv(const Tensor& a, const Tensor& v) {
  if (a.dim() != 2 || v.dim() != 1) {
    throw RuntimeError(cat("vector + matrix @ vector expected, got 1, ", a.dim(), ", ", v.dim()));
  }
  if (a.sizes()[1] != v.sizes()[0]) {
    throw RuntimeError(cat("size mismatch, got input (", a.sizes()[0], "), mat (", a.sizes()[0], "x",
                           a.sizes()[1], "), vec (", v.sizes()[0], ")"));
  }
  if (a.dtype() != v.dtype()) {
    throw RuntimeError(cat("addmv input tensors must have the same dtype, but got ",
                           dtype_cpp_name(v.dtype()), ", ", dtype_cpp_name(a.dtype()), ", and ",
                           dtype_cpp_name(v.dtype())));
  }
  check_not_bool(a, "addmv_impl_cpu");
  return batched_product(a, v.unsqueeze(1)).squeeze(1);
}

Tensor batched_matmul(const Tensor& a, const Tensor& b) {
  // PyTorch broadcasts the batches first and then meets the inner sizes in bmm.
  const Dims batch = broadcast_shapes(batch_sizes(a), batch_sizes(b));
  if (a.size(-1) != b.size(-2)) {
    const int64_t count = product(batch);
    if (a.dim() > 2 && b.dim() == 2) {
      check_multiplicable(count * a.size(-2), a.size(-1), b.size(-2), b.size(-1));
    }
    throw RuntimeError(cat("Expected size for first two dimensions of batch2 tensor to be: [", count, ", ",
                           a.size(-1), "] but got: [", count, ", ", b.size(-2), "]."));
  }
  if (a.dtype() != b.dtype()) {
    throw RuntimeError(
        cat("expected scalar type ", dtype_cpp_name(a.dtype()), " but found ", dtype_cpp_name(b.dtype())));
  }
  check_not_bool(a, "bmm");
  return batched_product(a, b);
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.dim() == 0 || b.dim() == 0) {
    throw RuntimeError(cat("both arguments to matmul need to be at least 1D, but they are ", a.dim(),
                           "D and ", b.dim(), "D"));
  }
  if (a.dim() == 1 && b.dim() == 1) return dot(a, b);
  if (a.dim() == 2 && b.dim() == 1) return mv(a, b);
  if (a.dim() == 1 && b.dim() == 2) return mm(a.unsqueeze(0), b).squeeze(0);
  if (a.dim() == 2 && b.dim() == 2) return mm(a, b);
  if (a.dim() == 1) return batched_matmul(a.unsqueeze(0), b).squeeze(-2);
  if (b.dim() == 1) return batched_matmul(a, b.unsqueeze(1)).squeeze(-1);
  return batched_matmul(a, b);
}

namespace {

/// One gemm with the bias in it. `rows` is x as a matrix.
Tensor linear_kernel(const Tensor& rows, const Tensor& weight, const float* bias) {
  const int64_t m = rows.sizes()[0];
  const int64_t n = weight.sizes()[0];
  Tensor out = empty({m, n}, kFloat);
  kernels::gemm({.m = m,
                 .n = n,
                 .k = rows.sizes()[1],
                 .a = elements<float>(rows),
                 .a_row = rows.strides()[0],
                 .a_col = rows.strides()[1],
                 .b = elements<float>(weight),
                 .b_row = weight.strides()[1],
                 .b_col = weight.strides()[0],
                 .c = elements<float>(out),
                 .c_row = n,
                 .bias = bias});
  return out;
}

void check_bias_expands(const Tensor& bias, const Dims& sizes) { bias.expand(sizes); }

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  if (x.dim() == 0 || weight.dim() == 0) {
    throw RuntimeError(cat("both arguments to linear need to be at least 1D, but they are ", x.dim(),
                           "D and ", weight.dim(), "D"));
  }
  if (weight.dim() == 1) {
    if (bias) throw RuntimeError("mat2 must be a matrix, got 1-D tensor");
    return matmul(x, weight);
  }
  if (weight.dim() != 2)
    throw RuntimeError("t() expects a tensor with <= 2 dimensions, but self is " +
                       std::to_string(weight.dim()) + "D");
  const int64_t k = x.size(-1);
  Dims sizes(x.sizes().begin(), x.sizes().end() - 1);
  const int64_t m = product(sizes);
  check_multiplicable(m, k, weight.sizes()[1], weight.sizes()[0]);
  check_same_dtype(x, weight);
  sizes.push_back(weight.sizes()[0]);
  if (bias && bias->dtype() != x.dtype()) {
    throw RuntimeError(cat("self and mat2 must have the same dtype, but got ", dtype_cpp_name(bias->dtype()),
                           " and ", dtype_cpp_name(weight.dtype())));
  }
  if (bias) check_bias_expands(*bias, sizes);
  check_not_bool(x, "addmm_impl_cpu_");
  const Tensor rows = x.reshape(Dims{m, k});
  const bool row_bias =
      bias && bias->dim() == 1 && bias->sizes()[0] == weight.sizes()[0] && bias->is_contiguous();
  if (x.dtype() == kFloat && (!bias || row_bias)) {
    return linear_kernel(rows, weight, bias ? elements<float>(*bias) : nullptr).view(sizes);
  }
  const Tensor out = batched_product(rows, weight.transpose(0, 1)).view(sizes);
  return bias ? add(out, *bias) : out;
}

namespace {

void linear_op(OpCall& c) { c.ret(linear(c.tensor(0), c.tensor(1), c.optional_tensor(2))); }

/// beta * self + alpha * ab; beta == 0 ignores self, NaN included.
Tensor scaled_sum(const Tensor& self, const Tensor& ab, const Scalar& beta, const Scalar& alpha) {
  if (self.dtype() != ab.dtype()) {
    throw RuntimeError(cat("self and mat2 must have the same dtype, but got ", dtype_cpp_name(self.dtype()),
                           " and ", dtype_cpp_name(ab.dtype())));
  }
  const Tensor base = self.expand(ab.sizes());
  const Tensor out = empty(ab.sizes(), ab.dtype());
  dispatch_numeric(ab.dtype(), "addmm_impl_cpu_", [&]<class T>(TypeTag<T>) {
    using Op = OpType<T>;
    const Op b = scalar_to<Op>(beta);
    const Op a = scalar_to<Op>(alpha);
    map_binary<T, T>(out, base, ab, [a, b](Op x, Op y) {
      return b == Op(0) ? wrap_mul(a, y) : wrap_add(wrap_mul(b, x), wrap_mul(a, y));
    });
  });
  return out;
}

Tensor outer_product(const Tensor& a, const Tensor& b) {
  if (a.dim() != 1) throw RuntimeError(cat("outer: Expected 1-D argument self, but got ", a.dim(), "-D"));
  if (b.dim() != 1) throw RuntimeError(cat("outer: Expected 1-D argument vec2, but got ", b.dim(), "-D"));
  return mul(a.unsqueeze(1), b.unsqueeze(0));
}

Tensor summed_bmm(const Tensor& a, const Tensor& b) {
  check_bmm(a, b);
  check_same_dtype(a, b);
  const int64_t batch = a.sizes()[0];
  const Tensor left = a.transpose(0, 1).reshape(Dims{a.sizes()[1], batch * a.sizes()[2]});
  return mm(left, b.reshape(Dims{batch * b.sizes()[1], b.sizes()[2]}));
}

template <BinaryFunction F>
void add_product(OpCall& c) {
  c.ret(scaled_sum(c.tensor(0), F(c.tensor(1), c.tensor(2)), c.scalar(3), c.scalar(4)));
}
template <BinaryFunction F>
void add_product_(OpCall& c) {
  const Tensor self = c.tensor(0);
  write_in_place(self, scaled_sum(self, F(c.tensor(1), c.tensor(2)), c.scalar(3), c.scalar(4)));
  c.ret(c[0]);
}

Tensor inner(const Tensor& a, const Tensor& b) {
  if (a.dim() == 0 || b.dim() == 0) return mul(a, b);
  if (a.size(-1) != b.size(-1)) {
    throw RuntimeError(cat("inner() the last dimension must match on both input tensors but got shapes ",
                           a.sizes(), " and ", b.sizes()));
  }
  Dims sizes(a.sizes().begin(), a.sizes().end() - 1);
  sizes.insert(sizes.end(), b.sizes().begin(), b.sizes().end() - 1);
  const Tensor left = a.reshape(Dims{-1, std::max<int64_t>(a.size(-1), 0)});
  return mm(left, b.reshape(Dims{product(b.sizes().first(b.sizes().size() - 1)), b.size(-1)}).transpose(0, 1))
      .view(sizes);
}

constexpr OpRow kMatmulOps[] = {
    {"aten::mm(Tensor self, Tensor mat2) -> Tensor", binary_op<mm>},
    {"aten::bmm(Tensor self, Tensor mat2) -> Tensor", binary_op<bmm>},
    {"aten::matmul(Tensor self, Tensor other) -> Tensor", binary_op<matmul>},
    {"aten::linalg_matmul(Tensor self, Tensor other) -> Tensor", binary_op<matmul>},
    {"aten::mv(Tensor self, Tensor vec) -> Tensor", binary_op<mv>},
    {"aten::dot(Tensor self, Tensor tensor) -> Tensor", binary_op<dot>},
    {"aten::vdot(Tensor self, Tensor other) -> Tensor", binary_op<dot>},
    {"aten::inner(Tensor self, Tensor other) -> Tensor", binary_op<inner>},
    {"aten::outer(Tensor self, Tensor vec2) -> Tensor", binary_op<outer_product>},
    {"aten::ger(Tensor self, Tensor vec2) -> Tensor", binary_op<outer_product>},
    {"aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", linear_op},
    {"aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
     add_product<mm>},
    {"aten::addmm_(Tensor(a!) self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> "
     "Tensor(a!)",
     add_product_<mm>},
    {"aten::addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
     add_product<mv>},
    {"aten::addmv_(Tensor(a!) self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor(a!)",
     add_product_<mv>},
    {"aten::addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
     add_product<outer_product>},
    {"aten::addr_(Tensor(a!) self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor(a!)",
     add_product_<outer_product>},
    {"aten::baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
     add_product<bmm>},
    {"aten::baddbmm_(Tensor(a!) self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> "
     "Tensor(a!)",
     add_product_<bmm>},
    {"aten::addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
     add_product<summed_bmm>},
    {"aten::addbmm_(Tensor(a!) self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> "
     "Tensor(a!)",
     add_product_<summed_bmm>},
};

}  // namespace

OpTable matmul_ops() { return kMatmulOps; }

}  // namespace calque::ops
