// Tensors made from sizes and numbers.
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "ops/loops.h"
#include "ops/options.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// PyTorch's names the operator in its text for negative sizes of these.
Dims sizes_of(const OpCall& c, size_t i, std::string_view op) {
  Dims sizes = c.ints(i);
  for (const int64_t size : sizes) {
    if (size < 0 && op == "zeros") throw RuntimeError("zeros: Dimension size must be non-negative.");
  }
  return sizes;
}

void zeros_op(OpCall& c) { c.ret(zeros(sizes_of(c, 0, "zeros"), dtype_option(c, 1, kFloat))); }
void ones_op(OpCall& c) { c.ret(ones(sizes_of(c, 0, "ones"), dtype_option(c, 1, kFloat))); }

/// Storage is not handed out uninitialised: what a program prints must not depend on other programs' memory.
void empty_op(OpCall& c) { c.ret(zeros(sizes_of(c, 0, "empty"), dtype_option(c, 1, kFloat))); }

void empty_strided_op(OpCall& c) {
  const Dims sizes = c.ints(0);
  const Dims strides = c.ints(1);
  const ScalarType dtype = dtype_option(c, 2, kFloat);
  if (sizes.size() != strides.size()) throw RuntimeError("mismatch in length of strides and shape");
  checked_size(sizes, dtype);
  const auto range = reach(0, sizes, strides);
  if (!range)
    throw RuntimeError(cat("Storage size calculation overflowed with sizes=", IntArrayRef(sizes),
                           " and strides=", IntArrayRef(strides)));
  const Tensor base = zeros({range->second}, dtype);
  c.ret(make_view(base, sizes, strides, 0));
}

ScalarType dtype_of_number(const Scalar& value) {
  if (value.is_floating_point()) return kFloat;
  return value.is_bool() ? kBool : kLong;
}

void full_op(OpCall& c) {
  c.ret(full(c.ints(0), c.scalar(1), dtype_option(c, 2, dtype_of_number(c.scalar(1)))));
}
void scalar_tensor(OpCall& c) { c.ret(full({}, c.scalar(0), dtype_option(c, 1, kFloat))); }

// --- arange, linspace

struct Steps {
  Scalar start, end, step;
};

int64_t arange_length(const Steps& s, ScalarType dtype) {
  const double start = s.start.to_double();
  const double end = s.end.to_double();
  const double step = s.step.to_double();
  if (step == 0) throw RuntimeError("step must be nonzero");
  if (!std::isfinite(start) || !std::isfinite(end)) {
    throw RuntimeError(cat("unsupported range: ", start, " -> ", end));
  }
  if ((step > 0 && end < start) || (step < 0 && end > start)) {
    throw RuntimeError("upper bound and lower bound inconsistent with step sign");
  }
  double length = 0;
  if (dtype == kLong) {
    const auto span = static_cast<double>(wrap_sub(s.end.to_int(), s.start.to_int()));
    length = std::ceil(span / static_cast<double>(s.step.to_int()));
  } else {
    length = std::ceil((end - start) / step);
  }
  if (!(length >= 0 && length < 0x1p62)) throw RuntimeError("invalid size, possible overflow?");
  return static_cast<int64_t>(length);
}

Tensor arange(const Steps& s, ScalarType dtype) {
  if (dtype == kBool) throw_not_implemented("arange_cpu", dtype);
  Tensor out = empty({arange_length(s, dtype)}, dtype);
  dispatch_numeric(dtype, "arange_cpu", [&]<class T>(TypeTag<T>) {
    T* p = elements<T>(out);
    for (int64_t i = 0; i < out.numel(); ++i) {
      if constexpr (std::is_integral_v<T>) {
        p[i] = static_cast<T>(wrap_add(s.start.to_int(), wrap_mul(s.step.to_int(), i)));
      } else {
        p[i] = Element<T>::store(
            static_cast<OpType<T>>(s.start.to_double() + s.step.to_double() * static_cast<double>(i)));
      }
    }
  });
  return out;
}

ScalarType arange_dtype(const Steps& s) {
  return s.start.is_floating_point() || s.end.is_floating_point() || s.step.is_floating_point() ? kFloat
                                                                                                : kLong;
}

void arange_end(OpCall& c) {
  const Steps s{.start = Scalar(0), .end = c.scalar(0), .step = Scalar(1)};
  c.ret(arange(s, dtype_option(c, 1, arange_dtype(s))));
}
void arange_start(OpCall& c) {
  const Steps s{.start = c.scalar(0), .end = c.scalar(1), .step = Scalar(1)};
  c.ret(arange(s, dtype_option(c, 2, arange_dtype(s))));
}
void arange_step(OpCall& c) {
  const Steps s{.start = c.scalar(0), .end = c.scalar(1), .step = c.scalar(2)};
  c.ret(arange(s, dtype_option(c, 3, arange_dtype(s))));
}

