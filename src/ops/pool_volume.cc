// Pooling in three dimensions, adaptive maxima, and the way back from a maximum.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

using Triple = std::array<int64_t, 3>;

/// The last N dimensions as three, of which the first are 1.
struct Volume {
  int64_t planes = 1;
  Triple in{1, 1, 1}, out{1, 1, 1};

  Volume(const Tensor& x, size_t n) {
    const size_t lead = x.sizes().size() - n;
    for (size_t d = 0; d < lead; ++d) planes *= x.sizes()[d];
    for (size_t i = 0; i < n; ++i) in[3 - n + i] = x.sizes()[lead + i];
  }
  int64_t in_count() const { return in[0] * in[1] * in[2]; }
  Dims result_sizes(const Tensor& x, size_t n) const {
    Dims sizes(x.sizes().begin(), x.sizes().end() - static_cast<std::ptrdiff_t>(n));
    sizes.insert(sizes.end(), out.end() - static_cast<std::ptrdiff_t>(n), out.end());
    return sizes;
  }
};

/// Elements of one window along one dimension, inside the input.
struct Span {
  int64_t begin, end, step = 1;
};
using Box = std::array<Span, 3>;

/// f(place in the plane) for the elements of a window.
template <class F>
void for_each_in(const Box& box, const Triple& in, F f) {
  for (int64_t i = box[0].begin; i < box[0].end; i += box[0].step) {
    for (int64_t j = box[1].begin; j < box[1].end; j += box[1].step) {
      for (int64_t k = box[2].begin; k < box[2].end; k += box[2].step) f((i * in[1] + j) * in[2] + k);
    }
  }
}

/// f(first element of the plane, place in the result, position of the window) for every window.
template <class F>
void for_each_place(const Volume& v, F f) {
  int64_t at = 0;
  for (int64_t plane = 0; plane < v.planes; ++plane) {
    for (int64_t i = 0; i < v.out[0]; ++i) {
      for (int64_t j = 0; j < v.out[1]; ++j) {
        for (int64_t k = 0; k < v.out[2]; ++k) f(plane * v.in_count(), at++, Triple{i, j, k});
      }
    }
  }
}

struct Maxima {
  Tensor values, places;
};

/// The largest element of each window, NaN before all, and its place in the plane.
template <class F>
Maxima maxima(const Tensor& x, const Volume& v, size_t n, F box_of) {
  const Dims sizes = v.result_sizes(x, n);
  const Tensor in = x.contiguous();
  const Maxima r{.values = empty(sizes, x.dtype()), .places = empty(sizes, kLong)};
  if (r.values.numel() == 0) return r;
  dispatch_numeric(x.dtype(), "max_pool3d", [&]<class T>(TypeTag<T>) {
    for_each_place(v, [&](int64_t base, int64_t at, const Triple& position) {
      const T* data = elements<T>(in) + base;
      int64_t best = -1;
      for_each_in(box_of(position), v.in, [&](int64_t k) {
        const auto value = Element<T>::load(data[k]);
        if (best < 0 || value > Element<T>::load(data[best]) || value != value) best = k;
      });
      if (best < 0) throw RuntimeError("a pooling window lies outside of the input");
      elements<T>(r.values)[at] = data[best];
      elements<int64_t>(r.places)[at] = best;
    });
  });
  return r;
}

/// Sums of windows, divided by what `divisor` says: (position, elements inside).
template <class F, class G>
Tensor means(const Tensor& x, const Volume& v, size_t n, F box_of, G divisor) {
  const Tensor in = x.contiguous();
  const Tensor out = empty(v.result_sizes(x, n), x.dtype());
  if (out.numel() == 0) return out;
  dispatch_floating(x.dtype(), "avg_pool3d", [&]<class T>(TypeTag<T>) {
    for_each_place(v, [&](int64_t base, int64_t at, const Triple& position) {
      const T* data = elements<T>(in) + base;
      double total = 0;
      int64_t inside = 0;
      for_each_in(box_of(position), v.in, [&](int64_t k) {
        total += static_cast<double>(Element<T>::load(data[k]));
        ++inside;
      });
      const auto count = static_cast<double>(divisor(position, inside));
      elements<T>(out)[at] = Element<T>::store(static_cast<OpType<T>>(inside == 0 ? 0 : total / count));
    });
  });
  return out;
}

// --- windows of three dimensions

struct Windows3d {
  Triple kernel, stride, padding, dilation{1, 1, 1};
  bool ceil_mode = false;
};

