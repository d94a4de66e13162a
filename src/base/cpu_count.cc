#include "base/cpu_count.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>

#include "base/log.h"
#include "base/text.h"
#include "base/threads.h"

namespace calque {

namespace {

std::optional<int> threads_from_env(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  const std::optional<int> threads = parse_thread_count(text);
  if (!threads) {
    log_line("threads", cat(variable, "=", quoted(text), " is ignored: expected a number in 1..1024"));
  }
  return threads;
}

}  // namespace

std::optional<int> parse_thread_count(std::string_view text) {
  int threads = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
  if (error != std::errc() || threads < 1 || threads > ThreadPool::kMaxThreads) return std::nullopt;
  if (end != text.data() + text.size() && *end != ',') return std::nullopt;
  return threads;
}

std::optional<int> parse_cpu_max(std::string_view text) {
  int64_t quota = 0;
  int64_t period = 0;
  const char* const last = text.data() + text.size();
  const auto first = std::from_chars(text.data(), last, quota);
  if (first.ec != std::errc() || first.ptr == last || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, last, period);
  if (second.ec != std::errc() || quota <= 0 || period <= 0) return std::nullopt;
  const int64_t cpus = (quota - 1) / period + 1;
  return cpus > ThreadPool::kMaxThreads ? ThreadPool::kMaxThreads : static_cast<int>(cpus);
}

int available_cpus() {
  const int cpus = detect_cpus();
  if (cpus < 1) return 1;
  return cpus > ThreadPool::kMaxThreads ? ThreadPool::kMaxThreads : cpus;
}

int default_num_threads() {
  if (const auto threads = threads_from_env("CALQUE_NUM_THREADS")) return *threads;
  if (const auto threads = threads_from_env("OMP_NUM_THREADS")) return *threads;
  return available_cpus();
}

}  // namespace calque
