// Convolutions in one to three dimensions, by way of matrix products.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/matmul.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

struct Convolution {
  Tensor input, weight;
  std::optional<Tensor> bias{};
  Dims stride, padding, dilation, output_padding;
  bool transposed = false;
  int64_t groups = 1;
};

constexpr int64_t kSane = int64_t{1} << 31;

/// A list of one value stands for all dimensions.
Dims spread(Dims values, size_t n, std::string_view name) {
  if (values.size() == 1) values.resize(n, values[0]);
  if (values.size() != n) {
    throw RuntimeError(cat("expected ", name, " to be a single integer value or a list of ", n,
                           " values to match the convolution dimensions, but got ", name, "=",
                           IntArrayRef(values)));
  }
  for (const int64_t v : values) {
    if (v > kSane || v < -kSane) throw RuntimeError(cat(name, " ", v, " is out of range"));
  }
  return values;
}

void check(const Convolution& c, size_t n) {
  const IntArrayRef w = c.weight.sizes();
  const auto negative = [](int64_t v) { return v < 0; };
  const auto not_positive = [](int64_t v) { return v <= 0; };
  if (std::ranges::any_of(c.padding, negative)) throw RuntimeError("negative padding is not supported");
  if (std::ranges::any_of(c.stride, not_positive)) throw RuntimeError("non-positive stride is not supported");
  if (std::ranges::any_of(c.dilation, not_positive))
    throw RuntimeError("dilation should be greater than zero");
  if (c.groups <= 0) throw RuntimeError("non-positive groups is not supported");
  if (c.weight.dim() != static_cast<int64_t>(n) + 2) {
    throw RuntimeError(cat("Expected ", n + 2, "-dimensional weight, but got weight of size ", w));
  }
  if (w[0] % c.groups != 0 || w[0] < c.groups) {
    throw RuntimeError(cat("Given groups=", c.groups, ", expected weight to be divisible by ", c.groups,
                           " at dimension 0, but got weight of size ", w, " instead"));
  }
  const int64_t channels = c.transposed ? w[0] : w[1] * c.groups;
  if (c.input.sizes()[1] != channels) {
    throw RuntimeError(cat("Given ", c.transposed ? "transposed=1" : cat("groups=", c.groups),
                           ", weight of size ", w, ", expected input", c.input.sizes(), " to have ", channels,
                           " channels, but got ", c.input.sizes()[1], " channels instead"));
  }
  const int64_t out_channels = c.transposed ? w[1] * c.groups : w[0];
  if (c.bias && (c.bias->dim() != 1 || c.bias->sizes()[0] != out_channels)) {
    throw RuntimeError(cat("Given ", c.transposed ? "transposed=1" : cat("groups=", c.groups),
                           ", weight of size ", w, ", expected bias to be 1-dimensional with ", out_channels,
                           " elements, but got bias of size ", c.bias->sizes(), " instead"));
  }
  if (c.input.dtype() != c.weight.dtype() || (c.bias && c.bias->dtype() != c.input.dtype())) {
    throw RuntimeError("Input type (" + std::string(dtype_name(c.input.dtype())) + ") and weight type (" +
                       std::string(dtype_name(c.weight.dtype())) + ") or bias type should be the same");
  }
  if (c.input.dtype() == kBool) throw_not_implemented("convolution", kBool);
}

/// `(2 x 3)`
std::string by_sizes(IntArrayRef sizes) {
  std::string out;
  for (const int64_t size : sizes) out += cat(out.empty() ? "(" : " x ", size);
  return out + ")";
}

/// Output sizes of the spatial dimensions. RuntimeError when the kernel does not fit.
Dims spatial_sizes(const Convolution& c, size_t n) {
  Dims out;
  Dims padded;
  bool fits = true;
  for (size_t i = 0; i < n; ++i) {
    const int64_t size = c.input.sizes()[i + 2];
    const int64_t reach = c.dilation[i] * (c.weight.sizes()[i + 2] - 1) + 1;
    if (c.transposed) {
      out.push_back((size - 1) * c.stride[i] - 2 * c.padding[i] + reach + c.output_padding[i]);
      continue;
    }
    padded.push_back(size + 2 * c.padding[i]);
    fits = fits && padded.back() >= reach;
    out.push_back((padded.back() - reach) / c.stride[i] + 1);
  }
  if (!fits) {
    throw RuntimeError(cat("Calculated padded input size per channel: ", by_sizes(padded),
                           ". Kernel size: ", by_sizes(c.weight.sizes().subspan(2)),
                           ". Kernel size can't be greater than actual input size"));
  }
  for (size_t i = 0; i < n; ++i) {
    if (c.transposed && out[i] <= 0) {
      throw RuntimeError(cat("Given input size per channel: ", c.input.sizes().subspan(2),
                             ". Calculated output size per channel: ", IntArrayRef(out),
                             ". Output size is too small"));
    }
  }
  return out;
}

