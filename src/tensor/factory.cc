#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/text.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque {

namespace {

template <class T>
Tensor from_values(std::span<const T> values, ScalarType dtype) {
  Tensor out = empty({static_cast<int64_t>(values.size())}, dtype);
  if (!values.empty()) std::memcpy(out.raw_data(), values.data(), values.size_bytes());
  return out;
}

}  // namespace

Tensor empty(IntArrayRef sizes, ScalarType dtype) {
  return empty_strided(sizes, contiguous_strides(sizes), dtype);
}

Tensor zeros(IntArrayRef sizes, ScalarType dtype) {
  Tensor out = empty(sizes, dtype);
  std::memset(out.storage()->data(), 0, static_cast<size_t>(out.nbytes()));
  return out;
}

Tensor ones(IntArrayRef sizes, ScalarType dtype) { return full(sizes, Scalar(1), dtype); }

Tensor full(IntArrayRef sizes, const Scalar& value, ScalarType dtype) {
  Tensor out = empty(sizes, dtype);
  out.fill_(value);
  return out;
}

Tensor tensor(const Scalar& value) {
  ScalarType dtype = kLong;
  if (value.is_floating_point()) dtype = kFloat;
  if (value.is_bool()) dtype = kBool;
  return full({}, value, dtype);
}

Tensor tensor(std::initializer_list<int64_t> values) {
  return from_values(std::span(values.begin(), values.size()), kLong);
}

Tensor tensor(const std::vector<int64_t>& values) { return from_values(std::span(values), kLong); }

Tensor tensor(const std::vector<float>& values) { return from_values(std::span(values), kFloat); }

Tensor tensor(const std::vector<std::vector<int64_t>>& rows) {
  const size_t width = rows.empty() ? 0 : rows[0].size();
  Tensor out = empty({static_cast<int64_t>(rows.size()), static_cast<int64_t>(width)}, kLong);
  auto* p = static_cast<int64_t*>(out.raw_data());
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].size() != width) {
      throw ValueError(cat("expected sequence of length ", width, " at dim 1 (got ", rows[i].size(), ")"));
    }
    p = std::copy(rows[i].begin(), rows[i].end(), p);
  }
  return out;
}

Tensor from_blob(void* data, IntArrayRef sizes, ScalarType dtype, std::shared_ptr<const void> keeper) {
  const int64_t nbytes = checked_size(sizes, dtype) * item_size(dtype);
  return from_storage(Storage::borrow(data, nbytes, std::move(keeper)), 0, sizes, contiguous_strides(sizes),
                      dtype);
}

Tensor from_storage(Ref<Storage> storage, int64_t offset, IntArrayRef sizes, IntArrayRef strides,
                    ScalarType dtype) {
  if (!storage) throw RuntimeError("a tensor needs a storage");
  const int64_t size = item_size(dtype);
  const auto numel = checked_numel(sizes);
  const auto range = reach(offset, sizes, strides);
  if (!numel || !checked_mul(*numel, size) || !range || range->second > storage->nbytes() / size) {
    throw RuntimeError(cat("setStorage: sizes ", sizes, ", strides ", strides, ", storage offset ", offset,
                           ", and itemsize ", size, " are out of bounds for storage of size ",
                           storage->nbytes()));
  }
  if (reinterpret_cast<uintptr_t>(storage->data()) % static_cast<uintptr_t>(std::min<int64_t>(size, 8)) !=
      0) {
    throw RuntimeError(
        cat("the storage does not begin at a multiple of ", size, " bytes; copy it to aligned memory"));
  }
  auto impl = make_ref<TensorImpl>();
  impl->storage = std::move(storage);
  impl->offset = *numel == 0 ? 0 : offset;
  impl->sizes.assign(sizes.begin(), sizes.end());
  impl->strides.assign(strides.begin(), strides.end());
  impl->dtype = dtype;
  return Tensor(std::move(impl));
}

Scalar Tensor::item() const {
  if (numel() != 1)
    throw RuntimeError(cat("a Tensor with ", numel(), " elements cannot be converted to Scalar"));
  return dispatch_all(dtype(), "_local_scalar_dense_cpu", [&]<class T>(TypeTag<T>) {
    return op_to_scalar(Element<T>::load(*elements<T>(*this)));
  });
}

namespace {

template <class T>
constexpr ScalarType dtype_of() {
  if constexpr (std::is_same_v<T, uint8_t>) return kByte;
  if constexpr (std::is_same_v<T, int8_t>) return kChar;
  if constexpr (std::is_same_v<T, int16_t>) return kShort;
  if constexpr (std::is_same_v<T, int32_t>) return kInt;
  if constexpr (std::is_same_v<T, int64_t>) return kLong;
  if constexpr (std::is_same_v<T, Half>) return kHalf;
  if constexpr (std::is_same_v<T, float>) return kFloat;
  if constexpr (std::is_same_v<T, double>) return kDouble;
  if constexpr (std::is_same_v<T, bool>) return kBool;
  return kBFloat16;
}

}  // namespace

template <class T>
T* Tensor::data_ptr() const {
  if (dtype() != dtype_of<T>()) {
    throw TypeError(
        cat("expected scalar type ", dtype_cpp_name(dtype_of<T>()), " but found ", dtype_cpp_name(dtype())));
  }
  return static_cast<T*>(raw_data());
}

template <class T>
T Tensor::item() const {
  const Scalar value = item();
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
    return T(static_cast<float>(value.to_double()));
  } else {
    return scalar_to<T>(value);
  }
}

#define CALQUE_INSTANTIATE(T)              \
  template T* Tensor::data_ptr<T>() const; \
  template T Tensor::item<T>() const;
CALQUE_INSTANTIATE(uint8_t)
CALQUE_INSTANTIATE(int8_t)
CALQUE_INSTANTIATE(int16_t)
CALQUE_INSTANTIATE(int32_t)
CALQUE_INSTANTIATE(int64_t)
CALQUE_INSTANTIATE(Half)
CALQUE_INSTANTIATE(BFloat16)
CALQUE_INSTANTIATE(float)
CALQUE_INSTANTIATE(double)
CALQUE_INSTANTIATE(bool)
#undef CALQUE_INSTANTIATE

}  // namespace calque
