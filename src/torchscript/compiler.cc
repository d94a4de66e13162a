#include "torchscript/compiler.h"

#include <algorithm>

#include "base/text.h"
#include "torchscript/closure_value.h"
#include "torchscript/dead_results.h"
#include "torchscript/expansions.h"
#include "torchscript/type_parser.h"

namespace calque::torchscript {

namespace {

bool returns_inside_blocks(std::span<const Stmt* const> body, bool inside) {
  return std::any_of(body.begin(), body.end(), [&](const Stmt* stmt) {
    if (stmt->kind == StmtKind::kReturn) return inside;
    if (stmt->kind == StmtKind::kDef || stmt->kind == StmtKind::kClass) return false;
    return returns_inside_blocks(stmt->body, true) || returns_inside_blocks(stmt->otherwise, true);
  });
}

/// Takes away the names that only the compiler needed: its own variables, and PyTorch's numbering (`_3`),
/// which printers make anew.
void clear_temporary_names(Block& block) {
  const auto clear = [](const std::vector<Value*>& values) {
    for (Value* value : values) {
      if (value->hint.starts_with('%') || merged_hint(value->hint).empty()) value->hint.clear();
    }
  };
  clear(block.inputs());
  for (Node* node = block.first(); node != block.return_node(); node = node->next) {
    clear(node->outputs);
    for (auto& inner : node->blocks) clear_temporary_names(*inner);
  }
}

}  // namespace

void compile_function(Program& program, Function& function, const Declaration& declaration) {
  function.graph = std::make_unique<Graph>();
  FunctionCompiler(program, function, declaration).compile();
}

FunctionCompiler::FunctionCompiler(Program& program, Function& function, const Declaration& declaration,
                                   FunctionCompiler* outer)
    : Emitter(program, declaration.tree->source(), *function.graph, function.qualified_name),
      function_(function),
      declaration_(declaration),
      outer_(outer) {}

void FunctionCompiler::compile() {
  bind_parameters();
  if (!function_.schema.returns.empty()) {
    return_type_ = function_.schema.returns[0].type;
    return_declared_ = true;
  }
  uses_flags_ = returns_inside_blocks(declaration_.def->body, false);
  if (uses_flags_) frame_->set("%exit", simple(flag(declaration_.def->where, false)));
  finish(statements(declaration_.def->body));
}

void FunctionCompiler::bind_parameters() {
  for (const Argument& argument : function_.schema.arguments) {
    frame_->set(argument.name, simple(graph().add_input(argument.type, argument.name)));
  }
}

void FunctionCompiler::finish(Flow flow) {
  const Position where = declaration_.def->where;
  const bool none_is_fine = return_type_ == nullptr || return_type_->kind() == TypeKind::None;
  Value* result = nullptr;
  if (flow == Flow::kReturn) {
    result = simple_value(frame_->find("%return"));
  } else if (flow == Flow::kThrow) {
    result = uninitialized(where, return_type_ == nullptr ? none_type() : return_type_);
  } else if (none_is_fine) {
    result = constant(where, IValue());
  } else {
    fail(where, cat("the function is annotated with, or elsewhere returns, '", return_type_->annotation(),
                    "', but does not return along all paths"));
  }
  if (!return_declared_) {
    if (return_type_ == nullptr) return_type_ = none_type();
    function_.schema.returns = {make_argument({}, return_type_)};
  }
  graph().add_output(result);
  remove_dead_results(graph().block());
  clear_temporary_names(graph().block());
}

std::vector<Value*> FunctionCompiler::expand(Position where, const Expansion& expansion,
                                             const std::vector<Value*>& inputs) {
  // The body may use its arguments and operators only, so it sees no variable of the function.
  Frame arguments(nullptr);
  for (size_t i = 0; i < inputs.size(); ++i) {
    arguments.set(expansion.schema.arguments[i].name, simple(inputs[i]));
  }
  Frame* const frame = std::exchange(frame_, &arguments);
  const int64_t version = operator_version();
  constexpr int64_t kToday = 10;
  set_operator_version(kToday);
  set_fixed_place(where);
  Value* result = value_of(*expansion.body.expr);
  set_fixed_place(std::nullopt);
  set_operator_version(version);
  frame_ = frame;
  return {result};
}

Sugared FunctionCompiler::find_name(Position where, std::string_view name) {
  if (Sugared found = frame_->find(name)) return found;
  if (has_fixed_place()) return name == "torch" ? builtin_namespace("aten") : python_builtin(name);
  if (const std::string reason = frame_->find_error(name); !reason.empty()) fail(where, reason);
  if (Sugared found = capture(name)) return found;
  if (Sugared found = declaration_.resolver->resolve_value(name, *this, where)) return found;
  if (Sugared found = python_builtin(name)) return found;
  fail(where, cat("undefined value ", name));
}

/// A name of the function around this closure; becomes an argument.
Sugared FunctionCompiler::capture(std::string_view name) {
  if (outer_ == nullptr) return nullptr;
  Sugared found = outer_->frame_->find(name);
  if (found == nullptr) found = outer_->capture(name);
  if (found == nullptr) return nullptr;
  if (std::dynamic_pointer_cast<TupleValue>(found))
    found = simple(found->as_value(*outer_, outer_->declaration_.def->where));
  Value* value = simple_value(found);
  if (value == nullptr) return found;
  const auto known = std::find(captured_.begin(), captured_.end(), value);
  if (known == captured_.end()) {
    captured_.push_back(value);
    Sugared input =
        simple(graph().add_input(value->type, value->hint.empty() ? std::string(name) : value->hint));
    top_.set(name, input);
    return input;
  }
  Sugared input = simple(graph().inputs()[static_cast<size_t>(known - captured_.begin())]);
  top_.set(name, input);
  return input;
}

/// Assigns; inside a block, a variable from around it keeps its type.
void FunctionCompiler::set_variable(Position where, std::string_view name, Sugared value) {
  if (std::dynamic_pointer_cast<TupleValue>(value)) value = simple(value->as_value(*this, where));
  Sugared before = frame_->parent() == nullptr ? nullptr : frame_->parent()->find(name);
  if (before != nullptr && name[0] != '%') {
    Value* const old_value = simple_value(before);
    Value* new_value = simple_value(value);
    if (old_value == nullptr && new_value == nullptr) {
      frame_->set(name, std::move(value));
      return;
    }
    if (old_value == nullptr) {
      fail(where,
           cat("'", name, "' is ", before->describe(), " and cannot be assigned another value in a block"));
    }
    if (new_value == nullptr) new_value = value->as_value(*this, where);
    new_value = convert(where, old_value->type, new_value, Conversion::kImplicit);
    if (!is_subtype(*new_value->type, *old_value->type)) {
      fail(where,
           cat("Variable '", name, "' previously had type '", old_value->type->annotation(),
               "' but is now being assigned to a value of type '", new_value->type->annotation(), "'"));
    }
    value = simple(new_value);
  }
  if (Value* graph_value = simple_value(value)) {
    unmark_empty_list(graph_value);
    // A value has the name of its first variable, also when that is a number: PyTorch's rule, which keeps
    // names the same through round trips.
    if (graph_value->hint.empty() && graph_value->node->owner == block())
      graph_value->hint = std::string(name);
  }
  frame_->set(name, std::move(value));
}

/// `value` with exactly the type of an annotation.
Value* FunctionCompiler::annotated(Position where, Value* value, const TypePtr& type) {
  if (value->type->kind() == TypeKind::None && type->kind() != TypeKind::None &&
      constant_of(value) != nullptr && is_subtype(*value->type, *type)) {
    return constant(where, IValue(), type);
  }
  value = convert_to(where, type, value, "annotation");
  return same_type(value->type, type) ? value : unchecked_cast(where, value, type);
}

TypePtr FunctionCompiler::read_type(const Expr& expr) {
  return parse_type(source(), expr, [&](const std::string& name, Position where) {
    return declaration_.resolver->resolve_type(name, where);
  });
}

}  // namespace calque::torchscript
