// Tensors: strided views over shared storage, with PyTorch's names and meaning.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calque/error.h"
#include "calque/ref.h"

namespace calque {

/// Element types. The numbers are PyTorch's, as they stand in archives.
enum class ScalarType : int8_t {
  Byte = 0,    ///< uint8
  Char = 1,    ///< int8
  Short = 2,   ///< int16
  Int = 3,     ///< int32
  Long = 4,    ///< int64
  Half = 5,    ///< float16
  Float = 6,   ///< float32
  Double = 7,  ///< float64
  ComplexHalf = 8,
  ComplexFloat = 9,
  ComplexDouble = 10,
  Bool = 11,
  QInt8 = 12,
  QUInt8 = 13,
  QInt32 = 14,
  BFloat16 = 15,
};

inline constexpr ScalarType kUInt8 = ScalarType::Byte, kByte = ScalarType::Byte;
inline constexpr ScalarType kInt8 = ScalarType::Char, kChar = ScalarType::Char;
inline constexpr ScalarType kInt16 = ScalarType::Short, kShort = ScalarType::Short;
inline constexpr ScalarType kInt32 = ScalarType::Int, kInt = ScalarType::Int;
inline constexpr ScalarType kInt64 = ScalarType::Long, kLong = ScalarType::Long;
inline constexpr ScalarType kFloat16 = ScalarType::Half, kHalf = ScalarType::Half;
inline constexpr ScalarType kFloat32 = ScalarType::Float, kFloat = ScalarType::Float;
inline constexpr ScalarType kFloat64 = ScalarType::Double, kDouble = ScalarType::Double;
inline constexpr ScalarType kBFloat16 = ScalarType::BFloat16;
inline constexpr ScalarType kBool = ScalarType::Bool;

/// `float32`, `int64`, `bool`, …
std::string_view dtype_name(ScalarType dtype);
/// The inverse of dtype_name; also takes `torch.float32`. nullopt for unknown names.
std::optional<ScalarType> dtype_from_name(std::string_view name);
/// Bytes of one element.
int64_t item_size(ScalarType dtype);
bool is_floating_point(ScalarType dtype);
bool is_complex(ScalarType dtype);
/// True for uint8 … int64; false for bool.
bool is_integral(ScalarType dtype);
/// PyTorch's type promotion of two dtypes (torch.promote_types).
ScalarType promote_types(ScalarType a, ScalarType b);

/// IEEE half precision, storage only; arithmetic is done in float.
struct Half {
  uint16_t bits = 0;
  Half() = default;
  explicit Half(float value);
  explicit operator float() const;
};

/// bfloat16, storage only; arithmetic is done in float. Rounds to nearest even.
struct BFloat16 {
  uint16_t bits = 0;
  BFloat16() = default;
  explicit BFloat16(float value);
  explicit operator float() const;
};

/// A Python number: int, float or bool (with the kind kept, as promotion depends on it).
class Scalar {
 public:
  enum class Kind : uint8_t { Int, Double, Bool };
  Scalar() = default;
  Scalar(bool value) : kind_(Kind::Bool), int_(value) {}         // NOLINT(google-explicit-constructor)
  Scalar(int value) : int_(value) {}                             // NOLINT(google-explicit-constructor)
  Scalar(int64_t value) : int_(value) {}                         // NOLINT(google-explicit-constructor)
  Scalar(float value) : kind_(Kind::Double), double_(value) {}   // NOLINT(google-explicit-constructor)
  Scalar(double value) : kind_(Kind::Double), double_(value) {}  // NOLINT(google-explicit-constructor)
  Kind kind() const { return kind_; }
  bool is_floating_point() const { return kind_ == Kind::Double; }
  bool is_bool() const { return kind_ == Kind::Bool; }
  bool is_integer() const { return kind_ == Kind::Int; }
  double to_double() const { return kind_ == Kind::Double ? double_ : static_cast<double>(int_); }
  /// Truncates a floating value; saturates outside int64; NaN gives 0.
  int64_t to_int() const;
  bool to_bool() const { return kind_ == Kind::Double ? double_ != 0 : int_ != 0; }

