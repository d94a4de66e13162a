// Module -> TorchScript archive, in PyTorch's record layout.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "calque/jit.h"
#include "formats/zip_writer.h"

namespace calque::torchscript {

/// The bytes of one storage, in the archive.
struct WrittenStorage {
  Ref<Storage> storage;
  std::string record;  ///< without the folder of all records, for example `data/3`
  uint32_t crc32 = 0;
};

struct WriteOptions {
  /// Record name below `extra/` -> content. ValueError for a name that no archive can hold.
  jit::ExtraFilesMap extra{};
  /// The folder of all records, which readers do not look at. PyTorch names it after the file; here it does
  /// not depend on the file, so that the same module gives the same bytes under any name.
  std::string root_name = "archive";
  /// Adds records of its own, behind those of the module: `root` is the folder of all records, with its
  /// slash.
  std::function<void(const std::vector<WrittenStorage>& storages, const std::string& root, ZipWriter& zip)>
      more{};
};

/// Writes the archive of a module: its weights, its code with everything that it needs, and constants. The
/// same module gives the same bytes. Weights go from their storages to `sink` piece by piece, without a copy
/// of the whole.
///
/// The archive has version 10 and no newer forms, so PyTorch 1.13 and later read it as far as they have its
/// operators. Throws ValueError when `root` is no module or holds itself, NotImplementedError for what
/// archives cannot hold.
void write_archive(const Ref<ObjectImpl>& root, ByteSink& sink, const WriteOptions& options = {});

/// The same into a file, which appears only when it is complete. LoadError when it cannot be written.
void write_archive_file(const Ref<ObjectImpl>& root, const std::string& path,
                        const WriteOptions& options = {});

}  // namespace calque::torchscript
