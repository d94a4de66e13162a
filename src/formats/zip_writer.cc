#include "formats/zip_writer.h"

#include <zlib.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/little_endian.h"
#include "formats/zip_directory.h"
#include "formats/zip_layout.h"

namespace calque {

namespace {

constexpr uint16_t kFlagUtf8 = 1u << 11;
constexpr uint16_t kVersionStored = 0;
constexpr uint16_t kVersionDeflated = 20;
constexpr size_t kLargestName = 0xffff;
constexpr size_t kSmallestDeflated = 4;

uint16_t version_for(ZipMethod method) {
  return method == ZipMethod::kStored ? kVersionStored : kVersionDeflated;
}

/// An empty record has no data descriptor.
uint16_t flags_for(uint64_t size) { return size > 0 ? kFlagUtf8 | kFlagDescriptor : kFlagUtf8; }

uint32_t clamp32(uint64_t value) { return static_cast<uint32_t>(std::min<uint64_t>(value, kSeeZip64)); }

/// Empty when all values fit in their 32-bit fields.
std::string zip64_extra(uint64_t size, uint64_t compressed_size, uint64_t offset) {
  std::string values;
  if (size >= kSeeZip64) {
    append_le<uint64_t>(values, size);
    append_le<uint64_t>(values, compressed_size);
  }
  if (offset >= kSeeZip64) append_le<uint64_t>(values, offset);
  if (values.empty()) return values;
  std::string extra;
  append_le<uint16_t>(extra, kZip64ExtraId);
  append_le<uint16_t>(extra, static_cast<uint16_t>(values.size()));
  return extra + values;
}

/// PyTorch's padding field: the bytes that bring `position`, behind this field's own four, to the alignment.
std::string padding_extra(uint64_t position) {
  const uint64_t start = position + 4;
  const uint64_t count = (ZipWriter::kAlignment - start % ZipWriter::kAlignment) % ZipWriter::kAlignment;
  std::string extra = "FB";
  append_le<uint16_t>(extra, static_cast<uint16_t>(count));
  return extra.append(count, 'Z');
}

std::string deflate_all(std::span<const std::byte> content) {
  z_stream stream{};
  check(content.size() < kSeeZip64, "a deflated record of 4 GiB or more");
  check(::deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK,
        "zlib could not start");
  std::string out(::deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = ::deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  ::deflateEnd(&stream);
  check(status == Z_STREAM_END, "zlib could not finish");
  return out;
}

uint32_t crc_update(uint32_t crc, std::span<const std::byte> bytes) {
  if (bytes.empty()) return crc;
  return static_cast<uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

void ZipWriter::put(std::span<const std::byte> bytes) {
  sink_.write(bytes);
  position_ += bytes.size();
}

void ZipWriter::put(std::string_view bytes) { put(as_bytes(bytes)); }

void ZipWriter::add(std::string_view name, std::span<const std::byte> content, ZipMethod method) {
  if (method == ZipMethod::kStored || content.size() < kSmallestDeflated) {
    begin(name, content.size());
    write(content);
    end();
    return;
  }
  open_record(name, content.size(), method);
  const std::string deflated = deflate_all(content);
  Record& record = records_.back();
  record.crc32 = crc_update(0, content);
  record.compressed_size = deflated.size();
  put(deflated);
  close_record();
}

void ZipWriter::begin(std::string_view name, uint64_t size) {
  open_record(name, size, ZipMethod::kStored);
  missing_ = size;
}

void ZipWriter::write(std::span<const std::byte> piece) {
  check(open_ && piece.size() <= missing_, "more content than the record's size");
  Record& record = records_.back();
  record.crc32 = crc_update(record.crc32, piece);
  record.compressed_size += piece.size();
  missing_ -= piece.size();
  put(piece);
}

uint32_t ZipWriter::end() {
  check(open_ && missing_ == 0, "less content than the record's size");
  close_record();
  return records_.back().crc32;
}

void ZipWriter::open_record(std::string_view name, uint64_t size, ZipMethod method) {
  check(!open_ && !finished_, "a record begins inside another or after the end");
  const std::string_view problem = zip_name_problem(name);
  if (!problem.empty())
    throw ValueError(cat("the record name ", quoted(name), " cannot be written: ", problem));
  if (name.size() > kLargestName)
    throw ValueError(cat("a record name of ", name.size(), " bytes is too long"));
  if (!names_.emplace(name).second) throw ValueError(cat("there are two records named ", quoted(name)));
  records_.push_back({std::string(name), method, 0, size, 0, position_});
  open_ = true;
  // PyTorch leaves the compressed size in the local ZIP64 field at 0.
  const std::string zip64 = zip64_extra(size, 0, position_);
  const std::string extra = zip64 + padding_extra(position_ + kLocalSize + name.size() + zip64.size());
  std::string header;
  append_le<uint32_t>(header, 0x04034b50);
  append_le<uint16_t>(header, version_for(method));
  append_le<uint16_t>(header, flags_for(size));
  append_le<uint16_t>(header, static_cast<uint16_t>(method));
  header.append(16, '\0');  // time, date, CRC and both sizes
  append_le<uint16_t>(header, static_cast<uint16_t>(name.size()));
  append_le<uint16_t>(header, static_cast<uint16_t>(extra.size()));
  header += name;
  header += extra;
  put(header);
}

void ZipWriter::close_record() {
  const Record& record = records_.back();
  open_ = false;
  if (record.size == 0) return;
  std::string descriptor;
  append_le<uint32_t>(descriptor, 0x08074b50);
  append_le<uint32_t>(descriptor, record.crc32);
  if (record.size >= kSeeZip64 || record.offset >= kSeeZip64) {
    append_le<uint64_t>(descriptor, record.compressed_size);
    append_le<uint64_t>(descriptor, record.size);
  } else {
    append_le<uint32_t>(descriptor, static_cast<uint32_t>(record.compressed_size));
    append_le<uint32_t>(descriptor, static_cast<uint32_t>(record.size));
  }
  put(descriptor);
}

void ZipWriter::finish() {
  check(!open_ && !finished_, "an archive ends inside a record or twice");
  finished_ = true;
  const uint64_t directory = position_;
  for (const Record& record : records_) write_directory_entry(record);
  write_end(directory);
}

void ZipWriter::write_directory_entry(const Record& record) {
  const std::string extra = zip64_extra(record.size, record.compressed_size, record.offset);
  const bool large = record.size >= kSeeZip64;
  std::string header;
  append_le<uint32_t>(header, 0x02014b50);
  append_le<uint16_t>(header, 0);
  append_le<uint16_t>(header, version_for(record.method));
  append_le<uint16_t>(header, flags_for(record.size));
  append_le<uint16_t>(header, static_cast<uint16_t>(record.method));
  append_le<uint32_t>(header, 0);  // time and date
  append_le<uint32_t>(header, record.crc32);
  append_le<uint32_t>(header, large ? kSeeZip64 : static_cast<uint32_t>(record.compressed_size));
  append_le<uint32_t>(header, clamp32(record.size));
  append_le<uint16_t>(header, static_cast<uint16_t>(record.name.size()));
  append_le<uint16_t>(header, static_cast<uint16_t>(extra.size()));
  header.append(10, '\0');  // comment length, disk, attributes
  append_le<uint32_t>(header, clamp32(record.offset));
  put(header + record.name + extra);
}

void ZipWriter::write_end(uint64_t directory) {
  const uint64_t size = position_ - directory;
  const uint64_t zip64_end = position_;
  std::string tail;
  append_le<uint32_t>(tail, 0x06064b50);
  append_le<uint64_t>(tail, 44);
  append_le<uint16_t>(tail, 0x031e);
  append_le<uint16_t>(tail, 45);
  append_le<uint64_t>(tail, 0);  // disks
  append_le<uint64_t>(tail, records_.size());
  append_le<uint64_t>(tail, records_.size());
  append_le<uint64_t>(tail, size);
  append_le<uint64_t>(tail, directory);
  append_le<uint32_t>(tail, 0x07064b50);
  append_le<uint32_t>(tail, 0);
  append_le<uint64_t>(tail, zip64_end);
  append_le<uint32_t>(tail, 1);
  append_le<uint32_t>(tail, 0x06054b50);
  append_le<uint32_t>(tail, 0);  // disks
  append_le<uint16_t>(tail, static_cast<uint16_t>(std::min<uint64_t>(records_.size(), 0xffff)));
  append_le<uint16_t>(tail, static_cast<uint16_t>(std::min<uint64_t>(records_.size(), 0xffff)));
  append_le<uint32_t>(tail, clamp32(size));
  append_le<uint32_t>(tail, clamp32(directory));
  append_le<uint16_t>(tail, 0);
  put(tail);
}

}  // namespace calque
