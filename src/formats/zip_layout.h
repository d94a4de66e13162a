// Numbers of the zip format (PKWARE APPNOTE) that the reader and the writer share.
#pragma once

#include <cstddef>
#include <cstdint>

namespace calque {

/// Bytes of a local header before its name.
constexpr size_t kLocalSize = 30;
constexpr uint16_t kZip64ExtraId = 1;
/// Sizes and checksum follow the data.
constexpr uint16_t kFlagDescriptor = 1u << 3;
/// In place of a size or an offset: it stands in the zip64 record.
constexpr uint32_t kSeeZip64 = 0xffffffff;

}  // namespace calque
