#include <cstdlib>

#include "base/file.h"
#include "calque/error.h"
#include "formats/json.h"
#include "formats/json_writer.h"

// What can be read can be written, and gives the same text from then on.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const std::string once = calque::to_json_text(calque::parse_json(text, "fuzz").json(), {.indent = 1});
    const std::string twice = calque::to_json_text(calque::parse_json(once, "fuzz").json(), {.indent = 1});
    if (once != twice) std::abort();
  } catch (const calque::LoadError&) {
    return 0;
  }
  return 0;
}
