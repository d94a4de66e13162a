// The central directory of a ZIP archive: found, read and checked against the local headers.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/zip_reader.h"

namespace calque {

/// All records of `archive`, in directory order. Throws LoadError for all that ZipReader refuses at once.
std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> archive, const std::string& label,
                                         const ZipLimits& limits);

/// Why `name` is no good name for a record, as a half-sentence; empty when it is good.
std::string_view zip_name_problem(std::string_view name);

/// `"file": record "name" (header at byte N): what`, the form of all messages about one record.
[[noreturn]] void fail_zip_record(const std::string& label, std::string_view name, uint64_t header_offset,
                                  std::string_view what);

}  // namespace calque
