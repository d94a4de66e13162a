#include "base/log.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "base/text.h"

namespace calque {

namespace {

struct LogState {
  std::mutex mutex;
  std::vector<std::string> topics;
  LogSink sink = nullptr;
  std::atomic<bool> any{false};

  LogState() {
    const char* text = std::getenv("CALQUE_LOG");
    if (text != nullptr) set_topics(text);
  }

  void set_topics(std::string_view text) {
    topics.clear();
    for (std::string& topic : split(text, ',')) {
      if (!topic.empty()) topics.push_back(std::move(topic));
    }
    any.store(!topics.empty(), std::memory_order_relaxed);
  }
};

// Never destroyed: threads may log while the process ends.
LogState& state() {
  static LogState* const instance = new LogState;
  return *instance;
}

}  // namespace

bool log_on(std::string_view topic) {
  LogState& log = state();
  if (!log.any.load(std::memory_order_relaxed)) [[likely]]
    return false;
  const std::lock_guard lock(log.mutex);
  for (const std::string& wanted : log.topics) {
    if (wanted == topic || wanted == "all") return true;
  }
  return false;
}

void log_line(std::string_view topic, std::string_view message) {
  if (!log_on(topic)) return;
  LogState& log = state();
  const std::lock_guard lock(log.mutex);
  if (log.sink != nullptr) {
    log.sink(topic, message);
    return;
  }
  const std::string line = cat("calque ", topic, ": ", message, "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void set_log(std::string_view topics, LogSink sink) {
  LogState& log = state();
  const std::lock_guard lock(log.mutex);
  log.set_topics(topics);
  log.sink = sink;
}

}  // namespace calque
