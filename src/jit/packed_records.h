// Packed weights as records of an archive: `packed/index.json` and what it names. PyTorch does not look at
// them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "calque/jit.h"
#include "formats/zip_writer.h"
#include "torchscript/archive_reader.h"
#include "torchscript/archive_writer.h"

namespace calque::jit {

/// Writes what has been packed of these storages and is what packing them now would give. Returns the number
/// of matrices.
int64_t write_packed(const std::vector<torchscript::WrittenStorage>& storages, const std::string& root,
                     ZipWriter& zip);

/// Numbers of packed matrices, by what they are multiplied in.
using PackedCounts = std::map<Precision, int64_t>;

/// Makes the archive's packed weights those of its storages, in place. What was not packed for this processor
/// and of these very bytes, or is damaged, is left alone, and said to LoadOptions::on_note. With
/// verify_checksums, a record whose checksum is wrong is a LoadError. Returns how many it knows of: those
/// that the storages have now, and those that were refused; none when it could not read on.
PackedCounts use_packed(const torchscript::LoadedArchive& archive, const LoadOptions& options);

/// Says to LoadOptions::on_note when the storages have more by now than were `known`, of a precision of which
/// some were.
void note_packed_anew(const PackedCounts& known, const torchscript::LoadedArchive& archive,
                      const LoadOptions& options);

}  // namespace calque::jit