/// f(value) at `steps` points from start to end, the second half counted from the end.
template <class F>
Tensor spaced(double start, double end, int64_t steps, ScalarType dtype, F f) {
  if (steps < 0) throw RuntimeError("number of steps must be non-negative");
  Tensor out = empty({steps}, dtype);
  if (is_integral(dtype)) {
    start = std::trunc(start);
    end = std::trunc(end);
  }
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  dispatch_all(dtype, "linspace_cpu", [&]<class T>(TypeTag<T>) {
    T* p = elements<T>(out);
    for (int64_t i = 0; i < steps; ++i) {
      const bool first_half = i < steps / 2 || steps == 1;
      const double value = first_half ? start + step * static_cast<double>(i)
                                      : end - step * static_cast<double>(steps - i - 1);
      p[i] = convert_element<T>(f(value));
    }
  });
  return out;
}

double number_at(const IValue& value) {
  if (!value.isTensor()) return value.toScalar().to_double();
  if (value.toTensor().dim() != 0) {
    throw RuntimeError(cat("linspace only supports 0-dimensional start and end tensors, but got start with ",
                           value.toTensor().dim(), " dimension(s)."));
  }
  return value.toTensor().item().to_double();
}

void linspace(OpCall& c) {
  c.ret(spaced(number_at(c[0]), number_at(c[1]), c.integer(2), dtype_option(c, 3, kFloat),
               [](double v) { return v; }));
}
void logspace(OpCall& c) {
  const double base = c.number(3);
  c.ret(spaced(number_at(c[0]), number_at(c[1]), c.integer(2), dtype_option(c, 4, kFloat),
               [base](double v) { return std::pow(base, v); }));
}

// --- matrices

Tensor eye(int64_t rows, int64_t columns, ScalarType dtype) {
  if (rows < 0) throw RuntimeError(cat("n must be greater or equal to 0, got ", rows));
  if (columns < 0) throw RuntimeError(cat("m must be greater or equal to 0, got ", columns));
  Tensor out = zeros({rows, columns}, dtype);
  const int64_t n = std::min(rows, columns);
  if (n > 0) make_view(out, {n}, {columns + 1}, 0).fill_(Scalar(1));
  return out;
}

void eye_n(OpCall& c) { c.ret(eye(c.integer(0), c.integer(0), dtype_option(c, 1, kFloat))); }
void eye_nm(OpCall& c) { c.ret(eye(c.integer(0), c.integer(1), dtype_option(c, 2, kFloat))); }

/// The coordinates of the triangle: keep(row, column - row - offset).
template <bool Upper>
void triangle_indices(OpCall& c) {
  const int64_t rows = c.integer(0);
  const int64_t columns = c.integer(1);
  const int64_t offset = c.integer(2);
  if (rows < 0) throw RuntimeError("row must be non-negative, got" + std::to_string(rows));
  if (columns < 0) throw RuntimeError("col must be non-negative, got" + std::to_string(columns));
  const auto first_column = [&](int64_t row) {
    return Upper ? std::clamp<int64_t>(wrap_add(row, offset), 0, columns) : int64_t{0};
  };
  const auto end_column = [&](int64_t row) {
    return Upper ? columns : std::clamp<int64_t>(wrap_add(wrap_add(row, offset), int64_t{1}), 0, columns);
  };
  checked_size(Dims{2, rows, columns}, kLong);
  int64_t count = 0;
  for (int64_t row = 0; row < rows; ++row) count += std::max<int64_t>(end_column(row) - first_column(row), 0);
  Tensor out = empty({2, count}, kLong);
  auto* p = elements<int64_t>(out);
  int64_t at = 0;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = first_column(row); column < end_column(row); ++column, ++at) {
      p[at] = row;
      p[count + at] = column;
    }
  }
  c.ret(out.to(dtype_option(c, 3, kLong)));
}

/// Zeroes the other side of a diagonal of the last two dimensions.
template <bool Upper>
Tensor triangle(const Tensor& x, int64_t diagonal) {
  if (x.dim() < 2) {
    throw RuntimeError(cat(Upper ? "triu" : "tril", ": input tensor must have at least 2 dimensions"));
  }
  Tensor out = empty(x.sizes(), x.dtype());
  out.copy_(x);
  const int64_t columns = x.sizes()[x.dim() - 1];
  const int64_t rows = x.sizes()[x.dim() - 2];
  dispatch_width(x.dtype(), [&]<class T>(TypeTag<T>) {
    T* p = elements<T>(out);
    const int64_t lines = columns == 0 ? 0 : out.numel() / columns;
    for (int64_t line = 0; line < lines; ++line) {
      const int64_t row = line % rows;
      const int64_t border =
          std::clamp<int64_t>(wrap_add(wrap_add(row, diagonal), int64_t{Upper ? 0 : 1}), 0, columns);
      if (Upper) {
        std::fill_n(p + line * columns, border, T{});
      } else {
        std::fill(p + line * columns + border, p + (line + 1) * columns, T{});
      }
    }
  });
  return out;
}

