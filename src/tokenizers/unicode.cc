#include "tokenizers/unicode.h"

#include <algorithm>
#include <map>

#include "base/check.h"

namespace calque {

namespace {

#include "tokenizers/unicode_data.inc"

constexpr size_t kBlockSize = 256;
constexpr char32_t kCapitalIWithDot = 0x0130;

// Hangul syllables decompose by arithmetic (Unicode standard, section 3.12).
constexpr char32_t kFirstSyllable = 0xAC00;
constexpr char32_t kLastSyllable = 0xD7A3;
constexpr uint32_t kFirstLeadingJamo = 0x1100;
constexpr uint32_t kFirstVowelJamo = 0x1161;
constexpr uint32_t kBeforeTrailingJamo = 0x11A7;
constexpr uint32_t kVowelCount = 21;
constexpr uint32_t kTrailingCount = 28;

size_t decompose_syllable(char32_t c, std::array<uint32_t, 4>& parts) {
  const uint32_t index = c - kFirstSyllable;
  const uint32_t trailing = index % kTrailingCount;
  parts[0] = kFirstLeadingJamo + index / (kVowelCount * kTrailingCount);
  parts[1] = kFirstVowelJamo + index % (kVowelCount * kTrailingCount) / kTrailingCount;
  parts[2] = kBeforeTrailingJamo + trailing;
  return trailing == 0 ? 2 : 3;
}

}  // namespace

const UnicodeTables& UnicodeTables::get() {
  static const UnicodeTables tables;
  return tables;
}

UnicodeTables::UnicodeTables() {
  std::map<uint16_t, uint16_t> uniform_blocks;
  std::array<uint16_t, kBlockSize> block{};
  size_t run = 0;
  uint32_t left = kPropertyRuns[0];
  for (uint16_t& index : block_of_) {
    for (uint16_t& value : block) {
      while (left == 0) {
        run += 2;
        left = kPropertyRuns[run];
      }
      value = static_cast<uint16_t>(kPropertyRuns[run + 1]);
      --left;
    }
    const auto next = static_cast<uint16_t>(blocks_.size() / kBlockSize);
    const bool uniform = std::all_of(block.begin(), block.end(), [&](uint16_t v) { return v == block[0]; });
    index = uniform ? uniform_blocks.try_emplace(block[0], next).first->second : next;
    if (index == next) blocks_.insert(blocks_.end(), block.begin(), block.end());
  }
  for (size_t i = 0; i < std::size(kDecompositions); i += 2 + kDecompositions[i + 1]) {
    decomposing_.push_back(kDecompositions[i]);
    decomposition_offset_.push_back(static_cast<uint32_t>(i + 1));
  }
}

std::span<const uint32_t> UnicodeTables::decomposition(char32_t c, std::array<uint32_t, 4>& buffer) const {
  if (c >= kFirstSyllable && c <= kLastSyllable) return {buffer.data(), decompose_syllable(c, buffer)};
  const auto found = std::lower_bound(decomposing_.begin(), decomposing_.end(), static_cast<uint32_t>(c));
  check(found != decomposing_.end() && *found == c, "character without a decomposition");
  const size_t offset = decomposition_offset_[static_cast<size_t>(found - decomposing_.begin())];
  return {&kDecompositions[offset + 1], kDecompositions[offset]};
}

std::span<const uint32_t> UnicodeTables::lowercase(char32_t c, std::array<uint32_t, 2>& buffer) const {
  if (c == kCapitalIWithDot) {
    buffer = {U'i', 0x0307};
    return buffer;
  }
  constexpr size_t kGroups = std::size(kLowercaseRuns) / 4;
  size_t low = 0;
  size_t high = kGroups;
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    (static_cast<int32_t>(c) < kLowercaseRuns[4 * middle] ? high : low) = middle;
  }
  buffer[0] = static_cast<uint32_t>(static_cast<int32_t>(c) + kLowercaseRuns[4 * low + 3]);
  return {buffer.data(), 1};
}

}  // namespace calque
