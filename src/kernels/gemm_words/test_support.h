// For the tests of products in low precision: the kernels to go through, operands with guards around them,
// and the laws that all of them keep.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/threads.h"
#include "kernels/gemm/packed.h"
#include "kernels/gemm_words/emulated_matrix.h"
#include "kernels/gemm_words/tile_emulation.h"
#include "kernels/registry.h"
#include "kernels/test_support.h"

namespace calque::kernels {

struct Variant {
  std::string name;
  Isa isa;
  DotExtensions extensions;
  bool emulated = false;  // kernels of AMX on emulated tiles stand in for those of `isa`
};

/// The kernels of AVX-512 with those of AMX in emulation; x86 only.
inline const KernelSet& emulated_set() {
  static const KernelSet set = [] {
    KernelSet emulated = platform_kernel_set(Isa::kAvx512);
    emulated.bf16 = emulated_matrix().bf16;
    emulated.int8 = emulated_matrix().int8;
    return emulated;
  }();
  return set;
}

/// Every instruction set as it is, and those that may have `extensions`, if any are given, with them,
/// and then the emulation too.
inline std::vector<Variant> variants(DotExtensions extensions) {
  std::vector<Variant> all;
  for (int i = 0; i < kIsaCount; ++i) {
    const auto isa = static_cast<Isa>(i);
    all.push_back({std::string(isa_name(isa)), isa, {}});
    if (extensions == DotExtensions{} || (isa != Isa::kAvx512 && isa != Isa::kNeon)) continue;
    all.push_back({all.back().name + "_dot", isa, extensions});
  }
  if (extensions != DotExtensions{})
    all.push_back({"amx_emulated", Isa::kAvx512, {.bf16 = true, .bytes = true}, true});
  return all;
}

/// A test that runs once per variant; those that the processor lacks are skipped.
class VariantTest : public ::testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    const auto& [name, isa, extensions, emulated] = GetParam();
    const DotExtensions best = best_extensions();
    runs_ = has_isa(isa) && (best.bf16 || !extensions.bf16) && (best.bytes || !extensions.bytes);
    if (!runs_) GTEST_SKIP() << "the processor lacks " << name;
    before_ = active_isa();
    set_active_isa(isa);
    set_active_extensions(extensions);
    if (emulated) set_stand_in(isa, &emulated_set());
  }
  void TearDown() override {
    if (!runs_) return;
    set_stand_in(GetParam().isa, nullptr);
    EXPECT_EQ(TileState::configured(), 0) << "a thread keeps tiles after its task";
    set_active_isa(before_);
    set_active_extensions(best_extensions());
  }

 private:
  bool runs_ = false;
  Isa before_ = Isa::kScalar;
};

inline std::string variant_name(const ::testing::TestParamInfo<Variant>& info) { return info.param.name; }

/// C = activation(A W^T + bias) + residual, with padded and strided rows, and guards after each row of C.
struct Linear {
  Linear(std::mt19937& rng, int64_t m_, int64_t n_, int64_t k_, int64_t a_col_ = 1)
      : m(m_),
        n(n_),
        k(k_),
        a_col(a_col_),
        a_row(k * a_col + random_size(rng, 0, 3)),
        c_row(n + random_size(rng, 1, 5)),
        residual_row(n + random_size(rng, 0, 2)),
        a(random_floats(rng, m * a_row + 1, 2.0F)),
        w(random_floats(rng, n * k + 1)),
        bias(random_floats(rng, n + 1)),
        residual(random_floats(rng, m * residual_row + 1)),
        c(static_cast<size_t>(m * c_row + 1), kGuard) {}

  static constexpr float kGuard = 12345.0F;

  GemmPackedArgs args() {
    return {.m = m, .a = a.data(), .a_row = a_row, .a_col = a_col, .c = c.data(), .c_row = c_row};
  }
  float a_at(int64_t i, int64_t t) const { return a[static_cast<size_t>(i * a_row + t * a_col)]; }
  float w_at(int64_t j, int64_t t) const { return w[static_cast<size_t>(j * k + t)]; }
  float c_at(int64_t i, int64_t j) const { return c[static_cast<size_t>(i * c_row + j)]; }
  float residual_at(int64_t i, int64_t j) const {
    return residual[static_cast<size_t>(i * residual_row + j)];
  }

  void expect_guards() const {
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = n; j < c_row; ++j) ASSERT_EQ(c_at(i, j), kGuard) << "row " << i << " column " << j;
    }
    ASSERT_EQ(c.back(), kGuard);
  }

  int64_t m, n, k, a_col, a_row, c_row, residual_row;
  std::vector<float> a, w, bias, residual, c;
};

inline double activated(Activation activation, double x) {
  const double cube = x + 0.044715 * x * x * x;
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x < 0 ? 0 : x;
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kGelu:
      return x / 2 * (1 + std::erf(x * std::sqrt(0.5)));
    case Activation::kGeluTanh:
      return x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * cube));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kQuickGelu:
      return x / (1 + std::exp(-1.702 * x));
  }
  return x;
}

/// What bfloat16 and bytes allow the activation to be off.
inline double coarseness(Activation activation) {
  return activation == Activation::kGelu || activation == Activation::kGeluTanh ? 2e-5 : 0;
}

/// Every row alone, and all rows on 1 to 4 threads, give the bits of the whole product. `multiply` takes
/// GemmPackedArgs.
template <class Multiply>
void expect_rows_stand_alone(Linear& problem, Multiply&& multiply) {
  const int threads = get_num_threads();
  GemmPackedArgs args = problem.args();
  args.bias = problem.bias.data();
  args.activation = Activation::kGelu;
  args.residual = problem.residual.data();
  args.residual_row = problem.residual_row;
  multiply(args);
  const std::vector<float> wanted = problem.c;
  for (const int count : {1, 2, 3, 4}) {
    set_num_threads(count);
    std::vector<float> found(wanted.size(), Linear::kGuard);
    args.c = found.data();
    multiply(args);
    EXPECT_EQ(found, wanted) << count << " threads";
  }
  set_num_threads(threads);
  std::vector<float> alone(wanted.size(), Linear::kGuard);
  for (int64_t i = 0; i < problem.m; ++i) {
    GemmPackedArgs row = args;
    row.m = 1;
    row.a += i * args.a_row;
    row.c = alone.data() + i * args.c_row;
    row.residual += i * args.residual_row;
    multiply(row);
  }
  EXPECT_EQ(alone, wanted);
}

}  // namespace calque::kernels
