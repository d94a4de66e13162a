#include "tensor/block_cache.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <vector>

namespace calque {

namespace {

constexpr int64_t kAlignment = 64;
/// Eight classes for each power of two: a block is at most an eighth larger than it has to be.
constexpr int kStepBits = 3;
constexpr size_t kClasses = 64 << kStepBits;
/// Small runs may keep this much, whatever they held at one time.
constexpr int64_t kAlwaysKept = int64_t{1} << 20;

struct BlockClass {
  size_t index = 0;
  int64_t bytes = 0;
};

BlockClass class_of(int64_t bytes) {
  const auto units = static_cast<uint64_t>((std::max<int64_t>(bytes, 1) + kAlignment - 1) / kAlignment);
  const auto width = static_cast<int>(std::bit_width(units));
  const int shift = std::max(0, width - 1 - kStepBits);
  const uint64_t step = (units + (uint64_t{1} << shift) - 1) >> shift;
  const uint64_t rounded = step << shift;
  const int rounded_shift = std::max(0, static_cast<int>(std::bit_width(rounded)) - 1 - kStepBits);
  const auto index = (static_cast<size_t>(rounded_shift) << kStepBits) + (rounded >> rounded_shift);
  return {index, static_cast<int64_t>(rounded) * kAlignment};
}

std::byte* new_block(int64_t bytes) {
  return static_cast<std::byte*>(std::aligned_alloc(kAlignment, static_cast<size_t>(bytes)));
}

/// The blocks of one thread. `live` counts what the run of this thread holds, as far as it freed it itself.
class BlockCache {
 public:
  ~BlockCache() { shrink_to(0); }

  void begin() {
    if (depth_++ > 0) return;
    last_peak_ = peak_;
    live_ = 0;
    peak_ = 0;
  }

  void end() {
    if (--depth_ > 0) return;
    last_peak_ = 0;
    shrink_to(allowed());
  }

  bool is_active() const { return depth_ > 0; }
  int64_t cached() const { return cached_; }

  std::byte* take(const BlockClass& wanted) {
    live_ += wanted.bytes;
    peak_ = std::max(peak_, live_);
    std::vector<std::byte*>& blocks = blocks_[wanted.index];
    if (blocks.empty()) {
      shrink_to(allowed() - live_);
      std::byte* made = new_block(wanted.bytes);
      if (made != nullptr) return made;
      shrink_to(0);
      return new_block(wanted.bytes);
    }
    std::byte* block = blocks.back();
    blocks.pop_back();
    cached_ -= wanted.bytes;
    return block;
  }

  void give(std::byte* block, const BlockClass& given) {
    live_ = std::max<int64_t>(0, live_ - given.bytes);
    std::vector<std::byte*>& blocks = blocks_[given.index];
    if (blocks.size() == blocks.capacity() && !grow(blocks)) {
      std::free(block);
      return;
    }
    sizes_[given.index] = given.bytes;
    largest_ = std::max(largest_, given.index);
    blocks.push_back(block);
    cached_ += given.bytes;
  }

 private:
  /// Within a run the peak of the one before counts, too: what leaves a run is missing in the next one, and
  /// taking new memory for it early on must not free what comes later.
  int64_t allowed() const {
    const int64_t peak = std::max(peak_, last_peak_);
    return std::max(kAlwaysKept, peak + peak / 2);
  }

  static bool grow(std::vector<std::byte*>& blocks) {
    try {
      blocks.reserve(std::max<size_t>(8, 2 * blocks.size()));
    } catch (...) {
      return false;
    }
    return true;
  }

  /// Frees the largest blocks first.
  void shrink_to(int64_t bytes) {
    while (cached_ > std::max<int64_t>(bytes, 0)) {
      std::vector<std::byte*>& blocks = blocks_[largest_];
      if (blocks.empty()) {
        --largest_;
        continue;
      }
      std::free(blocks.back());
      blocks.pop_back();
      cached_ -= sizes_[largest_];
    }
  }

  std::array<std::vector<std::byte*>, kClasses> blocks_;
  std::array<int64_t, kClasses> sizes_{};
  size_t largest_ = 0;
  int64_t cached_ = 0, live_ = 0, peak_ = 0, last_peak_ = 0;
  int depth_ = 0;
};

/// Made by the first run of a thread. `t_depth` has no destructor, so storages that die after it may still
/// look.
thread_local int t_depth = 0;

BlockCache& this_thread() {
  thread_local BlockCache cache;
  return cache;
}

}  // namespace

ScopedBlockCache::ScopedBlockCache() {
  this_thread().begin();
  ++t_depth;
}

ScopedBlockCache::~ScopedBlockCache() {
  --t_depth;
  this_thread().end();
}

std::byte* take_block(int64_t bytes) {
  const BlockClass wanted = class_of(bytes);
  return t_depth > 0 ? this_thread().take(wanted) : new_block(wanted.bytes);
}

void give_block(std::byte* block, int64_t bytes) noexcept {
  if (t_depth > 0 && block != nullptr) return this_thread().give(block, class_of(bytes));
  std::free(block);
}

int64_t cached_block_bytes() { return this_thread().cached(); }

}  // namespace calque