/// Keeps row + diagonal inside int64.
int64_t sane_diagonal(const OpCall& c, size_t i) {
  return std::clamp<int64_t>(c.integer(i), -(int64_t{1} << 60), int64_t{1} << 60);
}

template <bool Upper>
void triangle_op(OpCall& c) {
  c.ret(triangle<Upper>(c.tensor(0), sane_diagonal(c, 1)));
}
template <bool Upper>
void triangle_op_(OpCall& c) {
  write_in_place(c.tensor(0), triangle<Upper>(c.tensor(0), sane_diagonal(c, 1)));
  c.ret(c[0]);
}

Tensor hann(int64_t length, bool periodic, ScalarType dtype) {
  if (length < 0)
    throw RuntimeError("hann_window requires non-negative window_length, got window_length=" +
                       std::to_string(length));
  if (!is_floating_point(dtype)) throw RuntimeError("hann_window expects floating point dtypes");
  if (length == 1) return ones({1}, dtype);
  const auto period = static_cast<double>(periodic ? length : length - 1);
  return spaced(0, static_cast<double>(length - 1), length, dtype,
                [period](double i) { return 0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / period); });
}

void hann_window(OpCall& c) { c.ret(hann(c.integer(0), true, dtype_option(c, 1, kFloat))); }
void hann_window_periodic(OpCall& c) { c.ret(hann(c.integer(0), c.boolean(1), dtype_option(c, 2, kFloat))); }

constexpr OpRow kCreateOps[] = {
    {"aten::zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? "
     "pin_memory=None) -> Tensor",
     zeros_op},
    {"aten::ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? "
     "pin_memory=None) -> Tensor",
     ones_op},
    {"aten::empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
     empty_op},
    {"aten::empty_strided(SymInt[] size, SymInt[] stride, *, ScalarType? dtype=None, Layout? layout=None, "
     "Device? device=None, bool? pin_memory=None) -> Tensor",
     empty_strided_op},
    {"aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     full_op},
    {"aten::scalar_tensor(Scalar s, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
     "bool? pin_memory=None) -> Tensor",
     scalar_tensor},
    {"aten::arange(Scalar end, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? "
     "pin_memory=None) -> Tensor",
     arange_end},
    {"aten::arange.start(Scalar start, Scalar end, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     arange_start},
    {"aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     arange_step},
    {"aten::linspace.Tensor_Tensor(Tensor start, Tensor end, int steps, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     linspace},
    {"aten::linspace.Tensor_Scalar(Tensor start, Scalar end, int steps, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     linspace},
    {"aten::linspace.Scalar_Tensor(Scalar start, Tensor end, int steps, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     linspace},
    {"aten::linspace(Scalar start, Scalar end, int steps, *, ScalarType? dtype=None, Layout? layout=None, "
     "Device? device=None, bool? pin_memory=None) -> Tensor",
     linspace},
    {"aten::logspace.Tensor_Tensor(Tensor start, Tensor end, int steps, float base=10., *, ScalarType? "
     "dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     logspace},
    {"aten::logspace.Tensor_Scalar(Tensor start, Scalar end, int steps, float base=10., *, ScalarType? "
     "dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     logspace},
    {"aten::logspace.Scalar_Tensor(Scalar start, Tensor end, int steps, float base=10., *, ScalarType? "
     "dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     logspace},
    {"aten::logspace(Scalar start, Scalar end, int steps, float base=10., *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     logspace},
    {"aten::eye(SymInt n, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? "
     "pin_memory=None) -> Tensor",
     eye_n},
    {"aten::eye.m(SymInt n, SymInt m, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
     "bool? pin_memory=None) -> Tensor",
     eye_nm},
    {"aten::tril(Tensor self, SymInt diagonal=0) -> Tensor", triangle_op<false>},
    {"aten::tril_(Tensor(a!) self, SymInt diagonal=0) -> Tensor(a!)", triangle_op_<false>},
    {"aten::triu(Tensor self, SymInt diagonal=0) -> Tensor", triangle_op<true>},
    {"aten::triu_(Tensor(a!) self, SymInt diagonal=0) -> Tensor(a!)", triangle_op_<true>},
    {"aten::tril_indices(int row, int col, int offset=0, *, ScalarType? dtype=4, Layout? layout=None, "
     "Device? device=None, bool? pin_memory=None) -> Tensor",
     triangle_indices<false>},
    {"aten::triu_indices(int row, int col, int offset=0, *, ScalarType? dtype=4, Layout? layout=None, "
     "Device? device=None, bool? pin_memory=None) -> Tensor",
     triangle_indices<true>},
    {"aten::hann_window(int window_length, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     hann_window},
    {"aten::hann_window.periodic(int window_length, bool periodic, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     hann_window_periodic},
};

}  // namespace

OpTable create_ops() { return kCreateOps; }

}  // namespace calque::ops
