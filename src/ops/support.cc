#include "ops/support.h"

#include <algorithm>

#include "base/text.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// One level of precedence in promotion; the dtype of its operands joined.
struct Level {
  std::optional<ScalarType> dtype;
  void add(ScalarType other) { dtype = dtype ? promote_types(*dtype, other) : other; }
};

ScalarType complex_counterpart(ScalarType dtype) {
  if (dtype == kDouble) return ScalarType::ComplexDouble;
  if (dtype == kHalf) return ScalarType::ComplexHalf;
  return ScalarType::ComplexFloat;
}

std::optional<ScalarType> combine(std::optional<ScalarType> higher, std::optional<ScalarType> lower) {
  if (!higher) return lower;
  if (!lower || is_complex(*higher)) return higher;
  if (is_floating_point(*higher)) return is_complex(*lower) ? complex_counterpart(*higher) : *higher;
  if (*higher == kBool || is_floating_point(*lower) || is_complex(*lower))
    return promote_types(*higher, *lower);
  return higher;
}

ScalarType number_type(ScalarType dtype) {
  if (is_floating_point(dtype)) return kFloat;
  return dtype;
}

}  // namespace

Tensor number_tensor(const Scalar& value) {
  ScalarType dtype = kLong;
  if (value.is_floating_point()) dtype = kDouble;
  if (value.is_bool()) dtype = kBool;
  Tensor t = full({}, value, dtype);
  t.impl()->wrapped_number = true;
  return t;
}

ScalarType result_type(std::span<const Tensor> operands) {
  Level with_dims;
  Level zero_dim;
  Level numbers;
  for (const Tensor& t : operands) {
    if (t.dim() > 0) {
      with_dims.add(t.dtype());
    } else if (t.impl()->wrapped_number) {
      numbers.add(number_type(t.dtype()));
    } else {
      zero_dim.add(t.dtype());
    }
  }
  return combine(with_dims.dtype, combine(zero_dim.dtype, numbers.dtype)).value_or(kFloat);
}

ScalarType float_type_of(ScalarType dtype) { return dtype == kBool || is_integral(dtype) ? kFloat : dtype; }

bool can_cast(ScalarType from, ScalarType to) {
  if (is_complex(from) && !is_complex(to)) return false;
  if (is_floating_point(from) && (is_integral(to) || to == kBool)) return false;
  return from == kBool || to != kBool;
}

void write_in_place(const Tensor& self, const Tensor& result, std::initializer_list<Tensor> read) {
  if (!std::ranges::equal(self.sizes(), result.sizes())) {
    throw RuntimeError(
        cat("output with shape ", self.sizes(), " doesn't match the broadcast shape ", result.sizes()));
  }
  if (!can_cast(result.dtype(), self.dtype())) {
    throw RuntimeError(cat("result type ", dtype_cpp_name(result.dtype()),
                           " can't be cast to the desired output type ", dtype_cpp_name(self.dtype())));
  }
  check_no_internal_overlap(self);
  for (const Tensor& t : read) check_no_partial_overlap(self, t);
  self.copy_(result);
}

std::vector<bool> dim_mask(IntArrayRef dims, int64_t rank) {
  std::vector<bool> mask(static_cast<size_t>(std::max<int64_t>(rank, 1)), dims.empty());
  for (const int64_t dim : dims) {
    const auto d = static_cast<size_t>(wrap_dim(dim, rank));
    if (mask[d]) throw RuntimeError(cat("dim ", d, " appears multiple times in the list of dims"));
    mask[d] = true;
  }
  mask.resize(static_cast<size_t>(rank));
  return mask;
}

Dims reduced_sizes(IntArrayRef sizes, const std::vector<bool>& reduced, bool keepdim) {
  Dims out;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (!reduced[d]) {
      out.push_back(sizes[d]);
    } else if (keepdim) {
      out.push_back(1);
    }
  }
  return out;
}

int64_t product(IntArrayRef sizes) { return wrapping_product(sizes); }

Dims ints_or_empty(const IValue& value) { return value.isNone() ? Dims{} : value.toIntVector(); }

void check_memory_format(const IValue& value) {
  if (value.isNone() || value.toInt() == 0 || value.toInt() == 1) return;
  throw NotImplementedError(
      cat("memory_format ", value.toInt(),
          " (channels last) is not supported; use contiguous_format or preserve_format"));
}

Tensor tensor_or_number(const IValue& value) {
  return value.isTensor() ? value.toTensor() : number_tensor(value.toScalar());
}

}  // namespace calque::ops
