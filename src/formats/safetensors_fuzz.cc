#include <cstdlib>

#include "base/file.h"
#include "calque/error.h"
#include "formats/safetensors.h"

// What can be read can be written, and read again with the same tensors.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const calque::SafetensorsReader reader({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    std::vector<calque::SafetensorsItem> items;
    for (const calque::SafetensorsTensor& tensor : reader.tensors()) {
      items.push_back({tensor.name, std::string(tensor.dtype), tensor.shape, tensor.data});
    }
    calque::StringSink sink;
    calque::write_safetensors(sink, items, reader.metadata());
    const calque::SafetensorsReader again(calque::as_bytes(sink.text()), "fuzz");
    for (const calque::SafetensorsTensor& tensor : reader.tensors()) {
      if (calque::as_text(again.at(tensor.name).data) != calque::as_text(tensor.data)) std::abort();
    }
  } catch (const calque::LoadError&) {
    return 0;
  } catch (const calque::ValueError&) {
    std::abort();
  }
  return 0;
}
