// Packed weights as records of an archive: `packed/index.json` and what it names. PyTorch does not look at
// them.
#pragma once

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

/// Makes the archive's packed weights those of its storages, in place. What was not packed for this processor
/// and of these very bytes, or is damaged, is left alone, and said to LoadOptions::on_note. With
/// verify_checksums, a record whose checksum is wrong is a LoadError.
void use_packed(const torchscript::LoadedArchive& archive, const LoadOptions& options);

}  // namespace calque::jit
