#include "torchscript/tensor_unpickler.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/text.h"
#include "calque/error.h"

namespace calque::torchscript {

namespace {

struct StorageRow {
  std::string_view name;
  ScalarType dtype;
};

constexpr std::array kStorages = {
    StorageRow{"FloatStorage", ScalarType::Float},   StorageRow{"DoubleStorage", ScalarType::Double},
    StorageRow{"HalfStorage", ScalarType::Half},     StorageRow{"BFloat16Storage", ScalarType::BFloat16},
    StorageRow{"LongStorage", ScalarType::Long},     StorageRow{"IntStorage", ScalarType::Int},
    StorageRow{"ShortStorage", ScalarType::Short},   StorageRow{"CharStorage", ScalarType::Char},
    StorageRow{"ByteStorage", ScalarType::Byte},     StorageRow{"BoolStorage", ScalarType::Bool},
    StorageRow{"QInt8Storage", ScalarType::QInt8},   StorageRow{"QUInt8Storage", ScalarType::QUInt8},
    StorageRow{"QInt32Storage", ScalarType::QInt32},
};

bool is_quantized(ScalarType dtype) {
  return dtype == ScalarType::QInt8 || dtype == ScalarType::QUInt8 || dtype == ScalarType::QInt32;
}

}  // namespace

std::string UnpicklePath::str() const {
  std::vector<std::string_view> steps;
  for (const UnpicklePath* at = this; at != nullptr; at = at->parent) {
    if (!at->step.empty()) steps.push_back(at->step);
  }
  std::string out;
  for (auto step_at = steps.rbegin(); step_at != steps.rend(); ++step_at) {
    out += cat(out.empty() ? "" : ".", shown_name(*step_at));
  }
  return out.empty() ? "the root" : cat("attribute ", out);
}

void UnpicklePath::fail(const UnpickleContext& context, std::string_view message) const {
  throw LoadError(cat(context.label, ": ", str(), ": ", message));
}

void UnpicklePath::not_supported(const UnpickleContext& context, std::string_view message) const {
  throw NotImplementedError(cat(context.label, ": ", str(), ": ", message));
}

void UnpicklePath::refuse_name(const UnpickleContext& context, const std::string& name) const {
  fail(context, cat("the pickle calls ", quoted(name),
                    ", which is not among the names that a TorchScript archive needs; nothing of it was run. "
                    "Files that "
                    "name other functions can run any code when Python opens them"));
}

Tensor TensorUnpickler::read(const std::vector<PickleValue>& arguments, const UnpicklePath& path) {
  const bool fits = (arguments.size() == 6 || arguments.size() == 7) && begins_with_view(arguments) &&
                    arguments[4].is(PickleKind::kBool);
  if (!fits)
    path.fail(context_, "_rebuild_tensor_v2 takes a storage, an offset, sizes, strides, a bool and hooks");
  if (arguments.size() == 7) refuse_lazy_bits(arguments[6], path);
  Tensor out = view(arguments, path);
  if (is_quantized(out.dtype())) {
    path.fail(context_, cat("a tensor of ", dtype_name(out.dtype()), " without its scale"));
  }
  out.impl()->requires_grad = arguments[4].boolean();
  return out;
}

Tensor TensorUnpickler::read_quantized(const std::vector<PickleValue>& arguments, const UnpicklePath& path) {
  const bool fits = arguments.size() == 7 && begins_with_view(arguments) &&
                    arguments[4].is(PickleKind::kTuple) && !arguments[4].items().empty() &&
                    arguments[4].items()[0].is(PickleKind::kGlobal);
  if (!fits) {
    path.fail(context_,
              "_rebuild_qtensor takes a storage, an offset, sizes, strides, how it is quantised, a bool and "
              "hooks");
  }
  Tensor out = view(arguments, path);
  if (!is_quantized(out.dtype())) {
    path.fail(context_, cat("a quantised tensor with a storage of ", dtype_name(out.dtype())));
  }
  const std::string& scheme = arguments[4].items()[0].name();
  if (scheme == "per_tensor_affine") {
    out.impl()->quantization = one_scale(arguments[4].items(), path);
  } else if (scheme == "per_channel_affine") {
    out.impl()->quantization = scale_per_channel(arguments[4].items(), out, path);
  } else {
    path.not_supported(context_, cat("a tensor that is quantised as ", scheme.substr(0, 60),
                                     "; supported are per_tensor_affine and per_channel_affine"));
  }
  return out;
}

/// (scheme, scale, zero point)
Ref<Quantization> TensorUnpickler::one_scale(const std::vector<PickleValue>& items,
                                             const UnpicklePath& path) const {
  if (items.size() != 3 || !items[1].is(PickleKind::kDouble) || !items[2].is(PickleKind::kInt)) {
    path.fail(context_, "per_tensor_affine takes a scale and a zero point");
  }
  auto out = make_ref<Quantization>();
  out->scales = {items[1].real()};
  out->zero_points = {items[2].integer()};
  return out;
}

/// (scheme, scales, zero points, axis)
Ref<Quantization> TensorUnpickler::scale_per_channel(const std::vector<PickleValue>& items,
                                                     const Tensor& tensor, const UnpicklePath& path) {
  const bool fits = items.size() == 4 && items[1].is(PickleKind::kReduce) &&
                    items[2].is(PickleKind::kReduce) && items[3].is(PickleKind::kInt) &&
                    items[1].argument().is(PickleKind::kTuple) && items[2].argument().is(PickleKind::kTuple);
  if (!fits) path.fail(context_, "per_channel_affine takes scales, zero points and an axis");
  const Tensor scales = read(items[1].argument().items(), path);
  const Tensor zero_points = read(items[2].argument().items(), path);
  auto out = make_ref<Quantization>();
  out->axis = items[3].integer();
  if (out->axis < 0 || out->axis >= tensor.dim() || scales.dtype() != kDouble ||
      zero_points.dtype() != kLong || scales.dim() != 1 || zero_points.dim() != 1 ||
      scales.numel() != tensor.size(out->axis) || zero_points.numel() != scales.numel()) {
    path.fail(context_,
              cat("per_channel_affine with scales of shape ", scales.sizes(), ", zero points of shape ",
                  zero_points.sizes(), " and axis ", out->axis, " for a tensor of shape ", tensor.sizes()));
  }
  for (int64_t i = 0; i < scales.numel(); ++i) {
    out->scales.push_back(scales[i].item().to_double());
    out->zero_points.push_back(zero_points[i].item().to_int());
  }
  return out;
}

bool TensorUnpickler::begins_with_view(const std::vector<PickleValue>& arguments) {
  return arguments[0].is(PickleKind::kPersistentId) && arguments[1].is(PickleKind::kInt) &&
         arguments[2].is(PickleKind::kTuple) && arguments[3].is(PickleKind::kTuple);
}

Tensor TensorUnpickler::view(const std::vector<PickleValue>& arguments, const UnpicklePath& path) {
  const TypedStorage storage = read_storage(arguments[0], path);
  const int64_t offset = arguments[1].integer();
  Dims sizes = dims(arguments[2], path);
  Dims strides = dims(arguments[3], path);
  check_view(storage.numel, offset, sizes, strides, path);
  auto out = make_ref<TensorImpl>();
  out->storage = storage.storage;
  out->offset = offset;
  out->sizes = std::move(sizes);
  out->strides = std::move(strides);
  out->dtype = storage.dtype;
  return Tensor(std::move(out));
}

void TensorUnpickler::refuse_lazy_bits(const PickleValue& bits, const UnpicklePath& path) const {
  const PickleValue* dict = &bits;
  const bool tagged = bits.is(PickleKind::kReduce) && bits.argument().is(PickleKind::kTuple);
  if (tagged && !bits.argument().items().empty()) dict = &bits.argument().items()[0];
  if (!dict->is(PickleKind::kDict)) return;
  for (const auto& [key, value] : dict->pairs()) {
    if (value.is(PickleKind::kBool) && value.boolean()) {
      path.not_supported(context_,
                         "a tensor that is conjugated or negated lazily; call resolve_conj() before saving");
    }
  }
}

Dims TensorUnpickler::dims(const PickleValue& tuple, const UnpicklePath& path) const {
  constexpr size_t kMaxDims = 64;
  if (tuple.items().size() > kMaxDims)
    path.fail(context_, cat("a tensor of more than ", kMaxDims, " dimensions"));
  Dims out;
  for (const PickleValue& item : tuple.items()) {
    if (!item.is(PickleKind::kInt)) path.fail(context_, "sizes and strides of a tensor are ints");
    out.push_back(item.integer());
  }
  return out;
}

/// Every element that sizes and strides reach lies inside the storage.
void TensorUnpickler::check_view(int64_t numel, int64_t offset, const Dims& sizes, const Dims& strides,
                                 const UnpicklePath& path) const {
  const auto bad = [&] {
    path.fail(context_,
              cat("a tensor of sizes ", IntArrayRef(sizes), ", strides ", IntArrayRef(strides),
                  " and offset ", offset, " does not lie inside its storage of ", numel, " elements"));
  };
  if (sizes.size() != strides.size() || offset < 0 || offset > numel) bad();
  const std::optional<int64_t> elements = checked_numel(sizes);
  if (!elements.has_value()) bad();
  int64_t last = offset;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (strides[i] < 0) bad();
    if (*elements == 0) continue;
    const std::optional<int64_t> step = checked_mul<int64_t>(sizes[i] - 1, strides[i]);
    const std::optional<int64_t> sum = step.has_value() ? checked_add<int64_t>(last, *step) : std::nullopt;
    if (!sum.has_value()) bad();
    last = *sum;
  }
  if (*elements > 0 && last >= numel) bad();
}

