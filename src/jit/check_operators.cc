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

void add_block(const Block& block, std::map<std::string, OperatorUse>& uses, size_t max_places) {
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (node->op != nullptr) {
      const std::string name = node->op->schema().full_name();
      OperatorUse& use = uses[name];
      use.name = name;
      use.support = support_of(*node->op);
      ++use.count;
      add_place(use.places, node->scope, max_places);
    }
    for (const auto& inner : node->blocks) add_block(*inner, uses, max_places);
  }
}

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

std::vector<OperatorUse> count_operators(const std::vector<const Graph*>& graphs, size_t max_places) {
  std::map<std::string, OperatorUse> uses;
  for (const Graph* graph : graphs) add_block(graph->block(), uses, max_places);
  std::vector<OperatorUse> sorted;
  for (auto& [name, use] : uses) sorted.push_back(std::move(use));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const OperatorUse& a, const OperatorUse& b) { return a.count > b.count; });
  return sorted;
}

std::vector<OperatorUse> missing_operators(const torchscript::Problems& problems, const Module& module,
                                           size_t max_places) {
  std::multimap<std::string, std::string> paths;  // class -> module paths
  for (const auto& [path, inner] : module.named_modules()) paths.emplace(inner.type_name(), path);
  std::vector<OperatorUse> uses;
  for (const torchscript::MissingOperator& missing : problems.missing) {
    OperatorUse use{.name = missing.name, .support = Support::Missing, .places = {}};
    use.count = static_cast<int64_t>(missing.count);
    for (const torchscript::CallPlace& place : missing.places) {
      const auto [first, last] = paths.equal_range(place.function.substr(0, place.function.rfind('.')));
      for (auto at = first; at != last; ++at) add_place(use.places, at->second, max_places);
      if (first == last) add_place(use.places, place.function + " (" + place.source + ")", max_places);
    }
    uses.push_back(std::move(use));
  }
  return uses;
}

}  // namespace calque::jit
