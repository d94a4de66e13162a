// Operators that resample images; those of old archives take the mode as text.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "ops/composite.h"
#include "ops/resample.h"
#include "ops/support.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

Dims sized(const Dims& output, size_t n) {
  if (output.size() == n) return output;
  throw RuntimeError(cat("It is expected output_size equals to ", n, ", but got size ", output.size()));
}

/// output_size, [align_corners,] scales…
template <Resampling Mode, size_t N, bool Corners>
void upsample(OpCall& c) {
  ResampleArguments a{.mode = Mode, .output = sized(c.ints(1), N), .align_corners = Corners && c.boolean(2)};
  for (size_t i = 0; i < N; ++i) {
    const IValue& scale = c[(Corners ? 3 : 2) + i];
    a.scales.push_back(scale.isNone() ? std::nullopt : std::optional<double>(scale.toDouble()));
  }
  c.ret(resample(c.tensor(0), a));
}

/// floor(size * scale) for each spatial dimension.
Dims scaled_sizes(const Tensor& x, const std::vector<double>& scales) {
  Dims out;
  for (size_t i = 0; i < scales.size(); ++i) {
    const double size = std::floor(static_cast<double>(x.sizes()[i + 2]) * scales[i]);
    if (!(size >= 0 && size < 1e15))
      throw RuntimeError(cat("scale_factors: ", scales[i], " is out of range"));
    out.push_back(static_cast<int64_t>(size));
  }
  return out;
}

/// Sizes or factors, one of them.
ResampleArguments by_size_or_scale(const Tensor& x, Resampling mode, size_t n, const IValue& sizes,
                                   const IValue& scales) {
  if (sizes.isNone() == scales.isNone())
    throw RuntimeError("Must specify exactly one of output_size and scale_factors");
  ResampleArguments a{.mode = mode, .output = {}};
  if (!sizes.isNone()) {
    a.output = sized(sizes.toIntVector(), n);
    return a;
  }
  const std::vector<double> factors = scales.toDoubleVector();
  if (factors.size() != n || x.dim() != static_cast<int64_t>(n) + 2) {
    throw RuntimeError(cat("expected scale_factors of ", n, " values and an input of ", n + 2,
                           " dimensions, but got ", factors.size(), " values and an input of size ",
                           x.sizes()));
  }
  a.output = scaled_sizes(x, factors);
  for (const double factor : factors) a.scales.emplace_back(factor);
  return a;
}

template <Resampling Mode, size_t N, bool Corners>
void upsample_vec(OpCall& c) {
  ResampleArguments a = by_size_or_scale(c.tensor(0), Mode, N, c[1], c[Corners ? 3 : 2]);
  a.align_corners = Corners && c.boolean(2);
  c.ret(resample(c.tensor(0), a));
}

// --- the forms of old archives

/// A number or a list as one value for each spatial dimension; None stays.
IValue sizes_for(const IValue& value, size_t n) {
  if (value.isInt()) return IValue(Dims(n, value.toInt()));
  return value;
}
IValue scales_for(const IValue& value, size_t n) {
  if (value.isNone()) return value;
  if (value.isDouble()) return IValue(std::vector<double>(n, value.toDouble()));
  if (value.isInt()) return IValue(std::vector<double>(n, static_cast<double>(value.toInt())));
  if (!value.isIntList()) return value;
  const Dims whole = value.toIntVector();
  return IValue(std::vector<double>(whole.begin(), whole.end()));
}

struct Interpolation {
  Tensor x;
  IValue sizes, scales;
  std::string mode;
  std::optional<bool> align_corners{};
  bool recompute_scale_factor = true;  ///< the step between samples comes from the sizes, not from the scale
  bool antialias = false;
};

Tensor area(const Interpolation& i, size_t n, const IValue& sizes, const IValue& scales) {
  const Dims out = sizes.isNone() ? scaled_sizes(i.x, scales.toDoubleVector()) : sizes.toIntVector();
  return invoke(cat("aten::adaptive_avg_pool", n, "d"), {i.x, out});
}

Resampling mode_of(const Interpolation& i, size_t n) {
  if (i.mode == "nearest") return Resampling::Nearest;
  if (i.mode == "bicubic" && n == 2) return i.antialias ? Resampling::CubicAntialias : Resampling::Cubic;
  if (i.mode == "bilinear" && n == 2 && i.antialias) return Resampling::LinearAntialias;
  constexpr std::string_view kLinear[] = {"linear", "bilinear", "trilinear"};
  if (i.mode == kLinear[n - 1]) return Resampling::Linear;
  throw NotImplementedError(
      cat("Input Error: Only 3D, 4D and 5D input Tensors supported (got ", i.x.dim(),
          "D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area (got ", i.mode, ")"));
}

