// Waiting without sleeping.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/cpu.h"

namespace calque {

/// Pauses until its time is over.
class Spinner {
 public:
  explicit Spinner(std::chrono::microseconds time) : time_(time) {}

  /// False, without a pause, when the time is over.
  bool pause() {
    if (pauses_ % kPausesPerLook == 0) {
      const Clock::time_point now = Clock::now();
      if (pauses_ == 0) end_ = now + time_;
      if (now >= end_) return false;
    }
    ++pauses_;
    spin_pause();
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int64_t kPausesPerLook = 16;  // a look takes as long as two pauses
  std::chrono::microseconds time_;
  Clock::time_point end_;
  int64_t pauses_ = 0;
};

}  // namespace calque
