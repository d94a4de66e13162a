#include "kernels/gemm/gemm.h"

#include <atomic>
#include <cstring>
#include <thread>

#include "base/threads.h"
#include "kernels/convert/convert.h"
#include "kernels/gemm/packed.h"
#include "kernels/test_support.h"

namespace calque::kernels {
namespace {

// A matrix with guard elements around it, in one of several layouts.
struct Matrix {
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t row = 0;
  int64_t col = 0;
  int64_t offset = 0;
  std::vector<float> data;

  float at(int64_t i, int64_t j) const { return data[static_cast<size_t>(offset + i * row + j * col)]; }
  float& at(int64_t i, int64_t j) { return data[static_cast<size_t>(offset + i * row + j * col)]; }
  const float* begin() const { return data.data() + offset; }
};

enum class Layout { kRows, kPaddedRows, kTransposed, kStrided, kReversed, kBroadcastRow };
constexpr int kLayouts = 6;

Matrix random_matrix(std::mt19937& rng, int64_t rows, int64_t cols, Layout layout) {
  Matrix m{rows, cols, cols, 1, 0, {}};
  if (layout == Layout::kPaddedRows) m.row = cols + 5;
  if (layout == Layout::kTransposed) m.row = 1, m.col = rows + 3;
  if (layout == Layout::kStrided) m.row = 3 * cols + 1, m.col = 3;
  if (layout == Layout::kReversed) m.row = -cols, m.offset = (rows > 0 ? rows - 1 : 0) * cols;
  if (layout == Layout::kBroadcastRow) m.row = 0;
  const int64_t size =
      m.offset + std::max<int64_t>(0, (rows - 1) * m.row) + std::max<int64_t>(0, (cols - 1) * m.col) + 1;
  m.data = random_floats(rng, size);
  return m;
}

double exact(const Matrix& a, const Matrix& b, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t t = 0; t < a.cols; ++t)
    sum += static_cast<double>(a.at(i, t)) * static_cast<double>(b.at(t, j));
  return sum;
}

// The rounding of a sum in order, several times its usual size and far below its bound; `size` is the sum of
// magnitudes.
double tolerance(int64_t k, double size) {
  return 4 * std::sqrt(static_cast<double>(k) + 4) * 0x1p-24 * size;
}

double sum_of_magnitudes(const Matrix& a, const Matrix& b, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t t = 0; t < a.cols; ++t)
    sum += std::abs(static_cast<double>(a.at(i, t)) * static_cast<double>(b.at(t, j)));
  return sum;
}

class Gemm : public IsaTest {};
INSTANTIATE_TEST_SUITE_P(Isa, Gemm, kAllIsas, isa_test_name);

struct Case {
  int64_t m, n, k;
};

void check_case(std::mt19937& rng, const Case& size, Layout a_layout, Layout b_layout, float alpha,
                float beta, bool with_bias) {
  const Matrix a = random_matrix(rng, size.m, size.k, a_layout);
  const Matrix b = random_matrix(rng, size.k, size.n, b_layout);
  Matrix c = random_matrix(rng, size.m, size.n, Layout::kPaddedRows);
  if (beta == 0) {
    for (int64_t i = 0; i < size.m; ++i) {
      for (int64_t j = 0; j < size.n; ++j) c.at(i, j) = kNan;
    }
  }
  const Matrix before = c;
  const std::vector<float> bias = random_floats(rng, size.n);
  gemm({.m = size.m,
        .n = size.n,
        .k = size.k,
        .a = a.begin(),
        .a_row = a.row,
        .a_col = a.col,
        .b = b.begin(),
        .b_row = b.row,
        .b_col = b.col,
        .c = c.data.data(),
        .c_row = c.row,
        .alpha = alpha,
        .beta = beta,
        .bias = with_bias ? bias.data() : nullptr});
  // Of large results a part is enough; the step is odd, so that it meets every column of a tile.
  const int64_t step = (size.m * size.n * size.k / 1000000) | 1;
  for (int64_t at = 0; at < size.m * size.n; at += step) {
    const int64_t i = at / size.n;
    const int64_t j = at % size.n;
    double wanted = static_cast<double>(alpha) * exact(a, b, i, j);
    if (beta != 0) wanted += static_cast<double>(beta) * static_cast<double>(before.at(i, j));
    if (with_bias) wanted += static_cast<double>(bias[static_cast<size_t>(j)]);
    const double magnitude = std::abs(static_cast<double>(alpha)) * sum_of_magnitudes(a, b, i, j) + 2;
    ASSERT_NEAR(c.at(i, j), wanted, tolerance(size.k, magnitude))
        << "m " << size.m << " n " << size.n << " k " << size.k << " at " << i << ", " << j << " layouts "
        << static_cast<int>(a_layout) << " " << static_cast<int>(b_layout);
  }
  for (int64_t i = 0; i + 1 < size.m; ++i) {
    for (int64_t j = size.n; j < c.row; ++j) ASSERT_EQ(c.at(i, j), before.at(i, j)) << "guard";
  }
}

