#include <cstdlib>

#include "base/file.h"
#include "calque/error.h"
#include "formats/pickle_reader.h"
#include "formats/pickle_writer.h"

namespace {

constexpr calque::PickleLimits kLimits{.memory_floor = 64 << 20};

}  // namespace

// What can be read can be written, and gives the same bytes from then on.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto value = calque::read_pickle({reinterpret_cast<const std::byte*>(data), size}, "fuzz", kLimits);
    const std::string once = calque::write_pickle(value);
    const std::string twice =
        calque::write_pickle(calque::read_pickle(calque::as_bytes(once), "fuzz", kLimits));
    if (once != twice) std::abort();
  } catch (const calque::LoadError&) {
    return 0;
  }
  return 0;
}
