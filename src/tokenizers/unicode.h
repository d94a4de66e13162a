// Properties of characters, with exactly the values that Hugging Face `tokenizers` 0.22.2 works with: a
// mixture of Unicode versions, see docs/adr/0003-unicode-tables.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace calque {

/// Bits of a character's properties; the same values as in tools/unicode/make_tables.py.
enum CharFlag : uint16_t {
  kCharRemoved = 1,         ///< Dropped by clean_text: control, format and private use, and U+FFFD.
  kCharWhitespace = 2,      ///< White_Space.
  kCharPunctuation = 4,     ///< Split off by the BERT pre-tokenizer.
  kCharNonspacingMark = 8,  ///< Dropped by strip_accents.
  kCharWord = 16,           ///< \w of regular expressions.
  kCharDecomposes = 32,     ///< Has a canonical decomposition.
  kCharLowercases = 64,     ///< Has a lower case of its own.
  kCharChinese = 128,       ///< Gets spaces around by handle_chinese_chars.
};

class UnicodeTables {
 public:
  /// The tables, expanded at the first call.
  static const UnicodeTables& get();

  /// CharFlag bits, and the canonical combining class above them.
  uint16_t properties(char32_t c) const { return blocks_[size_t{block_of_[c >> 8]} << 8 | (c & 0xFF)]; }

  bool has(char32_t c, CharFlag flag) const { return (properties(c) & flag) != 0; }

  static uint8_t combining_class(uint16_t properties) { return static_cast<uint8_t>(properties >> 8); }

  /// Full canonical decomposition of a character with kCharDecomposes, in at most 4 parts; `buffer` may hold
  /// them.
  std::span<const uint32_t> decomposition(char32_t c, std::array<uint32_t, 4>& buffer) const;

  /// Lower case of a character with kCharLowercases, in at most 2 parts; `buffer` holds them.
  std::span<const uint32_t> lowercase(char32_t c, std::array<uint32_t, 2>& buffer) const;

 private:
  UnicodeTables();

  std::array<uint16_t, 0x110000 / 256> block_of_{};
  std::vector<uint16_t> blocks_;
  std::vector<uint32_t> decomposing_;           // Ascending characters.
  std::vector<uint32_t> decomposition_offset_;  // Of the count, in the data.
};

}  // namespace calque
