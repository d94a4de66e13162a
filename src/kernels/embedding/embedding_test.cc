#include "kernels/embedding/embedding.h"

#include <gtest/gtest.h>

#include <vector>

namespace calque::kernels {
namespace {

TEST(Embedding, CopiesRowsInOrder) {
  const int64_t cols = 5;
  std::vector<float> table(100 * cols);
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i);
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < 10000; ++i) ids.push_back(i * 37 % 100);
  std::vector<float> out(ids.size() * cols);
  embedding_rows(
      {.table = table.data(), .row_bytes = cols * 4, .ids = ids.data(), .count = 10000, .out = out.data()});
  for (size_t i = 0; i < ids.size(); ++i) {
    for (size_t c = 0; c < cols; ++c)
      ASSERT_EQ(out[i * cols + c], static_cast<float>(ids[i] * cols) + static_cast<float>(c));
  }
}

TEST(Embedding, EmptyIsFine) {
  embedding_rows({});
  const int64_t id = 0;
  embedding_rows({.row_bytes = 0, .ids = &id, .count = 1});
}

}  // namespace
}  // namespace calque::kernels