TEST_P(Gemm, EdgeSizesMatchExactSums) {
  std::mt19937 rng(1);
  for (const int64_t m : {1, 2, 3, 5, 7, 8, 9, 13, 17}) {
    for (const int64_t n : {1, 2, 7, 8, 15, 16, 17, 31, 33, 47, 48, 49, 100}) {
      for (const int64_t k : {0, 1, 2, 15, 16, 17, 33})
        check_case(rng, {m, n, k}, Layout::kRows, Layout::kRows, 1, 0, false);
    }
  }
}

TEST_P(Gemm, EveryLayoutMatches) {
  std::mt19937 rng(2);
  for (int a = 0; a < kLayouts; ++a) {
    for (int b = 0; b < kLayouts; ++b) {
      check_case(rng, {19, 67, 41}, static_cast<Layout>(a), static_cast<Layout>(b), 1, 0, true);
      check_case(rng, {3, 50, 400}, static_cast<Layout>(a), static_cast<Layout>(b), 1, 1, false);
    }
  }
}

TEST_P(Gemm, RandomCasesMatch) {
  std::mt19937 rng(3);
  for (int round = 0; round < 60; ++round) {
    const Case size{random_size(rng, 1, 70), random_size(rng, 1, 150), random_size(rng, 0, 900)};
    const auto a_layout = static_cast<Layout>(random_size(rng, 0, kLayouts - 1));
    const auto b_layout = static_cast<Layout>(random_size(rng, 0, kLayouts - 1));
    const float alphas[] = {1, 1, 0.125F, -2};
    const float betas[] = {0, 0, 1, 0.5F};
    const float alpha = alphas[random_size(rng, 0, 3)];
    const float beta = betas[random_size(rng, 0, 3)];
    check_case(rng, size, a_layout, b_layout, alpha, beta, random_size(rng, 0, 1) == 1);
  }
}

TEST_P(Gemm, LargeCasesTakeEveryRoad) {
  std::mt19937 rng(4);
  check_case(rng, {700, 50, 390}, Layout::kRows, Layout::kTransposed, 1, 0, true);  // two row blocks
  check_case(rng, {200, 120, 1300}, Layout::kRows, Layout::kTransposed, 1, 0,
             true);                                                                // A does not fit at once
  check_case(rng, {200, 1000, 800}, Layout::kRows, Layout::kRows, 1, 0.5F, true);  // sums outside of C
  check_case(rng, {1, 3000, 1000}, Layout::kRows, Layout::kTransposed, 1, 0, false);
  check_case(rng, {900, 2, 500}, Layout::kRows, Layout::kTransposed, 1, 0, true);
}

