// Pooling in one and two dimensions.
#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// Windows over the last N dimensions.
struct Windows {
  Dims kernel, stride, padding, dilation;
  bool ceil_mode = false;
};

Dims spread(Dims values, size_t n, std::string_view name) {
  if (values.size() == 1) values.resize(n, values[0]);
  if (values.size() != n)
    throw RuntimeError(cat("pooling: ", name, " must either be a single int, or a tuple of ", n, " ints"));
  for (const int64_t v : values) {
    if (v < 0 || v > (int64_t{1} << 31))
      throw RuntimeError(cat("pooling: ", name, " ", v, " is out of range"));
  }
  return values;
}

void check_windows(const Windows& w, const Tensor& x, size_t n) {
  if (x.dim() != static_cast<int64_t>(n) + 1 && x.dim() != static_cast<int64_t>(n) + 2) {
    throw RuntimeError(
        cat("Expected ", n + 1, "D or ", n + 2, "D input to pooling, but got input of size ", x.sizes()));
  }
  for (size_t i = 0; i < n; ++i) {
    if (w.kernel[i] <= 0) throw RuntimeError("kernel size should be greater than zero");
    if (w.stride[i] <= 0) throw RuntimeError("stride should not be zero");
    if (w.dilation[i] <= 0) throw RuntimeError("dilation should be greater than zero");
    if (w.padding[i] > w.kernel[i] / 2) {
      throw RuntimeError(cat("pad should be at most half of effective kernel size, but got pad=",
                             w.padding[i], ", kernel_size=", w.kernel[i]));
    }
  }
}

int64_t pooled_size(const Windows& w, int64_t size, size_t i) {
  const int64_t span = size + 2 * w.padding[i] - w.dilation[i] * (w.kernel[i] - 1) - 1;
  // Rounds towards minus infinity: a window that does not fit has no place.
  const int64_t places = span + (w.ceil_mode ? w.stride[i] - 1 : 0);
  int64_t out = (places >= 0 ? places / w.stride[i] : -((-places + w.stride[i] - 1) / w.stride[i])) + 1;
  // The last window begins inside the input or its left padding.
  if (w.ceil_mode && (out - 1) * w.stride[i] >= size + w.padding[i]) --out;
  return out;
}

/// Two spatial dimensions, of which the first is 1 for 1-d pooling.
struct Plane {
  int64_t planes;
  std::array<int64_t, 2> in{1, 1}, out{1, 1};
};

Plane plane_of(const Tensor& x, size_t n) {
  Plane p{.planes = 1};
  const size_t lead = x.sizes().size() - n;
  for (size_t d = 0; d < lead; ++d) p.planes *= x.sizes()[d];
  for (size_t i = 0; i < n; ++i) p.in[2 - n + i] = x.sizes()[lead + i];
  return p;
}

/// RuntimeError with PyTorch's texts when no window fits.
void check_pooled(const Tensor& x, const Plane& p, size_t n) {
  if (p.out[0] > 0 && p.out[1] > 0) return;
  if (n == 1) throw RuntimeError(cat("max_pool1d() Invalid computed output size: ", p.out[1]));
  const int64_t channels = x.size(-3);
  throw RuntimeError(cat("Given input size: (", channels, "x", p.in[0], "x", p.in[1],
                         "). Calculated output size: (", channels, "x", p.out[0], "x", p.out[1],
                         "). Output size is too small"));
}

Dims result_sizes(const Tensor& x, const Plane& p, size_t n) {
  Dims sizes(x.sizes().begin(), x.sizes().end() - static_cast<std::ptrdiff_t>(n));
  for (size_t i = 2 - n; i < 2; ++i) sizes.push_back(p.out[i]);
  return sizes;
}

/// Window bounds along one dimension before clipping.
struct Bounds {
  int64_t begin, end, step;
};

struct Pooling {
  Windows w;
  size_t n;
  Bounds bounds(size_t d, int64_t o) const {
    if (d < 2 - n) return {0, 1, 1};
    const size_t i = d - (2 - n);
    const int64_t begin = o * w.stride[i] - w.padding[i];
    return {begin, begin + w.dilation[i] * (w.kernel[i] - 1) + 1, w.dilation[i]};
  }
};

