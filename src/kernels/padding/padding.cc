#include "kernels/padding/padding.h"

#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "kernels/grain.h"

namespace calque::kernels {

// Copying is bound by memory: memcpy is the kernel of every instruction set.
void pack_rows(const PackRowsArgs& args, const void* padded, void* packed) {
  if (args.row_bytes == 0) return;
  const auto* const from = static_cast<const char*>(padded);
  auto* const to = static_cast<char*>(packed);
  const auto bytes = static_cast<size_t>(args.row_bytes);
  parallel_for(0, args.count, row_grain(args.row_bytes / 4), [&](int64_t lo, int64_t hi) {
    for (int64_t i = lo; i < hi; ++i) {
      std::memcpy(to + i * args.row_bytes, from + args.index[i] * args.row_bytes, bytes);
    }
  });
}

void unpack_rows(const PackRowsArgs& args, const void* packed, void* padded) {
  if (args.row_bytes == 0) return;
  const auto* const from = static_cast<const char*>(packed);
  auto* const to = static_cast<char*>(padded);
  const auto bytes = static_cast<size_t>(args.row_bytes);
  parallel_for(0, args.padded_rows, row_grain(args.row_bytes / 4), [&](int64_t lo, int64_t hi) {
    int64_t i = std::lower_bound(args.index, args.index + args.count, lo) - args.index;
    for (int64_t r = lo; r < hi; ++r) {
      if (i < args.count && args.index[i] == r) {
        std::memcpy(to + r * args.row_bytes, from + i++ * args.row_bytes, bytes);
      } else {
        std::memset(to + r * args.row_bytes, 0, bytes);
      }
    }
  });
}

}  // namespace calque::kernels
