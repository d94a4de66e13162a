#include <algorithm>
#include <cmath>

#include "tensor/element.h"
#include "tensor/iterate.h"
#include "tensor/shape.h"

namespace calque {

namespace {

/// Does `same(x, y)` hold for all pairs of elements? Shapes and dtypes are alike.
template <class Same>
bool all_pairs(const Tensor& a, const Tensor& b, Same same) {
  bool ok = true;
  Dims places(a.sizes().begin(), a.sizes().end());
  for (size_t d = 0; d < places.size(); ++d) {
    // Dimensions that are expanded in both are one pair.
    if (a.strides()[d] == 0 && b.strides()[d] == 0 && places[d] > 1) places[d] = 1;
  }
  StridedLoop<2>(places, {strides_of(a), strides_of(b)})
      .for_each_run([&](int64_t n, const auto& offset, const auto& stride) {
        for (int64_t i = 0; ok && i < n; ++i) ok = same(offset[0] + i * stride[0], offset[1] + i * stride[1]);
      });
  return ok;
}

bool close(double x, double y, double rtol, double atol, bool equal_nan) {
  if (x == y) return true;
  if (std::isnan(x) || std::isnan(y)) return equal_nan && std::isnan(x) && std::isnan(y);
  return std::isfinite(x) && std::isfinite(y) && std::abs(x - y) <= atol + rtol * std::abs(y);
}

}  // namespace

bool equal(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !std::ranges::equal(a.sizes(), b.sizes())) return false;
  return dispatch_all(a.dtype(), "equal_cpu", [&]<class T>(TypeTag<T>) {
    const T* x = elements<T>(a);
    const T* y = elements<T>(b);
    return all_pairs(a, b,
                     [&](int64_t i, int64_t j) { return Element<T>::load(x[i]) == Element<T>::load(y[j]); });
  });
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  if (!std::ranges::equal(a.sizes(), b.sizes())) return false;
  const Tensor x = a.to(kDouble);
  const Tensor y = b.to(kDouble);
  const double* p = elements<double>(x);
  const double* q = elements<double>(y);
  return all_pairs(x, y, [&](int64_t i, int64_t j) { return close(p[i], q[j], rtol, atol, equal_nan); });
}

}  // namespace calque
