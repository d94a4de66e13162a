// The tokens of a model, and their ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace calque {

/// Tokens are numbered by index in the order they were added; ids may have gaps. A token that is added again
/// takes the new id.
class Vocab {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  void reserve(size_t tokens);
  void add(std::string_view token, uint32_t id);
  /// To be called once, after the last add(). Throws LoadError when two tokens have the same id.
  void finish();

  size_t size() const { return ids_.size(); }
  /// Bytes of all tokens together.
  size_t byte_size() const { return text_.size(); }
  std::string_view token(uint32_t index) const {
    return std::string_view(text_).substr(begin_[index], begin_[index + 1] - begin_[index]);
  }
  uint32_t id(uint32_t index) const { return ids_[index]; }

  /// Index of `token`, or kNone.
  uint32_t find(std::string_view token) const;
  /// Index of the token with `id`, or kNone.
  uint32_t find_id(uint32_t id) const;
  std::optional<uint32_t> token_to_id(std::string_view token) const;

 private:
  size_t slot_of(std::string_view token) const;
  void rehash(size_t slots);

  std::string text_;
  std::vector<size_t> begin_ = {0};
  std::vector<uint32_t> ids_;
  std::vector<uint32_t> slots_;                    // Open addressing: indices, or kNone.
  std::vector<uint32_t> dense_;                    // By id, when ids are mostly without gaps.
  std::unordered_map<uint32_t, uint32_t> sparse_;  // By id otherwise.
};

}  // namespace calque
