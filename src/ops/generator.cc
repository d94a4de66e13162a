#include "ops/generator.h"

#include <cmath>
#include <numbers>

namespace calque::ops {

namespace {

std::mutex& default_mutex() {
  static std::mutex mutex;
  return mutex;
}

Generator& default_generator() {
  static Generator generator;
  return generator;
}

}  // namespace

void Generator::manual_seed(uint64_t seed) {
  state_[0] = static_cast<uint32_t>(seed);
  for (uint32_t i = 1; i < state_.size(); ++i) {
    state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  }
  next_ = state_.size();
  spare_normal_.reset();
}

void Generator::refill() {
  for (size_t i = 0; i < state_.size(); ++i) {
    const uint32_t y = (state_[i] & 0x80000000u) | (state_[(i + 1) % 624] & 0x7fffffffu);
    state_[i] = state_[(i + 397) % 624] ^ (y >> 1) ^ ((y & 1u) != 0 ? 0x9908b0dfu : 0u);
  }
  next_ = 0;
}

uint32_t Generator::next32() {
  if (next_ == state_.size()) refill();
  uint32_t y = state_[next_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

uint64_t Generator::next64() {
  const uint64_t high = next32();
  return high << 32 | next32();
}

double Generator::normal() {
  if (spare_normal_) {
    const double value = *spare_normal_;
    spare_normal_.reset();
    return value;
  }
  const double u1 = uniform_double();
  const double u2 = uniform_double();
  const double r = std::sqrt(-2 * std::log1p(-u2));
  const double theta = 2 * std::numbers::pi * u1;
  spare_normal_ = r * std::sin(theta);
  return r * std::cos(theta);
}

LockedGenerator::LockedGenerator() : lock_(default_mutex()), generator_(default_generator()) {}

}  // namespace calque::ops
