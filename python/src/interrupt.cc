#include "interrupt.h"

#include <nanobind/nanobind.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

namespace calque::python {
namespace {

// Only the main thread runs inside a scope that changes the handler, so one of each is enough.
std::atomic<std::atomic<bool>*> g_running{nullptr};
std::atomic<bool> g_was_interrupted{false};
struct sigaction g_pythons;

void on_interrupt(int number, siginfo_t* info, void* context) {
  std::atomic<bool>* const running = g_running.load(std::memory_order_relaxed);
  if (running != nullptr) running->store(true, std::memory_order_relaxed);
  g_was_interrupted.store(true, std::memory_order_relaxed);
  if ((g_pythons.sa_flags & SA_SIGINFO) != 0) {
    g_pythons.sa_sigaction(number, info, context);
  } else {
    g_pythons.sa_handler(number);
  }
}

bool in_main_thread() { return gettid() == getpid(); }

}  // namespace

InterruptScope::InterruptScope(std::shared_ptr<std::atomic<bool>> flag) : flag_(std::move(flag)) {
  if (!in_main_thread() || sigaction(SIGINT, nullptr, &g_pythons) != 0) return;
  const bool handled = (g_pythons.sa_flags & SA_SIGINFO) != 0 ||
                       (g_pythons.sa_handler != SIG_DFL && g_pythons.sa_handler != SIG_IGN);
  if (!handled) return;
  if (flag_ == nullptr) {
    static const auto shared = std::make_shared<std::atomic<bool>>(false);
    shared->store(false, std::memory_order_relaxed);
    flag_ = shared;
  }
  g_was_interrupted.store(false, std::memory_order_relaxed);
  g_running.store(flag_.get(), std::memory_order_relaxed);
  struct sigaction ours = g_pythons;
  ours.sa_flags |= SA_SIGINFO;
  ours.sa_sigaction = on_interrupt;
  is_active_ = sigaction(SIGINT, &ours, nullptr) == 0;
}

InterruptScope::~InterruptScope() {
  if (!is_active_) return;
  sigaction(SIGINT, &g_pythons, nullptr);
  g_running.store(nullptr, std::memory_order_relaxed);
  if (g_was_interrupted.load(std::memory_order_relaxed)) flag_->store(false, std::memory_order_relaxed);
}

void raise_pending_signal() {
  if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
}

}  // namespace calque::python
