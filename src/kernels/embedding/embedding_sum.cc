#include "kernels/embedding/embedding_sum.h"

#include <algorithm>

#include "base/threads.h"
#include "kernels/grain.h"
#include "kernels/registry.h"

namespace calque::kernels {

namespace {

int64_t index_of(const EmbeddingTable& table, int64_t row) {
  if (table.ids != nullptr) return table.ids[row];
  return table.period > 0 ? table.first + row % table.period : table.first;
}

const float* row_of(const EmbeddingTable& table, int64_t row) {
  return table.rows + index_of(table, row) * table.stride;
}

// Rows of large tables come from memory, and which they are only the indices tell.
void prefetch_row(const EmbeddingTable& table, int64_t row, int64_t cols) {
  constexpr int64_t kLineFloats = 16;
  const float* const from = row_of(table, row);
  for (int64_t c = 0; c < cols; c += kLineFloats) __builtin_prefetch(from + c);
}

// All tables but the last into `out`; the last is left to the caller. With one table nothing is written and
// its row returned.
const float* sum_but_last(const EmbeddingSumArgs& args, int64_t row, float* out) {
  const auto add = active_kernels().pointwise->binary[0];
  const float* sum = row_of(args.tables[0], row);
  for (int t = 1; t + 1 < args.table_count; ++t) {
    add(args.cols, sum, 1, row_of(args.tables[t], row), 1, out);
    sum = out;
  }
  return sum;
}

void sum_row(const EmbeddingSumArgs& args, int64_t row, float* out) {
  const float* const sum = sum_but_last(args, row, out);
  if (args.table_count == 1) {
    std::copy_n(sum, args.cols, out);
  } else {
    active_kernels().pointwise->binary[0](args.cols, sum, 1, row_of(args.tables[args.table_count - 1], row),
                                          1, out);
  }
}

void normal_row(const EmbeddingSumArgs& args, int64_t row, float* out) {
  const float* const sum = sum_but_last(args, row, out);
  active_kernels().layer_norm->row(
      {.n = args.cols,
       .x = sum,
       .residual = args.table_count == 1 ? nullptr : row_of(args.tables[args.table_count - 1], row),
       .weight = args.weight,
       .bias = args.bias,
       .eps = args.eps,
       .y = out,
       .sum = nullptr});
}

}  // namespace

void embedding_sum_rows(const EmbeddingSumArgs& args) {
  if (args.cols == 0) return;
  parallel_for(0, args.rows, row_grain(args.cols), [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; ++r) {
      for (int t = 0; t < args.table_count && r + 1 < hi; ++t) {
        if (args.tables[t].ids != nullptr) prefetch_row(args.tables[t], r + 1, args.cols);
      }
      float* const out = args.out + r * args.out_row;
      args.normalise ? normal_row(args, r, out) : sum_row(args, r, out);
    }
  });
}

int64_t first_bad_id(const int64_t* ids, int64_t count, int64_t rows) {
  return std::find_if(ids, ids + count, [rows](int64_t id) { return id < 0 || id >= rows; }) - ids;
}

BadEmbeddingIndex first_bad_index(const EmbeddingSumArgs& args) {
  for (int t = 0; t < args.table_count; ++t) {
    const EmbeddingTable& table = args.tables[t];
    if (args.rows == 0) continue;
    int64_t bad = args.rows;
    if (table.ids != nullptr) {
      bad = first_bad_id(table.ids, args.rows, table.count);
    } else if (table.first < 0 || table.first >= table.count) {
      bad = 0;
    } else if (std::min(table.period, args.rows) > table.count - table.first) {
      bad = table.count - table.first;
    }
    if (bad < args.rows) return {.table = t, .row = bad, .index = index_of(table, bad)};
  }
  return {};
}

}  // namespace calque::kernels
