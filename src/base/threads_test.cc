#include "base/threads.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <stdexcept>
#include <thread>
#include <vector>

#include "calque/error.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CALQUE_THREAD_SANITIZER 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define CALQUE_THREAD_SANITIZER 1
#endif

namespace calque {
namespace {

#if defined(CALQUE_THREAD_SANITIZER)
constexpr bool kChildMayStartThreads = false;  // ThreadSanitizer ends a forked child that starts a thread
#else
constexpr bool kChildMayStartThreads = true;
#endif

TEST(ThreadPool, CoversTheRangeOnceInGrains) {
  ThreadPool pool(4);
  for (const int64_t size : {0, 1, 2, 7, 64, 1000}) {
    for (const int64_t grain : {1, 3, 64, 5000}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(size));
      pool.parallel_for(10, 10 + size, grain, [&](int64_t lo, int64_t hi) {
        EXPECT_TRUE(hi - lo == grain || hi == 10 + size);
        for (int64_t i = lo; i < hi; ++i) hits[static_cast<size_t>(i - 10)]++;
      });
      for (const auto& hit : hits) EXPECT_EQ(hit.load(), 1);
    }
  }
}

TEST(ThreadPool, UsesItsWorkers) {
  ThreadPool pool(2);
  std::atomic<int> inside{0};
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  pool.parallel_for(0, 2, 1, [&](int64_t, int64_t) {
    inside++;
    while (inside < 2 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  });
  EXPECT_EQ(inside.load(), 2);
}

TEST(ThreadPool, NestedLoopsRunInline) {
  ThreadPool pool(3);
  std::atomic<int64_t> sum{0};
  EXPECT_FALSE(ThreadPool::in_parallel());
  pool.parallel_for(0, 16, 1, [&](int64_t lo, int64_t) {
    EXPECT_TRUE(ThreadPool::in_parallel());
    const auto self = std::this_thread::get_id();
    pool.parallel_for(0, 10, 1, [&](int64_t i, int64_t) {
      EXPECT_EQ(std::this_thread::get_id(), self);
      sum += lo * 10 + i;
    });
  });
  EXPECT_FALSE(ThreadPool::in_parallel());
  EXPECT_EQ(sum.load(), 159 * 160 / 2);
}

TEST(ThreadPool, RethrowsAndStaysUsable) {
  ThreadPool pool(4);
  for (int round = 0; round < 200; ++round) {
    EXPECT_THROW(pool.parallel_for(0, 100, 1,
                                   [&](int64_t lo, int64_t) {
                                     if (lo % 7 == round % 7) throw std::out_of_range("seven");
                                   }),
                 std::out_of_range);
    std::atomic<int> count{0};
    pool.parallel_for(0, 100, 1, [&](int64_t, int64_t) { count++; });
    EXPECT_EQ(count.load(), 100);
  }
}

TEST(ThreadPool, ManyCallersAllMakeProgress) {
  ThreadPool pool(4);
  std::vector<std::thread> callers;
  std::atomic<int64_t> total{0};
  for (int caller = 0; caller < 6; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        int64_t parts[32] = {};
        pool.parallel_for(0, 32, 1, [&](int64_t lo, int64_t) { parts[lo] = lo; });
        for (const int64_t part : parts) total += part;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total.load(), 6 * 500 * (31 * 32 / 2));
}

TEST(ThreadPool, ASecondCallerDoesNotWaitForTheFirst) {
  ThreadPool pool(2);
  std::atomic<bool> inside{false};
  std::atomic<bool> second_done{false};
  std::thread first([&] {
    pool.parallel_for(0, 2, 1, [&](int64_t, int64_t) {
      inside = true;
      while (!second_done) std::this_thread::yield();
    });
  });
  while (!inside) std::this_thread::yield();
  int count = 0;
  pool.parallel_for(0, 8, 1, [&](int64_t, int64_t) { count++; });
  EXPECT_EQ(count, 8);
  second_done = true;
  first.join();
}

TEST(ThreadPool, ResizesUnderLoad) {
  ThreadPool pool(1);
  std::atomic<bool> stop{false};
  std::thread caller([&] {
    while (!stop) {
      std::atomic<int> count{0};
      pool.parallel_for(0, 20, 1, [&](int64_t, int64_t) { count++; });
      EXPECT_EQ(count.load(), 20);
    }
  });
  for (int round = 0; round < 50; ++round) pool.set_num_threads(1 + round % 5);
  stop = true;
  caller.join();
  EXPECT_EQ(pool.num_threads(), 5);
}

TEST(ThreadPool, RefusesToResizeInsideALoop) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.parallel_for(0, 4, 1, [&](int64_t, int64_t) { pool.set_num_threads(3); }), RuntimeError);
}

TEST(ThreadPool, IdleThreadsSleep) {
  ThreadPool pool(4);
  pool.parallel_for(0, 64, 1, [](int64_t, int64_t) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used, 0.1);
}

TEST(ThreadPool, WorksInAForkedChild) {
  if (!kChildMayStartThreads) GTEST_SKIP() << "not under ThreadSanitizer";
  ThreadPool pool(3);
  pool.parallel_for(0, 16, 1, [](int64_t, int64_t) {});
  for (int round = 0; round < 5; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);
      std::atomic<int> count{0};
      pool.parallel_for(0, 100, 1, [&](int64_t, int64_t) { count++; });
      pool.set_num_threads(2);
      pool.parallel_for(0, 100, 1, [&](int64_t, int64_t) { count++; });
      _exit(count == 200 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    std::atomic<int> count{0};
    pool.parallel_for(0, 100, 1, [&](int64_t, int64_t) { count++; });
    EXPECT_EQ(count.load(), 100);
  }
}

TEST(ThreadPool, AForkWhileAnotherThreadComputesIsSafe) {
  if (!kChildMayStartThreads) GTEST_SKIP() << "not under ThreadSanitizer";
  ThreadPool pool(3);
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) pool.parallel_for(0, 64, 1, [](int64_t, int64_t) {});
  });
  for (int round = 0; round < 10; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);
      std::atomic<int> count{0};
      pool.parallel_for(0, 100, 1, [&](int64_t, int64_t) { count++; });
      _exit(count == 100 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  stop = true;
  busy.join();
}

TEST(ThreadPool, AChildThatReturnsIntoALoopGetsAnError) {
  ThreadPool pool(2);
  const auto caller = std::this_thread::get_id();
  std::atomic<int> inside{0};
  int status = -1;
  std::atomic<pid_t> child{-1};
  try {
    pool.parallel_for(0, 2, 1, [&](int64_t, int64_t) {
      inside++;
      while (inside < 2) std::this_thread::yield();
      if (std::this_thread::get_id() != caller) {
        while (child <= 0 || waitpid(child, &status, 0) != child) std::this_thread::yield();
        return;
      }
      child = fork();
      if (child == 0) alarm(60);
    });
  } catch (const RuntimeError&) {
    _exit(child == 0 ? 0 : 1);
  }
  ASSERT_GT(child.load(), 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(NumThreads, IsSetAndChecked) {
  const int before = get_num_threads();
  set_num_threads(3);
  EXPECT_EQ(get_num_threads(), 3);
  EXPECT_THROW(set_num_threads(0), ValueError);
  EXPECT_THROW(set_num_threads(1025), ValueError);
  set_num_threads(before);
}

}  // namespace
}  // namespace calque
