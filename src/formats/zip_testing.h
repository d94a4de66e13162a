// For tests: ZIP archives built field by field, so that any field can lie.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/little_endian.h"

namespace calque::testing_support {

inline std::string deflated(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct FakeRecord {
  std::string name;
  std::string data;  ///< As it lies in the archive.
  uint16_t method = 0;
  uint16_t flags = 0;
  std::optional<uint32_t> size{};
  std::optional<uint32_t> compressed_size{};
  std::optional<uint32_t> crc{};
  std::optional<uint32_t> offset{};
  std::string local_extra{};
  std::string central_extra{};
  std::optional<std::string> local_name{};
  std::optional<uint16_t> local_method{};
  std::optional<uint16_t> local_flags{};
  std::optional<uint32_t> local_size{};
};

inline FakeRecord stored(std::string name, std::string data) { return {std::move(name), std::move(data)}; }

inline FakeRecord deflated_record(std::string name, const std::string& text) {
  FakeRecord record{std::move(name), deflated(text), 8};
  record.size = static_cast<uint32_t>(text.size());
  record.crc = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
  return record;
}

struct FakeEnd {
  std::optional<uint16_t> count{};
  std::optional<uint32_t> directory_size{};
  std::optional<uint32_t> directory_offset{};
  uint16_t disk = 0;
  std::string before{};  ///< Put between the directory and the end record.
  std::string after{};   ///< Put after the end record.
};

inline std::string fake_zip(const std::vector<FakeRecord>& records, const FakeEnd& end = {},
                            const std::string& prefix = "") {
  std::string out = prefix;
  std::string directory;
  for (const FakeRecord& record : records) {
    const auto offset = static_cast<uint32_t>(out.size());
    const auto length = static_cast<uint32_t>(record.data.size());
    const auto crc = record.crc.value_or(
        static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(record.data.data()), length)));
    const uint32_t size = record.size.value_or(length);
    const uint32_t compressed = record.compressed_size.value_or(length);
    const std::string local_name = record.local_name.value_or(record.name);
    append_le<uint32_t>(out, 0x04034b50);
    append_le<uint16_t>(out, 20);
    append_le<uint16_t>(out, record.local_flags.value_or(record.flags));
    append_le<uint16_t>(out, record.local_method.value_or(record.method));
    append_le<uint32_t>(out, 0);
    append_le<uint32_t>(out, crc);
    append_le<uint32_t>(out, record.local_size.value_or(compressed));
    append_le<uint32_t>(out, record.local_size.value_or(size));
    append_le<uint16_t>(out, static_cast<uint16_t>(local_name.size()));
    append_le<uint16_t>(out, static_cast<uint16_t>(record.local_extra.size()));
    out += local_name + record.local_extra + record.data;
    append_le<uint32_t>(directory, 0x02014b50);
    append_le<uint16_t>(directory, 20);
    append_le<uint16_t>(directory, 20);
    append_le<uint16_t>(directory, record.flags);
    append_le<uint16_t>(directory, record.method);
    append_le<uint32_t>(directory, 0);
    append_le<uint32_t>(directory, crc);
    append_le<uint32_t>(directory, compressed);
    append_le<uint32_t>(directory, size);
    append_le<uint16_t>(directory, static_cast<uint16_t>(record.name.size()));
    append_le<uint16_t>(directory, static_cast<uint16_t>(record.central_extra.size()));
    append_le<uint16_t>(directory, 0);
    append_le<uint16_t>(directory, 0);
    append_le<uint16_t>(directory, 0);
    append_le<uint32_t>(directory, 0);
    append_le<uint32_t>(directory, record.offset.value_or(offset));
    directory += record.name + record.central_extra;
  }
  const auto directory_offset = static_cast<uint32_t>(out.size());
  out += directory + end.before;
  const auto count = end.count.value_or(static_cast<uint16_t>(records.size()));
  append_le<uint32_t>(out, 0x06054b50);
  append_le<uint16_t>(out, end.disk);
  append_le<uint16_t>(out, end.disk);
  append_le<uint16_t>(out, count);
  append_le<uint16_t>(out, count);
  append_le<uint32_t>(out, end.directory_size.value_or(static_cast<uint32_t>(directory.size())));
  append_le<uint32_t>(out, end.directory_offset.value_or(directory_offset));
  append_le<uint16_t>(out, 0);
  return out + end.after;
}

}  // namespace calque::testing_support
