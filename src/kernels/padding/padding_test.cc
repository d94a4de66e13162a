#include "kernels/padding/padding.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "calque/threads.h"

namespace calque::kernels {
namespace {

constexpr char kGuard = 77;

// Some rows of many, there and back, with bytes around both.
TEST(Padding, RowsGoThereAndBack) {
  std::mt19937 rng(1);
  const int before = get_num_threads();
  for (int round = 0; round < 60; ++round) {
    set_num_threads(1 + round % 3);
    const int64_t rows = round % 7 == 0 ? 0 : static_cast<int64_t>(rng() % 300);
    const auto bytes = static_cast<int64_t>(rng() % 3 == 0 ? rng() % 5 : rng() % 3000);
    std::vector<int64_t> index;
    for (int64_t r = 0; r < rows; ++r) {
      if (rng() % 3 < static_cast<unsigned>(round % 4)) index.push_back(r);
    }
    const auto count = static_cast<int64_t>(index.size());
    std::vector<char> padded(static_cast<size_t>(rows * bytes)),
        packed(static_cast<size_t>(count * bytes + 1), kGuard);
    for (char& byte : padded) byte = static_cast<char>(rng());
    const PackRowsArgs args{.row_bytes = bytes, .index = index.data(), .count = count, .padded_rows = rows};
    pack_rows(args, padded.data(), packed.data());
    ASSERT_EQ(packed.back(), kGuard);
    std::vector<char> back(padded.size() + 1, kGuard), wanted(padded.size() + 1, 0);
    wanted.back() = kGuard;
    for (size_t i = 0; i < index.size(); ++i) {
      const auto size = static_cast<size_t>(bytes);
      const size_t from = static_cast<size_t>(index[i]) * size;
      for (size_t b = 0; b < size; ++b) {
        ASSERT_EQ(packed[i * size + b], padded[from + b]);
        wanted[from + b] = padded[from + b];
      }
    }
    unpack_rows(args, packed.data(), back.data());
    ASSERT_EQ(back, wanted);
  }
  set_num_threads(before);
}

}  // namespace
}  // namespace calque::kernels
