// A check report as a page for people, and as JSON.
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/text.h"
#include "calque/check.h"
#include "formats/json_writer.h"
#include "jit/report_text.h"

namespace calque::jit {

namespace {

constexpr size_t kShownOperators = 16;
constexpr size_t kShownPlaces = 3;

std::string_view name_of(Support support) {
  constexpr std::array<std::string_view, 4> kNames = {"fast", "reference", "missing", "trivial"};
  return kNames[static_cast<size_t>(support)];
}

std::string_view name_of(Finding::Kind kind) {
  constexpr std::array<std::string_view, 5> kNames = {"constant size", "device", "dtype", "unrolled loop",
                                                      "dummy shape"};
  return kNames[static_cast<size_t>(kind)];
}

/// `22 713 216`.
std::string grouped(int64_t number) {
  std::string digits = cat(number);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    if (digits[at - 1] != '-') digits.insert(at, " ");
  }
  return digits;
}

/// Three digits with a decimal prefix: `90.9 MB`.
std::string scaled(int64_t number, std::string_view unit) {
  auto value = static_cast<double>(number);
  constexpr std::array<std::string_view, 6> kPrefixes = {"", "k", "M", "G", "T", "P"};
  size_t prefix = 0;
  while (value >= 999.5 && prefix + 1 < kPrefixes.size()) {
    value /= 1000;
    ++prefix;
  }
  const double step = value < 10 ? 100 : value < 100 ? 10 : 1;
  const double rounded = std::round(value * step) / step;
  return cat(rounded, " ", kPrefixes[prefix], unit);
}

std::string bytes_text(int64_t bytes) { return scaled(bytes, "B"); }

std::string places_text(const std::vector<std::string>& places) {
  std::string text;
  for (size_t i = 0; i < std::min(kShownPlaces, places.size()); ++i)
    text += cat(i == 0 ? "" : ", ", places[i]);
  return places.size() > kShownPlaces ? text + ", …" : text;
}

std::string indented(std::string_view text, std::string_view by) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += by;
  }
  return out;
}

std::string verdict(const CheckReport& report) {
  std::string text = cat(report.label, "\nwould load here: ", report.loads ? "yes" : "no",
                         "\nwould run here:  ", report.runs ? "yes" : "no", "\n");
  if (!report.error.empty()) text += cat("\n", report.error_kind, ": ", indented(report.error, "  "), "\n");
  return text;
}

std::string facts(const CheckReport& report) {
  std::string text = "\n";
  if (report.version > 0) {
    text += cat("TorchScript archive, version ", report.version, ", ", bytes_text(report.file_bytes),
                report.is_trace ? ", no control flow (as a trace)" : "", "\n");
  }
  if (!report.schema.empty()) text += report.schema + "\n";
  return text + cat(grouped(report.parameters), " parameters, ", grouped(report.buffers),
                    " elements of buffers, ", bytes_text(report.weight_bytes), " of weights and constants\n");
}

std::string operators_text(const CheckReport& report) {
  std::string text = cat("\nOperators: ", report.count(Support::Fast), " fast, ",
                         report.count(Support::Reference), " by reference, ", report.count(Support::Trivial),
                         " trivial (sizes, views, numbers), ", report.count(Support::Missing), " missing\n");
  size_t shown = 0, hidden = 0;
  for (const OperatorUse& use : report.operators) {
    if (use.support == Support::Trivial) continue;
    if (use.support != Support::Missing && shown++ >= kShownOperators) {
      ++hidden;
      continue;
    }
    text += cat("  ", padded(std::string(name_of(use.support)), 10), padded(use.name, 36),
                padded(cat(use.count), 6), places_text(use.places), "\n");
  }
  if (hidden > 0) text += cat("  … and ", hidden, " more (--json lists all)\n");
  return text;
}

std::string findings_text(const CheckReport& report) {
  if (!report.loads) return "";
  if (report.findings.empty()) return "\nFixed by the export: nothing found\n";
  std::string text = "\nFixed by the export:\n";
  std::string_view advice;
  for (size_t i = 0; i < report.findings.size(); ++i) {
    const Finding& finding = report.findings[i];
    text += cat("  ", finding.what);
    if (finding.count > 1) text += cat(", ", finding.count, " times");
    if (!finding.places.empty()) text += cat("  (", places_text(finding.places), ")");
    text += "\n";
    advice = finding.advice;
    const bool last = i + 1 == report.findings.size() || report.findings[i + 1].advice != advice;
    if (last) text += cat("    -> ", advice, "\n");
  }
  return text;
}

