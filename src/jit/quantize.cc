#include "calque/quantize.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_set>

#include "base/similar.h"
#include "base/text.h"
#include "calque/error.h"
#include "jit/executable.h"
#include "jit/quantize_parts.h"
#include "ops/matmul.h"
#include "ops/operator.h"
#include "ops/quantized_weight.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/store_quantized.h"

namespace calque::jit {

namespace {

using ops::Arithmetic;
using ops::QuantizedWeight;

/// A smaller table is not worth the operators that read it.
constexpr int64_t kFewestTableRows = 256;
/// A row's scale takes as many bytes as four columns. Scales of a table that is quantised already have one.
constexpr int64_t kFewestTableColumns = 8;
/// Of an error.
constexpr size_t kMostNames = 8;
/// How much of what is hard to quantise moves from inputs to weights; 0 for none.
constexpr double kSmoothing[] = {0, 0.5, 0.7};

struct Layer {
  std::string name;
  Tensor weight;
  const LayerInputs* inputs;  ///< nullptr when no sample reached it
};

/// Layers that read one input share its factors, so that they stay one product.
using Group = std::vector<Layer>;

bool is_below(const std::string& name, const std::string& module) {
  return name == module || (name.starts_with(module) && name[module.size()] == '.');
}

std::vector<Group> groups_of(Graph& graph, const Calibration& calibration) {
  std::vector<Group> groups;
  std::map<const Value*, size_t> by_input;
  std::unordered_set<const TensorImpl*> seen;
  for (const Node* node : passes::constant_linears(graph)) {
    const Tensor weight = passes::constant_of(node->input(1))->toTensor();
    if (!seen.insert(weight.impl().get()).second) continue;
    const auto [at, is_new] = by_input.emplace(node->input(0), groups.size());
    if (is_new) groups.emplace_back();
    const auto inputs = calibration.inputs.find(weight.impl().get());
    groups[at->second].push_back({.name = node->scope.empty() ? cat("linear.", seen.size() - 1) : node->scope,
                                  .weight = weight,
                                  .inputs = inputs == calibration.inputs.end() || inputs->second.sampled == 0
                                                ? nullptr
                                                : &inputs->second});
  }
  return groups;
}

Tensor sampled_rows(const Layer& layer) {
  const int64_t k = layer.weight.size(1);
  const Tensor rows = empty({layer.inputs->sampled, k}, kFloat);
  std::copy(layer.inputs->rows.begin(), layer.inputs->rows.end(), rows.data_ptr<float>());
  return rows;
}

/// Squares of the change over squares of the row: each row counts alike, since a layer norm comes behind most
/// layers, and rows of a few tokens are a hundred times larger than others.
double relative_change(const float* expected, const float* found, int64_t n) {
  double change = 0, size = 0;
  for (int64_t j = 0; j < n; ++j) {
    const auto y = static_cast<double>(expected[j]);
    change += std::pow(static_cast<double>(found[j]) - y, 2);
    size += y * y;
  }
  return size == 0 ? 0 : change / size;
}

/// The error of the layer's results, as QuantizeOptions::max_error has it.
double error_of(const Layer& layer, const QuantizedWeight& weight) {
  if (layer.inputs == nullptr) return 0;
  const Tensor x = sampled_rows(layer);
  const Tensor expected = ops::linear(x, layer.weight, std::nullopt);
  const Tensor found = call_operator(ops::fused_operator("calque::linear"),
                                     {x, ops::to_value(weight), IValue(), int64_t{0}, IValue(),
                                      static_cast<int64_t>(weight.arithmetic())})[0]
                           .toTensor();
  const int64_t n = expected.size(-1);
  double sum = 0;
  for (int64_t row = 0; row < expected.size(0); ++row)
    sum += relative_change(expected.data_ptr<float>() + row * n, found.data_ptr<float>() + row * n, n);
  return std::sqrt(sum / static_cast<double>(expected.size(0)));
}

std::vector<float> greatest_weights(const Group& group) {
  const int64_t k = group[0].weight.size(1);
  std::vector<float> greatest(static_cast<size_t>(k));
  for (const Layer& layer : group) {
    const Tensor weight = layer.weight.contiguous();
    for (int64_t i = 0; i < weight.numel(); ++i) {
      float& at = greatest[static_cast<size_t>(i % k)];
      at = std::max(at, std::abs(weight.data_ptr<float>()[i]));
    }
  }
  return greatest;
}

/// What inputs are multiplied by: weights^(1 - a) / inputs^a for each channel, around 1.
Tensor smoothing_factors(const Group& group, double strength) {
  const int64_t k = group[0].weight.size(1);
  const Tensor factors = full(Dims{k}, 1, kFloat);
  if (strength == 0 || group[0].inputs == nullptr) return factors;
  constexpr double kMost = 1e4;
  const std::vector<float> weights = greatest_weights(group);
  std::vector<double> logs(static_cast<size_t>(k));
  double mean = 0;
  for (size_t i = 0; i < logs.size(); ++i) {
    const auto w = static_cast<double>(weights[i]), x = static_cast<double>(group[0].inputs->greatest[i]);
    if (w > 0 && x > 0 && std::isfinite(w) && std::isfinite(x))
      logs[i] = (1 - strength) * std::log(w) - strength * std::log(x);
    mean += logs[i] / static_cast<double>(k);
  }
  for (size_t i = 0; i < logs.size(); ++i)
    factors.data_ptr<float>()[i] = static_cast<float>(std::clamp(std::exp(logs[i] - mean), 1 / kMost, kMost));
  return factors;
}

struct Attempt {
  std::vector<QuantizedWeight> weights{};
  std::vector<double> errors{};
  bool is_smoothed = false;
  double squares() const { return std::inner_product(errors.begin(), errors.end(), errors.begin(), 0.0); }
};

Attempt attempt(const Group& group, Arithmetic arithmetic, double strength) {
  Attempt made{.is_smoothed = strength > 0};
  std::optional<Tensor> factors;
  if (arithmetic == Arithmetic::kInt8) factors = smoothing_factors(group, strength);
  for (const Layer& layer : group) {
    const bool is_divisible = layer.weight.size(1) % ops::kInt4GroupSize == 0;
    const bool as_bytes = arithmetic == Arithmetic::kInt4Weights && !is_divisible;
    made.weights.push_back(
        ops::quantize_weight(layer.weight, as_bytes ? Arithmetic::kInt8Weights : arithmetic, factors));
    made.errors.push_back(error_of(layer, made.weights.back()));
  }
  return made;
}

Attempt best_attempt(const Group& group, const QuantizeOptions& options) {
  const auto arithmetic = static_cast<Arithmetic>(options.dtype);
  Attempt best = attempt(group, arithmetic, 0);
  if (arithmetic != Arithmetic::kInt8 || !options.smooth || group[0].inputs == nullptr) return best;
  for (const double strength : kSmoothing) {
    if (strength == 0) continue;
    Attempt other = attempt(group, arithmetic, strength);
    if (other.squares() < best.squares()) best = std::move(other);
  }
  return best;
}

double allowed_error(const QuantizeOptions& options) {
  if (options.max_error > 0) return options.max_error;
  return options.dtype == Precision::Int4Weights ? 0.15 : 0.05;
}

class Chooser {
 public:
  Chooser(const QuantizeOptions& options, QuantizeReport& report) : options_(options), report_(report) {}

