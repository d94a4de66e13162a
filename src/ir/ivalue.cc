#include "calque/ivalue.h"

#include <bit>
#include <functional>

#include "base/check.h"
#include "base/text.h"
#include "calque/error.h"
#include "ir/type.h"
#include "ir/value_walk.h"

namespace calque {

namespace {

/// Containers are torn down with a work list, so that deep nesting cannot overflow the stack.
void drain(std::vector<IValue>&& items) {
  static thread_local std::vector<IValue>* pending = nullptr;
  if (pending != nullptr) {
    for (IValue& item : items) pending->push_back(std::move(item));
    items.clear();
    return;
  }
  std::vector<IValue> work = std::move(items);
  pending = &work;
  while (!work.empty()) {
    const IValue item = std::move(work.back());
    work.pop_back();
  }
  pending = nullptr;
}

bool has_container(const std::vector<IValue>& items) {
  for (const IValue& item : items) {
    if (item.isTuple() || item.isList() || item.isGenericDict() || item.isObject()) return true;
  }
  return false;
}

void tear_down(std::vector<IValue>& items) {
  if (has_container(items)) drain(std::move(items));
}

template <class T, class Convert>
Ref<ListImpl> make_list(const T& values, const TypePtr& element_type, Convert convert) {
  auto list = make_ref<ListImpl>();
  list->element_type = element_type;
  list->items.reserve(values.size());
  for (const auto& value : values) list->items.emplace_back(convert(value));
  return list;
}

size_t combine(size_t seed, size_t hash) {
  return seed ^ (hash + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2));
}

bool equal_items(const std::vector<IValue>& a, const std::vector<IValue>& b) {
  if (a.size() != b.size()) return false;
  const ValueWalk walk;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] == b[i])) return false;
  }
  return true;
}

bool equal_dicts(DictImpl& a, DictImpl& b) {
  if (a.entries.size() != b.entries.size()) return false;
  const ValueWalk walk;
  for (const auto& [key, value] : a.entries) {
    const IValue* other = b.find(key);
    if (other == nullptr || !(*other == value)) return false;
  }
  return true;
}

bool is_real_number(const IValue& v) { return v.isInt() || v.isDouble() || v.isBool(); }

}  // namespace

TupleImpl::~TupleImpl() { tear_down(items); }
ListImpl::~ListImpl() { tear_down(items); }
ObjectImpl::~ObjectImpl() { tear_down(slots); }
DictImpl::~DictImpl() {
  std::vector<IValue> values;
  for (auto& [key, value] : entries) {
    if (value.isTuple() || value.isList() || value.isGenericDict() || value.isObject()) {
      values.push_back(std::move(value));
    }
  }
  if (!values.empty()) drain(std::move(values));
}

bool IValue::holds_ref() const noexcept {
  switch (tag_) {
    case Tag::None:
    case Tag::Double:
    case Tag::Int:
    case Tag::Bool:
    case Tag::Device:
    case Tag::Uninitialized:
      return false;
    default:
      return ref_ != nullptr;
  }
}

template <class T>
void IValue::set_ref(Tag tag, Ref<T> ref) noexcept {
  tag_ = tag;
  ref_ = ref.leak();
}

IValue::IValue(const IValue& other) noexcept : tag_(other.tag_), device_(other.device_), int_(other.int_) {
  if (holds_ref()) ref_->retain();
}

IValue::IValue(IValue&& other) noexcept : tag_(other.tag_), device_(other.device_), int_(other.int_) {
  other.tag_ = Tag::None;
  other.int_ = 0;
}

IValue& IValue::operator=(IValue other) noexcept {
  std::swap(tag_, other.tag_);
  std::swap(device_, other.device_);
  std::swap(int_, other.int_);
  return *this;
}

IValue::~IValue() {
  if (holds_ref()) ref_->release();
}

IValue::IValue(Tensor value) : int_(0) { set_ref(Tag::Tensor, std::move(value).impl()); }
IValue::IValue(const Scalar& value) noexcept : int_(0) {
  switch (value.kind()) {
    case Scalar::Kind::Int:
      *this = IValue(value.to_int());
      break;
    case Scalar::Kind::Double:
      *this = IValue(value.to_double());
      break;
    case Scalar::Kind::Bool:
      *this = IValue(value.to_bool());
      break;
  }
}
IValue::IValue(std::complex<double> value) : int_(0) { set_ref(Tag::Complex, make_ref<ComplexImpl>(value)); }
IValue::IValue(std::string value) : int_(0) { set_ref(Tag::String, make_ref<StringImpl>(std::move(value))); }
IValue::IValue(std::string_view value) : IValue(std::string(value)) {}
IValue::IValue(const char* value) : IValue(std::string(value)) {}
IValue::IValue(Device value) noexcept : tag_(Tag::Device), device_(value), int_(0) {}
IValue::IValue(Ref<TupleImpl> value) : int_(0) { set_ref(Tag::Tuple, std::move(value)); }
IValue::IValue(Ref<ListImpl> value) : int_(0) { set_ref(Tag::List, std::move(value)); }
IValue::IValue(Ref<DictImpl> value) : int_(0) { set_ref(Tag::Dict, std::move(value)); }
IValue::IValue(Ref<ObjectImpl> value) : int_(0) { set_ref(Tag::Object, std::move(value)); }
IValue::IValue(Ref<EnumImpl> value) : int_(0) { set_ref(Tag::Enum, std::move(value)); }
IValue::IValue(Ref<FutureImpl> value) : int_(0) { set_ref(Tag::Future, std::move(value)); }

