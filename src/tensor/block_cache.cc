#include "tensor/block_cache.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "base/heap.h"
#include "calque/memory.h"

namespace calque {

namespace {

constexpr int64_t kAlignment = 64;
/// Eight classes for each power of two: a block is at most an eighth larger than it has to be.
constexpr int kStepBits = 3;
constexpr size_t kClasses = 64 << kStepBits;
/// Small runs may keep this much, whatever they held at one time.
constexpr int64_t kAlwaysKept = int64_t{1} << 20;
/// The heap is trimmed when a run frees more than this: it takes as long as a small run.
constexpr int64_t kWorthTrimming = int64_t{8} << 20;

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

/// What the last runs held at one time.
class RecentPeaks {
 public:
  void note(int64_t peak) {
    peaks_[next_] = peak;
    next_ = (next_ + 1) % peaks_.size();
    largest_ = *std::max_element(peaks_.begin(), peaks_.end());
  }
  int64_t largest() const { return largest_; }
  void forget() { *this = {}; }

 private:
  std::array<int64_t, kRemembered> peaks_{};
  size_t next_ = 0;
  int64_t largest_ = 0;
};

/// The blocks of one thread. `live` counts what the run of this thread holds, as far as it freed it itself;
/// what is left of it at the end are results, `handed_out`.
/// The owner has it during its runs, and release() of another thread between them.
class BlockCache {
 public:
  BlockCache();
  ~BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  void begin() {
    if (depth_++ > 0) return;
    acquire();
    live_ = 0;
    peak_ = 0;
  }

  void end() {
    if (--depth_ > 0) return;
    peaks_.note(peak_);
    handed_out_ = live_;
    const int64_t before = cached_;
    shrink_to(allowed());
    if (before - cached_ > kWorthTrimming) trim_heap();
    give_up();
    if (!asked_.load()) return;
    release();
    trim_heap();
  }

  /// Frees all blocks, now or at the end of the run that has them.
  void release() {
    asked_.store(true);
    bool in_use = false;
    if (!in_use_.compare_exchange_strong(in_use, true)) return;
    asked_.store(false);
    shrink_to(0);
    peaks_.forget();
    handed_out_ = 0;
    give_up();
  }

  int64_t cached() {
    begin();
    const int64_t bytes = cached_;
    if (--depth_ == 0) give_up();
    return bytes;
  }

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
    keep(block, given);
  }

  /// Between runs: results of the last one come back for the next, which would wait for the system to clear
  /// their pages.
  void give_result(std::byte* block, const BlockClass& given) {
    acquire();
    const bool wanted = given.bytes <= handed_out_ && cached_ + given.bytes <= allowed();
    if (wanted) {
      handed_out_ -= given.bytes;
      keep(block, given);
    }
    give_up();
    if (!wanted) std::free(block);
    if (asked_.load()) release();
  }

 private:
  void keep(std::byte* block, const BlockClass& given) {
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

  void acquire() {
    bool in_use = false;
    while (!in_use_.compare_exchange_weak(in_use, true)) {
      in_use_.wait(true);
      in_use = false;
    }
  }
  void give_up() {
    in_use_.store(false);
    in_use_.notify_all();
  }

  int64_t allowed() const {
    const int64_t most = std::max(peak_, peaks_.largest());
    return std::max(kAlwaysKept, most + most / 2);
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
  int64_t cached_ = 0, live_ = 0, peak_ = 0, handed_out_ = 0;
  RecentPeaks peaks_;
  int depth_ = 0;
  std::atomic<bool> in_use_{false};
  std::atomic<bool> asked_{false};
};

/// Every thread's cache. Never destroyed: threads end later than static objects do.
struct AllCaches {
  std::mutex mutex;
  std::vector<BlockCache*> caches;

  static AllCaches& get() {
    static auto* const all = new AllCaches();
    return *all;
  }
};

/// Neither has a destructor, so storages that die after a thread's cache may still look.
thread_local int t_depth = 0;
thread_local BlockCache* t_cache = nullptr;

BlockCache::BlockCache() {
  AllCaches& all = AllCaches::get();
  const std::lock_guard lock(all.mutex);
  all.caches.push_back(this);
  t_cache = this;
}

BlockCache::~BlockCache() {
  t_cache = nullptr;
  {
    AllCaches& all = AllCaches::get();
    const std::lock_guard lock(all.mutex);
    std::erase(all.caches, this);
  }
  shrink_to(0);
}

/// Made by the first run of a thread.
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
  if (t_cache != nullptr && block != nullptr) {
    return t_depth > 0 ? t_cache->give(block, class_of(bytes)) : t_cache->give_result(block, class_of(bytes));
  }
  std::free(block);
}

int64_t cached_block_bytes() { return this_thread().cached(); }

void release_memory() {
  AllCaches& all = AllCaches::get();
  {
    const std::lock_guard lock(all.mutex);
    for (BlockCache* cache : all.caches) cache->release();
  }
  trim_heap();
}

}  // namespace calque