TensorUnpickler::TypedStorage TensorUnpickler::read_storage(const PickleValue& id, const UnpicklePath& path) {
  if (const auto known = storages_.find(id.identity()); known != storages_.end()) return known->second;
  const PickleValue& tuple = id.argument();
  const bool fits = tuple.is(PickleKind::kTuple) && tuple.items().size() == 5 &&
                    tuple.items()[0].is(PickleKind::kString) && tuple.items()[0].string() == "storage" &&
                    tuple.items()[1].is(PickleKind::kGlobal) && tuple.items()[2].is(PickleKind::kString) &&
                    tuple.items()[3].is(PickleKind::kString) && tuple.items()[4].is(PickleKind::kInt);
  if (!fits) path.fail(context_, "a storage reads ('storage', type, record, device, number of elements)");
  TypedStorage out;
  out.dtype = storage_dtype(tuple.items()[1], path);
  out.numel = tuple.items()[4].integer();
  if (out.numel < 0) path.fail(context_, cat("a storage of ", out.numel, " elements"));
  note_device(tuple.items()[3].string(), path);
  out.storage = context_.storages.read(tuple.items()[2].string(), out.dtype, out.numel);
  storages_.emplace(id.identity(), out);
  return out;
}

ScalarType TensorUnpickler::storage_dtype(const PickleValue& global, const UnpicklePath& path) const {
  const std::string& name = global.name();
  const bool from_torch = global.module() == "torch" || global.module() == "torch.storage";
  for (const StorageRow& row : kStorages) {
    if (from_torch && row.name == name) return row.dtype;
  }
  if (from_torch && name.ends_with("Storage")) {
    path.not_supported(context_, cat("a tensor with a ", name.substr(0, 60),
                                     "; supported are bool, uint8, int8 to int64, float16, "
                                     "bfloat16, float32 and float64"));
  }
  path.refuse_name(context_, global.qualified_name());
}

void TensorUnpickler::note_device(const std::string& name, const UnpicklePath& path) {
  Device device;
  try {
    device = Device::parse(name);
  } catch (const ValueError& error) {
    path.fail(context_, error.msg());
  }
  if (device.kind == Device::Kind::CPU) return;
  if (device.kind == Device::Kind::Meta)
    path.not_supported(context_, "a tensor on the device 'meta', which has no data");
  if (!context_.noted_devices.insert(device.str()).second || !context_.options.on_note) return;
  context_.options.on_note(cat("tensors of the file lie on ", device.str(),
                               "; they were loaded into memory, and the "
                               "model runs on the CPU"));
}

}  // namespace calque::torchscript