/// torch.nn.functional.interpolate as one operator.
Tensor interpolate(const Interpolation& i) {
  if (i.x.dim() < 3 || i.x.dim() > 5) {
    throw NotImplementedError(
        cat("Input Error: Only 3D, 4D and 5D input Tensors supported (got ", i.x.dim(), "D)"));
  }
  const auto n = static_cast<size_t>(i.x.dim() - 2);
  const IValue sizes = sizes_for(i.sizes, n);
  const IValue scales = scales_for(i.scales, n);
  const bool copies = i.mode == "nearest" || i.mode == "area";
  if (copies && i.align_corners) {
    throw ValueError(
        "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | "
        "trilinear");
  }
  if (sizes.isNone() == scales.isNone())
    throw ValueError("only one of size or scale_factor should be defined");
  if (i.mode == "area") return area(i, n, sizes, scales);
  ResampleArguments a = by_size_or_scale(i.x, mode_of(i, n), n, sizes, scales);
  if (i.recompute_scale_factor) a.scales.clear();
  a.align_corners = i.align_corners.value_or(false);
  return resample(i.x, a);
}

std::optional<bool> optional_bool(const IValue& value) {
  return value.isNone() ? std::nullopt : std::optional<bool>(value.toBool());
}

void interpolate_op(OpCall& c) {
  c.ret(interpolate({.x = c.tensor(0),
                     .sizes = c[1],
                     .scales = c[2],
                     .mode = c[3].toStringRef(),
                     .align_corners = optional_bool(c[4]),
                     .recompute_scale_factor = optional_bool(c[5]).value_or(true),
                     .antialias = c.boolean(6)}));
}
void upsample_op(OpCall& c) {
  c.ret(interpolate({.x = c.tensor(0),
                     .sizes = c[1],
                     .scales = c[2],
                     .mode = c[3].toStringRef(),
                     .align_corners = optional_bool(c[4])}));
}
void upsample_nearest_op(OpCall& c) {
  c.ret(interpolate({.x = c.tensor(0), .sizes = c[1], .scales = c[2], .mode = "nearest"}));
}
void upsample_bilinear_op(OpCall& c) {
  c.ret(interpolate(
      {.x = c.tensor(0), .sizes = c[1], .scales = c[2], .mode = "bilinear", .align_corners = true}));
}

