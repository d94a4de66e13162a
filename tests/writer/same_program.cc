#include "writer/same_program.h"

#include <cstring>
#include <unordered_map>

#include "base/text.h"
#include "ops/operator.h"

namespace calque {

namespace {

/// Thrown with the text of a difference.
struct Difference {
  std::string text;
};

bool same_constant(const IValue& a, const IValue& b);

bool same_items(const std::vector<IValue>& a, const std::vector<IValue>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_constant);
}

bool same_tensor(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  if (a.dtype() != b.dtype() ||
      !std::equal(a.sizes().begin(), a.sizes().end(), b.sizes().begin(), b.sizes().end())) {
    return false;
  }
  const Tensor x = a.contiguous();
  const Tensor y = b.contiguous();
  return x.numel() == 0 || std::memcmp(x.raw_data(), y.raw_data(), static_cast<size_t>(x.nbytes())) == 0;
}

bool same_constant(const IValue& a, const IValue& b) {
  if (a.tag() != b.tag()) return false;
  if (a.isTensor()) return same_tensor(a.toTensor(), b.toTensor());
  if (a.isDouble()) return cat(a.toDouble()) == cat(b.toDouble());
  if (a.isList()) return same_items(a.list_impl()->items, b.list_impl()->items);
  if (a.isTuple()) return same_items(a.tuple_impl()->items, b.tuple_impl()->items);
  if (a.isObject()) return a.object_impl()->type->name == b.object_impl()->type->name;
  if (a.isComplexDouble()) return a.toComplexDouble() == b.toComplexDouble();
  return a == b;
}

bool is_constant(const Node& node) { return node.is("prim::Constant") || node.is("prim::Uninitialized"); }

std::string describe(const Node& node) {
  std::string out = node.op != nullptr ? node.op->schema().full_name() : node.kind;
  if (!node.name.empty()) out += cat("[", node.name, "]");
  if (node.function != nullptr) out += cat("<", node.function->qualified_name, ">");
  for (const TypePtr& type : node.types) out += cat(" ", type->annotation());
  return out;
}

class Comparison {
 public:
  void blocks(const Block& a, const Block& b) {
    values(a.inputs(), b.inputs(), "parameters");
    const Node* y = next(b.first());
    for (const Node* x = next(a.first()); x != a.return_node() || y != b.return_node();
         x = next(x->next), y = next(y->next)) {
      if (x == a.return_node() || y == b.return_node()) {
        throw Difference{cat("one has more: ", describe(x == a.return_node() ? *y : *x))};
      }
      nodes(*x, *y);
    }
    inputs(*a.return_node(), *b.return_node());
  }

 private:
  static const Node* next(const Node* node) {
    while (is_constant(*node)) node = node->next;
    return node;
  }

  void nodes(const Node& a, const Node& b) {
    if (describe(a) != describe(b)) throw Difference{cat(describe(a), " is now ", describe(b))};
    inputs(a, b);
    if (a.blocks.size() != b.blocks.size()) throw Difference{cat("blocks of ", describe(a))};
    for (size_t i = 0; i < a.blocks.size(); ++i) blocks(*a.blocks[i], *b.blocks[i]);
    values(a.outputs, b.outputs, describe(a));
  }

  void values(const std::vector<Value*>& a, const std::vector<Value*>& b, const std::string& of) {
    if (a.size() != b.size()) throw Difference{cat("number of values of ", of)};
    for (size_t i = 0; i < a.size(); ++i) {
      if (a[i]->type->annotation() != b[i]->type->annotation()) {
        throw Difference{cat(of, ": ", a[i]->type->annotation(), " is now ", b[i]->type->annotation())};
      }
      map_[a[i]] = b[i];
    }
  }

  void inputs(const Node& a, const Node& b) {
    if (a.inputs.size() != b.inputs.size()) throw Difference{cat("number of inputs of ", describe(a))};
    for (size_t i = 0; i < a.inputs.size(); ++i) {
      const Value* x = a.inputs[i];
      const Value* y = b.inputs[i];
      const bool equal = is_constant(*x->node)
                             ? x->node->kind == y->node->kind && same_constant(x->node->value, y->node->value)
                             : map_.contains(x) && map_.at(x) == y;
      if (!equal) throw Difference{cat("input ", i, " of ", describe(a))};
    }
  }

  std::unordered_map<const Value*, const Value*> map_;
};

}  // namespace

std::string program_difference(const CompilationUnit& a, const CompilationUnit& b) {
  if (a.functions().size() != b.functions().size()) {
    return cat("there are ", a.functions().size(), " functions, then ", b.functions().size());
  }
  for (const auto& function : a.functions()) {
    const Function* other = b.find_function(function->qualified_name);
    if (other == nullptr) return cat(function->qualified_name, " is missing");
    try {
      Comparison().blocks(function->graph->block(), other->graph->block());
    } catch (const Difference& difference) {
      return cat(function->qualified_name, ": ", difference.text);
    }
  }
  return {};
}

}  // namespace calque
