#include "base/file.h"
#include "calque/error.h"
#include "formats/npz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  calque::StringSink sink;
  try {
    calque::write_npy(sink, calque::read_npy(bytes, "fuzz"));
  } catch (const calque::LoadError&) {
  }
  try {
    calque::write_npz(sink, calque::read_npz(bytes, "fuzz"));
  } catch (const calque::LoadError&) {
  }
  return 0;
}
