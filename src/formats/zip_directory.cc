#include "formats/zip_directory.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/checked.h"
#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/little_endian.h"
#include "formats/sniff.h"
#include "formats/zip_layout.h"

namespace calque {

namespace {

using Bytes = std::span<const std::byte>;

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kCentralSignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kZip64EndSignature = 0x06064b50;
constexpr uint32_t kZip64LocatorSignature = 0x07064b50;

constexpr size_t kCentralSize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kZip64EndSize = 56;
constexpr size_t kZip64LocatorSize = 20;
constexpr size_t kLargestTail = 0xffff;

/// Encrypted, patch data, strong encryption, masked local headers.
constexpr uint16_t kFlagsRefused = (1u << 0) | (1u << 5) | (1u << 6) | (1u << 13);

/// No deflate stream grows by more: 258 bytes from two bits.
constexpr uint64_t kLargestRatio = 1032;

constexpr std::string_view kGetAgain = "The file is damaged or was altered; get it or save it again.";

/// Where the directory lies and how many records it says it has.
struct End {
  uint64_t count;
  uint64_t size;
  uint64_t offset;
  uint64_t limit;  // the directory ends at or before this byte
};

/// Size and offset fields of a header, some of which may be in its ZIP64 extra field.
struct Sizes {
  uint64_t size;
  uint64_t compressed_size;
  uint64_t offset;
};

class DirectoryParser {
 public:
  DirectoryParser(Bytes archive, const std::string& label, const ZipLimits& limits)
      : archive_(archive), label_(label), limits_(limits) {}

  std::vector<ZipEntry> parse() {
    refuse_other_formats();
    const End end = find_end();
    std::vector<ZipEntry> entries = read_central(end);
    check_overlaps(entries, end.offset);
    check_inflated_size(entries);
    return entries;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw LoadError(cat(quoted(label_, 1024), " is not a usable ZIP archive: ", what));
  }

  void refuse_other_formats() const {
    const FileKind kind = sniff(archive_);
    if (kind == FileKind::kPickle || kind == FileKind::kPytorch1 || kind == FileKind::kEmpty) {
      fail(describe(kind));
    }
  }

  End find_end() const {
    const size_t position = find_end_signature();
    const Bytes record = archive_.subspan(position, kEndSize);
    if (read_le<uint16_t>(record, 4) != read_le<uint16_t>(record, 6)) fail("it spans several disks.");
    const uint16_t count = read_le<uint16_t>(record, 10);
    const uint32_t size = read_le<uint32_t>(record, 12);
    const uint32_t offset = read_le<uint32_t>(record, 16);
    End end{count, size, offset, position};
    if (const auto zip64 = find_zip64_end(position)) {
      const bool agrees = (count == 0xffff || count == zip64->count) &&
                          (size == kSeeZip64 || size == zip64->size) &&
                          (offset == kSeeZip64 || offset == zip64->offset);
      if (!agrees) fail(cat("its end record and its ZIP64 end record disagree. ", kGetAgain));
      end = *zip64;
    } else {
      if (read_le<uint16_t>(record, 4) != 0) fail("it spans several disks.");
      if (read_le<uint16_t>(record, 8) != count) fail("it spans several disks.");
    }
    if (!range_fits(end.offset, end.size, end.limit)) {
      fail(cat("its directory (", end.size, " bytes at ", end.offset, ") does not end before byte ",
               end.limit, ". ", kGetAgain));
    }
    return end;
  }

  size_t find_end_signature() const {
    if (archive_.size() >= kEndSize) {
      const size_t last = archive_.size() - kEndSize;
      const size_t first = last > kLargestTail ? last - kLargestTail : 0;
      for (size_t at = last + 1; at-- > first;) {
        if (read_le<uint32_t>(archive_, at) == kEndSignature) return at;
      }
    }
    const FileKind kind = sniff(archive_);
    if (kind == FileKind::kZip) {
      fail(cat("it begins as one, but has no end record in its last 64 KiB; it has ", archive_.size(),
               " bytes and is probably cut short. Get it again."));
    }
    fail(describe(kind));
  }

