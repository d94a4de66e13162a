#include "tokenizers/vocab.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "base/text.h"
#include "calque/error.h"

namespace calque {

namespace {

constexpr size_t kMinSlots = 16;
constexpr uint32_t kMaxGaps = 1024;

}  // namespace

void Vocab::reserve(size_t tokens) {
  begin_.reserve(tokens + 1);
  ids_.reserve(tokens);
  rehash(std::bit_ceil(std::max(kMinSlots, tokens * 2)));
}

size_t Vocab::slot_of(std::string_view token) const {
  size_t slot = std::hash<std::string_view>()(token) & (slots_.size() - 1);
  while (slots_[slot] != kNone && this->token(slots_[slot]) != token) slot = (slot + 1) & (slots_.size() - 1);
  return slot;
}

void Vocab::rehash(size_t slots) {
  slots_.assign(slots, kNone);
  for (uint32_t index = 0; index < ids_.size(); ++index) slots_[slot_of(token(index))] = index;
}

void Vocab::add(std::string_view token, uint32_t id) {
  if (ids_.size() * 2 >= slots_.size()) rehash(std::max(kMinSlots, slots_.size() * 2));
  const size_t slot = slot_of(token);
  if (slots_[slot] != kNone) {
    ids_[slots_[slot]] = id;
    return;
  }
  slots_[slot] = static_cast<uint32_t>(ids_.size());
  text_ += token;
  begin_.push_back(text_.size());
  ids_.push_back(id);
}

void Vocab::finish() {
  const uint32_t max_id = ids_.empty() ? 0 : *std::max_element(ids_.begin(), ids_.end());
  const bool is_dense = max_id <= 2 * ids_.size() + kMaxGaps;
  if (is_dense) dense_.assign(size_t{max_id} + 1, kNone);
  for (uint32_t index = 0; index < ids_.size(); ++index) {
    uint32_t& entry = is_dense ? dense_[ids_[index]] : sparse_.try_emplace(ids_[index], kNone).first->second;
    if (entry != kNone) {
      throw LoadError(cat("Two tokens of the vocabulary have the id ", ids_[index], ": ",
                          quoted(token(entry)), " and ", quoted(token(index)),
                          ". Each token needs an id of its own."));
    }
    entry = index;
  }
}

uint32_t Vocab::find(std::string_view token) const { return slots_.empty() ? kNone : slots_[slot_of(token)]; }

uint32_t Vocab::find_id(uint32_t id) const {
  if (id < dense_.size()) return dense_[id];
  const auto found = sparse_.find(id);
  return found == sparse_.end() ? kNone : found->second;
}

std::optional<uint32_t> Vocab::token_to_id(std::string_view token) const {
  const uint32_t index = find(token);
  if (index == kNone) return std::nullopt;
  return ids_[index];
}

}  // namespace calque
