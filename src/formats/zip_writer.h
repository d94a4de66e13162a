// ZIP archives laid out byte for byte as PyTorch lays them out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "formats/zip_reader.h"

namespace calque {

/// Writes records one after the other, without going back and without a copy of stored content. The same
/// calls give the same bytes. Each record's content begins at a multiple of 64 bytes, as PyTorch's does.
///
/// Content is described after the data (data descriptor), so a record can be written piece by piece. ZIP64
/// fields appear where sizes or offsets need them; the ZIP64 end record is always there.
class ZipWriter {
 public:
  static constexpr uint64_t kAlignment = 64;

  /// `sink` must outlive the writer and be at its beginning.
  explicit ZipWriter(ByteSink& sink) : sink_(sink) {}

  /// One whole record. Throws ValueError for a name that is taken or that ZipReader would refuse.
  /// Content of up to 3 bytes is stored in any case.
  void add(std::string_view name, std::span<const std::byte> content, ZipMethod method = ZipMethod::kStored);
  void add(std::string_view name, std::string_view content, ZipMethod method = ZipMethod::kStored) {
    add(name, as_bytes(content), method);
  }

  /// A stored record of `size` bytes in pieces: begin, write until `size` bytes are there, end, which gives
  /// their CRC-32.
  void begin(std::string_view name, uint64_t size);
  void write(std::span<const std::byte> piece);
  uint32_t end();

  /// Writes the directory. The archive is complete; nothing can be added.
  void finish();

  /// Bytes written so far.
  uint64_t position() const { return position_; }

 private:
  struct Record {
    std::string name;
    ZipMethod method;
    uint32_t crc32;
    uint64_t size;
    uint64_t compressed_size;
    uint64_t offset;
  };

  void open_record(std::string_view name, uint64_t size, ZipMethod method);
  void close_record();
  void write_directory_entry(const Record& record);
  void write_end(uint64_t directory);
  void put(std::string_view bytes);
  void put(std::span<const std::byte> bytes);

  ByteSink& sink_;
  uint64_t position_ = 0;
  std::vector<Record> records_;
  std::set<std::string, std::less<>> names_;
  uint64_t missing_ = 0;  // of the open record's content
  bool open_ = false;
  bool finished_ = false;
};

}  // namespace calque
