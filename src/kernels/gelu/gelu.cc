#include "kernels/gelu/gelu.h"

#include "base/threads.h"
#include "kernels/grain.h"
#include "kernels/registry.h"

namespace calque::kernels {

void gelu(int64_t n, const float* x, float* y) {
  const auto row = active_kernels().gelu->gelu;
  parallel_for(0, n, kGrainElements, [&](int64_t lo, int64_t hi) { row(hi - lo, x + lo, y + lo); });
}

void gelu_tanh(int64_t n, const float* x, float* y) {
  const auto row = active_kernels().gelu->gelu_tanh;
  parallel_for(0, n, kGrainElements, [&](int64_t lo, int64_t hi) { row(hi - lo, x + lo, y + lo); });
}

}  // namespace calque::kernels
