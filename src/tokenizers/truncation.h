// Cutting token sequences to a maximal length.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "calque/tokenizers.h"

namespace calque {

/// Tokens [begin, end) of a sequence.
struct TokenRange {
  size_t begin = 0;
  size_t end = 0;

  bool operator==(const TokenRange&) const = default;
};

struct TruncationOptions {
  TruncationStrategy strategy = TruncationStrategy::kDoNotTruncate;
  /// Tokens of the texts, special tokens not counted.
  size_t max_length = 0;
  size_t stride = 0;
  Side side = Side::kRight;
  /// Find the parts that are cut off, too.
  bool with_overflow = false;
};

/// For each of the texts, the part that stays, then the parts that were cut off.
struct TruncatedTexts {
  std::vector<TokenRange> first;
  std::vector<TokenRange> second;
};

/// Cuts a text of `first` tokens, or a pair, as `tokenizers` does. Throws ValueError when the strategy cannot
/// reach the length, or when the stride is not below the length of the cut text.
TruncatedTexts truncate(size_t first, std::optional<size_t> second, const TruncationOptions& options);

}  // namespace calque
