// What an export has fixed although it should follow the input.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "jit/check_parts.h"
#include "ops/operator.h"
#include "torchscript/device_notes.h"

namespace calque::jit {

namespace {

constexpr std::string_view kSizeAdvice =
    "Read sizes from tensors in the model (x.size(1), x.shape[1]), not from Python numbers, and trace again; "
    "`calque "
    "export DIR -o m.pt` makes traces that hold for every batch and length.";
constexpr std::string_view kDeviceAdvice =
    "Ignored here: everything runs on the CPU. Move the model and its inputs to the CPU before tracing, or "
    "write "
    "device=x.device in the model.";
constexpr std::string_view kDtypeAdvice =
    "Write x.to(other.dtype) in the model, or trace it in the dtype that it is to run in.";
constexpr std::string_view kLoopAdvice =
    "The loop ran over the dummy input while it was traced. Script the function that holds it "
    "(torch.jit.script, `calque "
    "script`), or compute on whole tensors.";

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const IValue* constant(const Value* value) {
  return value->node->is("prim::Constant") ? &value->node->value : nullptr;
}

/// The numbers of a list all of whose elements are constants.
std::optional<std::vector<int64_t>> constant_sizes(const Value* value) {
  const IValue* known = constant(value);
  if (known != nullptr && known->isIntList()) return known->toIntVector();
  if (!value->node->is("prim::ListConstruct")) return std::nullopt;
  std::vector<int64_t> sizes;
  for (const Value* item : value->node->inputs) {
    if (constant(item) == nullptr || !constant(item)->isInt()) return std::nullopt;
    sizes.push_back(constant(item)->toInt());
  }
  return sizes;
}

/// Sizes of one element at most fit every input.
bool is_large(const std::vector<int64_t>& sizes) {
  return std::any_of(sizes.begin(), sizes.end(), [](int64_t size) { return size > 1; });
}

class Search {
 public:
  Search(const Graph& graph, ScalarType weights, size_t max_places)
      : weights_(weights), max_places_(max_places) {
    for (size_t i = 1; i < graph.inputs().size(); ++i) follows_input_.insert(graph.inputs()[i]);
    block(graph.block());
  }

  std::vector<Finding> finish() {
    for (const auto& [key, picked] : picked_) {
      if (picked.indices.size() < 4 || *picked.indices.begin() != 0) continue;
      if (*picked.indices.rbegin() != static_cast<int64_t>(picked.indices.size()) - 1) continue;
      note(Finding::Kind::UnrolledLoop,
           cat("elements 0 to ", *picked.indices.rbegin(), " of dim ", key.second, " are taken one by one"),
           kLoopAdvice, *picked.node);
    }
    dummy_shape();
    return std::move(findings_);
  }

 private:
  struct Picked {
    std::set<int64_t> indices;
    const Node* node = nullptr;
  };

  void block(const Block& block) {
    for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
      const bool follows = std::any_of(node->inputs.begin(), node->inputs.end(),
                                       [&](const Value* input) { return follows_input_.contains(input); });
      for (const auto& inner : node->blocks) {
        if (follows || node->is("prim::Loop"))
          follows_input_.insert(inner->inputs().begin(), inner->inputs().end());
        this->block(*inner);
      }
      if (follows || !node->blocks.empty()) follows_input_.insert(node->outputs.begin(), node->outputs.end());
      visit(*node);
    }
  }

  bool follows_input(const Value* value) const { return follows_input_.contains(value); }

  void visit(const Node& node) {
    if (const auto device = torchscript::named_device(node); device && device->kind != Device::Kind::CPU)
      note(Finding::Kind::Device, cat("the device ", device->str(), " is named"), kDeviceAdvice, node);
    if (node.op == nullptr) return;
    const std::string& name = node.op->name();
    if (is_one_of(name, {"aten::view", "aten::reshape", "aten::expand", "aten::broadcast_to",
                         "aten::_unsafe_view"})) {
      reshaped(node);
    } else if (is_one_of(name, {"aten::zeros", "aten::ones", "aten::full", "aten::empty", "aten::rand",
                                "aten::randn", "aten::new_zeros", "aten::new_ones", "aten::new_full"})) {
      created(node);
    } else if (name == "aten::arange") {
      counted(node);
    } else if (name == "aten::slice" && node.inputs.size() == 5) {
      sliced(node);
    } else if (name == "aten::select") {
      selected(node);
    } else if (name == "aten::unbind" && follows_input(node.input())) {
      unbound(node);
    }
    cast(node);
  }

  void constant_size(const Node& node, const std::string& sizes) {
    note(Finding::Kind::ConstantSize, cat(node.op->name(), " with the constant ", sizes), kSizeAdvice, node);
  }

  void reshaped(const Node& node) {
    const auto sizes = constant_sizes(node.input(1));
    if (!sizes.has_value() || !is_large(*sizes)) return;
    const bool open = std::find(sizes->begin(), sizes->end(), -1) != sizes->end();
    const bool expands = is_one_of(node.op->name(), {"aten::expand", "aten::broadcast_to"});
    const bool keeps_batch = sizes->size() < 3 || sizes->front() == -1;
    if (expands ? open : !follows_input(node.input()) || (open && keeps_batch)) return;
    constant_size(node, cat("shape ", cat(std::span(*sizes))));
    if (sizes->size() < 2 || sizes->front() < 1) return;
    ++batches_[sizes->front()];
    // Heads stand before the length in some layouts, so every size votes; the usual one wins.
    for (size_t i = 1; i + 1 < sizes->size(); ++i) {
      if ((*sizes)[i] > 1) ++lengths_[(*sizes)[i]];
    }
    if (expands && sizes->back() > 1) ++lengths_[sizes->back()];
  }

