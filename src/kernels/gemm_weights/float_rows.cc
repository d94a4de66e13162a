#include "kernels/gemm_weights/float_rows.h"

#include <cstring>

namespace calque::kernels {

RowQuantization pack_float_row(int64_t k, const float* x, const float*, uint32_t* words) {
  if (k > 0) std::memcpy(words, x, static_cast<size_t>(k) * sizeof(float));
  return {};
}

RowQuantization pack_float_groups(int64_t k, const float* x, const float* factors, uint32_t* words) {
  for (int64_t i = k; i % kInt4Group != 0; ++i) words[i] = 0;
  return pack_float_row(k, x, factors, words);
}

}  // namespace calque::kernels
