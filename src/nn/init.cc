#include "nn/init.h"

#include <cmath>
#include <numbers>
#include <string_view>

namespace calque::nn {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): one 64-bit state, good enough for initial weights, the same numbers
/// with every standard library.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// In (0, 1].
  double uniform() { return (static_cast<double>(next() >> 11) + 1.0) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

uint64_t hash_name(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

/// Box-Muller, two numbers a turn.
void fill_normal(Random& random, float* data, int64_t count, double std) {
  for (int64_t i = 0; i < count; i += 2) {
    const double radius = std * std::sqrt(-2.0 * std::log(random.uniform()));
    const double angle = 2.0 * std::numbers::pi * random.uniform();
    data[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < count) data[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
}

Tensor initial_value(const Parameter& parameter, const InitOptions& options, uint64_t seed) {
  if (parameter.init.kind == Init::Kind::kZeros) return zeros(parameter.shape, options.dtype);
  if (parameter.init.kind == Init::Kind::kOnes) return ones(parameter.shape, options.dtype);
  const Tensor value = empty(parameter.shape, kFloat);
  if (value.numel() > 0) {
    Random random(seed);
    fill_normal(random, value.data_ptr<float>(), value.numel(), options.std);
  }
  const int64_t row = parameter.init.zero_row;
  if (row >= 0 && row < parameter.shape[0]) value.select(0, row).fill_(0.0);
  return value.to(options.dtype);
}

}  // namespace

void initialize(const Module& module, const InitOptions& options) {
  for (const auto& [name, parameter] : module.named_parameters()) {
    if (parameter->value.defined()) continue;
    parameter->value = initial_value(*parameter, options, options.seed ^ hash_name(name));
    parameter->value.impl()->requires_grad = true;
  }
}

}  // namespace calque::nn