  void created(const Node& node) {
    const bool like = node.op->name().starts_with("aten::new_");
    const auto sizes = constant_sizes(node.input(like ? 1 : 0));
    if (!sizes.has_value() || !is_large(*sizes)) return;
    constant_size(node, cat("shape ", cat(std::span(*sizes))));
    if (sizes->back() > 1) ++lengths_[sizes->back()];
    if (sizes->size() > 1) ++batches_[sizes->front()];
  }

  /// A table of positions of which every use takes as many as an input has: it is as long as the longest
  /// input. (Slices up to a constant are found by themselves.)
  bool is_cut_to_size(const Value* table) const {
    const auto cuts = [&](const Value::Use& use) {
      if (use.user->op == nullptr || use.offset != 0) return false;
      const std::string& name = use.user->op->name();
      if (name == "aten::slice") {
        const IValue* end = constant(use.user->input(3));
        const bool whole = end != nullptr && (!end->isInt() || end->toInt() == INT64_MAX);
        return whole ? is_cut_to_size(use.user->output())
                     : end != nullptr || follows_input(use.user->input(3));
      }
      return is_one_of(name, {"aten::unsqueeze", "aten::view", "aten::expand", "aten::to"}) &&
             is_cut_to_size(use.user->output());
    };
    return table->has_uses() && std::all_of(table->uses.begin(), table->uses.end(), cuts);
  }

  void counted(const Node& node) {
    const size_t end = node.op->schema().overload.empty() ? 0 : 1;
    if (end >= node.inputs.size() || constant(node.input(end)) == nullptr) return;
    const IValue& value = *constant(node.input(end));
    if (!value.isInt() || value.toInt() < 2 || is_cut_to_size(node.output())) return;
    constant_size(node, cat("end ", value.toInt()));
    lengths_[value.toInt()] += 2;
  }

  /// The start of a table of positions, cut to the length of the dummy input.
  void sliced(const Node& node) {
    const IValue* dim = constant(node.input(1));
    const IValue* start = constant(node.input(2));
    const IValue* end = constant(node.input(3));
    if (follows_input(node.input()) || dim == nullptr || end == nullptr || !end->isInt()) return;
    if (start == nullptr || (start->isInt() && start->toInt() != 0)) return;
    if (end->toInt() < 2 || end->toInt() == INT64_MAX) return;
    constant_size(node, cat("end ", end->toInt()));
    lengths_[end->toInt()] += 2;
  }

  void selected(const Node& node) {
    const IValue* dim = constant(node.input(1));
    const IValue* index = constant(node.input(2));
    if (!follows_input(node.input()) || dim == nullptr || index == nullptr || !index->isInt()) return;
    Picked& picked = picked_[{node.input(), dim->toInt()}];
    picked.indices.insert(index->toInt());
    if (picked.node == nullptr) picked.node = &node;
  }

  void unbound(const Node& node) {
    for (const Value::Use& use : node.output()->uses) {
      if (!use.user->is("prim::ListUnpack") || use.user->outputs.size() < 4) continue;
      note(Finding::Kind::UnrolledLoop,
           cat("a tensor is taken apart into ", use.user->outputs.size(), " tensors, one for each element"),
           kLoopAdvice, node);
    }
  }

  void cast(const Node& node) {
    if (!is_one_of(node.op->name(), {"aten::to", "aten::_to_copy", "aten::type"})) return;
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      const std::vector<Argument>& arguments = node.op->schema().arguments;
      if (i >= arguments.size() || arguments[i].name != "dtype") continue;
      const IValue* code = constant(node.input(i));
      if (code == nullptr || !code->isInt()) return;
      const auto dtype = static_cast<ScalarType>(code->toInt());
      if (!is_floating_point(dtype) || dtype == weights_) return;
      note(Finding::Kind::Dtype,
           cat("a cast to ", dtype_name(dtype), ", where the weights are ", dtype_name(weights_)),
           kDtypeAdvice, node);
    }
  }

  void dummy_shape() {
    if (lengths_.empty()) return;
    const auto most = [](const std::map<int64_t, int64_t>& votes) {
      return std::max_element(votes.begin(), votes.end(),
                              [](const auto& a, const auto& b) { return a.second < b.second; })
          ->first;
    };
    const std::string batch = batches_.empty() ? "?" : cat(most(batches_));
    findings_.push_back(
        {.kind = Finding::Kind::DummyShape,
         .what = cat("the sizes tell a dummy input of shape ", batch, "x", most(lengths_)),
         .advice = cat("Until it is exported again, run it at that shape only: pad or cut the input to "
                       "length ",
                       most(lengths_), "."),
         .count = 1,
         .places = {}});
  }

  void note(Finding::Kind kind, const std::string& what, std::string_view advice, const Node& node) {
    const auto same = [&](const Finding& finding) { return finding.kind == kind && finding.what == what; };
    auto at = std::find_if(findings_.begin(), findings_.end(), same);
    if (at == findings_.end())
      at = findings_.insert(at, {.kind = kind, .what = what, .advice = std::string(advice), .places = {}});
    ++at->count;
    add_place(at->places, node.scope, max_places_);
  }

  const ScalarType weights_;
  const size_t max_places_;
  std::unordered_set<const Value*> follows_input_;
  std::map<std::pair<const Value*, int64_t>, Picked> picked_;
  std::map<int64_t, int64_t> batches_, lengths_;  ///< size -> votes
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> find_frozen(const Graph& graph, ScalarType weights, size_t max_places) {
  return Search(graph, weights, max_places).finish();
}

}  // namespace calque::jit
