// How far results in low precision are from float32, as a page for people and as JSON.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "calque/error.h"
#include "formats/json_writer.h"
#include "jit/quantize_parts.h"
#include "jit/report_text.h"

namespace calque::jit {

namespace {

/// Sums over the rows of one tensor.
class Comparison {
 public:
  void add(const Tensor& expected, const Tensor& found) {
    const int64_t width = expected.size(-1), rows = width == 0 ? 0 : expected.numel() / width;
    const Tensor a = expected.contiguous(), b = found.to(kFloat).contiguous();
    for (int64_t i = 0; i < rows; ++i)
      row(a.data_ptr<float>() + i * width, b.data_ptr<float>() + i * width, width);
  }

  OutputQuality quality(std::string name) {
    OutputQuality out{.name = std::move(name), .rows = static_cast<int64_t>(cosines_.size())};
    if (cosines_.empty()) return out;
    std::sort(cosines_.begin(), cosines_.end());
    out.cosine_median = cosines_[cosines_.size() / 2];
    out.cosine_least = cosines_.front();
    out.not_finite = not_finite_;
    out.max_difference = max_difference_;
    out.same_argmax = static_cast<double>(same_) / static_cast<double>(cosines_.size());
    return out;
  }

 private:
  void row(const float* a, const float* b, int64_t width) {
    double ab = 0, aa = 0, bb = 0;
    bool same = true;
    for (int64_t j = 0; j < width; ++j) {
      const auto x = static_cast<double>(a[j]), y = static_cast<double>(b[j]);
      ab += x * y, aa += x * x, bb += y * y;
      if (x == y || (std::isnan(x) && std::isnan(y))) continue;
      same = false;
      const double difference = std::abs(x - y);
      max_difference_ = std::isnan(difference) ? kInfinity : std::max(max_difference_, difference);
    }
    if (!std::all_of(a, a + width, [](float x) { return std::isfinite(x); })) ++not_finite_;
    const double cosine = ab / std::sqrt(aa * bb);
    // Rows of zeros, NaN or infinity have no direction.
    cosines_.push_back(same ? 1 : std::isfinite(cosine) ? cosine : 0);
    if (std::max_element(a, a + width) - a == std::max_element(b, b + width) - b) ++same_;
  }

  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  std::vector<double> cosines_;
  double max_difference_ = 0;
  int64_t same_ = 0;
  int64_t not_finite_ = 0;
};

/// With the sign of a NaN left out, which says nothing.
std::string fixed(double value, int digits) {
  if (std::isnan(value)) return "nan";
  std::string text(32, '\0');
  text.resize(static_cast<size_t>(std::snprintf(text.data(), text.size(), "%.*f", digits, value)));
  return text;
}

bool is_kept(const QuantizeReport& report, const LayerQuality& layer) { return layer.stored != report.dtype; }

std::string already_text(const QuantizeReport& report) {
  if (report.already == 0) return "";
  return cat(report.already,
             " more were in low precision before: they stay as they are, and are not judged\n");
}

std::string layers_text(const QuantizeReport& report) {
  size_t width = 5;
  for (const LayerQuality& layer : report.layers) width = std::max(width, layer.name.size());
  std::string text = cat("\n", padded("layer", width), "  stored as      error\n");
  for (const LayerQuality& layer : report.layers) {
    text += cat(padded(layer.name, width), "  ", padded(std::string(precision_name(layer.stored)), 13),
                fixed(layer.error, 4), is_kept(report, layer) ? "  kept" : "",
                layer.is_smoothed ? "  smoothed" : "", "\n");
  }
  return text;
}

std::string outputs_text(const QuantizeReport& report) {
  std::string text =
      "\nresults against float32   rows   cosine: median      least   largest difference   same argmax\n";
  for (const OutputQuality& output : report.outputs) {
    text +=
        cat(padded(output.name, 20), padded(cat(output.rows), 10, true),
            padded(fixed(output.cosine_median, 6), 17, true), padded(fixed(output.cosine_least, 6), 11, true),
            padded(fixed(output.max_difference, 4), 21, true),
            padded(fixed(100 * output.same_argmax, 2), 12, true), " %\n");
  }
  for (const OutputQuality& output : report.outputs) {
    if (output.not_finite == 0) continue;
    text +=
        cat(output.name, ": ", output.not_finite, " of ", output.rows,
            " rows are not finite in float32 itself; such a row counts as the same when it stays as it is\n");
  }
  return text;
}

void real(JsonWriter& json, std::string_view key, double value) {
  json.key(key);
  std::isfinite(value) ? json.real(value) : json.null();
}

void write_layer(JsonWriter& json, const LayerQuality& layer) {
  json.begin_object();
  json.key("name"), json.string(layer.name);
  json.key("inputs"), json.integer(layer.inputs);
  json.key("outputs"), json.integer(layer.outputs);
  json.key("stored"), json.string(precision_name(layer.stored));
  real(json, "error", layer.error);
  json.key("smoothed"), json.boolean(layer.is_smoothed);
  json.end_object();
}

void write_output(JsonWriter& json, const OutputQuality& output) {
  json.begin_object();
  json.key("name"), json.string(output.name);
  json.key("rows"), json.integer(output.rows);
  json.key("not_finite"), json.integer(output.not_finite);
  real(json, "cosine_median", output.cosine_median);
  real(json, "cosine_least", output.cosine_least);
  real(json, "max_difference", output.max_difference);
  real(json, "same_argmax", output.same_argmax);
  json.end_object();
}

}  // namespace

std::vector<OutputQuality> compare_outputs(const std::vector<Outputs>& expected,
                                           const std::vector<Outputs>& found) {
  std::vector<Comparison> comparisons;
  for (size_t sample = 0; sample < expected.size(); ++sample) {
    const size_t count = expected[sample].size();
    if (found.at(sample).size() != count) throw InternalError("quantize: the results have another structure");
    comparisons.resize(std::max(comparisons.size(), count));
    for (size_t i = 0; i < count; ++i) {
      const Tensor& tensor = expected[sample][i];
      if (tensor.dtype() == kFloat && tensor.dim() > 0) comparisons[i].add(tensor, found[sample][i]);
    }
  }
  std::vector<OutputQuality> qualities;
  for (size_t i = 0; i < comparisons.size(); ++i) {
    OutputQuality quality = comparisons[i].quality(cat("output.", i));
    if (quality.rows > 0) qualities.push_back(std::move(quality));
  }
  return qualities;
}

std::string to_text(const QuantizeReport& report) {
  const auto kept = std::count_if(report.layers.begin(), report.layers.end(),
                                  [&](const LayerQuality& layer) { return is_kept(report, layer); });
  const double ratio = report.bytes_after == 0 ? 0
                                               : static_cast<double>(report.bytes_before) /
                                                     static_cast<double>(report.bytes_after);
  return cat("dtype ", precision_name(report.dtype), ": ", report.layers.size(), " linear layers, ", kept,
             " of them kept in higher precision; ", report.tables, " embeddings\n", already_text(report),
             "weights ", fixed(static_cast<double>(report.bytes_before) * 1e-6, 1), " MB -> ",
             fixed(static_cast<double>(report.bytes_after) * 1e-6, 1), " MB (1/", fixed(ratio, 1), ")\n",
             "judged on ", report.samples,
             report.is_seeded ? " made-up inputs: --calibrate with real text says more\n" : " inputs\n",
             layers_text(report), outputs_text(report));
}

std::string to_json(const QuantizeReport& report) {
  JsonWriter json({.indent = 2});
  json.begin_object();
  json.key("dtype"), json.string(precision_name(report.dtype));
  json.key("samples"), json.integer(report.samples);
  json.key("seeded"), json.boolean(report.is_seeded);
  json.key("bytes_before"), json.integer(report.bytes_before);
  json.key("bytes_after"), json.integer(report.bytes_after);
  json.key("tables"), json.integer(report.tables);
  json.key("already"), json.integer(report.already);
  json.key("layers"), json.begin_array();
  for (const LayerQuality& layer : report.layers) write_layer(json, layer);
  json.end_array();
  json.key("outputs"), json.begin_array();
  for (const OutputQuality& output : report.outputs) write_output(json, output);
  json.end_array();
  json.end_object();
  return json.finish();
}

}  // namespace calque::jit
