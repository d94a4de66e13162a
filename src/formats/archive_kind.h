// What a ZIP archive holds, told by the names of its records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/zip_reader.h"

namespace calque {

enum class ArchiveKind : uint8_t {
  kTorchScript,        ///< torch.jit.save: data.pkl, constants.pkl, code/.
  kTorchSave,          ///< torch.save: data.pkl alone.
  kLegacyTorchScript,  ///< TorchScript of 2019: model.json.
  kNpz,                ///< numpy.savez.
  kOther,
};

/// The folder that all records of a PyTorch archive share: the first record's name up to its first '/'.
/// Empty when that name has none.
std::string_view archive_root(const ZipReader& archive);

ArchiveKind archive_kind(const ZipReader& archive);

/// "It is ...; do ...": for the end of an error message.
std::string describe(ArchiveKind kind);

}  // namespace calque
