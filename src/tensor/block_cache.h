// Memory that tensors of a run gave back, kept for the next ones: the same sizes come again, call after call.
#pragma once

#include <cstddef>
#include <cstdint>

namespace calque {

/// While one lives, storages that this thread allocates take blocks that storages it freed gave back. Blocks
/// stay with the thread between runs: at most about one and a half times what one of the last runs,
/// kRemembered of them, held at one time. What this thread frees between runs is kept alike, as much as the
/// last one left: its results. Blocks go with the thread, and with release_memory().
class ScopedBlockCache {
 public:
  ScopedBlockCache();
  ~ScopedBlockCache();
  ScopedBlockCache(const ScopedBlockCache&) = delete;
  ScopedBlockCache& operator=(const ScopedBlockCache&) = delete;
};

/// Runs after which a thread has forgotten how much a larger one needed. Runs of changing lengths find their
/// blocks again; what one very long input needed goes back.
inline constexpr int kRemembered = 16;

/// Uninitialised memory for `bytes` (more than 0, at most 2^62), aligned to 64; nullptr when the system has
/// none.
std::byte* take_block(int64_t bytes);
/// Takes it back; from any thread.
void give_block(std::byte* block, int64_t bytes) noexcept;
/// Bytes that this thread keeps for later.
int64_t cached_block_bytes();

}  // namespace calque