  std::optional<End> find_zip64_end(size_t end_position) const {
    if (end_position < kZip64LocatorSize) return std::nullopt;
    const size_t locator_position = end_position - kZip64LocatorSize;
    const Bytes locator = archive_.subspan(locator_position, kZip64LocatorSize);
    if (read_le<uint32_t>(locator) != kZip64LocatorSignature) return std::nullopt;
    if (read_le<uint32_t>(locator, 4) != 0 || read_le<uint32_t>(locator, 16) > 1)
      fail("it spans several disks.");
    const uint64_t position = read_le<uint64_t>(locator, 8);
    if (!range_fits(position, kZip64EndSize, locator_position) ||
        read_le<uint32_t>(archive_, position) != kZip64EndSignature) {
      fail(cat("there is no ZIP64 end record at byte ", position, ", where its locator says. ", kGetAgain));
    }
    const Bytes record = archive_.subspan(position, kZip64EndSize);
    const uint64_t count = read_le<uint64_t>(record, 32);
    if (read_le<uint32_t>(record, 16) != 0 || read_le<uint32_t>(record, 20) != 0 ||
        read_le<uint64_t>(record, 24) != count) {
      fail("it spans several disks.");
    }
    return End{count, read_le<uint64_t>(record, 40), read_le<uint64_t>(record, 48), position};
  }

  std::vector<ZipEntry> read_central(const End& end) const {
    if (end.count > end.size / kCentralSize || end.count > UINT32_MAX) {
      fail(cat("it says that it has ", end.count, " records, but its directory of ", end.size,
               " bytes cannot hold as many. ", kGetAgain));
    }
    std::vector<ZipEntry> entries;
    entries.reserve(end.count);
    Bytes directory = archive_.subspan(end.offset, end.size);
    for (uint64_t i = 0; i < end.count; ++i) entries.push_back(take_central(directory, i));
    if (!directory.empty()) {
      fail(cat("its directory goes on after the ", end.count, " records that it says it has. ", kGetAgain));
    }
    return entries;
  }

  /// Reads one record off the front of `directory`.
  ZipEntry take_central(Bytes& directory, uint64_t number) const {
    if (directory.size() < kCentralSize || read_le<uint32_t>(directory) != kCentralSignature) {
      fail(cat("there is no directory record where number ", number, " should be. ", kGetAgain));
    }
    const Bytes fixed = directory.first(kCentralSize);
    const size_t name_size = read_le<uint16_t>(fixed, 28);
    const size_t extra_size = read_le<uint16_t>(fixed, 30);
    const size_t comment_size = read_le<uint16_t>(fixed, 32);
    if (directory.size() - kCentralSize < name_size + extra_size + comment_size) {
      fail(cat("directory record number ", number, " reaches past the end of the directory. ", kGetAgain));
    }
    ZipEntry entry;
    entry.name = as_text(directory.subspan(kCentralSize, name_size));
    entry.crc32 = read_le<uint32_t>(fixed, 16);
    entry.header_offset = read_le<uint32_t>(fixed, 42);
    const uint16_t disk = read_le<uint16_t>(fixed, 34);
    if (disk != 0 && disk != 0xffff) fail_at(entry, "it lies on another disk.");
    check_name(entry);
    entry.method = checked_method(entry, read_le<uint16_t>(fixed, 8), read_le<uint16_t>(fixed, 10));
    Sizes sizes{read_le<uint32_t>(fixed, 24), read_le<uint32_t>(fixed, 20), entry.header_offset};
    resolve_zip64(entry, directory.subspan(kCentralSize + name_size, extra_size), sizes);
    entry.size = sizes.size;
    entry.compressed_size = sizes.compressed_size;
    entry.header_offset = sizes.offset;
    directory = directory.subspan(kCentralSize + name_size + extra_size + comment_size);
    check_sizes(entry);
    check_local(entry);
    return entry;
  }

