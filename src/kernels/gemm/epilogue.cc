#include "kernels/gemm/epilogue.h"

#include "base/check.h"
#include "kernels/pointwise/pointwise.h"

namespace calque::kernels {

namespace {

using RowFunction = void (*)(int64_t n, const float* x, float* y);

RowFunction activation_row(const KernelSet& set, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return nullptr;
    case Activation::kRelu:
      return set.pointwise->unary[static_cast<int>(Unary::kRelu)];
    case Activation::kTanh:
      return set.pointwise->unary[static_cast<int>(Unary::kTanh)];
    case Activation::kGelu:
      return set.gelu->gelu;
    case Activation::kGeluTanh:
      return set.gelu->gelu_tanh;
    case Activation::kSilu:
      return set.pointwise->unary[static_cast<int>(Unary::kSilu)];
    case Activation::kQuickGelu:
      return set.pointwise->unary[static_cast<int>(Unary::kQuickGelu)];
  }
  return nullptr;
}

}  // namespace

template <>
void apply_epilogue(const GemmProblem<float>& problem, const EpilogueRange& range, float* c) {
  const RowFunction activation = activation_row(*problem.set, problem.activation);
  const auto add = problem.set->pointwise->binary[static_cast<int>(Binary::kAdd)];
  for (int64_t i = 0; i < range.rows; ++i) {
    float* const row = c + i * problem.c_row;
    if (activation != nullptr) activation(range.cols, row, row);
    if (problem.residual == nullptr) continue;
    add(range.cols, row, 1, problem.residual + (range.row + i) * problem.residual_row + range.first_col, 1,
        row);
  }
}

template <>
void apply_epilogue(const GemmProblem<double>&, const EpilogueRange&, double*) {
  check(false, "gemm: float64 products have no epilogue");
}

}  // namespace calque::kernels
