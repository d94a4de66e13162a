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
#include "formats/npz.h"
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

Tensor from_numpy(const NpyArray& array, const std::string& path) {
  const auto* row =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const auto& r) { return r.numpy == array.descr; });
  if (row == kDtypes.end()) {
    throw NotImplementedError(cat(quoted(path), ": array ", quoted(array.name), " has dtype ",
                                  quoted(array.descr), ", which no tensor here can hold"));
  }
  return copied(array.data, array.shape, row->dtype);
}

NpyArray to_numpy(const std::string& name, const Tensor& tensor) {
  const std::string_view descr = names_of(tensor.dtype(), name).numpy;
  if (descr.empty()) {
    throw ValueError(
        cat("tensor '", name, "': NumPy has no ", dtype_name(tensor.dtype()), "; write .safetensors"));
  }
  const Tensor contiguous = tensor.contiguous();
  const auto bytes = bytes_of(contiguous);
  return {name,
          std::string(descr),
          Dims(tensor.sizes().begin(), tensor.sizes().end()),
          {bytes.begin(), bytes.end()}};
}

/// `x` of `folder/x.npy`.
std::string stem_of(const std::string& path) {
  const size_t start = path.rfind('/') + 1;
  return path.substr(start, path.rfind('.') - start);
}

NamedTensors read_npz(const MappedFile& file) {
  NamedTensors tensors;
  for (const NpyArray& array : calque::read_npz(file.bytes(), file.path())) {
    tensors.emplace_back(array.name, from_numpy(array, file.path()));
  }
  return tensors;
}

std::string npz_text(const NamedTensors& tensors) {
  std::vector<NpyArray> arrays;
  for (const auto& [name, tensor] : tensors) arrays.push_back(to_numpy(name, tensor));
  StringSink sink;
  write_npz(sink, arrays);
  return sink.take();
}

std::string npy_text(const std::string& path, const NamedTensors& tensors) {
  if (tensors.size() != 1) {
    throw ValueError(
        cat(quoted(path), ": an .npy file holds one tensor, not ", tensors.size(), "; write .npz"));
  }
  StringSink sink;
  write_npy(sink, to_numpy(tensors[0].first, tensors[0].second));
  return sink.take();
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
  if (ending == ".npz") return read_npz(*MappedFile::open(path));
  if (ending == ".npy") {
    return {{stem_of(path), from_numpy(read_npy(MappedFile::open(path)->bytes(), path), path)}};
  }
  if (ending == ".json") return tensors_from_json(MappedFile::open(path)->text(), path);
  unknown_ending(path);
}

void write_tensors(const std::string& path, const NamedTensors& tensors) {
  const std::string_view ending = ending_of(path);
  if (ending == ".safetensors") return write_file(path, as_bytes(safetensors_text(tensors)));
  if (ending == ".npz") return write_file(path, as_bytes(npz_text(tensors)));
  if (ending == ".npy") return write_file(path, as_bytes(npy_text(path, tensors)));
  if (ending == ".json") return write_file(path, as_bytes(tensors_to_json(tensors) + "\n"));
  unknown_ending(path);
}

}  // namespace calque::io
