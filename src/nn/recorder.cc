#include "nn/recorder.h"

#include <atomic>

namespace calque::nn {
namespace {

thread_local Recorder* tls_recorder = nullptr;

}  // namespace

Recorder* active_recorder() { return tls_recorder; }

RecordingScope::RecordingScope(Recorder* recorder) : previous_(tls_recorder) { tls_recorder = recorder; }

RecordingScope::~RecordingScope() { tls_recorder = previous_; }

uint64_t next_token() {
  static std::atomic<uint64_t> counter{0};
  return counter.fetch_add(1, std::memory_order_relaxed) + 1;
}

int64_t Int::to_cpp() const {
  if (token_ != 0 && tls_recorder != nullptr) tls_recorder->escaped(Escape::kInteger);
  return value_;
}

Operand::Operand(const std::vector<Int>& numbers) {
  std::vector<int64_t> values;
  for (const Int& number : numbers) {
    values.push_back(number.peek());
    elements.emplace_back(number);
  }
  value = IValue(values);
}

Operand::Operand(const std::vector<Tensor>& tensors) : value(tensors) {
  for (const Tensor& tensor : tensors) elements.emplace_back(tensor);
}

}  // namespace calque::nn
