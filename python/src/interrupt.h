// Ctrl-C ends a run.
#pragma once

#include <atomic>
#include <memory>

namespace calque::python {

/// While it lives, SIGINT in the main thread of a program with Python's signal handling sets flag(), beside
/// what Python does with it. Elsewhere it does nothing and flag() is what was given.
class InterruptScope {
 public:
  /// `flag` is the caller's own, which is as it was afterwards; null makes one.
  explicit InterruptScope(std::shared_ptr<std::atomic<bool>> flag);
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  /// For RunOptions::cancel.
  const std::shared_ptr<std::atomic<bool>>& flag() const { return flag_; }

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
  bool is_active_ = false;
};

/// Call after CancelledError, with the GIL: throws KeyboardInterrupt when a signal is the reason.
void raise_pending_signal();

}  // namespace calque::python
