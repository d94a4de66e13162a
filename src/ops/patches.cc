// Images as columns of patches and back, shuffled pixels and channels, sampling on a grid.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/matmul.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

using Pair = std::array<int64_t, 2>;

struct Patches {
  Pair kernel, dilation, padding, stride;
  Pair image{}, blocks{};

  int64_t area() const { return kernel[0] * kernel[1]; }
  int64_t count() const { return blocks[0] * blocks[1]; }

  void set_image(int64_t height, int64_t width) {
    image = {height, width};
    for (size_t d = 0; d < 2; ++d) {
      const int64_t span = image[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1;
      blocks[d] = span < 0 ? 0 : span / stride[d] + 1;
    }
  }

  /// f(place in the image or -1, place in the columns) of one channel.
  template <class F>
  void for_each(F f) const {
    int64_t column = 0;
    for (int64_t k = 0; k < area(); ++k) {
      for (int64_t b = 0; b < count(); ++b) {
        const int64_t i = b / blocks[1] * stride[0] - padding[0] + k / kernel[1] * dilation[0];
        const int64_t j = b % blocks[1] * stride[1] - padding[1] + k % kernel[1] * dilation[1];
        const bool inside = i >= 0 && i < image[0] && j >= 0 && j < image[1];
        f(inside ? i * image[1] + j : -1, column++);
      }
    }
  }
};

Pair pair_of(const Dims& values, std::string_view name, int64_t least) {
  if (values.size() != 2)
    throw RuntimeError(cat("It is expected ", name, " equals to 2, but got size ", values.size()));
  for (const int64_t v : values) {
    if (v < least || v > (int64_t{1} << 31)) {
      throw RuntimeError(cat(name, least > 0 ? " should be greater than zero" : " should be non-negative",
                             ", but got ", IntArrayRef(values)));
    }
  }
  return {values[0], values[1]};
}

Patches patches_of(const OpCall& c, size_t at) {
  return {.kernel = pair_of(c.ints(at), "kernel_size", 1),
          .dilation = pair_of(c.ints(at + 1), "dilation", 1),
          .padding = pair_of(c.ints(at + 2), "padding", 0),
          .stride = pair_of(c.ints(at + 3), "stride", 1)};
}

void im2col(OpCall& c) {
  const Tensor x = c.tensor(0);
  Patches p = patches_of(c, 1);
  if (x.dim() != 3 && x.dim() != 4) {
    throw RuntimeError(
        cat("Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions "
            "for input, but got: ",
            x.sizes()));
  }
  const Tensor in = (x.dim() == 3 ? x.unsqueeze(0) : x).contiguous();
  p.set_image(in.sizes()[2], in.sizes()[3]);
  if (p.count() < 1) {
    throw RuntimeError(cat("Given input with spatial size (", p.image[0], ", ", p.image[1],
                           "), the sliding blocks have no place in it: its components must be at least one"));
  }
  const int64_t planes = in.sizes()[0] * in.sizes()[1];
  const Tensor out = empty({in.sizes()[0], in.sizes()[1] * p.area(), p.count()}, x.dtype());
  dispatch_width(x.dtype(), [&]<class T>(TypeTag<T>) {
    for (int64_t plane = 0; plane < planes; ++plane) {
      const T* image = elements<T>(in) + plane * p.image[0] * p.image[1];
      T* columns = elements<T>(out) + plane * p.area() * p.count();
      p.for_each([&](int64_t from, int64_t to) { columns[to] = from < 0 ? T{} : image[from]; });
    }
  });
  c.ret(x.dim() == 3 ? out.squeeze(0) : out);
}

void col2im(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Pair size = pair_of(c.ints(1), "output_size", 1);
  Patches p = patches_of(c, 2);
  if (x.dim() != 2 && x.dim() != 3) {
    throw RuntimeError(
        cat("Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
            "dimensions for input, but got: ",
            x.sizes()));
  }
  const Tensor in = (x.dim() == 2 ? x.unsqueeze(0) : x).contiguous();
  p.set_image(size[0], size[1]);
  if (in.sizes()[1] % p.area() != 0) {
    throw RuntimeError(
        cat("Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            "input.size(1)=",
            in.sizes()[1], " and kernel_size=(", p.kernel[0], ", ", p.kernel[1], ")."));
  }
  if (in.sizes()[2] != p.count()) {
    throw RuntimeError(cat(
        "Given output_size=(", size[0], ", ", size[1], "), kernel_size=(", p.kernel[0], ", ", p.kernel[1],
        "), dilation=(", p.dilation[0], ", ", p.dilation[1], "), padding=(", p.padding[0], ", ", p.padding[1],
        "), stride=(", p.stride[0], ", ", p.stride[1],
        "), expected size of input's dimension 2 to match the calculated number of sliding blocks ",
        p.blocks[0], " * ", p.blocks[1], " = ", p.count(), ", but got input.size(2)=", in.sizes()[2], "."));
  }
  const int64_t channels = in.sizes()[1] / p.area();
  const int64_t planes = in.sizes()[0] * channels;
  const Tensor out = zeros({in.sizes()[0], channels, size[0], size[1]}, x.dtype());
  dispatch_floating(x.dtype(), "col2im_out_cpu", [&]<class T>(TypeTag<T>) {
    for (int64_t plane = 0; plane < planes; ++plane) {
      const T* columns = elements<T>(in) + plane * p.area() * p.count();
      T* image = elements<T>(out) + plane * size[0] * size[1];
      p.for_each([&](int64_t to, int64_t from) {
        if (to >= 0)
          image[to] = Element<T>::store(Element<T>::load(image[to]) + Element<T>::load(columns[from]));
      });
    }
  });
  c.ret(x.dim() == 2 ? out.squeeze(0) : out);
}

// --- shuffles

/// x as [lead…, middle…], its dimensions after `lead` moved, as [lead…, result…].
Tensor rearranged(const Tensor& x, size_t lead, const Dims& middle, const Dims& order, const Dims& result) {
  const auto front = static_cast<std::ptrdiff_t>(lead);
  Dims sizes(x.sizes().begin(), x.sizes().begin() + front);
  Dims wide = sizes;
  wide.insert(wide.end(), middle.begin(), middle.end());
  Dims moved;
  for (size_t i = 0; i < lead; ++i) moved.push_back(static_cast<int64_t>(i));
  for (const int64_t d : order) moved.push_back(static_cast<int64_t>(lead) + d);
  sizes.insert(sizes.end(), result.begin(), result.end());
  return x.reshape(wide).permute(moved).clone().contiguous().view(sizes);
}

void pixel_shuffle(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t r = c.integer(1);
  if (x.dim() < 3)
    throw RuntimeError(cat("pixel_shuffle expects input to have at least 3 dimensions, but got input with ",
                           x.dim(), " dimension(s)"));
  if (r <= 0 || r > (1 << 20))
    throw RuntimeError(cat("pixel_shuffle expects a positive upscale_factor, but got ", r));
  const int64_t channels = x.size(-3);
  const int64_t h = x.size(-2);
  const int64_t w = x.size(-1);
  if (channels % (r * r) != 0) {
    throw RuntimeError(
        cat("pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
            "upscale_factor, but input.size(-3)=",
            channels, " is not divisible by ", r * r));
  }
  const int64_t left = channels / (r * r);
  c.ret(rearranged(x, x.sizes().size() - 3, {left, r, r, h, w}, {0, 3, 1, 4, 2}, {left, h * r, w * r}));
}

void pixel_unshuffle(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t r = c.integer(1);
  if (x.dim() < 3)
    throw RuntimeError(cat("pixel_unshuffle expects input to have at least 3 dimensions, but got input with ",
                           x.dim(), " dimension(s)"));
  if (r <= 0) throw RuntimeError(cat("pixel_unshuffle expects a positive downscale_factor, but got ", r));
  const int64_t channels = x.size(-3);
  const int64_t h = x.size(-2);
  const int64_t w = x.size(-1);
  if (h % r != 0)
    throw RuntimeError(
        cat("pixel_unshuffle expects height to be divisible by downscale_factor, but input.size(-2)=", h,
            " is not divisible by ", r));
  if (w % r != 0)
    throw RuntimeError(
        cat("pixel_unshuffle expects width to be divisible by downscale_factor, but input.size(-1)=", w,
            " is not divisible by ", r));
  c.ret(rearranged(x, x.sizes().size() - 3, {channels, h / r, r, w / r, r}, {0, 2, 4, 1, 3},
                   {channels * r * r, h / r, w / r}));
}

void channel_shuffle(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t groups = c.integer(1);
  if (x.dim() < 3)
    throw RuntimeError(
        cat("channel_shuffle expects input with > 2 dims, but got input with sizes ", x.sizes()));
  if (groups <= 0)
    throw RuntimeError(
        cat("Number of groups to divide channels in must be positive. Value of groups:", groups));
  const int64_t channels = x.sizes()[1];
  if (channels % groups != 0)
    throw RuntimeError(cat("Number of channels must be divisible by groups. Got ", channels, " channels and ",
                           groups, " groups."));
  Dims middle = {groups, channels / groups};
  Dims order = {1, 0};
  Dims result = {channels};
  for (int64_t d = 2; d < x.dim(); ++d) {
    middle.push_back(x.sizes()[d]);
    order.push_back(d);
    result.push_back(x.sizes()[d]);
  }
  c.ret(rearranged(x, 1, middle, order, result));
}

constexpr OpRow kPatchOps[] = {
    {"aten::im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride) -> "
     "Tensor",
     im2col},
    {"aten::col2im(Tensor self, SymInt[2] output_size, int[2] kernel_size, int[2] dilation, int[2] padding, "
     "int[2] stride) -> Tensor",
     col2im},
    {"aten::pixel_shuffle(Tensor self, int upscale_factor) -> Tensor", pixel_shuffle},
    {"aten::pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor", pixel_unshuffle},
    {"aten::channel_shuffle(Tensor self, SymInt groups) -> Tensor", channel_shuffle},
};

}  // namespace

OpTable patch_ops() { return kPatchOps; }

}  // namespace calque::ops
