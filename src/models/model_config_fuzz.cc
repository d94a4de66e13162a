#include <cstdint>
#include <string_view>

#include "calque/error.h"
#include "formats/json.h"
#include "models/registry.h"

// A config.json of any content gives a model without weights, or a typed error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const calque::JsonRef config = calque::parse_json(text, "config.json");
    calque::models::plain_model("bert").build(config, {});
    calque::models::find_model("BertForPreTraining").build(config, {});
  } catch (const calque::Error&) {
    return 0;
  }
  return 0;
}
