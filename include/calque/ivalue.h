// IValue: any value of a TorchScript program. Names follow libtorch.
#pragma once

#include <complex>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "calque/ref.h"
#include "calque/tensor.h"

namespace calque {

class Type;
class ClassType;
class CompilationUnit;
using TypePtr = std::shared_ptr<const Type>;

class IValue;
struct TupleImpl;
struct ListImpl;
struct DictImpl;
struct ObjectImpl;
struct EnumImpl;
struct FutureImpl;

/// A device name of a program, for example `cpu` or `cuda:0`. Kept for fidelity; everything runs on the CPU.
struct Device {
  enum class Kind : int8_t { CPU = 0, CUDA = 1, MPS = 13, Meta = 14, XLA = 9, Other = 127 };
  Kind kind = Kind::CPU;
  int8_t index = -1;  ///< -1 when none was given
  std::string str() const;
  /// ValueError for a text that is no device.
  static Device parse(std::string_view text);
  friend bool operator==(const Device&, const Device&) = default;
};

/// Tagged value: 16 bytes; containers, strings and tensors are shared by reference, as in Python.
class IValue {
 public:
  enum class Tag : uint8_t {
    None,
    Tensor,
    Double,
    Int,
    Bool,
    Complex,
    String,
    Tuple,
    List,
    Dict,
    Object,
    Device,
    Enum,
    Future,
    Generator,
    Uninitialized,
  };

  IValue() noexcept : int_(0) {}
  IValue(const IValue& other) noexcept;
  IValue(IValue&& other) noexcept;
  IValue& operator=(IValue other) noexcept;
  ~IValue();

  // NOLINTBEGIN(google-explicit-constructor)
  IValue(std::nullopt_t) noexcept : IValue() {}
  IValue(Tensor value);  ///< an undefined tensor stays an (undefined) Tensor
  IValue(double value) noexcept : tag_(Tag::Double), double_(value) {}
  IValue(int64_t value) noexcept : tag_(Tag::Int), int_(value) {}
  IValue(int value) noexcept : IValue(static_cast<int64_t>(value)) {}
  IValue(bool value) noexcept : tag_(Tag::Bool), int_(value ? 1 : 0) {}
  IValue(const Scalar& value) noexcept;
  IValue(std::complex<double> value);
  IValue(std::string value);
  IValue(std::string_view value);
  IValue(const char* value);
  IValue(Device value) noexcept;
  IValue(Ref<TupleImpl> value);
  IValue(Ref<ListImpl> value);
  IValue(Ref<DictImpl> value);
  IValue(Ref<ObjectImpl> value);
  IValue(Ref<EnumImpl> value);
  IValue(Ref<FutureImpl> value);
  // Typed lists (List[int], List[float], List[bool], List[Tensor], List[str]).
  IValue(const std::vector<int64_t>& values);
  IValue(const std::vector<double>& values);
  IValue(const std::vector<bool>& values);
  IValue(const std::vector<Tensor>& values);
  IValue(const std::vector<std::string>& values);
  template <class T>
  IValue(const std::optional<T>& value) : IValue() {
    if (value.has_value()) *this = IValue(*value);
  }
  // NOLINTEND(google-explicit-constructor)
  static IValue tuple(std::vector<IValue> elements);
  static IValue uninitialized();

  Tag tag() const noexcept { return tag_; }
  bool isNone() const noexcept { return tag_ == Tag::None; }
  bool isTensor() const noexcept { return tag_ == Tag::Tensor; }
  bool isDouble() const noexcept { return tag_ == Tag::Double; }
  bool isInt() const noexcept { return tag_ == Tag::Int; }
  bool isBool() const noexcept { return tag_ == Tag::Bool; }
  bool isComplexDouble() const noexcept { return tag_ == Tag::Complex; }
  bool isScalar() const noexcept { return isInt() || isDouble() || isBool() || isComplexDouble(); }
  bool isString() const noexcept { return tag_ == Tag::String; }
  bool isTuple() const noexcept { return tag_ == Tag::Tuple; }
  bool isList() const noexcept { return tag_ == Tag::List; }
  bool isGenericDict() const noexcept { return tag_ == Tag::Dict; }
  bool isObject() const noexcept { return tag_ == Tag::Object; }
  bool isDevice() const noexcept { return tag_ == Tag::Device; }
  bool isEnum() const noexcept { return tag_ == Tag::Enum; }
  bool isFuture() const noexcept { return tag_ == Tag::Future; }
  bool isTensorList() const noexcept;
  bool isIntList() const noexcept;

