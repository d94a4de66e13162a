// Which operators a program has, and how they are served.
#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "jit/check_parts.h"
#include "ops/operator.h"

namespace calque::jit {

namespace {

/// Names with code in src/kernels, at least for float32; sorted. All overloads of a name are served alike.
constexpr std::array<std::string_view, 41> kFast = {
    "aten::_log_softmax",
    "aten::_softmax",
    "aten::add",
    "aten::add_",
    "aten::addbmm",
    "aten::addmm",
    "aten::baddbmm",
    "aten::bmm",
    "aten::div",
    "aten::div_",
    "aten::divide",
    "aten::einsum",
    "aten::embedding",
    "aten::erf",
    "aten::erf_",
    "aten::exp",
    "aten::exp_",
    "aten::gelu",
    "aten::gelu_",
    "aten::inner",
    "aten::layer_norm",
    "aten::linalg_matmul",
    "aten::linear",
    "aten::log_softmax",
    "aten::matmul",
    "aten::mm",
    "aten::mul",
    "aten::mul_",
    "aten::multiply",
    "aten::mv",
    "aten::native_layer_norm",
    "aten::relu",
    "aten::relu_",
    "aten::rsub",
    "aten::scaled_dot_product_attention",
    "aten::softmax",
    "aten::sub",
    "aten::sub_",
    "aten::subtract",
    "aten::tanh",
    "aten::tanh_",
};

bool makes_tensor(const Type& type) {
  if (type.kind() == TypeKind::Tensor) return true;
  return std::any_of(type.contained().begin(), type.contained().end(),
                     [](const TypePtr& inner) { return makes_tensor(*inner); });
}

/// Gives numbers, or views of what it was given.
bool is_trivial(const FunctionSchema& schema) {
  return std::all_of(schema.returns.begin(), schema.returns.end(), [](const Argument& result) {
    return !makes_tensor(*result.type) || (!result.alias.empty() && !result.is_write());
  });
}

using Uses = std::map<std::string, OperatorUse>;
/// Class -> paths of the modules that have it.
using ModulePaths = std::multimap<std::string, std::string>;

template <class Note>
void for_each_operator(const Block& block, const Note& note) {
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (node->op != nullptr) note(*node);
    for (const auto& inner : node->blocks) for_each_operator(*inner, note);
  }
}

void add_use(Uses& uses, const Operator& op, const std::string& place, size_t max_places) {
  const std::string name = op.schema().full_name();
  OperatorUse& use = uses[name];
  use.name = name;
  use.support = support_of(op);
  ++use.count;
  add_place(use.places, place, max_places);
}

std::vector<OperatorUse> most_frequent_first(Uses uses) {
  std::vector<OperatorUse> sorted;
  for (auto& [name, use] : uses) sorted.push_back(std::move(use));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const OperatorUse& a, const OperatorUse& b) { return a.count > b.count; });
  return sorted;
}

ModulePaths module_paths(const Module& module) {
  ModulePaths paths;
  for (const auto& [path, inner] : module.named_modules()) paths.emplace(inner.type_name(), path);
  return paths;
}

/// The class of `__torch__.a.B.forward`.
std::string class_of(const std::string& method) { return method.substr(0, method.rfind('.')); }

}  // namespace

void add_place(std::vector<std::string>& places, const std::string& path, size_t max_places) {
  const std::string shown = path.empty() ? "(root)" : path;
  if (places.size() >= max_places || std::find(places.begin(), places.end(), shown) != places.end()) return;
  places.push_back(shown);
}

Support support_of(const Operator& op) {
  if (std::binary_search(kFast.begin(), kFast.end(), std::string_view(op.name()))) {
    const std::vector<Argument>& arguments = op.schema().arguments;
    const bool of_tensors = !arguments.empty() && makes_tensor(*arguments[0].type);
    if (of_tensors) return Support::Fast;
  }
  return is_trivial(op.schema()) ? Support::Trivial : Support::Reference;
}

std::vector<OperatorUse> count_operators(const Graph& graph, size_t max_places) {
  Uses uses;
  for_each_operator(graph.block(),
                    [&](const Node& node) { add_use(uses, *node.op, node.scope, max_places); });
  return most_frequent_first(std::move(uses));
}

std::vector<OperatorUse> count_operators(const Module& module, size_t max_places) {
  Uses uses;
  if (module._ivalue()->unit == nullptr) return {};
  const ModulePaths paths = module_paths(module);
  for (const auto& function : module._ivalue()->unit->functions()) {
    if (function->graph == nullptr) continue;
    const auto range = paths.equal_range(class_of(function->qualified_name));
    for_each_operator(function->graph->block(), [&](const Node& node) {
      for (auto at = range.first; at != range.second; ++at) add_use(uses, *node.op, at->second, max_places);
      if (range.first == range.second) add_use(uses, *node.op, function->qualified_name, max_places);
    });
  }
  return most_frequent_first(std::move(uses));
}

std::vector<OperatorUse> missing_operators(const torchscript::Problems& problems, const Module& module,
                                           size_t max_places) {
  const ModulePaths paths = module_paths(module);
  std::vector<OperatorUse> uses;
  for (const torchscript::MissingOperator& missing : problems.missing) {
    OperatorUse use{.name = missing.name, .support = Support::Missing, .places = {}};
    use.count = static_cast<int64_t>(missing.count);
    for (const torchscript::CallPlace& place : missing.places) {
      const auto [first, last] = paths.equal_range(class_of(place.function));
      for (auto at = first; at != last; ++at) add_place(use.places, at->second, max_places);
      if (first == last) add_place(use.places, place.function + " (" + place.source + ")", max_places);
    }
    uses.push_back(std::move(use));
  }
  return uses;
}

}  // namespace calque::jit