std::string costs_text(const CheckReport& report) {
  if (report.costs.empty()) return "";
  std::string text = "\nOne call:\n";
  for (const ShapeCost& cost : report.costs) {
    text += cat("  ", padded(cat(std::span(cost.shape)), 14));
    if (!cost.ran) {
      text += cat("does not run: ", indented(cost.error, "                "), "\n");
      continue;
    }
    text += cat(scaled(cost.multiply_adds, "MAC"), " (multiply-adds), ", bytes_text(cost.activation_bytes),
                " of activations, ", cost.operator_calls, " operators\n");
  }
  return text;
}

void write_places(JsonWriter& json, const std::vector<std::string>& places) {
  json.key("places");
  json.begin_array();
  for (const std::string& place : places) json.string(place);
  json.end_array();
}

void field(JsonWriter& json, std::string_view key, std::string_view text) {
  json.key(key);
  json.string(text);
}

void field(JsonWriter& json, std::string_view key, int64_t number) {
  json.key(key);
  json.integer(number);
}

void flag(JsonWriter& json, std::string_view key, bool value) {
  json.key(key);
  json.boolean(value);
}

template <class Items, class Write>
void list(JsonWriter& json, std::string_view key, const Items& items, const Write& write) {
  json.key(key);
  json.begin_array();
  for (const auto& item : items) {
    json.begin_object();
    write(item);
    json.end_object();
  }
  json.end_array();
}

void write_cost(JsonWriter& json, const ShapeCost& cost) {
  json.key("shape");
  json.begin_array();
  for (const int64_t size : cost.shape) json.integer(size);
  json.end_array();
  flag(json, "ran", cost.ran);
  field(json, "error", cost.error);
  field(json, "multiply_adds", cost.multiply_adds);
  field(json, "activation_bytes", cost.activation_bytes);
  field(json, "operator_calls", cost.operator_calls);
  json.key("seconds");
  json.real(cost.seconds);
  json.key("inputs");
  json.begin_array();
  for (const std::string& input : cost.made) json.string(input);
  json.end_array();
}

}  // namespace

std::string to_text(const CheckReport& report) {
  std::string text = verdict(report);
  const bool was_read = report.loads || !report.operators.empty();
  if (was_read) text += facts(report) + operators_text(report) + findings_text(report) + costs_text(report);
  if (!report.notes.empty()) text += "\nNotes:\n";
  for (const std::string& note : report.notes) text += cat("  ", note, "\n");
  return text;
}

std::string to_json(const CheckReport& report) {
  JsonWriter json({.indent = 2});
  json.begin_object();
  field(json, "file", report.label);
  flag(json, "loads", report.loads);
  flag(json, "runs", report.runs);
  field(json, "error", report.error);
  field(json, "error_kind", report.error_kind);
  field(json, "version", report.version);
  field(json, "file_bytes", report.file_bytes);
  flag(json, "trace", report.is_trace);
  field(json, "schema", report.schema);
  field(json, "parameters", report.parameters);
  field(json, "buffers", report.buffers);
  field(json, "weight_bytes", report.weight_bytes);
  list(json, "operators", report.operators, [&](const OperatorUse& use) {
    field(json, "name", use.name);
    field(json, "support", name_of(use.support));
    field(json, "count", use.count);
    write_places(json, use.places);
  });
  list(json, "findings", report.findings, [&](const Finding& finding) {
    field(json, "kind", name_of(finding.kind));
    field(json, "what", finding.what);
    field(json, "advice", finding.advice);
    field(json, "count", finding.count);
    write_places(json, finding.places);
  });
  list(json, "costs", report.costs, [&](const ShapeCost& cost) { write_cost(json, cost); });
  json.key("notes");
  json.begin_array();
  for (const std::string& note : report.notes) json.string(note);
  json.end_array();
  json.end_object();
  return json.finish();
}

}  // namespace calque::jit