  [[noreturn]] void fail_at(const ZipEntry& entry, std::string_view what) const {
    fail_zip_record(label_, entry.name, entry.header_offset, what);
  }

  void check_name(const ZipEntry& entry) const {
    const std::string_view problem = zip_name_problem(entry.name);
    if (!problem.empty()) fail_at(entry, cat(problem, "."));
  }

  ZipMethod checked_method(const ZipEntry& entry, uint16_t flags, uint16_t method) const {
    if ((flags & kFlagsRefused) != 0)
      fail_at(entry, "it is encrypted or patched. Save the archive without that.");
    if (method != 0 && method != 8) {
      fail_at(entry,
              cat("it is compressed by method ", method,
                  "; only 0 (stored) and 8 (deflated) are read, as in PyTorch. Save it again with these."));
    }
    return static_cast<ZipMethod>(method);
  }

  /// Fills in the fields that say "see the ZIP64 extra field".
  void resolve_zip64(const ZipEntry& entry, Bytes extra, Sizes& sizes) const {
    while (extra.size() >= 4) {
      const uint16_t id = read_le<uint16_t>(extra, 0);
      const size_t length = read_le<uint16_t>(extra, 2);
      extra = extra.subspan(4);
      if (length > extra.size()) fail_at(entry, cat("an extra field reaches past the others. ", kGetAgain));
      if (id == kZip64ExtraId) return take_zip64(entry, extra.first(length), sizes);
      extra = extra.subspan(length);
    }
  }

  void take_zip64(const ZipEntry& entry, Bytes block, Sizes& sizes) const {
    for (uint64_t* field : {&sizes.size, &sizes.compressed_size, &sizes.offset}) {
      if (*field != kSeeZip64) continue;
      if (block.size() < 8) fail_at(entry, cat("its ZIP64 extra field is too short. ", kGetAgain));
      *field = read_le<uint64_t>(block);
      block = block.subspan(8);
    }
  }

  void check_sizes(const ZipEntry& entry) const {
    if (entry.method == ZipMethod::kStored && entry.size != entry.compressed_size) {
      fail_at(entry, cat("it is stored, but says that ", entry.compressed_size, " bytes hold ", entry.size,
                         ". ", kGetAgain));
    }
    if (entry.compressed_size > archive_.size()) {
      fail_at(entry, cat("it says that it has ", entry.compressed_size, " bytes; the whole file has ",
                         archive_.size(), ". ", kGetAgain));
    }
    if (entry.method == ZipMethod::kDeflated && entry.size / kLargestRatio > entry.compressed_size + 1) {
      fail_at(entry, cat("it says that ", entry.compressed_size, " bytes inflate to ", entry.size,
                         ", which no deflate stream does. ", kGetAgain));
    }
  }

  /// Requires that the local header describes the same record; sets the data's offset.
  void check_local(ZipEntry& entry) const {
    if (!range_fits(entry.header_offset, kLocalSize, archive_.size())) {
      fail_at(entry, cat("its header lies outside the file of ", archive_.size(), " bytes. ", kGetAgain));
    }
    const Bytes fixed = archive_.subspan(entry.header_offset, kLocalSize);
    if (read_le<uint32_t>(fixed) != kLocalSignature)
      fail_at(entry, cat("there is no header there. ", kGetAgain));
    const size_t name_size = read_le<uint16_t>(fixed, 26);
    const size_t extra_size = read_le<uint16_t>(fixed, 28);
    const uint64_t name_offset = entry.header_offset + kLocalSize;
    if (!range_fits(name_offset, name_size + extra_size, archive_.size())) {
      fail_at(entry, cat("its header reaches past the end of the file. ", kGetAgain));
    }
    const std::string_view name = as_text(archive_.subspan(name_offset, name_size));
    if (name != entry.name) fail_at(entry, cat("its own header calls it ", quoted(name), ". ", kGetAgain));
    const uint16_t flags = read_le<uint16_t>(fixed, 6);
    if (checked_method(entry, flags, read_le<uint16_t>(fixed, 8)) != entry.method) {
      fail_at(entry, cat("its header and the directory name different compression methods. ", kGetAgain));
    }
    Sizes sizes{read_le<uint32_t>(fixed, 22), read_le<uint32_t>(fixed, 18), 0};
    resolve_zip64(entry, archive_.subspan(name_offset + name_size, extra_size), sizes);
    check_local_sizes(entry, sizes, read_le<uint32_t>(fixed, 14), (flags & kFlagDescriptor) != 0);
    entry.data_offset = name_offset + name_size + extra_size;
    if (!range_fits(entry.data_offset, entry.compressed_size, archive_.size())) {
      fail_at(entry, cat("its ", entry.compressed_size, " bytes at ", entry.data_offset,
                         " reach past the end of the file of ", archive_.size(), " bytes. ", kGetAgain));
    }
  }