Triple three(const Dims& values, std::string_view op, std::string_view name) {
  if (values.size() != 1 && values.size() != 3) {
    throw RuntimeError(cat(op, ": ", name, " must either be a single int, or a tuple of three ints"));
  }
  for (const int64_t v : values) {
    if (v < 0 || v > (int64_t{1} << 31)) throw RuntimeError(cat(op, ": ", name, " ", v, " is out of range"));
  }
  return values.size() == 1 ? Triple{values[0], values[0], values[0]}
                            : Triple{values[0], values[1], values[2]};
}

Windows3d windows_3d(const OpCall& c, std::string_view op, bool dilated) {
  const Tensor x = c.tensor(0);
  if (x.dim() != 4 && x.dim() != 5) {
    throw RuntimeError(
        cat(op, ": non-empty 4D or 5D (batch mode) tensor expected for input, but got size ", x.sizes()));
  }
  Windows3d w{.kernel = three(c.ints(1), op, "kernel_size"),
              .stride = {},
              .padding = three(c.ints(3), op, "padding")};
  w.stride = c.ints(2).empty() ? w.kernel : three(c.ints(2), op, "stride");
  if (dilated) w.dilation = three(c.ints(4), op, "dilation");
  w.ceil_mode = c.boolean(dilated ? 5 : 4);
  for (size_t d = 0; d < 3; ++d) {
    if (w.kernel[d] == 0 || w.stride[d] == 0 || w.dilation[d] == 0) {
      throw RuntimeError(cat(op, ": kernel size, stride and dilation should be greater than zero"));
    }
    if (w.padding[d] > w.kernel[d] / 2) {
      throw RuntimeError(cat("pad should be at most half of effective kernel size, but got pad=",
                             w.padding[d], ", kernel_size=", w.kernel[d]));
    }
  }
  return w;
}

void set_pooled_sizes(Volume& v, const Windows3d& w) {
  for (size_t d = 0; d < 3; ++d) {
    const int64_t span = v.in[d] + 2 * w.padding[d] - w.dilation[d] * (w.kernel[d] - 1) - 1;
    int64_t out = (span + (w.ceil_mode ? w.stride[d] - 1 : 0)) / w.stride[d] + 1;
    if (w.ceil_mode && (out - 1) * w.stride[d] >= v.in[d] + w.padding[d]) --out;
    if ((span < 0 && !w.ceil_mode) || out < 1) {
      throw RuntimeError("Output size is too small: the window does not fit in the input");
    }
    v.out[d] = out;
  }
}

Span span_of(const Windows3d& w, const Triple& in, size_t d, int64_t position) {
  int64_t begin = position * w.stride[d] - w.padding[d];
  const int64_t end = std::min(begin + w.dilation[d] * (w.kernel[d] - 1) + 1, in[d]);
  if (begin < 0) begin += (-begin + w.dilation[d] - 1) / w.dilation[d] * w.dilation[d];
  return {.begin = begin, .end = end, .step = w.dilation[d]};
}

template <bool Places>
void max_pool3d(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Windows3d w = windows_3d(c, "max_pool3d", true);
  Volume v(x, 3);
  set_pooled_sizes(v, w);
  const Maxima r = maxima(x, v, 3, [&](const Triple& p) {
    return Box{span_of(w, v.in, 0, p[0]), span_of(w, v.in, 1, p[1]), span_of(w, v.in, 2, p[2])};
  });
  c.ret(r.values, 0);
  if (Places) c.ret(r.places, 1);
}

void avg_pool3d(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Windows3d w = windows_3d(c, "avg_pool3d", false);
  const bool with_padding = c.boolean(5);
  const std::optional<int64_t> divisor = c.optional_int(6);
  if (divisor && *divisor == 0) throw RuntimeError("divisor must be not zero");
  Volume v(x, 3);
  set_pooled_sizes(v, w);
  const auto box = [&](const Triple& p) {
    return Box{span_of(w, v.in, 0, p[0]), span_of(w, v.in, 1, p[1]), span_of(w, v.in, 2, p[2])};
  };
  c.ret(means(x, v, 3, box, [&](const Triple& p, int64_t inside) {
    if (divisor) return *divisor;
    if (!with_padding) return inside;
    int64_t count = 1;
    for (size_t d = 0; d < 3; ++d) {
      const int64_t begin = p[d] * w.stride[d] - w.padding[d];
      count *= std::min(begin + w.kernel[d], v.in[d] + w.padding[d]) - begin;
    }
    return count;
  }));
}

// --- adaptive windows: position o of n covers [floor(o * size / n), ceil((o + 1) * size / n))

