#include "jit/packed_records.h"

#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/cpu.h"
#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/json.h"
#include "formats/json_writer.h"
#include "ops/packed_layers.h"
#include "tensor/derived.h"
#include "tensor/dtype.h"

namespace calque::jit {

namespace {

constexpr std::string_view kIndex = "packed/index.json";
/// Of the tensors that packed weights are made of.
constexpr std::array kDtypes = {kFloat, kChar, kBFloat16, kByte};

std::string part_name(int64_t layer, size_t part) { return cat("packed/", layer, ".", part); }

using StorageIds = std::unordered_map<uint64_t, const torchscript::WrittenStorage*>;

bool is_current(const DerivedValue& value, const StorageIds& storages) {
  if (value.value == nullptr) return false;
  for (const DerivedSource& source : value.sources) {
    const auto found = storages.find(source.storage);
    if (found == storages.end()) return false;
    const Storage& storage = *found->second->storage;
    if (storage.is_exposed() || storage.version() != source.version) return false;
  }
  return true;
}

void write_numbers(JsonWriter& json, std::string_view key, const Dims& numbers) {
  json.key(key);
  json.begin_array();
  for (const int64_t number : numbers) json.integer(number);
  json.end_array();
}

void write_source(JsonWriter& json, const DerivedSource& source, const torchscript::WrittenStorage& storage) {
  json.begin_object();
  json.key("record");
  json.string(storage.record);
  json.key("crc32");
  json.integer(storage.crc32);
  json.key("dtype");
  json.string(dtype_name(source.dtype));
  json.key("offset");
  json.integer(source.offset);
  write_numbers(json, "sizes", source.sizes);
  write_numbers(json, "strides", source.strides);
  json.end_object();
}

/// Writes the parts of one packed matrix, and says in the index what it is.
class PackedWriter {
 public:
  PackedWriter(const std::string& root, ZipWriter& zip) : root_(root), zip_(zip) {
    json_.begin_object();
    json_.key("layout");
    json_.integer(kernels::kPackedLayout);
    json_.key("layers");
    json_.begin_array();
  }

  void add(const DerivedValue& value, ops::Arithmetic arithmetic, const StorageIds& storages) {
    const kernels::PackedImage image = image_of(*static_cast<const ops::PackedLayers*>(value.value.get()));
    json_.begin_object();
    json_.key("precision");
    json_.string(precision_name(static_cast<Precision>(arithmetic)));
    json_.key("isa");
    json_.string(isa_name(image.isa));
    json_.key("k");
    json_.integer(image.k);
    json_.key("n");
    json_.integer(image.n);
    json_.key("parts");
    json_.begin_array();
    for (size_t i = 0; i < image.parts.size(); ++i) add_part(i, image.parts[i].bytes);
    json_.end_array();
    json_.key("sources");
    json_.begin_array();
    for (const DerivedSource& source : value.sources)
      write_source(json_, source, *storages.at(source.storage));
    json_.end_array();
    json_.end_object();
    ++layers_;
  }

  int64_t finish() {
    json_.end_array();
    json_.end_object();
    if (layers_ > 0) zip_.add(cat(root_, kIndex), json_.finish());
    return layers_;
  }

 private:
  void add_part(size_t part, std::span<const std::byte> bytes) {
    json_.integer(static_cast<int64_t>(bytes.size()));
    if (!bytes.empty()) zip_.add(cat(root_, part_name(layers_, part)), bytes);
  }

  const std::string& root_;
  ZipWriter& zip_;
  JsonWriter json_;
  int64_t layers_ = 0;
};

/// Reads the index, and gives each layer's packed weights to the storages that they were made of.
class PackedReader {
 public:
  PackedReader(const torchscript::LoadedArchive& archive, const LoadOptions& options)
      : archive_(archive), options_(options) {
    for (const torchscript::ArchiveStorage& storage : archive.storages) storages_[storage.record] = &storage;
  }

  void read(const JsonRef& index) {
    const int64_t layout = index.get_int("layout");
    if (layout != kernels::kPackedLayout) {
      return note(cat("they are of layout ", layout, ", this version reads ", kernels::kPackedLayout));
    }
    const JsonRef layers = index.get("layers");
    for (size_t i = 0; i < layers.size(); ++i) read_layer(layers.at(i), static_cast<int64_t>(i));
  }

  void note(const std::string& why) const {
    if (!options_.on_note) return;
    options_.on_note(cat("the archive's packed weights are not used, and packed anew: ", why));
  }

