// Walks over run-time values that end: a program can nest values without bound, put them into themselves, and
// share them so that they unfold to more than any memory holds.
#pragma once

namespace calque {

/// Stands in each call that looks into a tuple, list or dict. LimitError when the walks of this thread are
/// nested deeper than kMostLevels, or meet more than kMostContainers since the outermost began.
class ValueWalk {
 public:
  static constexpr int kMostLevels = 1000;
  static constexpr int kMostContainers = 10'000'000;

  ValueWalk();
  ~ValueWalk();
  ValueWalk(const ValueWalk&) = delete;
  ValueWalk& operator=(const ValueWalk&) = delete;
};

}  // namespace calque