 private:
  Kind kind_ = Kind::Int;
  union {
    int64_t int_ = 0;
    double double_;
  };
};

using IntArrayRef = std::span<const int64_t>;
/// Sizes, strides and other short lists of integers.
using Dims = std::vector<int64_t>;

class DerivedValues;

/// Bytes shared by tensors. Either owned (64-byte aligned) or borrowed from `keeper` (a mapped file, a
/// caller's buffer), which lives as long as the storage.
class Storage final : public RefCounted {
 public:
  /// Uninitialised bytes. Throws LimitError when the memory budget of the current run would be exceeded, and
  /// RuntimeError when the system has no memory or `nbytes` is absurd.
  static Ref<Storage> allocate(int64_t nbytes);
  /// Bytes owned by somebody else. `data` may be written by in-place operators.
  static Ref<Storage> borrow(void* data, int64_t nbytes, std::shared_ptr<const void> keeper);
  ~Storage() override;

  std::byte* data() const { return data_; }
  int64_t nbytes() const { return nbytes_; }

  /// Says that the bytes are about to change through a raw pointer, after which what was made of the old
  /// ones, packed weights above all, is not used again. Operators, copy_ and fill_ say so themselves.
  void mark_written() { version_.fetch_add(1, std::memory_order_acq_rel); }
  uint32_t version() const { return version_.load(std::memory_order_acquire); }
  /// Says that a pointer that may write at any time was given away: nothing is made of these bytes any more.
  void expose() { exposed_.store(true, std::memory_order_release); }
  /// Lets the system take the pages of a mapped file back; they come again from the file when they are read.
  void drop_pages() const noexcept;
  bool is_exposed() const { return exposed_.load(std::memory_order_acquire); }

 private:
  friend class DerivedValues;
  Storage() = default;
  std::byte* data_ = nullptr;
  int64_t nbytes_ = 0;
  bool owned_ = false;
  std::atomic<bool> exposed_{false};
  std::atomic<uint32_t> version_{0};
  std::atomic<uint64_t> id_{0};  ///< given when first asked for
  std::atomic<DerivedValues*> derived_{nullptr};
  std::shared_ptr<const void> keeper_;
};

/// How the integers of a quantised tensor stand for numbers: (integer - zero point) * scale.
class Quantization final : public RefCounted {
 public:
  std::vector<double> scales;        ///< one, or one for each index of dimension `axis`
  std::vector<int64_t> zero_points;  ///< as many
  int64_t axis = -1;                 ///< -1: one scale for the whole tensor
};

/// What a Tensor handle points to: a view (offset, sizes, strides in elements) of a storage.
/// Invariant: every element that sizes and strides reach lies inside the storage.
class TensorImpl final : public RefCounted {
 public:
  Ref<Storage> storage;
  int64_t offset = 0;  ///< in elements
  Dims sizes;
  Dims strides;  ///< in elements; 0 for expanded dimensions
  ScalarType dtype = ScalarType::Float;
  bool requires_grad = false;        ///< kept for archives only; nothing is differentiated
  bool wrapped_number = false;       ///< 0-dim tensor that stands for a Python number in type promotion
  Ref<Quantization> quantization{};  ///< of qint8, quint8 and qint32; null for other dtypes
};

/// Handle to a tensor; copies share the same tensor. A default-constructed handle is undefined.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}