template <size_t N>
Volume adaptive_volume(const OpCall& c, std::string_view op) {
  const Tensor x = c.tensor(0);
  Dims wanted = c.ints(1);
  if (wanted.size() == 1) wanted.resize(N, wanted[0]);
  if (wanted.size() != N) throw RuntimeError(cat(op, "(): internal error: output_size.size() must be ", N));
  const auto rank = static_cast<int64_t>(N);
  if (x.dim() != rank + 1 && x.dim() != rank + 2) {
    throw RuntimeError(cat(op, "(): Expected ", N + 1, "D or ", N + 2, "D tensor, but got: ", x.sizes()));
  }
  Volume v(x, N);
  for (size_t i = 0; i < N; ++i) {
    if (wanted[i] < 0)
      throw RuntimeError(cat(op, "(): elements of output_size must be greater than or equal to 0"));
    if (v.in[3 - N + i] == 0) {
      throw RuntimeError(
          cat(op, "(): Expected input to have non-zero size for non-batch dimensions, but input has sizes ",
              x.sizes(), " with dimension ", x.dim() - rank + static_cast<int64_t>(i), " being empty"));
    }
    v.out[3 - N + i] = wanted[i];
  }
  return v;
}

Box adaptive_box(const Volume& v, const Triple& p) {
  Box box{};
  for (size_t d = 0; d < 3; ++d) {
    box[d] = {.begin = p[d] * v.in[d] / v.out[d], .end = ((p[d] + 1) * v.in[d] + v.out[d] - 1) / v.out[d]};
  }
  return box;
}

template <size_t N>
void adaptive_max_pool(OpCall& c) {
  const Volume v = adaptive_volume<N>(c, cat("adaptive_max_pool", N, "d"));
  const Maxima r = maxima(c.tensor(0), v, N, [&](const Triple& p) { return adaptive_box(v, p); });
  c.ret(r.values, 0);
  c.ret(r.places, 1);
}

void adaptive_avg_pool3d(OpCall& c) {
  const Volume v = adaptive_volume<3>(c, "adaptive_avg_pool3d");
  c.ret(means(
      c.tensor(0), v, 3, [&](const Triple& p) { return adaptive_box(v, p); },
      [](const Triple&, int64_t inside) { return inside; }));
}

/// Zeros, and each value at the place in its plane that it came from.
void max_unpool2d(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Tensor places = c.tensor(1);
  const Dims wanted = c.ints(2);
  if (places.dtype() != kLong) {
    throw RuntimeError(cat("elements in indices should be type int64 but got: ", dtype_name(places.dtype())));
  }
  if (wanted.size() != 2)
    throw RuntimeError(cat("There should be exactly two elements (height, width) in output_size, but got ",
                           wanted.size(), " elements."));
  if (x.dim() != 3 && x.dim() != 4)
    throw RuntimeError(cat("Input to max_unpooling2d should be a 3d or 4d Tensor, but got a tensor with ",
                           x.dim(), " dimensions."));
  if (!std::ranges::equal(x.sizes(), places.sizes()))
    throw RuntimeError("Expected shape of indices to be same as that of the input tensor");
  Dims sizes(x.sizes().begin(), x.sizes().end() - 2);
  sizes.insert(sizes.end(), wanted.begin(), wanted.end());
  const Tensor out = zeros(sizes, x.dtype());
  const Tensor in = x.contiguous();
  const Tensor at = places.contiguous();
  const int64_t each = x.sizes()[x.dim() - 1] * x.sizes()[x.dim() - 2];
  const int64_t area = wanted[0] * wanted[1];
  dispatch_width(x.dtype(), [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < x.numel(); ++i) {
      const int64_t place = elements<int64_t>(at)[i];
      if (place < 0 || place >= area) {
        throw RuntimeError(cat("Found an invalid max index: ", place, " (output volumes are of size ",
                               wanted[0], "x", wanted[1]));
      }
      elements<T>(out)[i / each * area + place] = elements<T>(in)[i];
    }
  });
  c.ret(out);
}

constexpr OpRow kPoolVolumeOps[] = {
    {"aten::max_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, int[3] "
     "dilation=1, bool ceil_mode=False) -> Tensor",
     max_pool3d<false>},
    {"aten::max_pool3d_with_indices(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, "
     "int[3] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
     max_pool3d<true>},
    {"aten::avg_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, bool "
     "ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
     avg_pool3d},
    {"aten::adaptive_avg_pool3d(Tensor self, SymInt[3] output_size) -> Tensor", adaptive_avg_pool3d},
    {"aten::adaptive_max_pool1d(Tensor self, int[1] output_size) -> (Tensor, Tensor)", adaptive_max_pool<1>},
    {"aten::adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)", adaptive_max_pool<2>},
    {"aten::adaptive_max_pool3d(Tensor self, int[3] output_size) -> (Tensor, Tensor)", adaptive_max_pool<3>},
    {"aten::max_unpool2d(Tensor self, Tensor indices, SymInt[2] output_size) -> Tensor", max_unpool2d},
};

}  // namespace

OpTable pool_volume_ops() { return kPoolVolumeOps; }

}  // namespace calque::ops
