#include "base/threads.h"

#include <pthread.h>
#include <signal.h>

#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/cpu.h"
#include "base/cpu_count.h"
#include "base/log.h"
#include "base/text.h"
#include "calque/error.h"

namespace calque {

namespace {

constexpr int kSpins = 1500;  // some tens of microseconds: longer than the gap between two loops of one model
thread_local bool t_in_parallel = false;

// How often this process has been forked away from its parent's threads.
std::atomic<uint32_t> g_forks{0};

void count_fork() { g_forks.fetch_add(1, std::memory_order_relaxed); }

uint32_t fork_count() {
  static const int registered = pthread_atfork(nullptr, nullptr, count_fork);
  (void)registered;
  return g_forks.load(std::memory_order_relaxed);
}

class ParallelScope {
 public:
  ParallelScope() : outer_(t_in_parallel) { t_in_parallel = true; }
  ~ParallelScope() { t_in_parallel = outer_; }
  ParallelScope(const ParallelScope&) = delete;
  ParallelScope& operator=(const ParallelScope&) = delete;

 private:
  bool outer_;
};

// Signals meant for the program must reach its own threads.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &old_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t old_;
};

}  // namespace

// The threads of one pool in one process. `gate_` says who is inside the loop: bit 31 is set while the loop
// takes helpers, the low bits count the workers in it. A worker enters only through an open gate, so one that
// wakes late never sees a loop that is over; the caller closes the gate, waits for the count to reach zero,
// and only then may the next loop be written.
class ThreadPool::Workers {
 public:
  Workers(uint32_t forks, Workers* lost) : forks_(forks), lost_(lost) {}
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  uint32_t forks() const { return forks_; }

  // False, without having done anything, when another caller's loop has the workers.
  bool try_run(const Loop& loop, int threads) {
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    const int64_t chunks = (loop.end - loop.begin - 1) / loop.grain + 1;
    const int helpers = static_cast<int>(chunks < threads ? chunks : threads) - 1;
    start(threads - 1);
    open(loop, helpers);
    {
      const ParallelScope scope;
      work();
    }
    close();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    return true;
  }

  // Waits for the loop under way, then ends all threads; the next loop starts as many as it needs.
  void stop() {
    const std::lock_guard lock(mutex_);
    stop_.store(true, std::memory_order_relaxed);
    ring(static_cast<int>(threads_.size()));
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    stop_.store(false, std::memory_order_relaxed);
  }

 private:
  static constexpr uint32_t kOpen = 1U << 31;

  void start(int count) {
    if (static_cast<int>(threads_.size()) >= count || start_failed_) return;
    const BlockedSignals blocked;
    try {
      threads_.reserve(static_cast<size_t>(count));
      while (static_cast<int>(threads_.size()) < count) {
        threads_.emplace_back([this, seen = bell_.load(std::memory_order_relaxed)] { serve(seen); });
      }
    } catch (const std::system_error& error) {
      start_failed_ = true;
      log_line("threads",
               cat("only ", threads_.size() + 1, " threads instead of ", count + 1, ": ", error.what()));
    }
  }

  void open(const Loop& loop, int helpers) {
    loop_ = loop;
    next_.store(loop.begin, std::memory_order_relaxed);
    failed_.store(false, std::memory_order_relaxed);
    gate_.store(kOpen, std::memory_order_release);
    ring(helpers);
  }

  void ring(int helpers) {
    bell_.fetch_add(1, std::memory_order_release);
    if (helpers >= static_cast<int>(threads_.size())) {
      bell_.notify_all();
      return;
    }
    for (int i = 0; i < helpers; ++i) bell_.notify_one();
  }

  void close() {
    uint32_t inside = gate_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
    for (int spin = 0; inside != 0; ++spin) {
      if (g_forks.load(std::memory_order_relaxed) != forks_) {
        throw RuntimeError(
            "the process was forked inside a parallel loop and the child returned into it; its threads are "
            "gone. "
            "Expected the child to call exec or _exit there. Fork outside of parallel work instead.");
      }
      if (spin < kSpins) {
        spin_pause();
      } else {
        gate_.wait(inside, std::memory_order_acquire);
      }
      inside = gate_.load(std::memory_order_acquire);
    }
  }

