#include "base/thread_settings.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/affinity.h"
#include "base/log.h"
#include "base/text.h"
#include "calque/error.h"
#include "calque/thread_pool.h"

namespace calque {

namespace {

constexpr int kMostCpus = 4096;
constexpr std::chrono::microseconds kLongestSpin = std::chrono::seconds(1);

/// The whole text as a number in 0..most.
std::optional<int> number_in(std::string_view text, int most) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > most)
    return std::nullopt;
  return number;
}

void check_cpus(const std::vector<int>& cpus, std::string_view where) {
  const std::vector<int> allowed = allowed_cpus();
  for (const int cpu : cpus) {
    if (std::find(allowed.begin(), allowed.end(), cpu) != allowed.end()) continue;
    std::string names;
    for (const int possible : allowed) names += cat(names.empty() ? "" : ", ", possible);
    throw ValueError(cat(where, ": found processor ", cpu, ", expected those that this process may use: ",
                         names.empty() ? "none, as the system does not tell" : names));
  }
}

void refuse_inside_loops(std::string_view where) {
  if (!ThreadPool::in_parallel()) return;
  throw RuntimeError(
      cat(where, " was called from inside parallel work; call it from the program's own thread"));
}

/// Applies `set` to the variable's value, unless it is empty.
template <class Set>
void apply_variable(const char* variable, const Set& set) {
  const char* const text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return;
  try {
    set(text);
  } catch (const ValueError& error) {
    log_line("threads", cat(variable, "=", quoted(text), " is ignored: ", error.msg()));
  }
}

std::chrono::microseconds parse_spin_time(std::string_view text) {
  const std::optional<int> time = number_in(text, static_cast<int>(kLongestSpin.count()));
  if (time) return std::chrono::microseconds(*time);
  throw ValueError(cat("expected microseconds in 0..", kLongestSpin.count()));
}

}  // namespace

void ThreadPool::set_task_runner(std::shared_ptr<TaskRunner> runner) {
  refuse_inside_loops("set_task_runner");
  const std::lock_guard lock(settings_);
  runner_.store(runner.get());
  for (int loops = runner_loops_.load(); loops != 0; loops = runner_loops_.load()) runner_loops_.wait(loops);
  kept_runner_ = std::move(runner);
}

void ThreadPool::set_affinity(const std::vector<int>& cpus) {
  refuse_inside_loops("set_affinity");
  check_cpus(cpus, "set_affinity");
  {
    const std::lock_guard lock(settings_);
    cpus_ = cpus;
  }
  stop_workers();
}

std::vector<int> ThreadPool::affinity() {
  const std::lock_guard lock(settings_);
  return cpus_;
}

void ThreadPool::set_spin_time(std::chrono::microseconds time) {
  if (time < std::chrono::microseconds(0) || time > kLongestSpin) {
    throw ValueError(
        cat("set_spin_time: found ", time.count(), " microseconds, expected 0..", kLongestSpin.count()));
  }
  spin_time_.store(time, std::memory_order_relaxed);
}

void apply_thread_environment(ThreadPool& pool) {
  apply_variable("CALQUE_AFFINITY", [&](const char* text) { pool.set_affinity(parse_cpu_list(text)); });
  apply_variable("CALQUE_SPIN", [&](const char* text) { pool.set_spin_time(parse_spin_time(text)); });
}

void set_task_runner(std::shared_ptr<TaskRunner> runner) {
  ThreadPool::global().set_task_runner(std::move(runner));
}

void set_affinity(const std::vector<int>& cpus) { ThreadPool::global().set_affinity(cpus); }

std::vector<int> get_affinity() { return ThreadPool::global().affinity(); }

void pin_thread(int cpu) {
  check_cpus({cpu}, "pin_thread");
  if (!bind_thread(cpu)) throw ValueError(cat("pin_thread: the system refuses processor ", cpu));
}

void set_spin_time(std::chrono::microseconds time) { ThreadPool::global().set_spin_time(time); }

std::vector<int> parse_cpu_list(const std::string& text) {
  std::vector<int> cpus;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    const std::string_view part = std::string_view(text).substr(start, end - start);
    const size_t dash = part.find('-');
    const std::optional<int> first = number_in(part.substr(0, dash), kMostCpus);
    const std::optional<int> last =
        dash == std::string_view::npos ? first : number_in(part.substr(dash + 1), kMostCpus);
    if (!first || !last || *last < *first) {
      throw ValueError(
          cat("found processors ", calque::quoted(text), ", expected numbers and ranges such as 0,2,4-7"));
    }
    for (int cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
    start = end + 1;
  }
  return cpus;
}

}  // namespace calque
