#include "torchscript/storage_reader.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/text.h"
#include "calque/error.h"

namespace calque::torchscript {

namespace {

bool is_aligned(const void* address, int64_t alignment) {
  return reinterpret_cast<uintptr_t>(address) % static_cast<uintptr_t>(alignment) == 0;
}

/// Size of the parts whose bytes are swapped: a complex number is two.
size_t swap_unit(ScalarType dtype) {
  const auto size = static_cast<size_t>(item_size(dtype));
  return is_complex(dtype) ? size / 2 : size;
}

}  // namespace

std::string shown_name(std::string_view name) {
  const bool plain =
      name.size() < 100 && std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  return plain ? std::string(name) : quoted(name);
}

Ref<Storage> StorageReader::read(const std::string& key, ScalarType dtype, int64_t numel) {
  if (numel == 0) return Storage::allocate(0);
  const std::string name = cat(archive_.root, folder_, key);
  const ZipEntry* entry = archive_.zip->find(name);
  if (entry == nullptr) {
    throw LoadError(
        cat(archive_.zip->label(), ": locating file ", folder_, shown_name(key), ": file not found"));
  }
  const std::optional<int64_t> nbytes = checked_mul<int64_t>(numel, item_size(dtype));
  if (!nbytes.has_value() || static_cast<uint64_t>(*nbytes) > entry->size) {
    throw LoadError(cat(archive_.zip->label(), ": record ", folder_, shown_name(key), " holds ", entry->size,
                        " bytes, but ", numel, " elements of ", dtype_name(dtype),
                        " were expected; the file is damaged or was made to deceive"));
  }
  const bool again = !read_.insert(key).second;
  const auto length = static_cast<size_t>(*nbytes);
  if (entry->method != ZipMethod::kStored) {
    const ZipRecord record = archive_.zip->read(*entry);
    return copy(record.bytes().first(length), dtype);
  }
  if (options_.verify_checksums) archive_.zip->check_crc(*entry);
  const std::span<const std::byte> bytes = archive_.zip->stored_bytes(*entry).first(length);
  const bool swapped = archive_.big_endian && item_size(dtype) > 1;
  if (again || swapped || !is_aligned(bytes.data(), item_size(dtype))) return copy(bytes, dtype);
  Ref<Storage> storage = Storage::borrow(const_cast<std::byte*>(bytes.data()), *nbytes, archive_.keeper);
  in_place_.push_back({.storage = storage, .record = cat(folder_, key), .crc32 = entry->crc32});
  return storage;
}

Ref<Storage> StorageReader::copy(std::span<const std::byte> bytes, ScalarType dtype) {
  const auto nbytes = static_cast<int64_t>(bytes.size());
  const std::optional<int64_t> total = checked_add<int64_t>(copied_, nbytes);
  if (!total.has_value() || *total > options_.max_memory) {
    throw LimitError(cat(archive_.zip->label(), ": the tensors of this archive need copies of more than ",
                         options_.max_memory,
                         " bytes; raise LoadOptions::max_memory when this is no accident"));
  }
  copied_ = *total;
  Ref<Storage> storage = Storage::allocate(nbytes);
  std::memcpy(storage->data(), bytes.data(), bytes.size());
  const size_t unit = swap_unit(dtype);
  if (archive_.big_endian && unit > 1) {
    for (size_t at = 0; at + unit <= bytes.size(); at += unit) {
      std::reverse(storage->data() + at, storage->data() + at + unit);
    }
  }
  return storage;
}

}  // namespace calque::torchscript
