// What a file is, from its first bytes: so that a refusal can say what was found and what to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace calque {

enum class FileKind : uint8_t {
  kEmpty,
  kZip,
  kPickle,
  kPytorch1,
  kHdf5,
  kSafetensors,
  kGguf,
  kNpy,
  kJson,
  kGitLfsPointer,
  kHtml,
  kSevenZip,
  kTar,
  kGzip,
  kBzip2,
  kXz,
  kZstd,
  kFlatbufferModule,
  kUnknown,
};

/// Looks at no more than the first 512 bytes.
FileKind sniff(std::span<const std::byte> bytes);

/// "It is ...; do ...": one or two sentences about `kind`, for the end of an error message.
std::string describe(FileKind kind);

}  // namespace calque
