#include "kernels/gemm_words/epilogue.h"

#include "kernels/pointwise/pointwise.h"

namespace calque::kernels {

namespace {

using ActivationRow = void (*)(int64_t n, const float* x, float* y);

ActivationRow word_activation(Activation activation, const KernelSet& set, GeluForm form) {
  const bool coarse = form == GeluForm::kCoarse;
  switch (activation) {
    case Activation::kNone:
      return nullptr;
    case Activation::kRelu:
      return set.pointwise->unary[static_cast<int>(Unary::kRelu)];
    case Activation::kTanh:
      return set.pointwise->unary[static_cast<int>(Unary::kTanh)];
    case Activation::kGelu:
      return coarse ? set.gelu->coarse_gelu : set.gelu->gelu;
    case Activation::kGeluTanh:
      return coarse ? set.gelu->coarse_gelu_tanh : set.gelu->gelu_tanh;
    case Activation::kSilu:
      return set.pointwise->unary[static_cast<int>(Unary::kSilu)];
    case Activation::kQuickGelu:
      return set.pointwise->unary[static_cast<int>(Unary::kQuickGelu)];
  }
  return nullptr;
}

}  // namespace

WordEpilogue::WordEpilogue(const GemmPackedArgs& args, const KernelSet& set, GeluForm form)
    : activation_(word_activation(args.activation, set, form)),
      add_(set.pointwise->binary[static_cast<int>(Binary::kAdd)]),
      residual_(args.residual),
      residual_row_(args.residual_row) {}

void WordEpilogue::apply(const WordTile& tile, int64_t row, int64_t first_col) const {
  if (activation_ == nullptr) return;
  for (int64_t i = 0; i < tile.rows; ++i) {
    float* const c = tile.c + i * tile.c_row;
    activation_(tile.cols, c, c);
    if (residual_ != nullptr) add_(tile.cols, c, 1, residual_ + (row + i) * residual_row_ + first_col, 1, c);
  }
}

}  // namespace calque::kernels