 private:
  void read_layer(const JsonRef& layer, int64_t index) {
    const std::optional<Isa> isa = parse_isa(layer.get_string("isa"));
    if (isa != active_isa()) {
      if (!std::exchange(noted_isa_, true))
        note(cat("they are for ", quoted(layer.get_string("isa")), ", and ", isa_name(active_isa()),
                 " is in use"));
      return;
    }
    const Precision precision = precision_from_name(layer.get_string("precision"));
    const std::optional<std::vector<Tensor>> sources = read_sources(layer.get("sources"));
    std::optional<kernels::PackedImage> image = read_image(layer, index);
    if (!sources || !image) return;
    if (sources->front().dtype() != kFloat || precision == options_.precision) {
      for (const kernels::PackedPart& part : image->parts) bring_pages(part.bytes.data(), part.bytes.size());
    }
    const auto arithmetic = static_cast<ops::Arithmetic>(precision);
    image->isa = *isa;
    std::shared_ptr<const ops::PackedLayers> packed = packed_layers_of(arithmetic, std::move(*image));
    if (packed == nullptr) return note(cat("matrix ", index, " has other sizes than its records"));
    derived_value(ops::packed_kind(arithmetic), *sources, [&] { return packed; });
  }

  /// nullopt when one is not in place, or holds other bytes than were packed.
  std::optional<std::vector<Tensor>> read_sources(const JsonRef& list) const {
    std::vector<Tensor> sources;
    for (size_t i = 0; i < list.size(); ++i) {
      const JsonRef source = list.at(i);
      const auto found = storages_.find(source.get_string("record"));
      if (found == storages_.end()) return std::nullopt;
      if (found->second->crc32 != source.get_int("crc32")) {
        note(cat("record ", quoted(found->first), " has changed since"));
        return std::nullopt;
      }
      sources.push_back(from_storage(found->second->storage, source.get_int("offset"),
                                     read_numbers(source.get("sizes")), read_numbers(source.get("strides")),
                                     read_dtype(source)));
    }
    if (sources.empty()) list.fail("names no source");
    return sources;
  }

  static ScalarType read_dtype(const JsonRef& source) {
    const std::string name = source.get_string("dtype");
    for (const ScalarType dtype : kDtypes) {
      if (dtype_name(dtype) == name) return dtype;
    }
    source.get("dtype").fail("is no dtype of weights");
  }

  static Dims read_numbers(const JsonRef& list) {
    Dims numbers;
    for (size_t i = 0; i < list.size(); ++i) numbers.push_back(list.at(i).as_int());
    return numbers;
  }

  /// nullopt when a record is not there as it should be.
  std::optional<kernels::PackedImage> read_image(const JsonRef& layer, int64_t index) const {
    kernels::PackedImage image{.k = layer.get_int("k"), .n = layer.get_int("n")};
    const JsonRef parts = layer.get("parts");
    for (size_t i = 0; i < parts.size(); ++i) {
      if (parts.at(i).as_int() == 0) {
        image.parts.emplace_back();
        continue;
      }
      const ZipEntry* const entry = archive_.zip->find(cat(archive_.folder, part_name(index, i)));
      if (entry == nullptr || entry->method != ZipMethod::kStored) {
        note(cat("record ", part_name(index, i), " is missing or compressed"));
        return std::nullopt;
      }
      if (options_.verify_checksums) archive_.zip->check_crc(*entry);
      image.parts.push_back({.bytes = archive_.zip->stored_bytes(*entry), .keeper = archive_.keeper});
    }
    return image;
  }

  const torchscript::LoadedArchive& archive_;
  const LoadOptions& options_;
  std::unordered_map<std::string, const torchscript::ArchiveStorage*> storages_;
  bool noted_isa_ = false;
};

}  // namespace

int64_t write_packed(const std::vector<torchscript::WrittenStorage>& storages, const std::string& root,
                     ZipWriter& zip) {
  StorageIds ids;
  for (const torchscript::WrittenStorage& storage : storages)
    ids.emplace(storage_id(*storage.storage), &storage);
  PackedWriter writer(root, zip);
  for (const torchscript::WrittenStorage& storage : storages) {
    if (ids.at(storage_id(*storage.storage)) != &storage) continue;
    for (const DerivedValue& value : derived_values(*storage.storage)) {
      const std::optional<ops::Arithmetic> arithmetic = ops::arithmetic_of_kind(value.kind);
      if (arithmetic && is_current(value, ids)) writer.add(value, *arithmetic, ids);
    }
  }
  return writer.finish();
}

void use_packed(const torchscript::LoadedArchive& archive, const LoadOptions& options) {
  const ZipEntry* const entry = archive.zip->find(cat(archive.folder, kIndex));
  if (entry == nullptr) return;
  PackedReader reader(archive, options);
  const ZipRecord content = archive.zip->read(*entry);
  try {
    reader.read(parse_json(content.text(), std::string(kIndex)));
  } catch (const LoadError& error) {
    if (options.verify_checksums) throw;
    reader.note(error.what());
  } catch (const RuntimeError& error) {
    reader.note(error.what());
  } catch (const ValueError& error) {
    reader.note(error.what());
  }
}

}  // namespace calque::jit
