// Whose threads compute, where they run, and how long they wait: for programs that have threads of their own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace calque {

/// Threads of the program, which compute instead of the library's own. How many one loop may use is
/// set_num_threads().
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  /// Calls `work`, which does not throw, once in the calling thread or in any other, and up to `count` times
  /// (at least 1), at once where there are threads; returns when all these calls have returned. The calls
  /// share one loop: each takes parts of it until none is left, and one that begins late returns at once.
  /// Called from many threads at once.
  virtual void run(int count, const std::function<void()>& work) = 0;
};

/// nullptr: the library's own threads, which is the default. Waits for loops that the previous runner has.
/// RuntimeError when called from inside the library's own parallel work.
void set_task_runner(std::shared_ptr<TaskRunner> runner);

/// Binds the library's own threads to these processors: the first stays free for the thread that calls, which
/// is the program's (pin_thread binds it); each further one gets one thread, and they start again from the
/// first when there are more. Empty: no binding. ValueError for a processor that this process may not use.
/// Waits for the work that is under way.
void set_affinity(const std::vector<int>& cpus);

std::vector<int> get_affinity();

/// Binds the calling thread. ValueError as set_affinity.
void pin_thread(int cpu);

/// How long a thread of the library that has nothing to do waits for more before it sleeps: 50 microseconds
/// by default. Longer makes small models faster and takes the processor's time; 0 sleeps at once. ValueError
/// below 0 and above one second.
void set_spin_time(std::chrono::microseconds time);

/// CALQUE_AFFINITY and `--affinity`: `0,2,4-7`. ValueError for anything else.
std::vector<int> parse_cpu_list(const std::string& text);

}  // namespace calque
