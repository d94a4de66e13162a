// Traces keep sizes as 0-dim tensors: size -> NumToTensor -> add, mul … -> Int. Here they become plain ints.
#include <array>

#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace calque::passes {

namespace {

struct IntegerForm {
  std::string_view tensor_operator;  ///< full name, on 0-dim int64 tensors
  const char* int_operator;          ///< the same on ints
};

constexpr std::array<IntegerForm, 4> kForms = {{
    {"aten::add.Tensor", "aten::add.int"},
    {"aten::sub.Tensor", "aten::sub.int"},
    {"aten::mul.Tensor", "aten::mul.int"},
    {"aten::floor_divide", "aten::floordiv.int"},
}};

/// Nobody writes to the value or makes an alias of it: its number stays what it was.
bool is_only_read(const Value& value) {
  for (const Value::Use& use : value.uses) {
    if (use.user->op == nullptr) return false;
    const FunctionSchema& schema = use.user->op->schema();
    const auto position = static_cast<size_t>(use.offset);
    if (position >= schema.arguments.size() || !schema.arguments[position].alias.empty()) return false;
  }
  return true;
}

class Folder {
 public:
  explicit Folder(Graph& graph) : graph_(graph) {}

  void block(Block& b) {
    for_each_node(b, [this](Node& node) { visit(node); });
  }

 private:
  void visit(Node& node) {
    if (node.op == nullptr || node.outputs.size() != 1 || cast(node) || !is_only_read(*node.output())) return;
    if (node.op->name() == "prim::NumToTensor" && node.input()->type->kind() == TypeKind::Int) {
      ints_[node.output()] = node.input();
    } else {
      arithmetic(node);
    }
  }

  /// `int(t)` of a size is the size.
  bool cast(Node& node) {
    const std::string& name = node.op->name();
    if (name != "aten::Int" && name != "aten::IntImplicit" && name != "aten::ScalarImplicit") return false;
    if (Value* value = int_of(node.input(), node)) node.output()->replace_all_uses_with(value);
    return true;
  }

  void arithmetic(Node& node) {
    const std::string name = node.op->schema().full_name();
    for (const IntegerForm& form : kForms) {
      if (name != form.tensor_operator) continue;
      if (node.inputs.size() == 3 && !is_int_constant(node.input(2), 1)) return;
      if (!ints_.contains(node.input(0)) && !ints_.contains(node.input(1))) return;
      Value* a = int_of(node.input(0), node);
      Value* b = int_of(node.input(1), node);
      const Operator* op = find_operator(form.int_operator);
      if (a == nullptr || b == nullptr || op == nullptr) return;
      Node* plain = graph_.create(op->name(), {a, b});
      plain->op = op;
      plain->range = node.range;
      plain->scope = node.scope;
      plain->add_output(int_type());
      plain->insert_before(&node);
      ints_[node.output()] = plain->output();
      return;
    }
  }

  static bool is_int_constant(const Value* value, int64_t wanted) {
    return value->node->is("prim::Constant") && value->node->value.isInt() &&
           value->node->value.toInt() == wanted;
  }

  /// The int behind a 0-dim tensor: a size, or a constant, which is made an int constant before `user`.
  Value* int_of(Value* tensor, Node& user) {
    const auto known = ints_.find(tensor);
    if (known != ints_.end()) return known->second;
    const IValue& constant = tensor->node->value;
    if (!tensor->node->is("prim::Constant") || !constant.isTensor()) return nullptr;
    const Tensor value = constant.toTensor();
    if (!value.defined() || value.dim() != 0 || value.dtype() != kInt64) return nullptr;
    Node* plain = graph_.create_constant(IValue(value.item().to_int()));
    plain->insert_before(&user);
    return plain->output();
  }

  Graph& graph_;
  std::unordered_map<const Value*, Value*> ints_;  ///< 0-dim int64 tensor that nobody writes to -> the int
};

}  // namespace

void fold_shape_arithmetic(Graph& graph) { Folder(graph).block(graph.block()); }

}  // namespace calque::passes
