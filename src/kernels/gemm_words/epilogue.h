// What happens to a finished tile while it is still in the cache.
#pragma once

#include <cstdint>

#include "kernels/gemm/packed.h"
#include "kernels/gemm_words/word_kernels.h"
#include "kernels/registry.h"

namespace calque::kernels {

enum class GeluForm { kExact, kCoarse };

class WordEpilogue {
 public:
  WordEpilogue(const GemmPackedArgs& args, const KernelSet& set, GeluForm form);

  /// c = activation(c) + residual; `row` and `first_col` say where in the product the tile begins. Without an
  /// activation the tile has done all.
  void apply(const WordTile& tile, int64_t row, int64_t first_col) const;

 private:
  void (*activation_)(int64_t n, const float* x, float* y);  // nullptr for none
  PointwiseKernels::BinaryRow add_;
  const float* residual_;
  int64_t residual_row_;
};

}  // namespace calque::kernels
