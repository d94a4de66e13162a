// Sampling of images at the points of a grid, and grids of affine maps (Jaderberg et al., arXiv 1506.02025).
#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "ops/composite.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"

namespace calque::ops {

namespace {

enum Interpolation : int64_t { kBilinear = 0, kNearest = 1, kBicubic = 2 };
enum GridPadding : int64_t { kZeros = 0, kBorder = 1, kReflection = 2 };

/// Coordinates in [-1, 1] as places in an image of `size`.
struct GridAxis {
  int64_t size;
  int64_t padding;
  bool align_corners;

  double place(double x) const {
    const auto n = static_cast<double>(size);
    return align_corners ? (x + 1) / 2 * (n - 1) : ((x + 1) * n - 1) / 2;
  }
  /// Where a place outside of the image is taken from.
  double inside(double x) const {
    const auto last = static_cast<double>(size - 1);
    if (padding == kZeros) return x;
    if (padding == kReflection) {
      const double low = align_corners ? 0 : -0.5;
      const double span = align_corners ? last : last + 1;
      if (span <= 0) return 0;
      const double distance = std::fabs(x - low);
      const double rest = std::fmod(distance, span);
      const bool flipped = std::fmod(std::floor(distance / span), 2.0) != 0;
      x = flipped ? span - rest + low : rest + low;
    }
    return std::fmin(std::fmax(x, 0), last);
  }
};

/// One channel of one image.
struct Image {
  const double* p;
  GridAxis rows, columns;
  double at(double y, double x) const {
    if (!(y >= 0 && y < static_cast<double>(rows.size) && x >= 0 && x < static_cast<double>(columns.size)))
      return 0;
    return p[static_cast<int64_t>(y) * columns.size + static_cast<int64_t>(x)];
  }
};

double cubic_at(double t, int64_t k) {
  constexpr double kA = -0.75;
  const double x = std::fabs(t - static_cast<double>(k - 1));
  if (x <= 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  return (((x - 5) * x + 8) * x - 4) * kA;
}

double sample_bicubic(const Image& image, double y, double x) {
  const double top = std::floor(y);
  const double left = std::floor(x);
  double total = 0;
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < 4; ++j) {
      const double row = image.rows.inside(top + static_cast<double>(i - 1));
      const double column = image.columns.inside(left + static_cast<double>(j - 1));
      total += cubic_at(y - top, i) * cubic_at(x - left, j) *
               image.at(std::nearbyint(row), std::nearbyint(column));
    }
  }
  return total;
}

double sample(const Image& image, double y, double x, int64_t mode) {
  if (mode == kBicubic) return sample_bicubic(image, image.rows.place(y), image.columns.place(x));
  const double row = image.rows.inside(image.rows.place(y));
  const double column = image.columns.inside(image.columns.place(x));
  if (mode == kNearest) return image.at(std::nearbyint(row), std::nearbyint(column));
  const double top = std::floor(row);
  const double left = std::floor(column);
  const double down = row - top;
  const double right = column - left;
  return (1 - down) * ((1 - right) * image.at(top, left) + right * image.at(top, left + 1)) +
         down * ((1 - right) * image.at(top + 1, left) + right * image.at(top + 1, left + 1));
}

void check_grid(const Tensor& x, const Tensor& grid, int64_t mode, int64_t padding) {
  if (x.dim() != 4 || grid.dim() != 4) {
    throw NotImplementedError(
        cat("grid_sampler: only images (4D input and grid) are supported, but got input of size ", x.sizes(),
            " and grid of size ", grid.sizes()));
  }
  if (x.dtype() != grid.dtype()) {
    throw RuntimeError(cat("grid_sampler(): expected input and grid to have same dtype, but input has ",
                           dtype_name(x.dtype()), " and grid has ", dtype_name(grid.dtype())));
  }
  if (x.sizes()[0] != grid.sizes()[0]) {
    throw RuntimeError(
        cat("grid_sampler(): expected grid and input to have same batch size, but got input with sizes ",
            x.sizes(), " and grid with sizes ", grid.sizes()));
  }
  if (grid.size(-1) != 2)
    throw RuntimeError(
        cat("grid_sampler(): expected grid to have size 2 in last dimension, but got grid with sizes ",
            grid.sizes()));
  if (x.sizes()[2] == 0 || x.sizes()[3] == 0) {
    throw RuntimeError(
        cat("grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes ",
            x.sizes()));
  }
  if (mode < kBilinear || mode > kBicubic)
    throw RuntimeError(cat("grid_sampler(): unknown interpolation mode ", mode));
  if (padding < kZeros || padding > kReflection)
    throw RuntimeError(cat("grid_sampler(): unknown padding mode ", padding));
}

void grid_sampler(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Tensor grid = c.tensor(1);
  const int64_t mode = c.integer(2);
  const int64_t padding = c.integer(3);
  check_grid(x, grid, mode, padding);
  if (!x.is_floating_point()) throw_not_implemented("grid_sampler_2d_cpu", x.dtype());
  const Tensor in = x.to(kDouble).contiguous();
  const Tensor places = grid.to(kDouble).contiguous();
  const GridAxis rows{.size = x.sizes()[2], .padding = padding, .align_corners = c.boolean(4)};
  const GridAxis columns{.size = x.sizes()[3], .padding = padding, .align_corners = c.boolean(4)};
  const int64_t channels = x.sizes()[1];
  const int64_t points = grid.sizes()[1] * grid.sizes()[2];
  const Tensor out = empty({x.sizes()[0], channels, grid.sizes()[1], grid.sizes()[2]}, kDouble);
  for (int64_t plane = 0; plane < x.sizes()[0] * channels; ++plane) {
    const Image image{
        .p = elements<double>(in) + plane * rows.size * columns.size, .rows = rows, .columns = columns};
    const double* at = elements<double>(places) + plane / channels * points * 2;
    for (int64_t i = 0; i < points; ++i) {
      elements<double>(out)[plane * points + i] = sample(image, at[2 * i + 1], at[2 * i], mode);
    }
  }
  c.ret(out.to(x.dtype()));
}

/// Centres of `n` cells in [-1, 1], or its ends and what lies between.
double grid_coordinate(int64_t i, int64_t n, bool align_corners) {
  if (n <= 1) return 0;
  const auto count = static_cast<double>(n);
  const double x = -1 + 2 * static_cast<double>(i) / (count - 1);
  return align_corners ? x : x * (count - 1) / count;
}

void affine_grid_generator(OpCall& c) {
  const Tensor theta = c.tensor(0);
  const Dims size = c.ints(1);
  if (size.size() != 4) {
    throw NotImplementedError(cat(
        "affine_grid_generator: only sizes of images (4 values) are supported, but got ", IntArrayRef(size)));
  }
  if (theta.dim() != 3 || theta.sizes()[0] != size[0] || theta.sizes()[1] != 2 || theta.sizes()[2] != 3) {
    throw RuntimeError(cat("Expected a batch of 2D affine matrices of shape ", size[0], "x2x3, but got ",
                           theta.sizes(), "."));
  }
  const bool corners = c.boolean(2);
  const Tensor base = empty({size[2] * size[3], 3}, kDouble);
  for (int64_t i = 0; i < size[2] * size[3]; ++i) {
    double* row = elements<double>(base) + i * 3;
    row[0] = grid_coordinate(i % size[3], size[3], corners);
    row[1] = grid_coordinate(i / size[3], size[2], corners);
    row[2] = 1;
  }
  const Tensor grid = invoke("aten::matmul", {base.unsqueeze(0), theta.to(kDouble).transpose(1, 2)});
  c.ret(grid.view(Dims{size[0], size[2], size[3], 2}).to(theta.dtype()));
}

constexpr OpRow kGridOps[] = {
    {"aten::grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool "
     "align_corners) -> Tensor",
     grid_sampler},
    {"aten::grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool "
     "align_corners) -> Tensor",
     grid_sampler},
    {"aten::affine_grid_generator(Tensor theta, SymInt[] size, bool align_corners) -> Tensor",
     affine_grid_generator},
};

}  // namespace

OpTable grid_ops() { return kGridOps; }

}  // namespace calque::ops
