// ZIP and ZIP64 archives, read from memory without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace calque {

enum class ZipMethod : uint16_t { kStored = 0, kDeflated = 8 };

/// One record as the central directory and its local header, which must agree, describe it.
struct ZipEntry {
  std::string_view name;  ///< A key, never a path to write to. Points into the archive's bytes.
  ZipMethod method = ZipMethod::kStored;
  uint32_t crc32 = 0;
  uint64_t size = 0;             ///< Bytes after inflating.
  uint64_t compressed_size = 0;  ///< Bytes in the archive.
  uint64_t header_offset = 0;
  uint64_t data_offset = 0;

  bool is_folder() const { return name.ends_with('/'); }
};

struct ZipLimits {
  /// All deflated records together may inflate to the larger of this and `inflated_factor` times the archive.
  uint64_t inflated_floor = uint64_t{64} << 20;
  uint64_t inflated_factor = 16;
};

/// The content of one record: a view of the archive, or bytes that were inflated. Moves, does not copy.
class ZipRecord {
 public:
  explicit ZipRecord(std::span<const std::byte> view) : view_(view) {}
  explicit ZipRecord(std::vector<std::byte> owned) : owned_(std::move(owned)), view_(owned_) {}
  ZipRecord(ZipRecord&&) = default;
  ZipRecord& operator=(ZipRecord&&) = default;
  ZipRecord(const ZipRecord&) = delete;
  ZipRecord& operator=(const ZipRecord&) = delete;

  std::span<const std::byte> bytes() const { return view_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(view_.data()), view_.size()}; }

 private:
  std::vector<std::byte> owned_;
  std::span<const std::byte> view_;
};

/// The directory of an archive. Accepts what PyTorch's reader accepts: records in any order and alignment,
/// with or without data descriptors, ZIP64 fields and foreign extra fields; bytes before the archive when the
/// offsets count them; up to 64 KiB of bytes after it; names that occur twice.
///
/// Refuses with LoadError, at once: encryption, several disks, other methods than stored and deflated, a
/// local header that disagrees with the directory, records that overlap, reach outside or lie about their
/// number, absolute names and names with "..", archives that inflate beyond ZipLimits.
///
/// Where a name occurs twice, PyTorch takes whichever its sort puts in the middle. Here such records must
/// hold the same bytes; otherwise asking for the name is an error.
///
/// Source: PKWARE APPNOTE 6.3.10. Immutable after construction, so any number of threads may use it.
class ZipReader {
 public:
  /// `archive` must outlive the reader. `label` names the file in messages.
  ZipReader(std::span<const std::byte> archive, std::string label, const ZipLimits& limits = {});

  const std::string& label() const { return label_; }
  uint64_t archive_size() const { return archive_.size(); }
  /// In the order of the central directory.
  std::span<const ZipEntry> entries() const { return entries_; }

  /// nullptr when there is none. Throws LoadError when records of that name differ.
  const ZipEntry* find(std::string_view name) const;
  /// Throws LoadError when there is none.
  const ZipEntry& at(std::string_view name) const;

  /// The content, CRC checked. Stored records are not copied: the result points into the archive.
  ZipRecord read(const ZipEntry& entry) const;
  /// The content of a stored record without a copy and without reading it, so also without a CRC check
  /// (see check_crc). Throws LoadError when the record is deflated.
  std::span<const std::byte> stored_bytes(const ZipEntry& entry) const;
  /// Reads a stored record once; throws LoadError when its CRC is wrong.
  void check_crc(const ZipEntry& entry) const;

 private:
  struct Name {
    uint32_t entry;
    bool ambiguous;
  };

  void index_names();
  std::span<const std::byte> raw(const ZipEntry& entry) const;
  bool same_content(const ZipEntry& a, const ZipEntry& b) const;
  [[noreturn]] void fail(const ZipEntry& entry, std::string_view what) const;

  std::span<const std::byte> archive_;
  std::string label_;
  std::vector<ZipEntry> entries_;
  std::vector<Name> names_;  // sorted by name, each name once
};

}  // namespace calque
