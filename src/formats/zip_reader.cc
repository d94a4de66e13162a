#include "formats/zip_reader.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "calque/error.h"
#include "formats/zip_directory.h"

namespace calque {

namespace {

constexpr size_t kLargestPiece = size_t{1} << 30;

/// A raw deflate stream; frees zlib's state.
class Inflater {
 public:
  Inflater() { ready_ = ::inflateInit2(&stream_, -MAX_WBITS) == Z_OK; }
  ~Inflater() {
    if (ready_) ::inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// True when `input` is one whole stream that gives exactly output.size() bytes.
  bool run(std::span<const std::byte> input, std::span<std::byte> output) {
    if (!ready_) return false;
    // zlib wants an address even when nothing is left to write.
    std::byte nowhere{};
    while (true) {
      const size_t in = std::min(input.size(), kLargestPiece);
      const size_t out = std::min(output.size(), kLargestPiece);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
      stream_.avail_in = static_cast<uInt>(in);
      stream_.next_out = reinterpret_cast<Bytef*>(output.empty() ? &nowhere : output.data());
      stream_.avail_out = static_cast<uInt>(out);
      const int status = ::inflate(&stream_, Z_NO_FLUSH);
      const size_t read = in - stream_.avail_in;
      const size_t written = out - stream_.avail_out;
      input = input.subspan(read);
      output = output.subspan(written);
      if (status == Z_STREAM_END) return input.empty() && output.empty();
      if (status != Z_OK || (read == 0 && written == 0)) return false;
    }
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

uint32_t crc_of(std::span<const std::byte> bytes) {
  const uLong crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  return static_cast<uint32_t>(bytes.empty() ? 0 : crc);
}

}  // namespace

ZipReader::ZipReader(std::span<const std::byte> archive, std::string label, const ZipLimits& limits)
    : archive_(archive), label_(std::move(label)), entries_(read_zip_directory(archive_, label_, limits)) {
  index_names();
}

void ZipReader::index_names() {
  names_.reserve(entries_.size());
  for (uint32_t i = 0; i < entries_.size(); ++i) names_.push_back({i, false});
  std::sort(names_.begin(), names_.end(), [&](const Name& a, const Name& b) {
    return std::pair(entries_[a.entry].name, a.entry) < std::pair(entries_[b.entry].name, b.entry);
  });
  size_t kept = 0;
  for (const Name& name : names_) {
    if (kept > 0 && entries_[names_[kept - 1].entry].name == entries_[name.entry].name) {
      Name& first = names_[kept - 1];
      first.ambiguous = first.ambiguous || !same_content(entries_[first.entry], entries_[name.entry]);
    } else {
      names_[kept++] = name;
    }
  }
  names_.resize(kept);
}

bool ZipReader::same_content(const ZipEntry& a, const ZipEntry& b) const {
  return a.method == b.method && a.size == b.size && a.crc32 == b.crc32 && std::ranges::equal(raw(a), raw(b));
}

const ZipEntry* ZipReader::find(std::string_view name) const {
  const auto found = std::lower_bound(
      names_.begin(), names_.end(), name,
      [&](const Name& a, std::string_view wanted) { return entries_[a.entry].name < wanted; });
  if (found == names_.end() || entries_[found->entry].name != name) return nullptr;
  if (found->ambiguous) {
    fail(entries_[found->entry],
         "the archive holds several records of this name with different content, and which one counts "
         "depends on "
         "the reader. Save it again.");
  }
  return &entries_[found->entry];
}

const ZipEntry& ZipReader::at(std::string_view name) const {
  if (const ZipEntry* entry = find(name)) return *entry;
  throw LoadError(cat(quoted(label_, 1024), ": record ", quoted(name), " is not among its ", entries_.size(),
                      " records",
                      entries_.empty() ? "" : cat(", the first of which is ", quoted(entries_[0].name)),
                      ". The file is of another kind or incomplete."));
}

ZipRecord ZipReader::read(const ZipEntry& entry) const {
  if (entry.method == ZipMethod::kStored) {
    check_crc(entry);
    return ZipRecord(raw(entry));
  }
  std::vector<std::byte> inflated(entry.size);
  if (!Inflater().run(raw(entry), inflated)) {
    fail(entry, cat("its ", entry.compressed_size, " bytes do not inflate to the ", entry.size,
                    " bytes that it says it holds. Get the file again."));
  }
  if (crc_of(inflated) != entry.crc32) fail(entry, "its CRC is wrong. Get the file again.");
  return ZipRecord(std::move(inflated));
}

std::span<const std::byte> ZipReader::stored_bytes(const ZipEntry& entry) const {
  if (entry.method != ZipMethod::kStored) {
    fail(entry, "it is compressed, where only a stored record can be used in place.");
  }
  return raw(entry);
}

void ZipReader::check_crc(const ZipEntry& entry) const {
  if (crc_of(stored_bytes(entry)) != entry.crc32) fail(entry, "its CRC is wrong. Get the file again.");
}

std::span<const std::byte> ZipReader::raw(const ZipEntry& entry) const {
  return archive_.subspan(entry.data_offset, entry.compressed_size);
}

void ZipReader::fail(const ZipEntry& entry, std::string_view what) const {
  fail_zip_record(label_, entry.name, entry.header_offset, what);
}

}  // namespace calque
