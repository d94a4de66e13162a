#include <algorithm>

#include "base/text.h"
#include "calque/error.h"
#include "formats/json_writer.h"
#include "formats/little_endian.h"
#include "formats/safetensors.h"
#include "formats/safetensors_dtype.h"

namespace calque {

namespace {

void check_items(std::span<const SafetensorsItem* const> sorted_by_name) {
  const SafetensorsItem* previous = nullptr;
  for (const SafetensorsItem* item : sorted_by_name) {
    const SafetensorsDtype* dtype = find_safetensors_dtype(item->dtype);
    if (dtype == nullptr) throw ValueError(cat(quoted(item->dtype), " is no safetensors dtype"));
    if (item->name == kSafetensorsMetadataKey) throw ValueError("a tensor cannot be named \"__metadata__\"");
    if (previous != nullptr && previous->name == item->name) {
      throw ValueError(cat("two tensors are named ", quoted(item->name)));
    }
    if (safetensors_data_size(*dtype, item->shape) != item->data.size()) {
      throw ValueError(cat("tensor ", quoted(item->name), " has ", item->data.size(),
                           " bytes, which do not agree with its dtype ", item->dtype, " and shape ",
                           std::span<const int64_t>(item->shape)));
    }
    previous = item;
  }
}

std::vector<const SafetensorsItem*> in_file_order(std::span<const SafetensorsItem> items) {
  std::vector<const SafetensorsItem*> order;
  for (const SafetensorsItem& item : items) order.push_back(&item);
  std::sort(order.begin(), order.end(),
            [](const SafetensorsItem* a, const SafetensorsItem* b) { return a->name < b->name; });
  check_items(order);
  std::sort(order.begin(), order.end(), [](const SafetensorsItem* a, const SafetensorsItem* b) {
    // Larger elements first: the later row of the table.
    const auto* const row_a = find_safetensors_dtype(a->dtype);
    const auto* const row_b = find_safetensors_dtype(b->dtype);
    return row_a != row_b ? row_a > row_b : a->name < b->name;
  });
  return order;
}

std::string header_of(std::span<const SafetensorsItem* const> order, const SafetensorsMetadata& metadata) {
  JsonWriter json;
  json.begin_object();
  if (!metadata.empty()) {
    json.key(kSafetensorsMetadataKey);
    json.begin_object();
    for (const auto& [key, value] : metadata) {
      json.key(key);
      json.string(value);
    }
    json.end_object();
  }
  int64_t offset = 0;
  for (const SafetensorsItem* item : order) {
    json.key(item->name);
    json.begin_object();
    json.key("dtype");
    json.string(item->dtype);
    json.key("shape");
    json.begin_array();
    for (const int64_t size : item->shape) json.integer(size);
    json.end_array();
    json.key("data_offsets");
    json.begin_array();
    json.integer(offset);
    offset += static_cast<int64_t>(item->data.size());
    json.integer(offset);
    json.end_array();
    json.end_object();
  }
  json.end_object();
  std::string header = json.finish();
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return header;
}

}  // namespace

void write_safetensors(ByteSink& sink, std::span<const SafetensorsItem> items,
                       const SafetensorsMetadata& metadata) {
  const auto order = in_file_order(items);
  const std::string header = header_of(order, metadata);
  std::string length;
  append_le<uint64_t>(length, header.size());
  sink.write(length);
  sink.write(header);
  for (const SafetensorsItem* item : order) sink.write(item->data);
}

}  // namespace calque