/// f(row bounds, column bounds, first element of the input plane, place in the result) for every window.
template <class T, class F>
void for_each_window(const Pooling& pooling, const Plane& p, const Tensor& in, F f) {
  int64_t at = 0;
  for (int64_t plane = 0; plane < p.planes; ++plane) {
    const T* data = elements<T>(in) + plane * p.in[0] * p.in[1];
    for (int64_t i = 0; i < p.out[0]; ++i) {
      for (int64_t j = 0; j < p.out[1]; ++j) f(pooling.bounds(0, i), pooling.bounds(1, j), data, at++);
    }
  }
}

Windows windows_of(const OpCall& c, size_t n, bool dilated, size_t ceil_at) {
  Windows w{.kernel = spread(c.ints(1), n, "kernel_size"),
            .stride = {},
            .padding = spread(c.ints(3), n, "padding"),
            .dilation = dilated ? spread(c.ints(4), n, "dilation") : Dims(n, 1),
            .ceil_mode = c.boolean(ceil_at)};
  w.stride = c.ints(2).empty() ? w.kernel : spread(c.ints(2), n, "stride");
  return w;
}

struct MaxPool {
  Tensor values, places;
};

MaxPool max_pool(const Tensor& x, const Windows& w, size_t n) {
  check_windows(w, x, n);
  Plane p = plane_of(x, n);
  for (size_t i = 0; i < n; ++i) p.out[2 - n + i] = pooled_size(w, p.in[2 - n + i], i);
  check_pooled(x, p, n);
  const Dims sizes = result_sizes(x, p, n);
  const Tensor in = x.contiguous();
  const MaxPool r{.values = empty(sizes, x.dtype()), .places = empty(sizes, kLong)};
  if (r.values.numel() == 0) return r;
  dispatch_numeric(x.dtype(), "max_pool2d", [&]<class T>(TypeTag<T>) {
    for_each_window<T>({.w = w, .n = n}, p, in, [&](Bounds rows, Bounds columns, const T* data, int64_t at) {
      int64_t best = -1;
      for (int64_t i = rows.begin; i < rows.end; i += rows.step) {
        for (int64_t j = columns.begin; j < columns.end; j += columns.step) {
          if (i < 0 || i >= p.in[0] || j < 0 || j >= p.in[1]) continue;
          const int64_t k = i * p.in[1] + j;
          const auto v = Element<T>::load(data[k]);
          if (best < 0 || v > Element<T>::load(data[best]) || v != v) best = k;
        }
      }
      if (best < 0) throw RuntimeError("a pooling window lies outside of the input");
      elements<T>(r.values)[at] = data[best];
      elements<int64_t>(r.places)[at] = best;
    });
  });
  return r;
}

template <size_t N, bool Places>
void max_pool_op(OpCall& c) {
  const MaxPool r = max_pool(c.tensor(0), windows_of(c, N, true, 5), N);
  c.ret(r.values, 0);
  if (Places) c.ret(r.places, 1);
}

template <size_t N>
void avg_pool(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Windows w = windows_of(c, N, false, 4);
  const bool include_padding = c.boolean(5);
  const std::optional<int64_t> divisor = N == 2 ? c.optional_int(6) : std::nullopt;
  if (divisor && *divisor == 0) throw RuntimeError("divisor must be not zero");
  check_windows(w, x, N);
  Plane p = plane_of(x, N);
  for (size_t i = 0; i < N; ++i) p.out[2 - N + i] = pooled_size(w, p.in[2 - N + i], i);
  check_pooled(x, p, N);
  const Tensor in = x.contiguous();
  const Tensor out = empty(result_sizes(x, p, N), x.dtype());
  if (out.numel() == 0) return c.ret(out);
  dispatch_floating(x.dtype(), "avg_pool2d_out_frame", [&]<class T>(TypeTag<T>) {
    for_each_window<T>({.w = w, .n = N}, p, in, [&](Bounds rows, Bounds columns, const T* data, int64_t at) {
      // Windows are cut at the end of the padding, then at the input.
      const int64_t pad0 = N == 2 ? w.padding[0] : 0;
      rows.end = std::min(rows.end, p.in[0] + pad0);
      columns.end = std::min(columns.end, p.in[1] + w.padding[N - 1]);
      const int64_t padded = (rows.end - rows.begin) * (columns.end - columns.begin);
      rows = {std::max<int64_t>(rows.begin, 0), std::min(rows.end, p.in[0]), 1};
      columns = {std::max<int64_t>(columns.begin, 0), std::min(columns.end, p.in[1]), 1};
      const int64_t inside =
          std::max<int64_t>(rows.end - rows.begin, 0) * std::max<int64_t>(columns.end - columns.begin, 0);
      double total = 0;
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        for (int64_t j = columns.begin; j < columns.end; ++j) {
          total += static_cast<double>(Element<T>::load(data[i * p.in[1] + j]));
        }
      }
      const auto count = static_cast<double>(divisor.value_or(include_padding ? padded : inside));
      elements<T>(out)[at] = Element<T>::store(static_cast<OpType<T>>(inside == 0 ? 0 : total / count));
    });
  });
  c.ret(out);
}

