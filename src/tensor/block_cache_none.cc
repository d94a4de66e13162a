// For builds with AddressSanitizer: every block comes from the system and goes back to it, so that misuse is
// seen.
#include <algorithm>
#include <cstdlib>

#include "base/heap.h"
#include "calque/memory.h"
#include "tensor/block_cache.h"

namespace calque {

ScopedBlockCache::ScopedBlockCache() = default;
ScopedBlockCache::~ScopedBlockCache() = default;

std::byte* take_block(int64_t bytes) {
  constexpr size_t kAlignment = 64;
  const size_t rounded =
      (static_cast<size_t>(std::max<int64_t>(bytes, 1)) + kAlignment - 1) / kAlignment * kAlignment;
  return static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded));
}

void give_block(std::byte* block, int64_t) noexcept { std::free(block); }

int64_t cached_block_bytes() { return 0; }

void release_memory() { trim_heap(); }

}  // namespace calque