TEST_P(Gemm, EmptySizes) {
  std::mt19937 rng(5);
  float c[4] = {1, 2, 3, 4};
  const float bias[2] = {10, 20};
  gemm({.m = 0, .n = 2, .k = 3, .c = c, .c_row = 2});
  gemm({.m = 2, .n = 0, .k = 3, .c = c, .c_row = 2});
  EXPECT_EQ(c[3], 4);
  gemm({.m = 2, .n = 2, .k = 0, .c = c, .c_row = 2, .beta = 2, .bias = bias});
  EXPECT_EQ(c[0], 12);
  EXPECT_EQ(c[3], 28);
  gemm({.m = 2, .n = 2, .k = 0, .c = c, .c_row = 2});
  EXPECT_EQ(c[0], 0);
  EXPECT_EQ(c[3], 0);
}

TEST_P(Gemm, NanAndInfinityPropagate) {
  std::mt19937 rng(6);
  Matrix a = random_matrix(rng, 9, 50, Layout::kRows);
  Matrix b = random_matrix(rng, 50, 60, Layout::kRows);
  a.at(4, 7) = kNan;
  b.at(9, 33) = kInf;
  std::vector<float> c(9 * 60);
  gemm({.m = 9,
        .n = 60,
        .k = 50,
        .a = a.begin(),
        .a_row = 50,
        .b = b.begin(),
        .b_row = 60,
        .c = c.data(),
        .c_row = 60});
  for (size_t i = 0; i < 9; ++i) {
    for (size_t j = 0; j < 60; ++j) {
      const float value = c[i * 60 + j];
      if (i == 4) {
        EXPECT_TRUE(std::isnan(value));
      } else if (j == 33) {
        EXPECT_TRUE(std::isinf(value)) << i;
      } else {
        EXPECT_TRUE(std::isfinite(value)) << i << " " << j;
      }
    }
  }
}

// A row's bits depend neither on the rows beside it nor on the threads, nor on whether B was packed before.
TEST_P(Gemm, RowsAreBitwiseIndependent) {
  std::mt19937 rng(7);
  const int64_t m = 130;
  const int64_t n = 200;
  const int64_t k = 1000;
  const Matrix a = random_matrix(rng, m, k, Layout::kRows);
  const Matrix b = random_matrix(rng, k, n, Layout::kTransposed);
  const int threads = get_num_threads();
  std::vector<float> all(static_cast<size_t>(m * n));
  std::vector<float> part(all.size());
  const GemmArgs args{.m = m,
                      .n = n,
                      .k = k,
                      .a = a.begin(),
                      .a_row = k,
                      .b = b.begin(),
                      .b_row = b.row,
                      .b_col = b.col,
                      .c = all.data(),
                      .c_row = n};
  set_num_threads(1);
  gemm(args);
  set_num_threads(3);
  for (const int64_t rows : {1, 2, 5, 8, 11, 64, 130}) {
    GemmArgs some = args;
    some.m = rows;
    some.a = a.begin() + (m - rows) * k;
    some.c = part.data();
    gemm(some);
    EXPECT_EQ(
        std::memcmp(part.data(), all.data() + (m - rows) * n, static_cast<size_t>(rows * n) * sizeof(float)),
        0)
        << rows;
    const PackedB packed = pack_b(k, n, b.begin(), b.row, b.col);
    gemm_packed({.m = rows, .a = some.a, .a_row = k, .c = part.data(), .c_row = n}, packed);
    EXPECT_EQ(
        std::memcmp(part.data(), all.data() + (m - rows) * n, static_cast<size_t>(rows * n) * sizeof(float)),
        0)
        << rows;
  }
  set_num_threads(threads);
}

