// Random numbers as PyTorch's CPU generator gives them for the same seed.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>

namespace calque::ops {

/// Mersenne Twister (Matsumoto and Nishimura, 1998), and the second value of the last Box-Muller pair.
class Generator {
 public:
  explicit Generator(uint64_t seed = kDefaultSeed) { manual_seed(seed); }

  static constexpr uint64_t kDefaultSeed = 67280421310721;

  void manual_seed(uint64_t seed);
  uint32_t next32();
  /// The first draw is the high half.
  uint64_t next64();

  /// [0, 1) with 24 (float) or 53 (double) bits.
  float uniform_float() { return static_cast<float>(next32() & 0xffffffu) * 0x1p-24f; }
  double uniform_double() { return static_cast<double>(next64() & ((uint64_t{1} << 53) - 1)) * 0x1p-53; }
  /// Standard normal, two at a time.
  double normal();

 private:
  void refill();

  std::array<uint32_t, 624> state_{};
  size_t next_ = 624;
  std::optional<double> spare_normal_;
};

/// The process's generator, which aten::manual_seed seeds, locked.
class LockedGenerator {
 public:
  LockedGenerator();
  Generator& operator*() { return generator_; }
  Generator* operator->() { return &generator_; }

 private:
  std::unique_lock<std::mutex> lock_;
  Generator& generator_;
};

}  // namespace calque::ops
