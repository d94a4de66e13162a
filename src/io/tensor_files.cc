// Files of tensors, by the ending of their names.
#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "calque/io.h"
#include "formats/safetensors.h"

namespace calque::io {

namespace {

struct DtypeNames {
  ScalarType dtype;
  std::string_view safetensors;
  std::string_view numpy;  ///< empty: NumPy has none
};

constexpr std::array<DtypeNames, 10> kDtypes = {{
    {kBool, "BOOL", "|b1"},
    {kUInt8, "U8", "|u1"},
    {kInt8, "I8", "|i1"},
    {kInt16, "I16", "<i2"},
    {kInt32, "I32", "<i4"},
    {kInt64, "I64", "<i8"},
    {kHalf, "F16", "<f2"},
    {kBFloat16, "BF16", ""},
    {kFloat, "F32", "<f4"},
    {kDouble, "F64", "<f8"},
}};

const DtypeNames& names_of(ScalarType dtype, const std::string& tensor) {
  const auto* row =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const auto& r) { return r.dtype == dtype; });
  if (row == kDtypes.end()) throw ValueError(cat("tensor '", tensor, "': no file holds ", dtype_name(dtype)));
  return *row;
}

std::string_view ending_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const size_t dot = path.rfind('.');
  if (dot == std::string::npos || (slash != std::string::npos && dot < slash)) return {};
  return std::string_view(path).substr(dot);
}

[[noreturn]] void unknown_ending(const std::string& path) {
  throw ValueError(
      cat(quoted(path), ": the ending says what kind of file it is: .npz, .npy, .safetensors or .json"));
}

Tensor copied(std::span<const std::byte> bytes, IntArrayRef sizes, ScalarType dtype) {
  Tensor tensor = empty(sizes, dtype);
  if (!bytes.empty()) std::memcpy(tensor.raw_data(), bytes.data(), bytes.size());
  return tensor;
}

std::span<const std::byte> bytes_of(const Tensor& contiguous) {
  return {static_cast<const std::byte*>(contiguous.raw_data()), static_cast<size_t>(contiguous.nbytes())};
}

NamedTensors read_safetensors(const MappedFile& file) {
  const SafetensorsReader reader(file.bytes(), file.path());
  NamedTensors tensors;
  for (const SafetensorsTensor& item : reader.tensors()) {
    const auto* row = std::find_if(kDtypes.begin(), kDtypes.end(),
                                   [&](const auto& r) { return r.safetensors == item.dtype; });
    if (row == kDtypes.end()) {
      throw NotImplementedError(cat(quoted(file.path()), ": tensor ", quoted(item.name), " is ", item.dtype,
                                    ", which no tensor here can hold"));
    }
    tensors.emplace_back(item.name, copied(item.data, item.shape, row->dtype));
  }
  return tensors;
}

std::string safetensors_text(const NamedTensors& tensors) {
  std::vector<Tensor> held;
  std::vector<SafetensorsItem> items;
  for (const auto& [name, tensor] : tensors) {
    held.push_back(tensor.contiguous());
    items.push_back({name, std::string(names_of(tensor.dtype(), name).safetensors),
                     Dims(tensor.sizes().begin(), tensor.sizes().end()), bytes_of(held.back())});
  }
  StringSink sink;
  write_safetensors(sink, items);
  return sink.take();
}

}  // namespace

NamedTensors read_tensors(const std::string& path) {
  const std::string_view ending = ending_of(path);
  if (ending == ".safetensors") return read_safetensors(*MappedFile::open(path));
  if (ending == ".json") return tensors_from_json(MappedFile::open(path)->text(), path);
  unknown_ending(path);
}

void write_tensors(const std::string& path, const NamedTensors& tensors) {
  const std::string_view ending = ending_of(path);
  if (ending == ".safetensors") return write_file(path, as_bytes(safetensors_text(tensors)));
  if (ending == ".json") return write_file(path, as_bytes(tensors_to_json(tensors) + "\n"));
  unknown_ending(path);
}

}  // namespace calque::io