/// Output position o of n covers [floor(o * size / n), ceil((o + 1) * size / n)).
template <size_t N>
void adaptive_avg_pool(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Dims wanted = spread(c.ints(1), N, "output_size");
  if (x.dim() != static_cast<int64_t>(N) + 1 && x.dim() != static_cast<int64_t>(N) + 2) {
    throw RuntimeError(cat("adaptive_avg_pool", N, "d(): Expected ", N + 1, "D or ", N + 2,
                           "D tensor, but got ", x.sizes()));
  }
  Plane p = plane_of(x, N);
  for (size_t i = 0; i < N; ++i) p.out[2 - N + i] = wanted[i];
  const Tensor in = x.contiguous();
  const Tensor out = empty(result_sizes(x, p, N), x.dtype());
  for (size_t i = 0; i < N; ++i) {
    if (p.in[2 - N + i] == 0) {
      throw RuntimeError(cat("adaptive_avg_pool", N,
                             "d(): Expected input to have non-zero size for non-batch dimensions, but "
                             "input has sizes ",
                             x.sizes()));
    }
  }
  dispatch_floating(x.dtype(), "adaptive_avg_pool2d_cpu", [&]<class T>(TypeTag<T>) {
    int64_t at = 0;
    const auto first = [](int64_t o, int64_t n, int64_t size) { return o * size / n; };
    const auto last = [](int64_t o, int64_t n, int64_t size) { return ((o + 1) * size + n - 1) / n; };
    for (int64_t plane = 0; out.numel() > 0 && plane < p.planes; ++plane) {
      const T* data = elements<T>(in) + plane * p.in[0] * p.in[1];
      for (int64_t o0 = 0; o0 < p.out[0]; ++o0) {
        for (int64_t o1 = 0; o1 < p.out[1]; ++o1) {
          double total = 0;
          int64_t count = 0;
          for (int64_t i = first(o0, p.out[0], p.in[0]); i < last(o0, p.out[0], p.in[0]); ++i) {
            for (int64_t j = first(o1, p.out[1], p.in[1]); j < last(o1, p.out[1], p.in[1]); ++j, ++count) {
              total += static_cast<double>(Element<T>::load(data[i * p.in[1] + j]));
            }
          }
          elements<T>(out)[at++] =
              Element<T>::store(static_cast<OpType<T>>(total / static_cast<double>(count)));
        }
      }
    }
  });
  c.ret(out);
}

constexpr OpRow kPoolOps[] = {
    {"aten::max_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], int[1] "
     "dilation=[1], bool ceil_mode=False) -> Tensor",
     max_pool_op<1, false>},
    {"aten::max_pool1d_with_indices(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], "
     "int[1] dilation=[1], bool ceil_mode=False) -> (Tensor, Tensor)",
     max_pool_op<1, true>},
    {"aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] "
     "dilation=1, bool ceil_mode=False) -> Tensor",
     max_pool_op<2, false>},
    {"aten::max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, "
     "int[2] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
     max_pool_op<2, true>},
    {"aten::avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], bool "
     "ceil_mode=False, bool count_include_pad=True) -> Tensor",
     avg_pool<1>},
    {"aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool "
     "ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
     avg_pool<2>},
    {"aten::adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor", adaptive_avg_pool<1>},
    {"aten::adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor", adaptive_avg_pool<2>},
};

}  // namespace

OpTable pool_ops() { return kPoolOps; }

}  // namespace calque::ops
