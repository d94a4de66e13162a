#include "tokenizers/truncation.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/text.h"

namespace calque {

namespace {

// Parts of a sequence of `length` tokens that is cut to `max_length`: the part that stays first.
std::vector<TokenRange> cut(size_t length, size_t max_length, const TruncationOptions& options) {
  if (max_length >= length) return {{0, length}};
  if (max_length == 0) {
    if (!options.with_overflow) return {{0, 0}};
    return {{0, 0}, {0, length}};
  }
  if (options.stride >= max_length) {
    throw ValueError(
        cat("`stride` must be strictly less than `max_len=", max_length,
            "` (note that `max_len` may be shorter than the max length of the original model, as it "
            "subtracts the number of special characters); found stride ",
            options.stride, ". Use a smaller stride or a larger max_length."));
  }
  std::vector<TokenRange> parts;
  const size_t step = max_length - options.stride;
  for (size_t at = 0; at < length; at += step) {
    const size_t size = std::min(max_length, length - at);
    const bool from_right = options.side == Side::kRight;
    parts.push_back(from_right ? TokenRange{at, at + size} : TokenRange{length - at - size, length - at});
    if (at + size == length || !options.with_overflow) break;
  }
  return parts;
}

// Lengths that the longest-first strategy leaves of a pair.
std::pair<size_t, size_t> longest_first(size_t first, size_t second, size_t max_length) {
  const bool swapped = first > second;
  size_t shorter = std::min(first, second);
  size_t longer = shorter > max_length ? shorter : std::max(shorter, max_length - shorter);
  if (shorter + longer > max_length) {
    shorter = max_length / 2;
    longer = shorter + max_length % 2;
  }
  return swapped ? std::pair(longer, shorter) : std::pair(shorter, longer);
}

}  // namespace

TruncatedTexts truncate(size_t first, std::optional<size_t> second, const TruncationOptions& options) {
  const size_t total = first + second.value_or(0);
  size_t keep_first = first;
  size_t keep_second = second.value_or(0);
  if (options.strategy == TruncationStrategy::kDoNotTruncate ||
      (total <= options.max_length && options.max_length > 0)) {
    return {{{0, keep_first}}, {{0, keep_second}}};
  }
  if (options.max_length == 0) {
    keep_first = 0;
    keep_second = 0;
  } else if (options.strategy == TruncationStrategy::kLongestFirst) {
    if (second) {
      std::tie(keep_first, keep_second) = longest_first(first, *second, options.max_length);
    } else {
      keep_first = options.max_length;
    }
  } else {
    const bool is_first = options.strategy == TruncationStrategy::kOnlyFirst;
    if (!is_first && !second) throw ValueError("Truncation error: Second sequence not provided");
    size_t& keep = is_first ? keep_first : keep_second;
    const size_t to_remove = total - options.max_length;
    if (keep <= to_remove) {
      throw ValueError(
          cat("Truncation error: Sequence to truncate too short to respect the provided max_length: it has ",
              keep, " tokens, and ", to_remove,
              " must go. Use a larger max_length, or the longest_first strategy."));
    }
    keep -= to_remove;
  }
  TruncatedTexts out;
  out.first = cut(first, keep_first, options);
  out.second = cut(second.value_or(0), keep_second, options);
  return out;
}

}  // namespace calque
