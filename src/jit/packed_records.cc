#include "jit/packed_records.h"

#include <array>
#include <cstring>
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
/// Values that belong to one storage are found one by one: a crafted index must not make that slow.
constexpr size_t kMostMatrices = 1 << 14;

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

void note(const LoadOptions& options, const std::string& why) {
  if (!options.on_note) return;
  options.on_note(cat("the archive's packed weights are not used, and packed anew: ", why));
}

/// How many of the sources are weights of the matrix [k, n], one below the other. They stand first. 0 when
/// they do not make up the matrix.
size_t count_weights(const std::vector<Tensor>& sources, int64_t k, int64_t n) {
  size_t count = 0;
  int64_t rows = 0;
  while (count < sources.size() && rows < n) {
    const Tensor& weight = sources[count];
    // Two digits of 4 bits share a byte.
    const int64_t per_column = weight.dtype() == kByte ? 2 : 1;
    if (weight.dim() != 2 || weight.size(0) > n || weight.size(1) > k || weight.size(1) * per_column != k)
      return 0;
    rows += weight.size(0);
    ++count;
  }
  return rows == n ? count : 0;
}

/// The weights are followed by a bias for each, or by fewer, which says nothing.
bool has_other_bias(const std::vector<float>& packed, const std::vector<Tensor>& sources, size_t weights) {
  if (packed.empty() || sources.size() < 2 * weights) return false;
  size_t at = 0;
  for (size_t i = 0; i < weights; ++i) {
    const Tensor& bias = sources[weights + i];
    if (bias.dtype() != kFloat || bias.dim() != 1 || bias.size(0) != sources[i].size(0)) return false;
    const Tensor values = bias.contiguous();
    const auto bytes = static_cast<size_t>(values.nbytes());
    if (std::memcmp(values.data_ptr<float>(), packed.data() + at, bytes) != 0) return true;
    at += static_cast<size_t>(bias.size(0));
  }
  return false;
}

PackedCounts count_packed(const torchscript::LoadedArchive& archive) {
  PackedCounts counts;
  for (const torchscript::ArchiveStorage& storage : archive.storages) {
    for (const DerivedValue& value : derived_values(*storage.storage)) {
      if (const auto arithmetic = ops::arithmetic_of_kind(value.kind))
        ++counts[static_cast<Precision>(*arithmetic)];
    }
  }
  return counts;
}

/// Reads the index, and gives each layer's packed weights to the storages that they were made of.
class PackedReader {
 public:
  PackedReader(const torchscript::LoadedArchive& archive, const LoadOptions& options)
      : archive_(archive), options_(options) {
    for (const torchscript::ArchiveStorage& storage : archive.storages) storages_[storage.record] = &storage;
  }

  /// Those that were refused one by one.
  const PackedCounts& refused() const { return refused_; }

  void read(const JsonRef& index) {
    const int64_t layout = index.get_int("layout");
    if (layout != kernels::kPackedLayout) {
      return note(cat("they are of layout ", layout, ", this version reads ", kernels::kPackedLayout));
    }
    const JsonRef layers = index.get("layers");
    if (layers.size() > kMostMatrices)
      return note(cat("they are ", layers.size(), " matrices, at most ", kMostMatrices, " are read"));
    for (size_t i = 0; i < layers.size(); ++i) read_layer(layers.at(i), static_cast<int64_t>(i));
  }

 private:
  void note(const std::string& why) const { jit::note(options_, why); }

  void read_layer(const JsonRef& layer, int64_t index) {
    const std::optional<Isa> isa = parse_isa(layer.get_string("isa"));
    if (isa != active_isa()) {
      if (!std::exchange(noted_isa_, true))
        note(cat("they are for ", quoted(layer.get_string("isa")), ", and ", isa_name(active_isa()),
                 " is in use"));
      return;
    }
    const Precision precision = precision_from_name(layer.get_string("precision"));
    if (!use_layer(layer, index, precision, *isa)) ++refused_[precision];
  }

  /// False when it is not as it should be, which a note has said.
  bool use_layer(const JsonRef& layer, int64_t index, Precision precision, Isa isa) {
    const std::optional<std::vector<Tensor>> sources = read_sources(layer.get("sources"), index);
    if (!sources) return false;
    std::optional<kernels::PackedImage> image = read_image(layer, index);
    if (!image) return false;
    const size_t weights = count_weights(*sources, image->k, image->n);
    if (weights == 0) return refuse(index, "has other sizes than its sources");
    const auto arithmetic = static_cast<ops::Arithmetic>(precision);
    image->isa = isa;
    const std::vector<kernels::PackedPart> parts = image->parts;
    std::shared_ptr<const ops::PackedLayers> packed = packed_layers_of(arithmetic, std::move(*image));
    if (packed == nullptr) return refuse(index, "has other sizes than its records");
    if (has_other_bias(packed->bias, *sources, weights))
      return refuse(index, "was packed with another bias than that of its sources");
    if (sources->front().dtype() != kFloat || precision == options_.precision) {
      for (const kernels::PackedPart& part : parts) bring_pages(part.bytes.data(), part.bytes.size());
    }
    derived_value(ops::packed_kind(arithmetic), *sources, [&] { return packed; });
    return true;
  }

  bool refuse(int64_t index, std::string_view why) const {
    note(cat("matrix ", index, " ", why));
    return false;
  }

  /// nullopt when one is not in place, or holds other bytes than were packed.
  std::optional<std::vector<Tensor>> read_sources(const JsonRef& list, int64_t index) const {
    std::vector<Tensor> sources;
    for (size_t i = 0; i < list.size(); ++i) {
      const JsonRef source = list.at(i);
      const std::string record = source.get_string("record");
      const auto found = storages_.find(record);
      if (found == storages_.end()) {
        note(cat("record ", quoted(record), ", which matrix ", index, " was made of, is not in the archive"));
        return std::nullopt;
      }
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
  PackedCounts refused_;
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

PackedCounts use_packed(const torchscript::LoadedArchive& archive, const LoadOptions& options) {
  const ZipEntry* const entry = archive.zip->find(cat(archive.folder, kIndex));
  if (entry == nullptr) return {};
  PackedReader reader(archive, options);
  const ZipRecord content = archive.zip->read(*entry);
  try {
    reader.read(parse_json(content.text(), std::string(kIndex)));
    PackedCounts known = count_packed(archive);
    for (const auto& [precision, count] : reader.refused()) known[precision] += count;
    return known;
  } catch (const LoadError& error) {
    if (options.verify_checksums) throw;
    note(options, error.what());
  } catch (const RuntimeError& error) {
    note(options, error.what());
  } catch (const ValueError& error) {
    note(options, error.what());
  }
  return {};
}

void note_packed_anew(const PackedCounts& known, const torchscript::LoadedArchive& archive,
                      const LoadOptions& options) {
  if (known.empty()) return;
  PackedCounts now = count_packed(archive);
  for (const auto& [precision, count] : known) {
    const int64_t more = now[precision] - count;
    if (more > 0)
      note(options, cat(more, " matrices of ", precision_name(precision),
                        " that forward multiplies by are made of other sources than those in the index"));
  }
}

}  // namespace calque::jit
