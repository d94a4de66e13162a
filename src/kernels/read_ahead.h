// For loops over weights that are read once, from memory.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// Tiles of so many rows take as long as the weights take to come from memory.
inline constexpr int kStreamedRows = 4;

/// Processors read ahead by themselves within a page of memory; of the pages to come, this asks for the first
/// lines, once for each page. `at` goes on by kBytes from call to call. Always inlined: instruction sets must
/// not share it.
template <int kBytes>
[[gnu::always_inline]] static inline void read_pages_ahead(const void* at) {
  constexpr uintptr_t kPage = 4096;
  constexpr int kPages = 16;
  constexpr int kLines = 8;
  constexpr int kSecondLevel = 2;  // the first-level cache is too small for what comes so much later
  if (reinterpret_cast<uintptr_t>(at) % kPage >= kBytes) return;
  const char* const later = static_cast<const char*>(at) + kPages * kPage;
  for (int line = 0; line < kLines; ++line) __builtin_prefetch(later + line * 64, 0, kSecondLevel);
}

}  // namespace calque::kernels