  void serve(uint32_t seen) {
    t_in_parallel = true;
    while (true) {
      seen = await_bell(seen);
      if (stop_.load(std::memory_order_relaxed)) return;
      if (!enter()) continue;
      work();
      if (gate_.fetch_sub(1, std::memory_order_acq_rel) == 1) gate_.notify_one();
    }
  }

  uint32_t await_bell(uint32_t seen) {
    for (int spin = 0; spin < kSpins; ++spin) {
      const uint32_t now = bell_.load(std::memory_order_acquire);
      if (now != seen) return now;
      spin_pause();
    }
    bell_.wait(seen, std::memory_order_acquire);
    return bell_.load(std::memory_order_acquire);
  }

  bool enter() {
    uint32_t gate = gate_.load(std::memory_order_acquire);
    while ((gate & kOpen) != 0) {
      if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel, std::memory_order_acquire))
        return true;
    }
    return false;
  }

  void work() {
    const Loop& loop = loop_;
    while (true) {
      const int64_t lo = next_.fetch_add(loop.grain, std::memory_order_relaxed);
      if (lo >= loop.end) return;
      const int64_t hi = loop.end - lo > loop.grain ? lo + loop.grain : loop.end;
      try {
        loop.call(loop.body, lo, hi);
      } catch (...) {
        if (!failed_.exchange(true, std::memory_order_acq_rel)) error_ = std::current_exception();
        next_.store(loop.end, std::memory_order_relaxed);
        return;
      }
    }
  }

  const uint32_t forks_;
  [[maybe_unused]] Workers* const lost_;  // the parent process's workers: kept reachable, never touched
  std::mutex mutex_;                      // held by the one caller whose loop runs
  std::vector<std::thread> threads_;
  bool start_failed_ = false;
  Loop loop_{};
  std::exception_ptr error_;
  std::atomic<bool> failed_{false};
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<uint32_t> bell_{0};
  alignas(64) std::atomic<uint32_t> gate_{0};
  alignas(64) std::atomic<int64_t> next_{0};
};

ThreadPool::ThreadPool(int threads) : threads_(threads), workers_(new Workers(fork_count(), nullptr)) {
  check(threads >= 1 && threads <= kMaxThreads, "ThreadPool: thread count out of range");
}

// The child of a fork leaves the parent's workers alone: it cannot join threads that it does not have.
ThreadPool::~ThreadPool() {
  Workers* const workers = workers_.load();
  if (workers->forks() == fork_count()) delete workers;
}

ThreadPool& ThreadPool::global() {
  static ThreadPool* const pool = new ThreadPool(default_num_threads());
  return *pool;
}

bool ThreadPool::in_parallel() { return t_in_parallel; }

void ThreadPool::set_num_threads(int threads) {
  if (t_in_parallel) {
    throw RuntimeError(
        "set_num_threads was called from inside parallel work; call it from the program's own thread");
  }
  check(threads >= 1 && threads <= kMaxThreads, "ThreadPool: thread count out of range");
  threads_.store(threads, std::memory_order_relaxed);
  workers().stop();
}

ThreadPool::Workers& ThreadPool::workers() {
  const uint32_t forks = fork_count();
  Workers* current = workers_.load(std::memory_order_acquire);
  if (current->forks() == forks) [[likely]]
    return *current;
  auto* fresh = new Workers(forks, current);
  if (workers_.compare_exchange_strong(current, fresh, std::memory_order_acq_rel)) return *fresh;
  delete fresh;
  return *current;
}

void ThreadPool::run(const Loop& loop) {
  if (loop.begin >= loop.end) return;
  check(loop.grain >= 1, "parallel_for: grain must be at least 1");
  const int threads = num_threads();
  const bool one_chunk = loop.end - loop.begin <= loop.grain;
  if (one_chunk || threads == 1 || t_in_parallel || !workers().try_run(loop, threads)) run_inline(loop);
}

void ThreadPool::run_inline(const Loop& loop) {
  for (int64_t lo = loop.begin; lo < loop.end; lo += loop.grain) {
    loop.call(loop.body, lo, loop.end - lo > loop.grain ? lo + loop.grain : loop.end);
  }
}

void set_num_threads(int threads) {
  if (threads < 1 || threads > ThreadPool::kMaxThreads) {
    throw ValueError(
        cat("set_num_threads: found ", threads, ", expected a number in 1..", ThreadPool::kMaxThreads));
  }
  ThreadPool::global().set_num_threads(threads);
}

int get_num_threads() { return ThreadPool::global().num_threads(); }

}  // namespace calque
