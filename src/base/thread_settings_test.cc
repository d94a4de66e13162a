#include "base/thread_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/affinity.h"
#include "calque/error.h"
#include "calque/thread_pool.h"

namespace calque {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// Starts threads for each loop.
class Spawner : public TaskRunner {
 public:
  void run(int count, const std::function<void()>& work) override {
    loops++;
    most = std::max(most.load(), count);
    std::vector<std::thread> threads;
    for (int i = 1; i < count; ++i) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
  }
  std::atomic<int> loops{0}, most{0};
};

/// Has no threads.
class Caller : public TaskRunner {
 public:
  void run(int, const std::function<void()>& work) override { work(); }
};

void check_coverage(ThreadPool& pool) {
  for (const int64_t size : {2, 7, 64, 1000}) {
    std::vector<std::atomic<int>> hits(static_cast<size_t>(size));
    pool.parallel_for(0, size, 3, [&](int64_t lo, int64_t hi) {
      EXPECT_TRUE(ThreadPool::in_parallel() || size <= 3);
      for (int64_t i = lo; i < hi; ++i) hits[static_cast<size_t>(i)]++;
    });
    for (const auto& hit : hits) EXPECT_EQ(hit.load(), 1);
  }
}

TEST(TaskRunner, RunsTheLoopsInPlaceOfThePool) {
  ThreadPool pool(4);
  const auto runner = std::make_shared<Spawner>();
  pool.set_task_runner(runner);
  check_coverage(pool);
  EXPECT_EQ(runner->loops.load(), 3);
  EXPECT_EQ(runner->most.load(), 4);
  pool.set_num_threads(2);
  runner->most = 0;
  check_coverage(pool);
  EXPECT_EQ(runner->most.load(), 2);
  pool.set_task_runner(nullptr);
  EXPECT_EQ(runner.use_count(), 1);
  check_coverage(pool);
  EXPECT_EQ(runner->loops.load(), 6);
}

TEST(TaskRunner, NeedsNoThreads) {
  ThreadPool pool(4);
  pool.set_task_runner(std::make_shared<Caller>());
  check_coverage(pool);
}

/// Sets another runner from inside of a loop.
class Changer : public TaskRunner {
 public:
  explicit Changer(ThreadPool& pool) : pool_(pool) {}
  void run(int, const std::function<void()>& work) override {
    EXPECT_THROW(pool_.set_task_runner(nullptr), RuntimeError);
    work();
  }

 private:
  ThreadPool& pool_;
};

TEST(TaskRunner, CannotBeChangedByItself) {
  ThreadPool pool(4);
  pool.set_task_runner(std::make_shared<Changer>(pool));
  check_coverage(pool);
}

TEST(TaskRunner, ErrorsReachTheCaller) {
  ThreadPool pool(3);
  pool.set_task_runner(std::make_shared<Spawner>());
  for (int round = 0; round < 20; ++round) {
    EXPECT_THROW(pool.parallel_for(0, 100, 1,
                                   [&](int64_t lo, int64_t) {
                                     if (lo % 7 == round % 7) throw std::out_of_range("seven");
                                   }),
                 std::out_of_range);
    check_coverage(pool);
  }
}

TEST(TaskRunner, MayChangeWhileOthersCompute) {
  ThreadPool pool(3);
  std::atomic<bool> stop{false};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        std::atomic<int> count{0};
        pool.parallel_for(0, 20, 1, [&](int64_t, int64_t) { count++; });
        EXPECT_EQ(count.load(), 20);
      }
    });
  }
  for (int round = 0; round < 30; ++round) {
    const auto runner = round % 3 == 0 ? nullptr : std::make_shared<Spawner>();
    pool.set_task_runner(runner);
    std::this_thread::yield();
    pool.set_task_runner(nullptr);
    EXPECT_LE(runner.use_count(), 1);
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
}

TEST(TaskRunner, IsNotChangedInsideALoop) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.parallel_for(0, 4, 1, [&](int64_t, int64_t) { pool.set_task_runner(nullptr); }),
               RuntimeError);
}

TEST(Affinity, BindsWorkersAndNotTheCaller) {
  const std::vector<int> before = allowed_cpus();
  if (before.empty()) GTEST_SKIP() << "the system does not tell";
  ThreadPool pool(3);
  pool.set_affinity({before.front(), before.back()});
  const auto self = std::this_thread::get_id();
  std::atomic<int> inside{0};
  std::vector<std::vector<int>> seen(3);
  pool.parallel_for(0, 3, 1, [&](int64_t lo, int64_t) {
    inside++;
    while (inside < 3) std::this_thread::yield();
    if (std::this_thread::get_id() != self) seen[static_cast<size_t>(lo)] = allowed_cpus();
  });
  std::multiset<std::vector<int>> found(seen.begin(), seen.end());
  EXPECT_EQ(found, (std::multiset<std::vector<int>>{{}, {before.back()}, {before.front()}}));
  EXPECT_EQ(allowed_cpus(), before);
  pool.set_affinity({});
}

TEST(Affinity, BindsAThread) {
  const std::vector<int> before = allowed_cpus();
  if (before.empty()) GTEST_SKIP() << "the system does not tell";
  std::thread([&] {
    pin_thread(before.back());
    EXPECT_THAT(allowed_cpus(), ElementsAre(before.back()));
  }).join();
}

TEST(Affinity, RefusesProcessorsThatAreNotThere) {
  ThreadPool pool(2);
  EXPECT_THAT([&] { pool.set_affinity({4095}); },
              ThrowsMessage<ValueError>(HasSubstr("set_affinity: found processor 4095, expected those")));
  EXPECT_THROW(pool.set_affinity({-1}), ValueError);
  EXPECT_THROW(pin_thread(4095), ValueError);
}

TEST(Affinity, ListsAreNumbersAndRanges) {
  EXPECT_THAT(parse_cpu_list("3"), ElementsAre(3));
  EXPECT_THAT(parse_cpu_list("0,2,4-6"), ElementsAre(0, 2, 4, 5, 6));
  for (const char* text : {"", ",", "1,", "a", "1-", "-1", "3-2", "1 2", "99999", "0-99999999999"}) {
    EXPECT_THAT([&] { parse_cpu_list(text); },
                ThrowsMessage<ValueError>(HasSubstr("expected numbers and ranges such as 0,2,4-7")))
        << text;
  }
}

TEST(SpinTime, LoopsWorkAtAnyAndWorkersEnd) {
  for (const int64_t microseconds : {int64_t{0}, int64_t{1}, int64_t{1000000}}) {
    ThreadPool pool(4);
    pool.set_spin_time(std::chrono::microseconds(microseconds));
    for (int i = 0; i < 20; ++i) check_coverage(pool);
  }
  ThreadPool pool(2);
  EXPECT_THROW(pool.set_spin_time(std::chrono::microseconds(-1)), ValueError);
  EXPECT_THROW(pool.set_spin_time(std::chrono::seconds(2)), ValueError);
}

TEST(ThreadEnvironment, NonsenseIsIgnored) {
  ThreadPool pool(2);
  for (const char* text : {"x", "4095", "1-", "-5"}) {
    setenv("CALQUE_AFFINITY", text, 1);
    setenv("CALQUE_SPIN", text[0] == '4' ? "5000000" : text, 1);
    EXPECT_NO_THROW(apply_thread_environment(pool));
  }
  unsetenv("CALQUE_AFFINITY");
  unsetenv("CALQUE_SPIN");
  check_coverage(pool);
}

}  // namespace
}  // namespace calque
