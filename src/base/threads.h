// The one thread pool: parallel_for over index ranges.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

#include "calque/threads.h"

namespace calque {

class TaskRunner;

/// Runs loops on the calling thread and up to num_threads() - 1 workers.
///
/// - Workers start at the first loop that needs them, spin for some tens of microseconds after a loop, then
/// sleep. A TaskRunner takes their place.
/// - A loop inside a loop, and a loop started while another thread's loop has the workers, runs inline in its
/// caller:
///   every caller makes progress.
/// - An exception thrown by the body stops the loop early and is rethrown in the caller; when there are
/// several, one of them.
/// - After fork() the child starts workers of its own at its first loop. A child forked inside a loop body
/// must exec or
///   _exit there; if it returns into a loop of its own thread, the loop throws RuntimeError, as its workers
///   are gone.
class ThreadPool {
 public:
  /// `threads` counts the caller. Must be in 1..kMaxThreads.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  static constexpr int kMaxThreads = 1024;

  /// The pool of set_num_threads(); never destroyed.
  static ThreadPool& global();

  int num_threads() const { return threads_.load(std::memory_order_relaxed); }

  /// Waits for the loop under way. Throws RuntimeError inside a loop body.
  void set_num_threads(int threads);

  /// As the functions of calque/thread_pool.h, which are those of the global pool.
  void set_task_runner(std::shared_ptr<TaskRunner> runner);
  void set_affinity(const std::vector<int>& cpus);
  std::vector<int> affinity();
  void set_spin_time(std::chrono::microseconds time);

  /// Calls fn(lo, hi) for disjoint ranges that cover [begin, end), each at most `grain` (>= 1) long and,
  /// except the last, exactly so. Runs them in any order on any thread, and returns when all are done. fn
  /// must not depend on which thread runs it.
  template <class F>
  void parallel_for(int64_t begin, int64_t end, int64_t grain, F&& fn) {
    using Body = std::remove_reference_t<F>;
    run({.call = [](void* body, int64_t lo, int64_t hi) { (*static_cast<Body*>(body))(lo, hi); },
         .body = const_cast<void*>(static_cast<const void*>(&fn)),
         .begin = begin,
         .end = end,
         .grain = grain});
  }

  /// True in the body of a parallel_for, of any pool.
  static bool in_parallel();

 private:
  struct Loop {
    void (*call)(void* body, int64_t lo, int64_t hi);
    void* body;
    int64_t begin;
    int64_t end;
    int64_t grain;
  };
  class LoopParts;
  class RunnerLoop;
  class Workers;

  void run(const Loop& loop);
  bool run_by_runner(const Loop& loop, int threads);
  Workers& workers();
  void stop_workers();
  static void run_inline(const Loop& loop);

  std::atomic<int> threads_;
  std::atomic<Workers*> workers_;
  std::atomic<std::chrono::microseconds> spin_time_;
  std::atomic<TaskRunner*> runner_{nullptr};
  std::atomic<int> runner_loops_{0};  ///< loops that may have seen runner_
  std::mutex settings_;               ///< guards what follows
  std::shared_ptr<TaskRunner> kept_runner_;
  std::vector<int> cpus_;
};

/// parallel_for on the global pool.
template <class F>
void parallel_for(int64_t begin, int64_t end, int64_t grain, F&& fn) {
  ThreadPool::global().parallel_for(begin, end, grain, static_cast<F&&>(fn));
}

}  // namespace calque
