#include "tokenizers/utf8.h"

#include <cstring>

namespace calque {

namespace {

// Length of the well-formed character at the front of `text`, or 0; then `bad` is the length of the maximal
// part that is ill-formed (at least 1).
size_t well_formed_length(std::string_view text, size_t& bad) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  bad = 1;
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const size_t length = utf8_length(text[0]);
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (size_t i = 1; i < length; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high) {
      bad = i;
      return 0;
    }
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

}  // namespace

size_t ascii_prefix(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t block = 0;
    std::memcpy(&block, text.data() + i, 8);
    if ((block & 0x8080808080808080U) != 0) break;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80) ++i;
  return i;
}

size_t valid_utf8_prefix(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    i += ascii_prefix(text.substr(i));
    if (i == text.size()) break;
    size_t bad = 0;
    const size_t length = well_formed_length(text.substr(i), bad);
    if (length == 0) return i;
    i += length;
  }
  return i;
}

RepairedText repair_utf8(std::string_view text) {
  RepairedText out;
  out.text.reserve(text.size() + 16);
  out.source.reserve(text.size() + 17);
  size_t i = 0;
  while (i < text.size()) {
    size_t bad = 0;
    const size_t length = well_formed_length(text.substr(i), bad);
    if (length > 0) {
      for (size_t k = 0; k < length; ++k) out.source.push_back(static_cast<uint32_t>(i + k));
      out.text.append(text.substr(i, length));
      i += length;
      continue;
    }
    char replacement[4];
    const size_t written = encode_utf8(kReplacementCharacter, replacement);
    out.text.append(replacement, written);
    out.source.insert(out.source.end(), written, static_cast<uint32_t>(i));
    i += bad;
  }
  out.source.push_back(static_cast<uint32_t>(text.size()));
  return out;
}

size_t count_characters(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += is_utf8_continuation(c) ? 0 : 1;
  return count;
}

}  // namespace calque