IValue::IValue(const std::vector<int64_t>& values)
    : IValue(make_list(values, int_type(), [](int64_t v) { return v; })) {}
IValue::IValue(const std::vector<double>& values)
    : IValue(make_list(values, float_type(), [](double v) { return v; })) {}
IValue::IValue(const std::vector<bool>& values)
    : IValue(make_list(values, bool_type(), [](bool v) { return v; })) {}
IValue::IValue(const std::vector<Tensor>& values)
    : IValue(make_list(values, tensor_type(), [](const Tensor& v) { return v; })) {}
IValue::IValue(const std::vector<std::string>& values)
    : IValue(make_list(values, string_type(), [](const std::string& v) { return v; })) {}

IValue IValue::tuple(std::vector<IValue> elements) {
  auto tuple = make_ref<TupleImpl>();
  tuple->items = std::move(elements);
  return IValue(std::move(tuple));
}

IValue IValue::uninitialized() {
  IValue value;
  value.tag_ = Tag::Uninitialized;
  return value;
}

bool IValue::isTensorList() const noexcept {
  return isList() && list_impl()->element_type->kind() == TypeKind::Tensor;
}
bool IValue::isIntList() const noexcept {
  return isList() && list_impl()->element_type->kind() == TypeKind::Int;
}

void IValue::wrong_tag(std::string_view expected) const {
  throw TypeError(cat("Expected a value of type ", expected, ", but found type ", type_name()));
}

Tensor IValue::toTensor() const {
  if (!isTensor()) wrong_tag("Tensor");
  return Tensor(Ref<TensorImpl>(static_cast<TensorImpl*>(ref_)));
}
double IValue::toDouble() const {
  if (!isDouble()) wrong_tag("float");
  return double_;
}
int64_t IValue::toInt() const {
  if (!isInt()) wrong_tag("int");
  return int_;
}
bool IValue::toBool() const {
  if (!isBool()) wrong_tag("bool");
  return int_ != 0;
}
Scalar IValue::toScalar() const {
  if (isInt()) return Scalar(int_);
  if (isDouble()) return Scalar(double_);
  if (isBool()) return Scalar(int_ != 0);
  wrong_tag("number");
}
std::complex<double> IValue::toComplexDouble() const {
  if (tag_ != Tag::Complex) wrong_tag("complex");
  return static_cast<ComplexImpl*>(ref_)->value;
}
const std::string& IValue::toStringRef() const {
  if (!isString()) wrong_tag("str");
  return static_cast<StringImpl*>(ref_)->value;
}
const Ref<TupleImpl> IValue::toTuple() const {
  if (!isTuple()) wrong_tag("Tuple");
  return Ref<TupleImpl>(tuple_impl());
}
const Ref<ListImpl> IValue::toListRef() const {
  if (!isList()) wrong_tag("List");
  return Ref<ListImpl>(list_impl());
}
std::vector<IValue> IValue::toListVector() const { return toListRef()->items; }

std::vector<int64_t> IValue::toIntVector() const {
  if (!isList()) wrong_tag("List[int]");
  std::vector<int64_t> out;
  out.reserve(list_impl()->items.size());
  for (const IValue& item : list_impl()->items) out.push_back(item.toInt());
  return out;
}
std::vector<double> IValue::toDoubleVector() const {
  if (!isList()) wrong_tag("List[float]");
  std::vector<double> out;
  out.reserve(list_impl()->items.size());
  for (const IValue& item : list_impl()->items) out.push_back(item.toScalar().to_double());
  return out;
}
std::vector<Tensor> IValue::toTensorVector() const {
  if (!isList()) wrong_tag("List[Tensor]");
  std::vector<Tensor> out;
  out.reserve(list_impl()->items.size());
  for (const IValue& item : list_impl()->items) out.push_back(item.toTensor());
  return out;
}
const Ref<DictImpl> IValue::toGenericDict() const {
  if (!isGenericDict()) wrong_tag("Dict");
  return Ref<DictImpl>(dict_impl());
}
const Ref<ObjectImpl> IValue::toObject() const {
  if (!isObject()) wrong_tag("object");
  return Ref<ObjectImpl>(object_impl());
}
Device IValue::toDevice() const {
  if (!isDevice()) wrong_tag("Device");
  return device_;
}
const Ref<EnumImpl> IValue::toEnum() const {
  if (!isEnum()) wrong_tag("Enum");
  return Ref<EnumImpl>(static_cast<EnumImpl*>(ref_));
}
const Ref<FutureImpl> IValue::toFuture() const {
  if (!isFuture()) wrong_tag("Future");
  return Ref<FutureImpl>(static_cast<FutureImpl*>(ref_));
}

