#include "kernels/gemm_weights/int4_fit.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace calque::kernels {

namespace {

constexpr double kGreatestDigit = 15;
constexpr double kGreatestHalf = 0x1.FEp127;
constexpr int kRefinements = 4;

struct Line {
  double scale;
  double least;
};

// To the nearest bfloat16, halves to even; large numbers stay finite.
uint32_t to_half(double x) {
  const auto bits = std::bit_cast<uint32_t>(static_cast<float>(std::clamp(x, -kGreatestHalf, kGreatestHalf)));
  return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

double rounded(double x) { return static_cast<double>(std::bit_cast<float>(to_half(x) << 16)); }

// The digits nearest to the line, and the squared differences that they leave.
double choose_digits(int64_t count, const double* w, const Line& line, uint8_t* digits) {
  double error = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double place = line.scale > 0 ? std::nearbyint((w[i] - line.least) / line.scale) : 0;
    const double digit = std::clamp(place, 0.0, kGreatestDigit);
    digits[i] = static_cast<uint8_t>(digit);
    const double difference = line.least + line.scale * digit - w[i];
    error += difference * difference;
  }
  return error;
}

// The line that is best for given digits.
Line regress(int64_t count, const double* w, const uint8_t* digits, const Line& otherwise) {
  double q_sum = 0, qq_sum = 0, w_sum = 0, qw_sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double q = digits[i];
    q_sum += q, qq_sum += q * q, w_sum += w[i], qw_sum += q * w[i];
  }
  const auto n = static_cast<double>(count);
  const double spread = n * qq_sum - q_sum * q_sum;
  if (spread <= 0) return otherwise;
  const double scale = (n * qw_sum - q_sum * w_sum) / spread;
  return {rounded(scale), rounded((w_sum - rounded(scale) * q_sum) / n)};
}

}  // namespace

Int4Fit fit_int4(int64_t count, const float* weights, int64_t step) {
  double w[kInt4Group] = {};
  bool finite = true;
  for (int64_t i = 0; i < count; ++i) {
    w[i] = static_cast<double>(weights[i * step]);
    finite = finite && std::isfinite(w[i]);
  }
  Int4Fit best{};
  if (!finite) {
    best.header = 0x7FC07FC0;  // two NaN
    return best;
  }
  const auto [least, greatest] = std::minmax_element(w, w + count);
  Line line{rounded((*greatest - *least) / kGreatestDigit), rounded(*least)};
  double best_error = std::numeric_limits<double>::infinity();
  for (int round = 0; round <= kRefinements; ++round) {
    Int4Fit fit{};
    fit.header = to_half(line.scale) | to_half(line.least) << 16;
    const double error = choose_digits(count, w, line, fit.digits);
    if (error >= best_error) break;
    best_error = error;
    best = fit;
    line = regress(count, w, best.digits, line);
  }
  return best;
}

}  // namespace calque::kernels
