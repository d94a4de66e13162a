// Any text as a source, in both dialects.
#include <cstddef>
#include <cstdint>
#include <string>

#include "calque/error.h"
#include "torchscript/source_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace calque::torchscript;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const Dialect dialect = data[0] % 2 == 0 ? Dialect::kArchive : Dialect::kScript;
  try {
    parse_source({.name = std::make_shared<const std::string>("f.py"), .text = text, .dialect = dialect});
  } catch (const calque::LoadError&) {
  }
  return 0;
}