  void choose(const Group& all) {
    Group group;
    for (const Layer& layer : all) {
      if (is_kept_by_name(layer.name)) {
        add(layer, Precision::Float32, 0, false);
      } else {
        group.push_back(layer);
      }
    }
    if (group.empty()) return;
    const Attempt best = best_attempt(group, options_);
    for (size_t i = 0; i < group.size(); ++i)
      store(group[i], best.weights[i], best.errors[i], best.is_smoothed);
  }

  const passes::QuantizedWeights& weights() const { return weights_; }

 private:
  bool is_kept_by_name(const std::string& layer) const {
    return std::any_of(options_.keep.begin(), options_.keep.end(),
                       [&](const std::string& name) { return is_below(layer, name); });
  }

  void store(const Layer& layer, const QuantizedWeight& weight, double error, bool is_smoothed) {
    // A weight that is not finite has an error that is no number.
    const bool spoils = !(error <= allowed_error(options_));
    const QuantizedWeight stored =
        spoils ? ops::quantize_weight(layer.weight, Arithmetic::kBFloat16, std::nullopt) : weight;
    weights_.emplace(layer.weight.impl().get(), stored);
    add(layer, static_cast<Precision>(stored.arithmetic()), error, is_smoothed && !spoils);
  }

  void add(const Layer& layer, Precision stored, double error, bool is_smoothed) {
    report_.layers.push_back({.name = layer.name,
                              .inputs = layer.weight.size(1),
                              .outputs = layer.weight.size(0),
                              .stored = stored,
                              .error = error,
                              .is_smoothed = is_smoothed});
  }

