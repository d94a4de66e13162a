// A TorchScript archive to a module object with its program.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calque/ivalue.h"
#include "calque/jit.h"
#include "formats/zip_reader.h"
#include "ir/graph.h"
#include "torchscript/problems.h"
#include "torchscript/storage_reader.h"

namespace calque::torchscript {

/// What an archive holds. Tensors lie in the bytes of the archive where they can.
struct LoadedArchive {
  Ref<ObjectImpl> root;
  std::shared_ptr<CompilationUnit> unit;
  int64_t version = 0;
  std::shared_ptr<const ZipReader> zip;  ///< valid as long as `keeper` lives
  std::shared_ptr<const void> keeper;
  std::string folder;                    ///< of all records, with its slash
  std::vector<ArchiveStorage> storages;  ///< those that are used in place

  /// Names below `extra/`, in the order of the archive.
  std::vector<std::string> extra_names() const;
  /// Content of `extra/<name>`; nullopt when the archive has none.
  std::optional<std::string> extra(std::string_view name) const;
};

/// Reads an archive that lies in memory; `keeper` keeps `bytes` alive and is shared by the tensors. `label`
/// names the file in messages, for example its path.
///
/// Runs no code of the archive and reads no other file. Only classes and functions that the root reaches are
/// compiled. Throws LoadError for bytes that are no such archive or are damaged, NotImplementedError for what
/// is valid and not supported (missing operators are all named, with the places that call them), LimitError
/// when a limit of `options` is reached. With `collect`, missing operators do not stop it: see
/// Program::compile_all.
LoadedArchive read_archive(std::span<const std::byte> bytes, std::shared_ptr<const void> keeper,
                           const std::string& label, const jit::LoadOptions& options = {},
                           Problems* collect = nullptr);

/// The same for a file, mapped or read into memory by LoadOptions::use_mmap.
LoadedArchive read_archive_file(const std::string& path, const jit::LoadOptions& options = {},
                                Problems* collect = nullptr);

}  // namespace calque::torchscript
