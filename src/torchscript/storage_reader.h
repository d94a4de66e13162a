// Tensor data of an archive: records below data/ and constants/.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "calque/jit.h"
#include "calque/tensor.h"
#include "formats/zip_reader.h"

namespace calque::torchscript {

/// A storage that lies in the archive.
struct ArchiveStorage {
  Ref<Storage> storage;
  std::string record;  ///< without the folder of all records, for example `data/3`
  uint32_t crc32 = 0;  ///< of the record, as the archive says
};

/// An archive and what keeps its bytes alive.
struct ArchiveBytes {
  std::shared_ptr<const ZipReader> zip;
  std::shared_ptr<const void> keeper;
  std::string root;         ///< folder of all records, with its slash
  bool big_endian = false;  ///< numbers of tensor records are big-endian
};

/// A name of the file as it stands, in quotes and cut when it is long or holds more than plain letters.
std::string shown_name(std::string_view name);

/// Gives storages over records, in place when a record is stored and aligned for its element type.
class StorageReader {
 public:
  /// `folder` is "data/" or "constants/".
  StorageReader(const ArchiveBytes& archive, std::string folder, const jit::LoadOptions& options)
      : archive_(archive), folder_(std::move(folder)), options_(options) {}

  /// `numel` elements of `dtype`. A record that is asked for again is copied, as PyTorch's two storages are.
  /// LoadError when the record is missing or too short; LimitError when copies would exceed
  /// LoadOptions::max_memory.
  Ref<Storage> read(const std::string& key, ScalarType dtype, int64_t numel);

  /// Those that have been read and are used in place.
  std::vector<ArchiveStorage>& in_place() { return in_place_; }

 private:
  Ref<Storage> copy(std::span<const std::byte> bytes, ScalarType dtype);

  const ArchiveBytes& archive_;
  const std::string folder_;
  const jit::LoadOptions& options_;
  std::set<std::string> read_;
  std::vector<ArchiveStorage> in_place_;
  int64_t copied_ = 0;
};

}  // namespace calque::torchscript
