// safetensors files: a JSON header and the bytes of the tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"

namespace calque {

/// Bits of one element of a safetensors dtype ("F32", "BF16", "I64", "BOOL", ...); 0 when there is no such
/// dtype.
uint32_t safetensors_dtype_bits(std::string_view dtype);

using SafetensorsMetadata = std::vector<std::pair<std::string, std::string>>;

struct SafetensorsTensor {
  std::string name;
  std::string_view dtype;  ///< One of the format's names; static storage.
  std::vector<int64_t> shape;
  uint64_t offset = 0;              ///< Of the data from the start of the file, in bytes.
  std::span<const std::byte> data;  ///< Row-major, little-endian; points into the file.
};

/// A validated file. As strict as the format's text, which is stricter than its reference reader: LoadError
/// for a header that is too long (100 MB), does not begin with '{' or is padded with anything but spaces; for
/// keys that occur twice, metadata that is not text, unknown dtypes; for data that has holes, overlaps,
/// disagrees with dtype and shape, or does not cover the file. Source:
/// https://github.com/huggingface/safetensors, README "Format".
class SafetensorsReader {
 public:
  /// `file` must outlive the reader. `label` names the file in messages.
  SafetensorsReader(std::span<const std::byte> file, std::string label);

  const std::string& label() const { return label_; }
  /// In the order of their data in the file.
  const std::vector<SafetensorsTensor>& tensors() const { return tensors_; }
  /// nullptr when there is none.
  const SafetensorsTensor* find(std::string_view name) const;
  /// Throws LoadError when there is none.
  const SafetensorsTensor& at(std::string_view name) const;
  const SafetensorsMetadata& metadata() const { return metadata_; }

 private:
  std::string label_;
  std::vector<SafetensorsTensor> tensors_;
  std::vector<uint32_t> by_name_;
  SafetensorsMetadata metadata_;
};

/// One tensor to write. `data` must stay valid during the call.
struct SafetensorsItem {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
};

/// Writes a file with the bytes that the reference writer gives: larger elements first, then by name; header
/// padded to 8 bytes. Metadata is written in the order given. Streams: no copy of the data is made. Throws
/// ValueError for an unknown dtype, a name that occurs twice or is "__metadata__", or data whose size does
/// not follow from dtype and shape.
void write_safetensors(ByteSink& sink, std::span<const SafetensorsItem> items,
                       const SafetensorsMetadata& metadata = {});

}  // namespace calque
