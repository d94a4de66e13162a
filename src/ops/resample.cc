// Resampling of images: every result along a dimension is a weighted sum of a few elements of the input.
#include "ops/resample.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "ops/limits.h"
#include "ops/support.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// The elements that one result is made of: `count` from `first` on, or at places that are kept inside.
struct Taps {
  std::vector<int64_t> places;
  std::vector<double> weights;
};

/// Where the centre of a result lies in the input, and the step between results. Computed in the arithmetic
/// of the dtype, which decides at which element a result falls.
template <class Op>
struct Axis {
  int64_t input, output;
  Op scale;

  Axis(int64_t in, int64_t out, std::optional<double> given, bool align_corners) : input(in), output(out) {
    if (align_corners) {
      scale = out > 1 ? static_cast<Op>(in - 1) / static_cast<Op>(out - 1) : Op(0);
    } else {
      scale =
          given && *given > 0 ? static_cast<Op>(1.0 / *given) : static_cast<Op>(in) / static_cast<Op>(out);
    }
  }
  Op at(int64_t i, bool align_corners) const {
    return align_corners ? scale * static_cast<Op>(i) : scale * (static_cast<Op>(i) + Op(0.5)) - Op(0.5);
  }
};

/// Keys' kernel (1981) at distance |x| with parameter a.
double cubic_weight(double x, double a) {
  x = std::fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/// The sinc function in a window of three of its lobes.
double lanczos_weight(double x) {
  if (std::fabs(x) >= 3) return 0;
  if (x == 0) return 1;
  const double p = std::numbers::pi * x;
  return 3 * std::sin(p) * std::sin(p / 3) / (p * p);
}

template <class Op>
Taps nearest_taps(const Axis<Op>& axis, int64_t i, bool exact) {
  const Op place = exact ? std::max(axis.at(i, false), Op(0)) + Op(0.5) : axis.scale * static_cast<Op>(i);
  const auto index = static_cast<int64_t>(std::floor(static_cast<float>(place)));
  return {.places = {std::min(index, axis.input - 1)}, .weights = {1}};
}

template <class Op>
Taps linear_taps(const Axis<Op>& axis, int64_t i, bool align_corners) {
  if (axis.input == axis.output) return {.places = {i}, .weights = {1}};
  const Op place = std::max(axis.at(i, align_corners), Op(0));
  const int64_t low = std::min(static_cast<int64_t>(place), axis.input - 1);
  const double weight = std::clamp(static_cast<double>(place - static_cast<Op>(low)), 0.0, 1.0);
  return {.places = {low, std::min(low + 1, axis.input - 1)}, .weights = {1 - weight, weight}};
}

template <class Op>
Taps cubic_taps(const Axis<Op>& axis, int64_t i, bool align_corners) {
  const Op place = axis.at(i, align_corners);
  const auto low = static_cast<int64_t>(std::floor(place));
  const auto t = static_cast<double>(place - static_cast<Op>(low));
  Taps taps;
  for (int64_t k = -1; k <= 2; ++k) {
    taps.places.push_back(std::clamp<int64_t>(low + k, 0, axis.input - 1));
    taps.weights.push_back(cubic_weight(t - static_cast<double>(k), -0.75));
  }
  return taps;
}

/// The filter is widened when the image shrinks.
template <class Op>
Taps antialias_taps(const Axis<Op>& axis, int64_t i, Resampling mode) {
  const auto scale = static_cast<double>(axis.scale);
  const bool cubic = mode == Resampling::CubicAntialias;
  const double half = mode == Resampling::LanczosAntialias ? 3 : cubic ? 2 : 1;
  const double support = scale >= 1 ? half * scale : half;
  const double inverse = scale >= 1 ? 1 / scale : 1;
  const double center = scale * (static_cast<double>(i) + 0.5);
  const int64_t begin = std::max<int64_t>(static_cast<int64_t>(std::floor(center - support + 0.5)), 0);
  const int64_t end = std::min<int64_t>(static_cast<int64_t>(std::floor(center + support + 0.5)), axis.input);
  Taps taps;
  double total = 0;
  for (int64_t k = begin; k < end; ++k) {
    const double x = (static_cast<double>(k) - center + 0.5) * inverse;
    const double weight = mode == Resampling::LanczosAntialias ? lanczos_weight(x)
                          : cubic                              ? cubic_weight(x, -0.5)
                                                               : std::max(1 - std::fabs(x), 0.0);
    taps.places.push_back(k);
    taps.weights.push_back(weight);
    total += weight;
  }
  for (double& weight : taps.weights) weight = total == 0 ? weight : weight / total;
  return taps;
}

template <class Op>
std::vector<Taps> taps_of(const ResampleArguments& a, size_t d, int64_t input) {
  const std::optional<double> given = d < a.scales.size() ? a.scales[d] : std::nullopt;
  const Axis<Op> axis(input, a.output[d], given, a.align_corners);
  check_growth(axis.output, sizeof(Taps) + 64);
  std::vector<Taps> out;
  for (int64_t i = 0; i < axis.output; ++i) {
    switch (a.mode) {
      case Resampling::Nearest:
      case Resampling::NearestExact:
        out.push_back(nearest_taps(axis, i, a.mode == Resampling::NearestExact));
        break;
      case Resampling::Linear:
        out.push_back(linear_taps(axis, i, a.align_corners));
        break;
      case Resampling::Cubic:
        out.push_back(cubic_taps(axis, i, a.align_corners));
        break;
      default:
        out.push_back(antialias_taps(axis, i, a.mode));
    }
  }
  return out;
}

/// [outer, taps, inner] from x = [outer, input, inner].
template <class T>
Tensor along(const Tensor& x, int64_t dim, const std::vector<Taps>& taps) {
  Dims sizes = to_dims(x.sizes());
  const int64_t input = sizes[dim];
  const int64_t outer = wrapping_product(x.sizes().first(static_cast<size_t>(dim)));
  const int64_t inner = wrapping_product(x.sizes().subspan(static_cast<size_t>(dim) + 1));
  sizes[dim] = static_cast<int64_t>(taps.size());
  const Tensor out = empty(sizes, x.dtype());
  T* r = elements<T>(out);
  for (int64_t o = 0; o < outer; ++o) {
    const T* p = elements<T>(x) + o * input * inner;
    for (const Taps& tap : taps) {
      for (int64_t k = 0; k < inner; ++k) {
        T total = 0;
        for (size_t j = 0; j < tap.places.size(); ++j) {
          total += static_cast<T>(tap.weights[j]) * p[tap.places[j] * inner + k];
        }
        *r++ = total;
      }
    }
  }
  return out;
}

std::string named_sizes(IntArrayRef sizes) {
  constexpr std::string_view kNames = "DHW";
  std::string out = "(";
  for (size_t i = 0; i < sizes.size(); ++i) {
    out += cat(i == 0 ? "" : ", ", kNames.substr(3 - sizes.size() + i, 1), ": ", sizes[i]);
  }
  return out + ")";
}

void check_resample(const Tensor& x, const ResampleArguments& a) {
  const size_t n = a.output.size();
  if (x.dim() != static_cast<int64_t>(n) + 2) {
    throw RuntimeError(cat("It is expected input_size equals to ", n + 2, ", but got size ", x.dim()));
  }
  const IntArrayRef spatial = x.sizes().subspan(2);
  const auto positive = [](int64_t v) { return v > 0; };
  if (!std::ranges::all_of(spatial, positive) || !std::ranges::all_of(a.output, positive)) {
    throw RuntimeError(cat("Input and output sizes should be greater than 0, but got input ",
                           named_sizes(spatial), " output ", named_sizes(a.output)));
  }
  if (x.sizes()[1] == 0) {
    throw RuntimeError(
        cat("Non-empty ", n + 2, "D data tensor expected but got a tensor with sizes ", x.sizes()));
  }
  const bool copies = a.mode == Resampling::Nearest || a.mode == Resampling::NearestExact;
  if (!x.is_floating_point() && !(copies && x.dtype() == kByte)) throw_not_implemented("upsample", x.dtype());
}

}  // namespace

Tensor resample(const Tensor& x, const ResampleArguments& a) {
  check_resample(x, a);
  Dims sizes(x.sizes().begin(), x.sizes().begin() + 2);
  sizes.insert(sizes.end(), a.output.begin(), a.output.end());
  checked_size(sizes, x.dtype());
  // Rows first, in the arithmetic of the dtype, as PyTorch adds them up.
  const bool wide = x.dtype() == kDouble;
  Tensor out = x.to(wide ? kDouble : kFloat).contiguous();
  for (size_t d = a.output.size(); d-- > 0;) {
    const auto dim = static_cast<int64_t>(d) + 2;
    out = wide ? along<double>(out, dim, taps_of<double>(a, d, x.sizes()[dim]))
               : along<float>(out, dim, taps_of<float>(a, d, x.sizes()[dim]));
  }
  return out.to(x.dtype());
}

}  // namespace calque::ops
