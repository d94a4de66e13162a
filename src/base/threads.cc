#include "base/threads.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/affinity.h"
#include "base/check.h"
#include "base/cpu_count.h"
#include "base/log.h"
#include "base/spinner.h"
#include "base/text.h"
#include "base/thread_settings.h"
#include "calque/error.h"
#include "calque/thread_pool.h"

namespace calque {

namespace {

constexpr std::chrono::microseconds kSpinTime{50};  // longer than the gap between two loops of one model
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

// What the threads of one loop share. Each has a part of the range to begin with, the same in each loop over
// as many chunks: what one loop wrote, the next finds in the cache of the same processor. Who is done helps
// the others.
class ThreadPool::LoopParts {
 public:
  void begin(const Loop& loop, int threads) {
    loop_ = loop;
    const int64_t chunks = (loop.end - loop.begin - 1) / loop.grain + 1;
    count_ = static_cast<int>(std::min<int64_t>({chunks, threads, kMostShares}));
    int64_t first = loop.begin;
    for (int i = 0; i < count_; ++i) {
      const int64_t own = chunks / count_ + (i < chunks % count_ ? 1 : 0);
      const bool is_last = i == count_ - 1;
      shares_[static_cast<size_t>(i)].next.store(first, std::memory_order_relaxed);
      first = is_last ? loop.end : first + own * loop.grain;
      shares_[static_cast<size_t>(i)].end = first;
    }
    failed_.store(false, std::memory_order_relaxed);
  }

  // Takes chunks until none is left, of share `self` first; in many threads at once.
  void work(int self) {
    for (int i = 0; i < count_; ++i) {
      if (!work_on(shares_[static_cast<size_t>((self + i) % count_)])) return;
    }
  }

  // For the caller, when all threads are done.
  void rethrow() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };
  static constexpr int kMostShares = 16;  // more threads begin together with others

  // False when the body threw.
  bool work_on(Share& share) {
    const Loop& loop = loop_;
    while (true) {
      const int64_t lo = share.next.fetch_add(loop.grain, std::memory_order_relaxed);
      if (lo >= share.end) return true;
      const int64_t hi = share.end - lo > loop.grain ? lo + loop.grain : share.end;
      try {
        loop.call(loop.body, lo, hi);
      } catch (...) {
        if (!failed_.exchange(true, std::memory_order_acq_rel)) error_ = std::current_exception();
        for (int i = 0; i < count_; ++i) {
          Share& left = shares_[static_cast<size_t>(i)];
          left.next.store(left.end, std::memory_order_relaxed);
        }
        return false;
      }
    }
  }

  Loop loop_{};
  int count_ = 0;
  std::exception_ptr error_;
  std::atomic<bool> failed_{false};
  std::array<Share, kMostShares> shares_{};
};

// The threads of one pool in one process. `gate_` says who is inside the loop: bit 31 is set while the loop
// takes helpers, the low bits count the workers in it. A worker enters only through an open gate, so one that
// wakes late never sees a loop that is over; the caller closes the gate, waits for the count to reach zero,
// and only then may the next loop be written.
class ThreadPool::Workers {
 public:
  Workers(ThreadPool& pool, uint32_t forks, Workers* lost) : pool_(pool), forks_(forks), lost_(lost) {}
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
      parts_.work(0);
    }
    close();
    parts_.rethrow();
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
    const std::vector<int> cpus = pool_.affinity();
    try {
      threads_.reserve(static_cast<size_t>(count));
      while (static_cast<int>(threads_.size()) < count) {
        const int cpu = cpus.empty() ? -1 : cpus[(threads_.size() + 1) % cpus.size()];
        const int self = static_cast<int>(threads_.size()) + 1;
        threads_.emplace_back([this, cpu, self, seen = bell_.load(std::memory_order_relaxed)] {
          if (cpu >= 0) bind_thread(cpu);
          serve(self, seen);
        });
      }
    } catch (const std::system_error& error) {
      start_failed_ = true;
      log_line("threads",
               cat("only ", threads_.size() + 1, " threads instead of ", count + 1, ": ", error.what()));
    }
  }

  void open(const Loop& loop, int helpers) {
    parts_.begin(loop, helpers + 1);
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
    Spinner spinner(pool_.spin_time_.load(std::memory_order_relaxed));
    while (inside != 0) {
      if (g_forks.load(std::memory_order_relaxed) != forks_) {
        throw RuntimeError(
            "the process was forked inside a parallel loop and the child returned into it; its threads are "
            "gone. "
            "Expected the child to call exec or _exit there. Fork outside of parallel work instead.");
      }
      if (!spinner.pause()) gate_.wait(inside, std::memory_order_acquire);
      inside = gate_.load(std::memory_order_acquire);
    }
  }

  void serve(int self, uint32_t seen) {
    t_in_parallel = true;
    while (true) {
      seen = await_bell(seen);
      if (stop_.load(std::memory_order_relaxed)) return;
      if (!enter()) continue;
      parts_.work(self);
      if (gate_.fetch_sub(1, std::memory_order_acq_rel) == 1) gate_.notify_one();
    }
  }

  uint32_t await_bell(uint32_t seen) {
    Spinner spinner(pool_.spin_time_.load(std::memory_order_relaxed));
    do {
      const uint32_t now = bell_.load(std::memory_order_acquire);
      if (now != seen) return now;
    } while (spinner.pause());
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

  ThreadPool& pool_;
  const uint32_t forks_;
  [[maybe_unused]] Workers* const lost_;  // the parent process's workers: kept reachable, never touched
  std::mutex mutex_;                      // held by the one caller whose loop runs
  std::vector<std::thread> threads_;
  bool start_failed_ = false;
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<uint32_t> bell_{0};
  alignas(64) std::atomic<uint32_t> gate_{0};
  LoopParts parts_;
};

