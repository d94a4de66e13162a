// Rows of a table by index.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// Copies row ids[i] of `table`, row_bytes long, to row i of `out`, for `count` ids of any dtype. The caller
/// has checked that each id is a row of the table.
struct EmbeddingArgs {
  const void* table = nullptr;
  int64_t row_bytes = 0;
  const int64_t* ids = nullptr;
  int64_t count = 0;
  void* out = nullptr;
};

void embedding_rows(const EmbeddingArgs& args);

}  // namespace calque::kernels