  /// With a data descriptor after the data, the header may leave sizes and CRC at zero.
  void check_local_sizes(const ZipEntry& entry, const Sizes& local, uint32_t crc, bool has_descriptor) const {
    const auto agrees = [&](uint64_t in_header, uint64_t in_directory) {
      return in_header == in_directory || (has_descriptor && in_header == 0);
    };
    if (!agrees(local.size, entry.size) || !agrees(local.compressed_size, entry.compressed_size) ||
        !agrees(crc, entry.crc32)) {
      fail_at(entry,
              cat("its header and the directory disagree about its size or CRC (", local.compressed_size, "/",
                  local.size, " against ", entry.compressed_size, "/", entry.size, "). ", kGetAgain));
    }
  }

  void check_overlaps(const std::vector<ZipEntry>& entries, uint64_t directory_offset) const {
    std::vector<uint32_t> order(entries.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(),
              [&](uint32_t a, uint32_t b) { return entries[a].header_offset < entries[b].header_offset; });
    for (size_t i = 0; i < order.size(); ++i) {
      const ZipEntry& entry = entries[order[i]];
      const bool last = i + 1 == order.size();
      const uint64_t limit = last ? directory_offset : entries[order[i + 1]].header_offset;
      if (entry.data_offset > limit || entry.compressed_size > limit - entry.data_offset) {
        fail_at(entry, cat("it overlaps with ", last ? "the directory" : quoted(entries[order[i + 1]].name),
                           ". ", kGetAgain));
      }
    }
  }

  void check_inflated_size(const std::vector<ZipEntry>& entries) const {
    const uint64_t scaled = checked_mul(archive_.size(), limits_.inflated_factor).value_or(UINT64_MAX);
    const uint64_t limit = std::max(limits_.inflated_floor, scaled);
    uint64_t total = 0;
    for (const ZipEntry& entry : entries) {
      if (entry.method != ZipMethod::kDeflated) continue;
      if (entry.size > limit - total) {
        fail_at(entry,
                cat("with it the deflated records grow beyond ", limit, " bytes, far more than the file's ",
                    archive_.size(), ". If it is to be trusted, save it again without compression."));
      }
      total += entry.size;
    }
  }

  Bytes archive_;
  const std::string& label_;
  const ZipLimits& limits_;
};

}  // namespace

std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> archive, const std::string& label,
                                         const ZipLimits& limits) {
  return DirectoryParser(archive, label, limits).parse();
}

std::string_view zip_name_problem(std::string_view name) {
  if (name.empty()) return "its name is empty";
  if (name.find('\0') != std::string_view::npos) return "its name holds a NUL byte";
  if (name.front() == '/' || name.front() == '\\') return "its name is an absolute path";
  size_t start = 0;
  while (start <= name.size()) {
    const size_t end = std::min(name.find_first_of("/\\", start), name.size());
    if (name.substr(start, end - start) == "..") return "its name leads out of the archive (\"..\")";
    start = end + 1;
  }
  return "";
}

void fail_zip_record(const std::string& label, std::string_view name, uint64_t header_offset,
                     std::string_view what) {
  throw LoadError(
      cat(quoted(label, 1024), ": record ", quoted(name), " (header at byte ", header_offset, "): ", what));
}

}  // namespace calque