  bool defined() const { return static_cast<bool>(impl_); }
  const Ref<TensorImpl>& impl() const& { return impl_; }
  Ref<TensorImpl> impl() && { return std::move(impl_); }
  /// Same handle, not same values.
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }

  int64_t dim() const { return static_cast<int64_t>(impl_->sizes.size()); }
  IntArrayRef sizes() const { return impl_->sizes; }
  IntArrayRef strides() const { return impl_->strides; }
  /// Size of dimension `d`; negative counts from the end. Throws IndexError with PyTorch's text.
  int64_t size(int64_t d) const;
  int64_t stride(int64_t d) const;
  int64_t numel() const;
  int64_t nbytes() const { return numel() * itemsize(); }
  int64_t itemsize() const { return item_size(impl_->dtype); }
  int64_t storage_offset() const { return impl_->offset; }
  const Ref<Storage>& storage() const { return impl_->storage; }
  ScalarType scalar_type() const { return impl_->dtype; }
  ScalarType dtype() const { return impl_->dtype; }
  bool is_floating_point() const { return calque::is_floating_point(impl_->dtype); }
  bool is_contiguous() const;
  bool requires_grad() const { return impl_->requires_grad; }

  /// First element. Valid for tensors with at least one element.
  void* raw_data() const { return impl_->storage->data() + impl_->offset * itemsize(); }
  /// Typed pointer to the first element; TypeError when T is not the element type. Whoever writes through it
  /// to a weight of a module that has run calls storage()->mark_written().
  template <class T>
  T* data_ptr() const;
  /// The value of a one-element tensor; RuntimeError otherwise.
  Scalar item() const;
  template <class T>
  T item() const;

  // Views: share storage, copy nothing. Errors and argument rules are PyTorch's.
  Tensor view(IntArrayRef sizes) const;
  Tensor expand(IntArrayRef sizes) const;
  Tensor slice(int64_t dim, std::optional<int64_t> start = std::nullopt,
               std::optional<int64_t> end = std::nullopt, int64_t step = 1) const;
  Tensor select(int64_t dim, int64_t index) const;
  Tensor transpose(int64_t dim0, int64_t dim1) const;
  Tensor permute(IntArrayRef dims) const;
  Tensor unsqueeze(int64_t dim) const;
  Tensor squeeze(int64_t dim) const;
  Tensor operator[](int64_t index) const { return select(0, index); }

  // Copies.
  Tensor contiguous() const;  ///< this tensor when it is contiguous already
  Tensor clone() const;  ///< a contiguous copy (strides of a dense permuted tensor are kept, as PyTorch does)
  Tensor to(ScalarType dtype) const;  ///< this tensor when it has that dtype already
  Tensor reshape(IntArrayRef sizes) const;
  /// Copies `source` into this tensor: broadcast, cast, overlap-safe.
  void copy_(const Tensor& source) const;
  void fill_(const Scalar& value) const;

 private:
  Ref<TensorImpl> impl_;
};

// Factories. All give contiguous tensors.
Tensor empty(IntArrayRef sizes, ScalarType dtype = kFloat);
Tensor zeros(IntArrayRef sizes, ScalarType dtype = kFloat);
Tensor ones(IntArrayRef sizes, ScalarType dtype = kFloat);
Tensor full(IntArrayRef sizes, const Scalar& value, ScalarType dtype);
inline Tensor empty(std::initializer_list<int64_t> sizes, ScalarType dtype = kFloat) {
  return empty(IntArrayRef(sizes.begin(), sizes.size()), dtype);
}
inline Tensor zeros(std::initializer_list<int64_t> sizes, ScalarType dtype = kFloat) {
  return zeros(IntArrayRef(sizes.begin(), sizes.size()), dtype);
}
inline Tensor ones(std::initializer_list<int64_t> sizes, ScalarType dtype = kFloat) {
  return ones(IntArrayRef(sizes.begin(), sizes.size()), dtype);
}
/// 0-dim tensor of int64, float32 (as torch.tensor(1.5)) or bool.
Tensor tensor(const Scalar& value);
/// Rank-1 tensors.
Tensor tensor(std::initializer_list<int64_t> values);
Tensor tensor(const std::vector<int64_t>& values);
Tensor tensor(const std::vector<float>& values);
/// Rank-2 tensor; every row has the same length, else ValueError.
Tensor tensor(const std::vector<std::vector<int64_t>>& rows);
/// View of the caller's memory (contiguous). `keeper` is held as long as the tensor lives; it may be null
/// when the caller guarantees the lifetime.
Tensor from_blob(void* data, IntArrayRef sizes, ScalarType dtype,
                 std::shared_ptr<const void> keeper = nullptr);
/// General view of a storage; checks that it lies inside, else RuntimeError.
Tensor from_storage(Ref<Storage> storage, int64_t offset, IntArrayRef sizes, IntArrayRef strides,
                    ScalarType dtype);

/// Row-major strides for `sizes`.
Dims contiguous_strides(IntArrayRef sizes);
/// Broadcast of two shapes; RuntimeError with PyTorch's "The size of tensor a (3) must match …".
Dims broadcast_shapes(IntArrayRef a, IntArrayRef b);
/// Same shape, dtype and element values (NaN differs from NaN).
bool equal(const Tensor& a, const Tensor& b);
bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8,
              bool equal_nan = false);

/// PyTorch's C++ print form: the values, then `[ CPUFloatType{1,5} ]`.
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

}  // namespace calque