template <>
std::optional<Tensor> IValue::toOptional<Tensor>() const {
  return isNone() ? std::nullopt : std::optional<Tensor>(toTensor());
}
template <>
std::optional<int64_t> IValue::toOptional<int64_t>() const {
  return isNone() ? std::nullopt : std::optional<int64_t>(toInt());
}
template <>
std::optional<double> IValue::toOptional<double>() const {
  return isNone() ? std::nullopt : std::optional<double>(toDouble());
}

ListImpl* IValue::list_impl() const noexcept { return isList() ? static_cast<ListImpl*>(ref_) : nullptr; }
TupleImpl* IValue::tuple_impl() const noexcept { return isTuple() ? static_cast<TupleImpl*>(ref_) : nullptr; }
DictImpl* IValue::dict_impl() const noexcept {
  return isGenericDict() ? static_cast<DictImpl*>(ref_) : nullptr;
}
ObjectImpl* IValue::object_impl() const noexcept {
  return isObject() ? static_cast<ObjectImpl*>(ref_) : nullptr;
}

bool IValue::is(const IValue& other) const noexcept {
  if (tag_ != other.tag_) return false;
  switch (tag_) {
    case Tag::None:
      return true;
    case Tag::Double:
      return double_ == other.double_;
    case Tag::Device:
      return device_ == other.device_;
    case Tag::String:
      return toStringRef() == other.toStringRef();
    default:
      return int_ == other.int_;
  }
}

std::string IValue::type_name() const { return type_of(*this)->annotation(); }

bool operator==(const IValue& a, const IValue& b) {
  if (is_real_number(a) && is_real_number(b)) {
    if (a.isDouble() || b.isDouble()) return a.toScalar().to_double() == b.toScalar().to_double();
    return a.int_ == b.int_;
  }
  if (a.tag() != b.tag()) return false;
  switch (a.tag()) {
    case IValue::Tag::None:
      return true;
    case IValue::Tag::Complex:
      return a.toComplexDouble() == b.toComplexDouble();
    case IValue::Tag::String:
      return a.toStringRef() == b.toStringRef();
    case IValue::Tag::Device:
      return a.device_ == b.device_;
    case IValue::Tag::Tuple:
      return equal_items(a.tuple_impl()->items, b.tuple_impl()->items);
    case IValue::Tag::List:
      return equal_items(a.list_impl()->items, b.list_impl()->items);
    case IValue::Tag::Dict:
      return equal_dicts(*a.dict_impl(), *b.dict_impl());
    case IValue::Tag::Enum:
      return same_type(a.toEnum()->type, b.toEnum()->type) && a.toEnum()->name == b.toEnum()->name;
    default:
      return a.int_ == b.int_;
  }
}

size_t hash_value(const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::None:
      return 0x5bd1e995;
    case IValue::Tag::Int:
      return std::hash<double>{}(static_cast<double>(value.toInt()));
    case IValue::Tag::Bool:
      return std::hash<double>{}(value.toBool() ? 1.0 : 0.0);
    case IValue::Tag::Double:
      return std::hash<double>{}(value.toDouble());
    case IValue::Tag::String:
      return std::hash<std::string>{}(value.toStringRef());
    case IValue::Tag::Tensor:
      return std::hash<const void*>{}(value.tensor_impl());
    case IValue::Tag::Enum:
      return std::hash<std::string>{}(value.toEnum()->name);
    case IValue::Tag::Device:
      return std::hash<std::string>{}(value.toDevice().str());
    case IValue::Tag::Tuple: {
      const ValueWalk walk;
      size_t seed = 0x345678;
      for (const IValue& item : value.tuple_impl()->items) seed = combine(seed, hash_value(item));
      return seed;
    }
    default:
      throw TypeError(cat("unhashable type: '", value.type_name(), "'"));
  }
}

IValue* DictImpl::find(const IValue& key) {
  const auto [first, last] = index_.equal_range(hash_value(key));
  for (auto it = first; it != last; ++it) {
    auto& [candidate, value] = entries[it->second];
    if (candidate == key) return &value;
  }
  return nullptr;
}

void DictImpl::insert_or_assign(const IValue& key, IValue value) {
  if (IValue* found = find(key)) {
    *found = std::move(value);
    return;
  }
  index_.emplace(hash_value(key), entries.size());
  entries.emplace_back(key, std::move(value));
}

bool DictImpl::erase(const IValue& key) {
  const IValue* found = find(key);
  if (found == nullptr) return false;
  size_t position = 0;
  while (&entries[position].second != found) ++position;
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(position));
  index_.clear();
  for (size_t i = 0; i < entries.size(); ++i) index_.emplace(hash_value(entries[i].first), i);
  return true;
}

void DictImpl::clear() {
  entries.clear();
  index_.clear();
}

}  // namespace calque
