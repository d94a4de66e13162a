// The sum of rows of several tables by index, and its layer normalisation: the first step of an encoder.
#pragma once

#include <cstdint>

namespace calque::kernels {

inline constexpr int kMaxEmbeddingTables = 4;

/// Row r of the output takes row ids[r] of the table; without ids row first + r % period, which numbers
/// positions in sequences of one length, or with period 0 always row `first`. Rows are contiguous.
struct EmbeddingTable {
  const float* rows = nullptr;
  int64_t count = 0;  // rows of the table
  int64_t stride = 0;
  const int64_t* ids = nullptr;
  int64_t first = 0;
  int64_t period = 0;
};

/// out[r, :] = layer_norm(sum over tables, in order, of their rows for r), float32, as layer_norm_rows says.
/// Without `normalise` it is the sum itself; `weight` and `bias` then do not matter. 1 <= table_count <=
/// kMaxEmbeddingTables.
struct EmbeddingSumArgs {
  int64_t rows = 0;
  int64_t cols = 0;
  int table_count = 0;
  EmbeddingTable tables[kMaxEmbeddingTables] = {};
  bool normalise = false;
  const float* weight = nullptr;
  const float* bias = nullptr;
  float eps = 1e-12F;
  float* out = nullptr;
  int64_t out_row = 0;
};

/// The caller has found first_bad_index to be none. out overlaps no input.
void embedding_sum_rows(const EmbeddingSumArgs& args);

/// The first of `ids` that is no row of a table with `rows` rows; `count` when all are.
int64_t first_bad_id(const int64_t* ids, int64_t count, int64_t rows);

struct BadEmbeddingIndex {
  int table = -1;  // -1: all is well
  int64_t row = 0;
  int64_t index = 0;
};

/// The first index that is no row of its table, tables in order, then rows.
BadEmbeddingIndex first_bad_index(const EmbeddingSumArgs& args);

}  // namespace calque::kernels