  const QuantizeOptions& options_;
  QuantizeReport& report_;
  passes::QuantizedWeights weights_;
};

passes::QuantizedWeights choose_tables(Graph& graph, Precision dtype) {
  const Arithmetic arithmetic =
      dtype == Precision::BFloat16 ? Arithmetic::kBFloat16 : Arithmetic::kInt8Weights;
  passes::QuantizedWeights tables;
  for (const Node* node : passes::constant_tables(graph, kFewestTableRows)) {
    const Tensor table = passes::constant_of(node->input(0))->toTensor();
    if (table.size(1) >= kFewestTableColumns && !tables.contains(table.impl().get()))
      tables.emplace(table.impl().get(), ops::quantize_weight(table, arithmetic));
  }
  return tables;
}

void add_bytes(const Block& block, std::map<const Storage*, int64_t>& bytes) {
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    for (const auto& inner : node->blocks) add_bytes(*inner, bytes);
    const TensorImpl* tensor = node->is("prim::Constant") ? node->value.tensor_impl() : nullptr;
    if (tensor != nullptr && tensor->storage) bytes.emplace(tensor->storage.get(), tensor->storage->nbytes());
  }
}

int64_t constant_bytes(const Graph& graph) {
  std::map<const Storage*, int64_t> bytes;
  add_bytes(graph.block(), bytes);
  int64_t sum = 0;
  for (const auto& [storage, size] : bytes) sum += size;
  return sum;
}

/// Layers, and the modules around them.
std::vector<std::string> names_to_keep(Graph& graph) {
  std::vector<std::string> names;
  std::unordered_set<std::string> seen;
  for (const Group& group : groups_of(graph, {})) {
    for (const Layer& layer : group) {
      for (size_t end = layer.name.find('.'); end != std::string::npos; end = layer.name.find('.', end + 1)) {
        if (seen.insert(layer.name.substr(0, end)).second) names.push_back(layer.name.substr(0, end));
      }
      if (seen.insert(layer.name).second) names.push_back(layer.name);
    }
  }
  return names;
}

/// ValueError for a name that no layer has, nor a module around one.
void check_keep(const std::vector<std::string>& keep, Graph& graph) {
  if (keep.empty()) return;
  std::vector<std::string> names = names_to_keep(graph);
  for (const std::string& name : keep) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw ValueError(cat("quantize: there is no linear layer in ", quoted(name),
                         "; layers and modules around them, the most similar first: ",
                         listed(most_similar_first(name, std::move(names)), kMostNames)));
  }
}

/// ValueError, with what to do, for a program of which nothing can be stored in low precision.
void check_quantizable(Graph& graph, int64_t already, const passes::QuantizedWeights& tables) {
  if (!passes::constant_linears(graph).empty() || !tables.empty()) return;
  if (already > 0) {
    throw ValueError(cat("quantize: all ", already,
                         " linear layers are in low precision already; quantise the float32 module that this "
                         "one was made from"));
  }
  if (const std::optional<ScalarType> other = passes::other_weights(graph)) {
    throw ValueError(cat("quantize: linear layers have weights of ", dtype_name(*other),
                         ", expected float32; load the archive with dtype float32, or convert it first: "
                         "calque convert model.pt -o float32.pt --dtype float32"));
  }
  throw ValueError("quantize: the program calls neither linear nor embedding on weights of its own");
}

}  // namespace

Quantized quantize(const Module& module, const QuantizeOptions& options) {
  if (options.dtype == Precision::Float32) throw ValueError("quantize: float32 is no low precision");
  if (!(options.max_error >= 0))
    throw ValueError(cat("quantize: max_error is ", options.max_error, ", expected a number of at least 0"));
  const Module frozen = freeze(module);
  Function& forward = frozen.get_method("forward").function();
  Graph& graph = *forward.graph;
  passes::fold_shape_arithmetic(graph);
  passes::find_linears(graph);
  passes::unflatten(graph);
  Quantized made{.module = frozen,
                 .report = {.dtype = options.dtype, .is_seeded = options.calibration.empty()}};
  QuantizeReport& report = made.report;
  report.already = passes::count_quantized_linears(graph);
  const passes::QuantizedWeights tables = choose_tables(graph, options.dtype);
  check_quantizable(graph, report.already, tables);
  check_keep(options.keep, graph);
  const Samples samples = report.is_seeded ? seeded_samples(frozen) : options.calibration;
  report.samples = static_cast<int64_t>(samples.size());
  report.bytes_before = constant_bytes(graph);

  // Runs may change what the module remembers; the archive gets what it was given, and both runs begin there.
  const Calibration calibration = calibrate(frozen.deepcopy(), samples);
  Chooser chooser(options, report);
  for (const Group& group : groups_of(graph, calibration)) chooser.choose(group);
  report.tables = static_cast<int64_t>(tables.size());
  passes::store_quantized_weights(graph, chooser.weights());
  passes::store_quantized_tables(graph, tables);
  passes::remove_dead_code(graph);
  report.bytes_after = constant_bytes(graph);
  report.outputs = compare_outputs(calibration.outputs, run_samples(frozen.deepcopy(), samples));
  return made;
}

}  // namespace calque::jit
