// The text form that libtorch's operator<< gives.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <span>
#include <sstream>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace calque {

namespace {

constexpr int64_t kLineSize = 80;

struct Format {
  double scale = 1;
  int64_t width = 0;
};

/// Decimal exponent as printed: digits before the point.
double digits(double magnitude) { return magnitude == 0 ? 1 : std::floor(std::log10(magnitude)) + 1; }

struct Range {
  bool whole = true;  ///< all finite values are whole numbers
  double low = 1;     ///< digits() of the smallest and the largest finite magnitude
  double high = 1;
};

Range range_of(std::span<const double> values) {
  Range range;
  double low = INFINITY;
  double high = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    range.whole = range.whole && value == std::ceil(value);
    low = std::min(low, std::fabs(value));
    high = std::max(high, std::fabs(value));
  }
  if (std::isfinite(low)) {
    range.low = digits(low);
    range.high = digits(high);
  }
  return range;
}

Format choose_format(std::ostream& out, std::span<const double> values) {
  const Range range = range_of(values);
  if (range.whole && range.high <= 9) {
    out << std::defaultfloat;
    return {.width = static_cast<int64_t>(range.high) + 1};
  }
  out << std::setprecision(4);
  if (range.whole || range.high - range.low > 4) {
    out << std::scientific;
    const bool long_exponent = !range.whole && (std::fabs(range.high) > 99 || std::fabs(range.low) > 99);
    return {.width = long_exponent ? 12 : 11};
  }
  out << std::fixed;
  if (range.high > 5 || range.high < 0) return {.scale = std::pow(10, range.high - 1), .width = 7};
  return {.width = range.high == 0 ? 7 : static_cast<int64_t>(range.high) + 6};
}

void print_scale(std::ostream& out, double scale) {
  std::ostringstream text;
  text << scale << " *\n";
  out << text.str();
}

/// Shortest digits that read back as the same double.
void print_number(std::ostream& out, double value) {
  std::array<char, 64> text{};
  char* const begin = text.data();
  char* const limit = begin + text.size();
  char* end = std::to_chars(begin, limit, value, std::chars_format::scientific).ptr;
  int exponent = 0;
  const char* const e = std::find(begin, end, 'e');
  if (e != end) std::from_chars(e[1] == '+' ? e + 2 : e + 1, end, exponent);
  if (exponent >= -4 && exponent < 16) end = std::to_chars(begin, limit, value, std::chars_format::fixed).ptr;
  out.write(begin, end - begin);
}

void print_vector(std::ostream& out, std::span<const double> values) {
  const Format format = choose_format(out, values);
  if (format.scale != 1) print_scale(out, format.scale);
  for (const double value : values) {
    out << std::setw(static_cast<int>(format.width)) << value / format.scale << '\n';
  }
}

/// `values` are the rows of a matrix, one after the other.
void print_matrix(std::ostream& out, std::span<const double> values, int64_t columns, int64_t indent) {
  const Format format = choose_format(out, values);
  const int64_t rows = static_cast<int64_t>(values.size()) / columns;
  const int64_t per_line = std::max<int64_t>((kLineSize - indent) / (format.width + 1), 1);
  const std::string margin(static_cast<size_t>(indent), ' ');
  for (int64_t first = 0; first < columns; first += per_line) {
    const int64_t last = std::min(first + per_line, columns) - 1;
    if (per_line < columns) {
      if (first != 0) out << '\n';
      out << "Columns " << first + 1 << " to " << last + 1 << margin;
    }
    if (format.scale != 1) {
      print_scale(out, format.scale);
      out << margin;
    }
    for (int64_t row = 0; row < rows; ++row) {
      if (row > 0) out << margin << (format.scale != 1 ? " " : "");
      for (int64_t column = first; column <= last; ++column) {
        out << std::setw(static_cast<int>(format.width)) << values[row * columns + column] / format.scale
            << (column == last ? '\n' : ' ');
      }
    }
  }
}

void print_planes(std::ostream& out, std::span<const double> values, IntArrayRef sizes) {
  const size_t outer = sizes.size() - 2;
  const int64_t columns = sizes[outer + 1];
  const int64_t plane = sizes[outer] * columns;
  Dims index(outer, 0);
  for (int64_t at = 0; at < static_cast<int64_t>(values.size()); at += plane) {
    if (at > 0) out << '\n';
    out << '(';
    for (const int64_t i : index) out << i + 1 << ',';
    out << ".,.) = \n";
    print_matrix(out, values.subspan(static_cast<size_t>(at), static_cast<size_t>(plane)), columns, 1);
    for (size_t d = outer; d-- > 0;) {
      if (++index[d] < sizes[d]) break;
      index[d] = 0;
    }
  }
}

void print_values(std::ostream& out, const Tensor& tensor) {
  const Tensor doubles = tensor.to(kDouble).contiguous();
  const std::span values(static_cast<const double*>(doubles.raw_data()),
                         static_cast<size_t>(doubles.numel()));
  if (tensor.dim() == 0) {
    print_number(out, values[0]);
    out << '\n';
  } else if (values.empty()) {
    return;
  } else if (tensor.dim() == 1) {
    print_vector(out, values);
  } else if (tensor.dim() == 2) {
    print_matrix(out, values, tensor.sizes()[1], 0);
  } else {
    print_planes(out, values, tensor.sizes());
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  if (!tensor.defined()) return out << "[ Tensor (undefined) ]";
  std::ostringstream text;
  if (!is_complex(tensor.dtype())) print_values(text, tensor);
  text << "[ CPU" << dtype_cpp_name(tensor.dtype()) << "Type{";
  for (size_t i = 0; i < tensor.sizes().size(); ++i) text << (i > 0 ? "," : "") << tensor.sizes()[i];
  text << "} ]";
  return out << text.str();
}

}  // namespace calque