/// Visits every pair (position in the large image or -1, position in the columns) of one channel: columns are
/// [kernel positions, small positions], and the large image is what the kernel slides over.
struct Slide {
  std::array<int64_t, 3> large{1, 1, 1}, small{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, padding{0, 0, 0},
      dilation{1, 1, 1};

  Slide(const Convolution& c, IntArrayRef large_sizes, IntArrayRef small_sizes) {
    const size_t n = large_sizes.size();
    for (size_t i = 0; i < n; ++i) {
      const size_t at = 3 - n + i;
      large[at] = large_sizes[i];
      small[at] = small_sizes[i];
      kernel[at] = c.weight.sizes()[i + 2];
      stride[at] = c.stride[i];
      padding[at] = c.padding[i];
      dilation[at] = c.dilation[i];
    }
  }

  int64_t kernel_count() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t small_count() const { return small[0] * small[1] * small[2]; }
  int64_t large_count() const { return large[0] * large[1] * large[2]; }

  /// Position along one dimension, -1 outside.
  int64_t along(size_t d, int64_t s, int64_t k) const {
    const int64_t at = s * stride[d] - padding[d] + k * dilation[d];
    return at >= 0 && at < large[d] ? at : -1;
  }

  template <class F>
  void for_each(F f) const {
    int64_t column = 0;
    for (int64_t k = 0; k < kernel_count(); ++k) {
      const int64_t k0 = k / (kernel[1] * kernel[2]);
      const int64_t k1 = k / kernel[2] % kernel[1];
      const int64_t k2 = k % kernel[2];
      for (int64_t s0 = 0; s0 < small[0]; ++s0) {
        const int64_t i0 = along(0, s0, k0);
        for (int64_t s1 = 0; s1 < small[1]; ++s1) {
          const int64_t i1 = along(1, s1, k1);
          for (int64_t s2 = 0; s2 < small[2]; ++s2, ++column) {
            const int64_t i2 = along(2, s2, k2);
            f(i0 < 0 || i1 < 0 || i2 < 0 ? -1 : (i0 * large[1] + i1) * large[2] + i2, column);
          }
        }
      }
    }
  }
};

/// One image's channels as [channels * kernel, positions].
Tensor columns_of(const Tensor& image, const Slide& slide) {
  const int64_t channels = image.sizes()[0];
  const Tensor out = empty({channels * slide.kernel_count(), slide.small_count()}, image.dtype());
  dispatch_width(image.dtype(), [&]<class T>(TypeTag<T>) {
    for (int64_t ch = 0; ch < channels; ++ch) {
      const T* p = elements<T>(image) + ch * slide.large_count();
      T* r = elements<T>(out) + ch * slide.kernel_count() * slide.small_count();
      slide.for_each([&](int64_t from, int64_t to) { r[to] = from < 0 ? T{} : p[from]; });
    }
  });
  return out;
}

Tensor convolve(const Convolution& c, const Dims& spatial) {
  const int64_t batch = c.input.sizes()[0];
  const int64_t out_channels = c.weight.sizes()[0];
  const int64_t per_group = c.weight.sizes()[1];
  const Slide slide(c, c.input.sizes().subspan(2), spatial);
  Dims sizes = {batch, out_channels};
  sizes.insert(sizes.end(), spatial.begin(), spatial.end());
  const Tensor out = empty(sizes, c.input.dtype());
  const Tensor flat = out.view(Dims{batch, c.groups, out_channels / c.groups, slide.small_count()});
  const Tensor weight =
      c.weight.reshape(Dims{c.groups, out_channels / c.groups, per_group * slide.kernel_count()});
  const Tensor input = c.input.contiguous();
  for (int64_t n = 0; n < batch; ++n) {
    const Tensor columns = columns_of(input.select(0, n), slide);
    const Tensor grouped =
        columns.view(Dims{c.groups, per_group * slide.kernel_count(), slide.small_count()});
    flat.select(0, n).copy_(batched_product(weight, grouped));
  }
  return out;
}

/// The transposed convolution scatters: columns = weight^T input, added where the kernel stands.
Tensor convolve_transposed(const Convolution& c, const Dims& spatial) {
  const int64_t batch = c.input.sizes()[0];
  const int64_t in_per_group = c.weight.sizes()[0] / c.groups;
  const int64_t out_per_group = c.weight.sizes()[1];
  const Slide slide(c, spatial, c.input.sizes().subspan(2));
  Dims sizes = {batch, out_per_group * c.groups};
  sizes.insert(sizes.end(), spatial.begin(), spatial.end());
  const Tensor out = zeros(sizes, c.input.dtype());
  const Tensor weight = c.weight.reshape(Dims{c.groups, in_per_group, out_per_group * slide.kernel_count()});
  for (int64_t n = 0; n < batch; ++n) {
    const Tensor image = c.input.select(0, n).reshape(Dims{c.groups, in_per_group, slide.small_count()});
    const Tensor columns = batched_product(weight.transpose(1, 2), image);
    dispatch_numeric(out.dtype(), "convolution", [&]<class T>(TypeTag<T>) {
      for (int64_t ch = 0; ch < out_per_group * c.groups; ++ch) {
        T* r = elements<T>(out) + (n * out_per_group * c.groups + ch) * slide.large_count();
        const T* p = elements<T>(columns) + ch * slide.kernel_count() * slide.small_count();
        slide.for_each([&](int64_t to, int64_t from) {
          if (to < 0) return;
          r[to] =
              Element<T>::store(static_cast<OpType<T>>(Element<T>::load(r[to]) + Element<T>::load(p[from])));
        });
      }
    });
  }
  return out;
}

Tensor convolution(Convolution c) {
  const auto n = static_cast<size_t>(std::max<int64_t>(c.input.dim() - 2, 0));
  if (n < 1 || n > 3) {
    throw RuntimeError(
        cat("convolution expects an input of 3 to 5 dimensions, but got input of size: ", c.input.sizes()));
  }
  c.stride = spread(c.stride, n, "stride");
  c.padding = spread(c.padding, n, "padding");
  c.dilation = spread(c.dilation, n, "dilation");
  c.output_padding = spread(c.output_padding.empty() ? Dims{0} : c.output_padding, n, "output_padding");
  check(c, n);
  const Dims spatial = spatial_sizes(c, n);
  Tensor out = c.transposed ? convolve_transposed(c, spatial) : convolve(c, spatial);
  if (!c.bias) return out;
  Dims shape(out.sizes().size(), 1);
  shape[1] = c.bias->sizes()[0];
  return add(out, c.bias->view(shape));
}

/// conv1d … conv3d accept an input without batch.
Tensor with_batch(Convolution c, int64_t n, std::string_view op) {
  if (c.input.dim() != n + 1 && c.input.dim() != n + 2) {
    throw RuntimeError(cat("Expected ", n + 1, "D (unbatched) or ", n + 2, "D (batched) input to ", op,
                           ", but got input of size: ", c.input.sizes()));
  }
  if (c.input.dim() == n + 2) return convolution(std::move(c));
  c.input = c.input.unsqueeze(0);
  return convolution(std::move(c)).squeeze(0);
}

template <int64_t N>
void conv(OpCall& c) {
  c.ret(with_batch({.input = c.tensor(0),
                    .weight = c.tensor(1),
                    .bias = c.optional_tensor(2),
                    .stride = c.ints(3),
                    .padding = c.ints(4),
                    .dilation = c.ints(5),
                    .output_padding = {},
                    .groups = c.integer(6)},
                   N, cat("conv", N, "d")));
}

/// "same" puts the odd element at the end.
void pad_same(Convolution& c, size_t n) {
  Dims pad;
  for (size_t i = n; i-- > 0;) {
    if (c.stride[i] != 1) throw RuntimeError("padding='same' is not supported for strided convolutions");
    const int64_t total = c.dilation[i] * (c.weight.sizes()[i + 2] - 1);
    const auto d = c.input.dim() - static_cast<int64_t>(n - i);
    Dims sizes = to_dims(c.input.sizes());
    sizes[d] += total;
    Tensor wide = zeros(sizes, c.input.dtype());
    wide.slice(d, total / 2, total / 2 + c.input.sizes()[d]).copy_(c.input);
    c.input = wide;
  }
}

template <int64_t N>
void conv_named_padding(OpCall& c) {
  Convolution conv{.input = c.tensor(0),
                   .weight = c.tensor(1),
                   .bias = c.optional_tensor(2),
                   .stride = spread(c.ints(3), N, "stride"),
                   .padding = Dims(N, 0),
                   .dilation = spread(c.ints(5), N, "dilation"),
                   .output_padding = {},
                   .groups = c.integer(6)};
  const std::string& mode = c[4].toStringRef();
  if (mode != "same" && mode != "valid") {
    throw RuntimeError(cat("Invalid padding string: '", mode, "'"));
  }
  const bool shaped = (conv.input.dim() == N + 1 || conv.input.dim() == N + 2) && conv.weight.dim() == N + 2;
  if (mode == "same" && shaped) pad_same(conv, N);
  c.ret(with_batch(std::move(conv), N, cat("conv", N, "d")));
}

template <int64_t N>
void conv_transpose(OpCall& c) {
  c.ret(with_batch({.input = c.tensor(0),
                    .weight = c.tensor(1),
                    .bias = c.optional_tensor(2),
                    .stride = c.ints(3),
                    .padding = c.ints(4),
                    .dilation = c.ints(7),
                    .output_padding = c.ints(5),
                    .transposed = true,
                    .groups = c.integer(6)},
                   N, cat("conv_transpose", N, "d")));
}

/// Time, batch, channels; the weight is [kernel, in, out].
void conv_tbc(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Tensor weight = c.tensor(1);
  if (x.dim() != 3) throw RuntimeError("Input must have 3 dims: time, batch, in_channel");
  if (weight.dim() != 3) {
    throw RuntimeError("Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.");
  }
  if (c.tensor(2).dim() != 1) throw RuntimeError("Bias must be 1-D");
  const Tensor out = convolution({.input = x.permute(Dims{1, 2, 0}),
                                  .weight = weight.permute(Dims{2, 1, 0}),
                                  .bias = c.tensor(2),
                                  .stride = {1},
                                  .padding = {c.integer(3)},
                                  .dilation = {1},
                                  .output_padding = {}});
  c.ret(out.permute(Dims{2, 0, 1}).contiguous());
}

void convolution_op(OpCall& c) {
  c.ret(convolution({.input = c.tensor(0),
                     .weight = c.tensor(1),
                     .bias = c.optional_tensor(2),
                     .stride = c.ints(3),
                     .padding = c.ints(4),
                     .dilation = c.ints(5),
                     .output_padding = c.ints(7),
                     .transposed = c.boolean(6),
                     .groups = c.integer(8)}));
}

constexpr OpRow kConvolutionOps[] = {
    {"aten::conv1d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], SymInt[1] "
     "padding=[0], SymInt[1] dilation=[1], SymInt groups=1) -> Tensor",
     conv<1>},
    {"aten::conv1d.padding(Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], str "
     "padding=\"valid\", SymInt[1] dilation=[1], SymInt groups=1) -> Tensor",
     conv_named_padding<1>},
    {"aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], SymInt[2] "
     "padding=[0, 0], SymInt[2] dilation=[1, 1], SymInt groups=1) -> Tensor",
     conv<2>},
    {"aten::conv2d.padding(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], str "
     "padding=\"valid\", SymInt[2] dilation=[1, 1], SymInt groups=1) -> Tensor",
     conv_named_padding<2>},
    {"aten::conv3d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[3] stride=[1, 1, 1], SymInt[3] "
     "padding=[0, 0, 0], SymInt[3] dilation=[1, 1, 1], SymInt groups=1) -> Tensor",
     conv<3>},
    {"aten::conv3d.padding(Tensor input, Tensor weight, Tensor? bias=None, SymInt[3] stride=[1, 1, 1], str "
     "padding=\"valid\", SymInt[3] dilation=[1, 1, 1], SymInt groups=1) -> Tensor",
     conv_named_padding<3>},
    {"aten::conv_transpose1d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], SymInt[1] "
     "padding=[0], SymInt[1] output_padding=[0], SymInt groups=1, SymInt[1] dilation=[1]) -> Tensor",
     conv_transpose<1>},
    {"aten::conv_transpose2d.input(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], "
     "SymInt[2] padding=[0, 0], SymInt[2] output_padding=[0, 0], SymInt groups=1, SymInt[2] dilation=[1, 1]) "
     "-> Tensor",
     conv_transpose<2>},
    {"aten::conv_transpose3d.input(Tensor input, Tensor weight, Tensor? bias=None, SymInt[3] stride=[1, 1, "
     "1], "
     "SymInt[3] padding=[0, 0, 0], SymInt[3] output_padding=[0, 0, 0], SymInt groups=1, SymInt[3] "
     "dilation=[1, "
     "1, 1]) -> Tensor",
     conv_transpose<3>},
    {"aten::conv_tbc(Tensor self, Tensor weight, Tensor bias, int pad=0) -> Tensor", conv_tbc},
    {"aten::convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, "
     "SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups) -> Tensor",
     convolution_op},
    {"aten::_convolution.deprecated(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] "
     "padding, SymInt[] dilation, bool transposed, int[] output_padding, SymInt groups, bool benchmark, bool "
     "deterministic, bool cudnn_enabled) -> Tensor",
     convolution_op},
    {"aten::_convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, "
     "SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups, bool benchmark, bool "
     "deterministic, bool cudnn_enabled, bool allow_tf32) -> Tensor",
     convolution_op},
};

}  // namespace

OpTable convolution_ops() { return kConvolutionOps; }

}  // namespace calque::ops