  // Accessors. Each throws TypeError which names the kind that was found when the tag is another one.
  Tensor toTensor() const;
  double toDouble() const;  ///< a float; an int is not converted
  int64_t toInt() const;
  bool toBool() const;
  Scalar toScalar() const;
  std::complex<double> toComplexDouble() const;
  const std::string& toStringRef() const;
  const Ref<TupleImpl> toTuple() const;  ///< `toTuple()->elements()`
  const Ref<ListImpl> toListRef() const;
  std::vector<IValue> toListVector() const;
  std::vector<int64_t> toIntVector() const;    ///< of a list of ints
  std::vector<double> toDoubleVector() const;  ///< of a list of floats
  std::vector<Tensor> toTensorVector() const;  ///< of a list of tensors
  std::vector<Tensor> toTensorList() const { return toTensorVector(); }
  const Ref<DictImpl> toGenericDict() const;
  const Ref<ObjectImpl> toObject() const;
  Device toDevice() const;
  const Ref<EnumImpl> toEnum() const;
  const Ref<FutureImpl> toFuture() const;
  template <class T>
  std::optional<T> toOptional() const;

  // Borrowing access without count traffic, for code that has checked the tag. Null or default otherwise.
  const TensorImpl* tensor_impl() const noexcept {
    return isTensor() ? static_cast<const TensorImpl*>(ref_) : nullptr;
  }
  ListImpl* list_impl() const noexcept;
  TupleImpl* tuple_impl() const noexcept;
  DictImpl* dict_impl() const noexcept;
  ObjectImpl* object_impl() const noexcept;

  /// Python identity (`is`): same object for reference kinds, equal value for numbers and None.
  bool is(const IValue& other) const noexcept;
  /// Kind as users know it: `Tensor`, `int`, `List[int]`, `NoneType`, class name.
  std::string type_name() const;

  /// Python's `==` for values without tensors: numbers, strings, lists, tuples, dicts, enums, devices, None.
  friend bool operator==(const IValue& a, const IValue& b);

 private:
  bool holds_ref() const noexcept;
  template <class T>
  void set_ref(Tag tag, Ref<T> ref) noexcept;
  [[noreturn]] void wrong_tag(std::string_view expected) const;

  Tag tag_ = Tag::None;
  Device device_{};
  union {
    int64_t int_;
    double double_;
    RefCounted* ref_;
  };
};

struct StringImpl final : RefCounted {
  std::string value;
  explicit StringImpl(std::string text) : value(std::move(text)) {}
};

struct ComplexImpl final : RefCounted {
  std::complex<double> value;
  explicit ComplexImpl(std::complex<double> v) : value(v) {}
};

struct TupleImpl final : RefCounted {
  std::vector<IValue> items;
  TypePtr type;  ///< the NamedTuple type, else null
  ~TupleImpl() override;
  const std::vector<IValue>& elements() const { return items; }
};

struct ListImpl final : RefCounted {
  TypePtr element_type;  ///< never null
  std::vector<IValue> items;
  ~ListImpl() override;
};

/// Insertion-ordered dictionary. Keys: str, int, float, bool, Tensor (by identity), enum, Device, tuples of
/// these.
struct DictImpl final : RefCounted {
  TypePtr key_type, value_type;  ///< never null
  std::vector<std::pair<IValue, IValue>> entries;
  ~DictImpl() override;
  /// nullptr when absent.
  IValue* find(const IValue& key);
  void insert_or_assign(const IValue& key, IValue value);
  /// False when the key was absent.
  bool erase(const IValue& key);
  void clear();

 private:
  std::unordered_multimap<size_t, size_t> index_;  ///< hash of key -> position in entries
};

/// Instance of a TorchScript class; modules are such objects.
struct ObjectImpl final : RefCounted {
  std::shared_ptr<const ClassType> type;
  std::shared_ptr<CompilationUnit>
      unit;                   ///< keeps the methods alive; null for objects inside constants of the unit
  std::vector<IValue> slots;  ///< by attribute index of the class
  ~ObjectImpl() override;
};

struct EnumImpl final : RefCounted {
  TypePtr type;
  std::string name;
  IValue value;
};

/// Result of fork. Forked code runs at once, so a future is complete when it exists.
struct FutureImpl final : RefCounted {
  TypePtr element_type;
  IValue value;
};

/// Hash for dictionary keys; TypeError for unhashable values.
size_t hash_value(const IValue& value);

/// Python-like text of a value (tensors are printed as PyTorch's C++ prints them).
std::ostream& operator<<(std::ostream& out, const IValue& value);

}  // namespace calque
