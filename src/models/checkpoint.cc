#include "models/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/json.h"
#include "formats/safetensors.h"

namespace calque::models {
namespace {

struct DtypeRow {
  std::string_view name;
  ScalarType dtype;
};
constexpr DtypeRow kWeightDtypes[] = {{"BF16", kBFloat16}, {"F16", kHalf}, {"F32", kFloat}, {"F64", kDouble}};

ScalarType weight_dtype(std::string_view dtype, const std::string& name, const std::string& file) {
  for (const DtypeRow& row : kWeightDtypes) {
    if (row.name == dtype) return row.dtype;
  }
  throw NotImplementedError(cat(file, ": weight ", calque::quoted(name), " has dtype ", dtype,
                                "; weights may be F32, F64, F16 or BF16"));
}

/// View of the file's bytes. Data that is not aligned for its type is copied.
Tensor tensor_in_file(const SafetensorsTensor& tensor, ScalarType dtype,
                      const std::shared_ptr<const MappedFile>& file) {
  // Weights are never written: Storage takes a pointer to non-const for the sake of other owners.
  void* data = const_cast<std::byte*>(tensor.data.data());
  Tensor view = from_blob(data, tensor.shape, dtype, file);
  const bool aligned = reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(item_size(dtype)) == 0;
  if (aligned || tensor.data.empty()) return view;
  Tensor copy = empty(tensor.shape, dtype);
  std::copy(tensor.data.begin(), tensor.data.end(), static_cast<std::byte*>(copy.raw_data()));
  return copy;
}

void add_file(const std::string& path, bool use_mmap, Checkpoint& into) {
  const auto file = MappedFile::open(path, {.use_mmap = use_mmap});
  const auto reader = std::make_shared<const SafetensorsReader>(file->bytes(), path);
  for (const SafetensorsTensor& tensor : reader->tensors()) {
    const SafetensorsTensor* entry = &tensor;
    auto value = [entry, reader, file, path] {
      return tensor_in_file(*entry, weight_dtype(entry->dtype, entry->name, path), file);
    };
    const bool added = into.emplace(tensor.name, CheckpointTensor{path, std::string(tensor.dtype),
                                                                  tensor.shape, std::move(value)})
                           .second;
    if (!added)
      throw LoadError(cat(path, ": weight ", calque::quoted(tensor.name), " is in another shard as well"));
  }
}

/// Shards lie beside their index: a name with a folder in it is refused.
void require_plain_name(const std::string& name, const std::string& index) {
  const bool plain = !name.empty() && name != "." && name != ".." &&
                     name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
  if (plain) return;
  throw LoadError(
      cat(index, ": shard ", calque::quoted(name), " is not the name of a file beside the index"));
}

Checkpoint open_shards(const std::string& directory, const std::string& index, bool use_mmap) {
  const JsonRef map = read_json(index).get("weight_map");
  std::set<std::string> shards;
  for (const JsonMember& member : map.as_object()) {
    if (!member.value.is(Json::Kind::kString))
      map.fail(cat("names no file for ", calque::quoted(member.key)));
    require_plain_name(member.value.string(), index);
    shards.insert(member.value.string());
  }
  Checkpoint checkpoint;
  for (const std::string& shard : shards) add_file(cat(directory, "/", shard), use_mmap, checkpoint);
  for (const JsonMember& member : map.as_object()) {
    if (checkpoint.contains(member.key)) continue;
    throw LoadError(
        cat(index, ": weight ", calque::quoted(member.key), " is not in ", member.value.string()));
  }
  return checkpoint;
}

}  // namespace

Checkpoint open_checkpoint(const std::string& directory, bool use_mmap) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const std::string single = directory + "/model.safetensors";
  if (fs::exists(single, ignored)) {
    Checkpoint checkpoint;
    add_file(single, use_mmap, checkpoint);
    return checkpoint;
  }
  const std::string index = directory + "/model.safetensors.index.json";
  if (fs::exists(index, ignored)) return open_shards(directory, index, use_mmap);
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5"}) {
    if (!fs::exists(cat(directory, "/", name), ignored)) continue;
    throw NotImplementedError(
        cat(directory, "/", name,
            ": this format of weights is not read; convert it with Transformers: "
            "AutoModel.from_pretrained(directory).save_pretrained(directory, safe_serialization=True)"));
  }
  throw LoadError(cat("Error no file named model.safetensors found in directory ", directory, "."));
}

}  // namespace calque::models
