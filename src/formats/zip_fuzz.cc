#include "base/file.h"
#include "calque/error.h"
#include "formats/archive_kind.h"
#include "formats/zip_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const calque::ZipReader zip({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    calque::archive_kind(zip);
    for (const calque::ZipEntry& entry : zip.entries()) {
      try {
        zip.find(entry.name);
        zip.read(entry);
      } catch (const calque::LoadError&) {
        continue;
      }
    }
  } catch (const calque::LoadError&) {
    return 0;
  }
  return 0;
}