ThreadPool::ThreadPool(int threads)
    : threads_(threads), workers_(new Workers(*this, fork_count(), nullptr)), spin_time_(kSpinTime) {
  check(threads >= 1 && threads <= kMaxThreads, "ThreadPool: thread count out of range");
}

// The child of a fork leaves the parent's workers alone: it cannot join threads that it does not have.
ThreadPool::~ThreadPool() {
  Workers* const workers = workers_.load();
  if (workers->forks() == fork_count()) delete workers;
}

ThreadPool& ThreadPool::global() {
  static ThreadPool* const pool = [] {
    auto* const made = new ThreadPool(default_num_threads());
    apply_thread_environment(*made);
    return made;
  }();
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
  stop_workers();
}

void ThreadPool::stop_workers() { workers().stop(); }

ThreadPool::Workers& ThreadPool::workers() {
  const uint32_t forks = fork_count();
  Workers* current = workers_.load(std::memory_order_acquire);
  if (current->forks() == forks) [[likely]]
    return *current;
  auto* fresh = new Workers(*this, forks, current);
  if (workers_.compare_exchange_strong(current, fresh, std::memory_order_acq_rel)) return *fresh;
  delete fresh;
  return *current;
}

void ThreadPool::run(const Loop& loop) {
  if (loop.begin >= loop.end) return;
  check(loop.grain >= 1, "parallel_for: grain must be at least 1");
  const int threads = num_threads();
  const bool one_chunk = loop.end - loop.begin <= loop.grain;
  if (one_chunk || threads == 1 || t_in_parallel) return run_inline(loop);
  if (!run_by_runner(loop, threads) && !workers().try_run(loop, threads)) run_inline(loop);
}

// Counts a loop that may have a runner: set_task_runner() lets the old one go when there are none.
class ThreadPool::RunnerLoop {
 public:
  explicit RunnerLoop(ThreadPool& pool) : loops_(pool.runner_loops_) {
    loops_.fetch_add(1);
    runner_ = pool.runner_.load();
  }
  ~RunnerLoop() {
    if (loops_.fetch_sub(1) == 1) loops_.notify_all();
  }
  RunnerLoop(const RunnerLoop&) = delete;
  RunnerLoop& operator=(const RunnerLoop&) = delete;

  TaskRunner* runner() const { return runner_; }

 private:
  std::atomic<int>& loops_;
  TaskRunner* runner_;
};

// False, without having done anything, when there is no runner.
bool ThreadPool::run_by_runner(const Loop& loop, int threads) {
  if (runner_.load(std::memory_order_relaxed) == nullptr) return false;
  const RunnerLoop current(*this);
  if (current.runner() == nullptr) return false;
  LoopParts parts;
  parts.begin(loop, threads);
  std::atomic<int> entered{0};
  const int64_t chunks = (loop.end - loop.begin - 1) / loop.grain + 1;
  const ParallelScope caller;  // what the runner calls of this library here cannot wait for this loop
  current.runner()->run(static_cast<int>(std::min<int64_t>(chunks, threads)), [&parts, &entered] {
    const ParallelScope scope;
    parts.work(entered.fetch_add(1, std::memory_order_relaxed));
  });
  parts.rethrow();
  return true;
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
