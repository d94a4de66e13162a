#include "kernels/convert/convert.h"

#include "base/threads.h"
#include "kernels/grain.h"
#include "kernels/registry.h"

namespace calque::kernels {

namespace {

template <class X, class Y>
void convert(void (*row)(int64_t, const X*, Y*), int64_t n, const X* x, Y* y) {
  parallel_for(0, n, kGrainElements, [&](int64_t lo, int64_t hi) { row(hi - lo, x + lo, y + lo); });
}

}  // namespace

void f32_to_bf16(int64_t n, const float* x, uint16_t* y) {
  convert(active_kernels().convert->f32_to_bf16, n, x, y);
}
void bf16_to_f32(int64_t n, const uint16_t* x, float* y) {
  convert(active_kernels().convert->bf16_to_f32, n, x, y);
}
void f32_to_f16(int64_t n, const float* x, uint16_t* y) {
  convert(active_kernels().convert->f32_to_f16, n, x, y);
}
void f16_to_f32(int64_t n, const uint16_t* x, float* y) {
  convert(active_kernels().convert->f16_to_f32, n, x, y);
}

}  // namespace calque::kernels
