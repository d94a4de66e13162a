// UTF-8: decoding, encoding and repair of text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace calque {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

/// Bytes of the character that starts with `lead`, in valid UTF-8.
inline size_t utf8_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

/// The character that starts at `p`, in valid UTF-8; `length` is set to its bytes.
inline char32_t decode_utf8(const char* p, size_t& length) {
  const auto byte = [p](int i) { return static_cast<char32_t>(static_cast<unsigned char>(p[i])); };
  length = utf8_length(*p);
  switch (length) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
    case 3:
      return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    default:
      return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
  }
}

/// Writes the UTF-8 form of `c` to `p`, which has room for 4 bytes; returns its length.
inline size_t encode_utf8(char32_t c, char* p) {
  const auto put = [p](int i, char32_t value) { p[i] = static_cast<char>(value); };
  if (c < 0x80) {
    put(0, c);
    return 1;
  }
  if (c < 0x800) {
    put(0, 0xC0 | c >> 6);
    put(1, 0x80 | (c & 0x3F));
    return 2;
  }
  if (c < 0x10000) {
    put(0, 0xE0 | c >> 12);
    put(1, 0x80 | (c >> 6 & 0x3F));
    put(2, 0x80 | (c & 0x3F));
    return 3;
  }
  put(0, 0xF0 | c >> 18);
  put(1, 0x80 | (c >> 12 & 0x3F));
  put(2, 0x80 | (c >> 6 & 0x3F));
  put(3, 0x80 | (c & 0x3F));
  return 4;
}

/// True for bytes that do not start a character.
inline bool is_utf8_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Index of the first byte that is not ASCII; text.size() when there is none.
size_t ascii_prefix(std::string_view text);

inline bool is_ascii(std::string_view text) { return ascii_prefix(text) == text.size(); }

/// Index of the first byte that is not part of valid UTF-8 (no surrogates, no overlong forms); text.size()
/// when all is valid.
size_t valid_utf8_prefix(std::string_view text);

inline bool is_valid_utf8(std::string_view text) { return valid_utf8_prefix(text) == text.size(); }

/// Valid UTF-8 made from any bytes as Python's `errors="replace"` does it: each maximal ill-formed part
/// becomes one U+FFFD (Unicode standard, section 3.9, "U+FFFD substitution of maximal subparts").
struct RepairedText {
  std::string text;
  /// For each byte of `text`, and one past the end, the byte of the source that it stands for.
  std::vector<uint32_t> source;
};
RepairedText repair_utf8(std::string_view text);

/// Number of characters of valid UTF-8.
size_t count_characters(std::string_view text);

}  // namespace calque