TEST_P(Gemm, BatchesOfAttention) {
  // q, k, v [batch, length, heads, head]: scores = q k^T / 8, mixed = scores v, through strides only.
  std::mt19937 rng(8);
  const int64_t batch = 2, length = 21, heads = 3, head = 16;
  const std::vector<float> q = random_floats(rng, batch * length * heads * head);
  const std::vector<float> k = random_floats(rng, batch * length * heads * head);
  std::vector<float> scores(static_cast<size_t>(batch * heads * length * length));
  const int64_t width = heads * head;
  gemm_batched({.m = length,
                .n = length,
                .k = head,
                .a = q.data(),
                .a_row = width,
                .b = k.data(),
                .b_row = 1,
                .b_col = width,
                .c = scores.data(),
                .c_row = length,
                .alpha = 0.125F},
               {.outer = batch,
                .inner = heads,
                .a_outer = length * width,
                .a_inner = head,
                .b_outer = length * width,
                .b_inner = head,
                .c_outer = heads * length * length,
                .c_inner = length * length});
  for (int64_t s = 0; s < batch; ++s) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < length; ++i) {
        for (int64_t j = 0; j < length; ++j) {
          double wanted = 0;
          for (int64_t d = 0; d < head; ++d) {
            wanted += static_cast<double>(q[static_cast<size_t>((s * length + i) * width + h * head + d)]) *
                      static_cast<double>(k[static_cast<size_t>((s * length + j) * width + h * head + d)]);
          }
          ASSERT_NEAR(scores[static_cast<size_t>(((s * heads + h) * length + i) * length + j)], wanted / 8,
                      1e-6);
        }
      }
    }
  }
}

TEST_P(Gemm, PackedEpilogueMatchesSteps) {
  std::mt19937 rng(9);
  const int64_t m = 37, n = 75, k = 500;
  const Matrix a = random_matrix(rng, m, k, Layout::kRows);
  const Matrix b = random_matrix(rng, k, n, Layout::kTransposed);
  const Matrix residual = random_matrix(rng, m, n, Layout::kPaddedRows);
  const std::vector<float> bias = random_floats(rng, n);
  const PackedB packed = pack_b(k, n, b.begin(), b.row, b.col);
  EXPECT_GE(packed.bytes(), k * n * 4);
  for (int kind = 0; kind <= static_cast<int>(Activation::kQuickGelu); ++kind) {
    std::vector<float> c(static_cast<size_t>(m * n), kNan);
    gemm_packed({.m = m,
                 .a = a.begin(),
                 .a_row = k,
                 .c = c.data(),
                 .c_row = n,
                 .alpha = 0.1F,
                 .bias = bias.data(),
                 .activation = static_cast<Activation>(kind),
                 .residual = residual.begin(),
                 .residual_row = residual.row},
                packed);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        const double x = 0.1 * exact(a, b, i, j) + static_cast<double>(bias[static_cast<size_t>(j)]);
        const double cube = x + 0.044715 * x * x * x;
        const double activated[] = {x,
                                    x < 0 ? 0 : x,
                                    std::tanh(x),
                                    x / 2 * (1 + std::erf(x * std::sqrt(0.5))),
                                    x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * cube)),
                                    x / (1 + std::exp(-x)),
                                    x / (1 + std::exp(-1.702 * x))};
        ASSERT_NEAR(c[static_cast<size_t>(i * n + j)],
                    activated[kind] + static_cast<double>(residual.at(i, j)), 3e-6);
      }
    }
  }
}