constexpr OpRow kUpsampleOps[] = {
    {"aten::upsample_nearest1d(Tensor self, SymInt[1] output_size, float? scales=None) -> Tensor",
     upsample<Resampling::Nearest, 1, false>},
    {"aten::upsample_nearest1d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor",
     upsample_vec<Resampling::Nearest, 1, false>},
    {"aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? "
     "scales_w=None) -> Tensor",
     upsample<Resampling::Nearest, 2, false>},
    {"aten::upsample_nearest2d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor",
     upsample_vec<Resampling::Nearest, 2, false>},
    {"aten::upsample_nearest3d(Tensor self, SymInt[3] output_size, float? scales_d=None, float? "
     "scales_h=None, float? scales_w=None) -> Tensor",
     upsample<Resampling::Nearest, 3, false>},
    {"aten::upsample_nearest3d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor",
     upsample_vec<Resampling::Nearest, 3, false>},
    {"aten::upsample_linear1d(Tensor self, SymInt[1] output_size, bool align_corners, float? scales=None) -> "
     "Tensor",
     upsample<Resampling::Linear, 1, true>},
    {"aten::upsample_linear1d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? "
     "scale_factors) -> Tensor",
     upsample_vec<Resampling::Linear, 1, true>},
    {"aten::upsample_bilinear2d(Tensor self, SymInt[2] output_size, bool align_corners, float? "
     "scales_h=None, float? scales_w=None) -> Tensor",
     upsample<Resampling::Linear, 2, true>},
    {"aten::upsample_bilinear2d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? "
     "scale_factors) -> Tensor",
     upsample_vec<Resampling::Linear, 2, true>},
    {"aten::upsample_bicubic2d(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, "
     "float? scales_w=None) -> Tensor",
     upsample<Resampling::Cubic, 2, true>},
    {"aten::upsample_bicubic2d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? "
     "scale_factors) -> Tensor",
     upsample_vec<Resampling::Cubic, 2, true>},
    {"aten::upsample_trilinear3d(Tensor self, SymInt[3] output_size, bool align_corners, float? "
     "scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor",
     upsample<Resampling::Linear, 3, true>},
    {"aten::upsample_trilinear3d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? "
     "scale_factors) -> Tensor",
     upsample_vec<Resampling::Linear, 3, true>},
    {"aten::_upsample_nearest_exact1d(Tensor self, SymInt[1] output_size, float? scales=None) -> Tensor",
     upsample<Resampling::NearestExact, 1, false>},
    {"aten::_upsample_nearest_exact1d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> "
     "Tensor",
     upsample_vec<Resampling::NearestExact, 1, false>},
    {"aten::_upsample_nearest_exact2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? "
     "scales_w=None) -> Tensor",
     upsample<Resampling::NearestExact, 2, false>},
    {"aten::_upsample_nearest_exact2d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> "
     "Tensor",
     upsample_vec<Resampling::NearestExact, 2, false>},
    {"aten::_upsample_nearest_exact3d(Tensor self, SymInt[3] output_size, float? scales_d=None, float? "
     "scales_h=None, float? scales_w=None) -> Tensor",
     upsample<Resampling::NearestExact, 3, false>},
    {"aten::_upsample_nearest_exact3d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> "
     "Tensor",
     upsample_vec<Resampling::NearestExact, 3, false>},
    {"aten::_upsample_bilinear2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? "
     "scales_h=None, float? scales_w=None) -> Tensor",
     upsample<Resampling::LinearAntialias, 2, true>},
    {"aten::_upsample_bilinear2d_aa.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? "
     "scale_factors) -> Tensor",
     upsample_vec<Resampling::LinearAntialias, 2, true>},
    {"aten::_upsample_bicubic2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? "
     "scales_h=None, float? scales_w=None) -> Tensor",
     upsample<Resampling::CubicAntialias, 2, true>},
    {"aten::_upsample_bicubic2d_aa.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? "
     "scale_factors) -> Tensor",
     upsample_vec<Resampling::CubicAntialias, 2, true>},
    {"aten::_upsample_lanczos2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? "
     "scales_h=None, float? scales_w=None) -> Tensor",
     upsample<Resampling::LanczosAntialias, 2, true>},
    {"aten::_upsample_lanczos2d_aa.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? "
     "scale_factors) -> Tensor",
     upsample_vec<Resampling::LanczosAntialias, 2, true>},
    {"aten::__interpolate.scale_list(Tensor input, int? size=None, float[]? scale_factor=None, str "
     "mode=\"nearest\", bool? align_corners=None, bool? recompute_scale_factor=None, bool antialias=False) "
     "-> Tensor",
     interpolate_op},
    {"aten::__interpolate.size_list_scale_list(Tensor input, int[]? size=None, float[]? scale_factor=None, "
     "str mode=\"nearest\", bool? align_corners=None, bool? recompute_scale_factor=None, bool "
     "antialias=False) -> Tensor",
     interpolate_op},
    {"aten::__interpolate(Tensor input, int? size=None, float? scale_factor=None, str mode=\"nearest\", "
     "bool? align_corners=None, bool? recompute_scale_factor=None, bool antialias=False) -> Tensor",
     interpolate_op},
    {"aten::__interpolate.size_list(Tensor input, int[]? size=None, float? scale_factor=None, str "
     "mode=\"nearest\", bool? align_corners=None, bool? recompute_scale_factor=None, bool antialias=False) "
     "-> Tensor",
     interpolate_op},
    {"aten::__upsample(Tensor input, int? size=None, int? scale_factor=None, str mode=\"nearest\", bool? "
     "align_corners=None) -> Tensor",
     upsample_op},
    {"aten::__upsample.size_list(Tensor input, int[]? size=None, int? scale_factor=None, str "
     "mode=\"nearest\", bool? align_corners=None) -> Tensor",
     upsample_op},
    {"aten::__upsample_nearest(Tensor input, int? size=None, int? scale_factor=None) -> Tensor",
     upsample_nearest_op},
    {"aten::__upsample_nearest.size_list(Tensor input, int[]? size=None, int? scale_factor=None) -> Tensor",
     upsample_nearest_op},
    {"aten::__upsample_bilinear(Tensor input, int? size=None, int? scale_factor=None) -> Tensor",
     upsample_bilinear_op},
    {"aten::__upsample_bilinear.size_list(Tensor input, int[]? size=None, int? scale_factor=None) -> Tensor",
     upsample_bilinear_op},
    {"aten::__upsample_bilinear.scale_list(Tensor input, int? size=None, int[]? scale_factor=None) -> Tensor",
     upsample_bilinear_op},
    {"aten::__upsample_bilinear.size_list_scale_list(Tensor input, int[]? size=None, int[]? "
     "scale_factor=None) -> Tensor",
     upsample_bilinear_op},
};

}  // namespace

OpTable upsample_ops() { return kUpsampleOps; }

}  // namespace calque::ops
