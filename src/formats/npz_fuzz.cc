#include "base/file.h"
#include "calque/error.h"
#include "formats/npz.h"

namespace {

void read_and_write_npy(std::span<const std::byte> bytes) {
  try {
    calque::StringSink sink;
    calque::write_npy(sink, calque::read_npy(bytes, "fuzz"));
  } catch (const calque::LoadError&) {
    return;
  }
}

void read_and_write_npz(std::span<const std::byte> bytes) {
  try {
    calque::StringSink sink;
    calque::write_npz(sink, calque::read_npz(bytes, "fuzz"));
  } catch (const calque::LoadError&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  read_and_write_npy(bytes);
  read_and_write_npz(bytes);
  return 0;
}
