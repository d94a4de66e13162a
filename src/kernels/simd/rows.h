// Loops over contiguous elements for vectors of simd/. The rules of avx512.h hold here.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// y[i] = Op::apply(x[i]) for i < n; the remainder goes through the same vector arithmetic, so that a value
/// does not depend on where it stands.
template <class V, class Op>
struct UnaryRow {
  static void run(int64_t n, const float* x, float* y) {
    int64_t i = 0;
    for (; i + V::kWidth <= n; i += V::kWidth) V::store(y + i, Op::apply(V::load(x + i)));
    const int rest = static_cast<int>(n - i);
    if (rest > 0) V::store_first(y + i, rest, Op::apply(V::load_first(x + i, rest)));
  }
};

/// out[i] = Op::apply(a[i * a_col], b[i * b_col]) for i < n; column strides 0 or 1.
template <class V, class Op>
struct BinaryRow {
  static void run(int64_t n, const float* a, int64_t a_col, const float* b, int64_t b_col, float* out) {
    if (n <= 0) return;
    if (a_col == 0 && b_col == 0) return loop<true, true>(n, a, b, out);
    if (a_col == 0) return loop<true, false>(n, a, b, out);
    if (b_col == 0) return loop<false, true>(n, a, b, out);
    loop<false, false>(n, a, b, out);
  }

 private:
  template <bool kSameA, bool kSameB>
  static void loop(int64_t n, const float* a, const float* b, float* out) {
    const V a0 = V::set(*a);
    const V b0 = V::set(*b);
    int64_t i = 0;
    for (; i + V::kWidth <= n; i += V::kWidth) {
      V::store(out + i, Op::apply(kSameA ? a0 : V::load(a + i), kSameB ? b0 : V::load(b + i)));
    }
    const int rest = static_cast<int>(n - i);
    if (rest == 0) return;
    const V x = kSameA ? a0 : V::load_first(a + i, rest);
    const V y = kSameB ? b0 : V::load_first(b + i, rest);
    V::store_first(out + i, rest, Op::apply(x, y));
  }
};

}  // namespace calque::kernels
