#include "kernels/embedding/embedding.h"

#include <cstring>

#include "base/threads.h"
#include "kernels/grain.h"

namespace calque::kernels {

// Copying rows is bound by memory: memcpy is the kernel of every instruction set.
void embedding_rows(const EmbeddingArgs& args) {
  if (args.row_bytes == 0) return;
  const auto* const table = static_cast<const char*>(args.table);
  auto* const out = static_cast<char*>(args.out);
  parallel_for(0, args.count, row_grain(args.row_bytes / 4), [&](int64_t lo, int64_t hi) {
    for (int64_t i = lo; i < hi; ++i) {
      std::memcpy(out + i * args.row_bytes, table + args.ids[i] * args.row_bytes,
                  static_cast<size_t>(args.row_bytes));
    }
  });
}

}  // namespace calque::kernels