TEST_P(Gemm, ManyThreadsMayCallAtOnce) {
  std::mt19937 rng(12);
  const int64_t m = 40, n = 96, k = 420;
  const Matrix a = random_matrix(rng, m, k, Layout::kRows);
  const Matrix b = random_matrix(rng, k, n, Layout::kTransposed);
  const PackedB packed = pack_b(k, n, b.begin(), b.row, b.col);
  const int threads = get_num_threads();
  set_num_threads(3);
  std::vector<float> wanted(static_cast<size_t>(m * n));
  gemm_packed({.m = m, .a = a.begin(), .a_row = k, .c = wanted.data(), .c_row = n}, packed);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      std::vector<float> c(wanted.size());
      for (int round = 0; round < 20; ++round) {
        gemm_packed({.m = m, .a = a.begin(), .a_row = k, .c = c.data(), .c_row = n}, packed);
        if (c != wanted) wrong++;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  set_num_threads(threads);
  EXPECT_EQ(wrong.load(), 0);
}

TEST_P(Gemm, Float64) {
  std::mt19937 rng(10);
  for (const int64_t m : {1, 4, 9, 33}) {
    for (const int64_t n : {1, 7, 24, 25, 80}) {
      for (const int64_t k : {0, 1, 40, 800}) {
        const Matrix a32 = random_matrix(rng, m, k, Layout::kRows);
        const Matrix b32 = random_matrix(rng, k, n, Layout::kTransposed);
        const std::vector<double> a(a32.data.begin(), a32.data.end());
        const std::vector<double> b(b32.data.begin(), b32.data.end());
        std::vector<double> c(static_cast<size_t>(m * n), 1);
        gemm(GemmArgsF64{.m = m,
                         .n = n,
                         .k = k,
                         .a = a.data(),
                         .a_row = a32.row,
                         .a_col = a32.col,
                         .b = b.data(),
                         .b_row = b32.row,
                         .b_col = b32.col,
                         .c = c.data(),
                         .c_row = n,
                         .alpha = 2,
                         .beta = 0.5});
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            ASSERT_NEAR(c[static_cast<size_t>(i * n + j)], 2 * exact(a32, b32, i, j) + 0.5, 1e-12);
          }
        }
      }
    }
  }
}

std::vector<uint16_t> to_16(const std::vector<float>& x, bool bf16) {
  std::vector<uint16_t> y(x.size());
  (bf16 ? f32_to_bf16 : f32_to_f16)(static_cast<int64_t>(x.size()), x.data(), y.data());
  return y;
}

std::vector<float> from_16(const std::vector<uint16_t>& x, bool bf16) {
  std::vector<float> y(x.size());
  (bf16 ? bf16_to_f32 : f16_to_f32)(static_cast<int64_t>(x.size()), x.data(), y.data());
  return y;
}

TEST_P(Gemm, SixteenBitStorageRoundsOnce) {
  std::mt19937 rng(11);
  for (int round = 0; round < 40; ++round) {
    const bool bf16 = round % 2 == 0;
    const int64_t m = random_size(rng, 1, 30), n = random_size(rng, 1, 70), k = random_size(rng, 0, 800);
    Matrix a = random_matrix(rng, m, k, static_cast<Layout>(random_size(rng, 0, kLayouts - 1)));
    Matrix b = random_matrix(rng, k, n, static_cast<Layout>(random_size(rng, 0, kLayouts - 1)));
    const std::vector<uint16_t> a16 = to_16(a.data, bf16), b16 = to_16(b.data, bf16);
    std::vector<uint16_t> c16 = to_16(random_floats(rng, m * n), bf16),
                          bias16 = to_16(random_floats(rng, n), bf16);
    a.data = from_16(a16, bf16), b.data = from_16(b16, bf16);
    const std::vector<float> c = from_16(c16, bf16), bias = from_16(bias16, bf16);
    const float beta = round % 4 < 2 ? 0.0F : 0.5F;
    (bf16 ? gemm_bf16 : gemm_f16)({.m = m,
                                   .n = n,
                                   .k = k,
                                   .a = a16.data() + a.offset,
                                   .a_row = a.row,
                                   .a_col = a.col,
                                   .b = b16.data() + b.offset,
                                   .b_row = b.row,
                                   .b_col = b.col,
                                   .c = c16.data(),
                                   .c_row = n,
                                   .alpha = 0.25F,
                                   .beta = beta,
                                   .bias = bias16.data()});
    const std::vector<float> found = from_16(c16, bf16);
    for (int64_t i = 0; i < m * n; ++i) {
      const double wanted = 0.25 * exact(a, b, i / n, i % n) +
                            static_cast<double>(beta) * static_cast<double>(c[static_cast<size_t>(i)]) +
                            static_cast<double>(bias[static_cast<size_t>(i % n)]);
      ASSERT_NEAR(found[static_cast<size_t>(i)], wanted,
                  2e-5 + std::abs(wanted) * (bf16 ? 0x1.01p-8 : 0x1.01p-11));
    }
  }
}

}  // namespace
}  // namespace calque::kernels
