#include "torchscript/source_printer_function.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "torchscript/source_printer_text.h"

namespace calque::torchscript {

namespace {

/// Expressions from this length on, indentation included, get a line of their own.
constexpr size_t kLongLine = 40;

/// Whether the declared type of a result of `prim::If` has to be written with it.
bool arms_lose_type(const Node& node, size_t i) {
  const TypePtr joined = unify_types(node.blocks[0]->outputs()[i]->type, node.blocks[1]->outputs()[i]->type);
  return joined == nullptr || !same_type(joined, node.outputs[i]->type);
}

bool is_optional_or_union(const Type& type) {
  return type.kind() == TypeKind::Optional || type.kind() == TypeKind::Union;
}

}  // namespace

void FunctionPrinter::print(const Function& function, std::string_view name, bool annotate_first) {
  check(function.graph != nullptr, "a function without a graph cannot be printed");
  const std::vector<Value*>& parameters = function.graph->inputs();
  const std::vector<Argument>& arguments = function.schema.arguments;
  check(parameters.size() == arguments.size(),
        "a function's graph and schema differ in the number of parameters");

  names_.clear();
  std::string head = cat("def ", name, "(");
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Argument& argument = arguments[i];
    const std::string local = names_.argument(argument.name);
    text_[parameters[i]] = local;
    if (i > 0) head += ",\n    ";
    head += local;
    if (i > 0 || annotate_first) head += cat(": ", state_.definitions.annotation(*argument.type));
    if (argument.default_value.has_value()) {
      head += cat(
          "=", constant_text(*argument.default_value, *argument.type, state_.definitions, state_.constants));
    }
  }
  const Type& result = function.schema.returns.empty() ? *none_type() : *function.schema.returns[0].type;
  line(cat(head, ") -> ", state_.definitions.annotation(result), ":"));
  ++level_;
  body(function.graph->block());
  --level_;
}

void FunctionPrinter::body(const Block& block) {
  inlined_.merge(find_inlined(block));
  constants(block);
  statements(block);
  return_statement(block);
}

/// Constants and callees come first in a function, in the order of their use: long ones get a name, short
/// ones are written where they are used.
void FunctionPrinter::constants(const Block& block) {
  const auto inputs = [&](const Node& node) {
    for (const Value* input : node.inputs) {
      if (is_constant_like(*input->node) && !text_.contains(input)) constant(*input->node);
    }
  };
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (node->is("prim::CallFunction")) callee(*node->function);
    inputs(*node);
    if (node->is("prim::fork")) continue;
    for (const auto& inner : node->blocks) constants(*inner);
  }
  inputs(*block.return_node());
}

void FunctionPrinter::constant(const Node& node) {
  const Value& value = *node.output();
  const IValue& content = node.value;
  std::string literal = constant_text(content, *value.type, state_.definitions, state_.constants);
  if (!is_long(literal)) {
    text_[&value] = std::move(literal);
    return;
  }
  if (content.isString()) {
    const auto it = long_constants_.find(literal);
    if (it != long_constants_.end()) {
      text_[&value] = it->second;
      return;
    }
  }
  line(cat(name(value), " = ", literal));
  if (content.isString()) long_constants_.emplace(std::move(literal), text(value));
}

void FunctionPrinter::callee(const Function& function) {
  if (callees_.contains(&function)) return;
  std::string path = state_.definitions.name(function);
  if (is_long(path)) {
    const std::string local = names_.unique("");
    line(cat(local, " = ", path));
    path = local;
  }
  callees_.emplace(&function, std::move(path));
}

void FunctionPrinter::statements(const Block& block) {
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (!is_constant_like(*node)) statement(*node);
  }
}

void FunctionPrinter::statement(const Node& node) {
  split_long_inputs(node);
  if (node.is("prim::If")) return if_statement(node);
  if (node.is("prim::Loop")) return loop_statement(node);
  if (node.is("prim::fork")) return fork_statement(node);
  if (node.is("prim::Enter")) return enter_statement(node);
  if (node.is("prim::Exit")) return exit_statement(node);
  if (node.is("prim::TupleUnpack") || node.is("prim::ListUnpack")) return unpack_statement(node);
  if (node.is("prim::SetAttr")) return set_attribute_statement(node);

  const std::string words = expression(node);
  consume(node);
  if (!inlined_.contains(&node)) return define(node, words);
  text_[node.output()] = words;
  waiting_.push_back(&node);
}

/// Gives a name to the last input that is too long to stand inside an expression, and to everything that
/// would have been computed before it: nothing changes its place in the order of evaluation.
void FunctionPrinter::split_long_inputs(const Node& node) {
  const Node* last = nullptr;
  for (const Value* input : node.inputs) {
    if (inlined_.contains(input->node) && is_long(text(*input))) last = input->node;
  }
  if (last == nullptr) return;
  const auto found = std::find(waiting_.begin(), waiting_.end(), last);
  check(found != waiting_.end(), "an inlined value was used twice");
  const std::vector<const Node*> named(waiting_.begin(), found + 1);
  waiting_.erase(waiting_.begin(), found + 1);
  for (const Node* expression : named) {
    const std::string words = text(*expression->output());
    inlined_.erase(expression);
    define(*expression, words);
  }
}

/// Takes the inputs of `node`, which has been printed, off the waiting list.
void FunctionPrinter::consume(const Node& node) {
  std::erase_if(waiting_,
                [&](const Node* expression) { return expression->output()->uses[0].user == &node; });
}

void FunctionPrinter::define(const Node& node, const std::string& words) {
  std::string left;
  for (const Value* output : node.outputs) left += cat(left.empty() ? "" : ", ", name(*output));
  if (is_widening(node)) {
    const std::string type = state_.definitions.annotation(*node.output()->type);
    return line(cat(left, " : ", type, " = ", text(*node.input())));
  }
  line(left.empty() ? words : cat(left, " = ", words));
}

void FunctionPrinter::return_statement(const Block& block) {
  split_long_inputs(*block.return_node());
  consume(*block.return_node());
  const std::vector<Value*>& outputs = block.outputs();
  if (outputs.empty()) return line("return None");
  if (outputs.size() == 1) return line(cat("return ", text(*outputs[0])));
  line(cat("return (", join_inputs(*block.return_node()), ")"));
}

void FunctionPrinter::if_statement(const Node& node) {
  const std::string condition = text(*node.input());
  consume(node);
  for (const Value* output : node.outputs) name(*output);
  std::vector<bool> annotated(node.outputs.size(), false);
  line(cat("if ", condition, ":"));
  arm(node, *node.blocks[0], annotated);
  line("else:");
  arm(node, *node.blocks[1], annotated);
}

void FunctionPrinter::arm(const Node& node, const Block& block, std::vector<bool>& annotated) {
  ++level_;
  const size_t before = out_.size();
  statements(block);
  split_long_inputs(*block.return_node());
  consume(*block.return_node());

  std::vector<std::string> left;
  std::vector<std::string> right;
  bool separate = node.outputs.size() == 1;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    left.push_back(text(*node.outputs[i]));
    right.push_back(text(*block.outputs()[i]));
    separate = separate || arms_lose_type(node, i);
  }
  if (!separate) {
    assign(left, right);
  } else {
    for (size_t i = 0; i < left.size(); ++i) {
      const Type& type = *node.outputs[i]->type;
      const bool state_type = !annotated[i] && (is_optional_or_union(type) || arms_lose_type(node, i));
      annotated[i] = annotated[i] || state_type;
      line(cat(left[i], state_type ? cat(" : ", state_.definitions.annotation(type)) : "", " = ", right[i]));
    }
  }
  if (out_.size() == before) line("pass");
  --level_;
}

/// Source has closures without parameters: what the forked code takes from around it is used by name.
void FunctionPrinter::fork_statement(const Node& node) {
  const std::string closure = names_.unique("__forked_function");
  line(cat("def ", closure, "():"));
  FunctionPrinter inner(state_, names_, out_, level_ + 1);
  check(!node.blocks.empty() || (node.function != nullptr && node.function->graph != nullptr),
        "prim::fork without a body");
  const Block& forked = node.blocks.empty() ? node.function->graph->block() : *node.blocks[0];
  if (!node.blocks.empty()) inner.text_ = text_;
  check(forked.inputs().size() <= node.inputs.size(), "prim::fork with too few inputs");
  for (size_t i = 0; i < forked.inputs().size(); ++i) {
    inner.text_[forked.inputs()[i]] = text(*node.inputs[i]);
  }
  inner.body(forked);
  define(node, cat("fork(", closure, ")"));
}

void FunctionPrinter::enter_statement(const Node& node) {
  std::string head = cat("with ", text(*node.input()));
  consume(node);
  if (!node.outputs.empty() && node.output()->has_uses()) head += cat(" as ", name(*node.output()));
  line(cat(head, ":"));
  ++level_;
}

void FunctionPrinter::exit_statement(const Node& node) {
  consume(node);
  if (out_.ends_with(":\n")) line("pass");
  --level_;
}

void FunctionPrinter::unpack_statement(const Node& node) {
  const std::string whole = text(*node.input());
  consume(node);
  std::string left;
  for (const Value* output : node.outputs) left += cat(name(*output), ", ");
  if (!left.empty()) line(cat(left, "= ", whole));
}

void FunctionPrinter::set_attribute_statement(const Node& node) {
  if (!is_identifier(node.name)) {
    throw NotImplementedError(cat("the attribute ", quoted(node.name),
                                  " cannot be assigned in saved code: its name is no identifier; rename it"));
  }
  const std::string words = cat(text(*node.input(0)), ".", node.name, " = ", text(*node.input(1)));
  consume(node);
  line(words);
}

void FunctionPrinter::line(std::string_view words) {
  out_.append(static_cast<size_t>(level_) * 2, ' ');
  out_ += words;
  out_ += '\n';
}

void FunctionPrinter::assign(const std::vector<std::string>& left, const std::vector<std::string>& right) {
  if (!left.empty()) line(cat(join(left, ", "), " = ", join(right, ", ")));
}

const std::string& FunctionPrinter::name(const Value& value) {
  return text_[&value] = names_.unique(printed_hint(value));
}

const std::string& FunctionPrinter::text(const Value& value) const {
  const auto it = text_.find(&value);
  check(it != text_.end(), "a value is used before it was printed");
  return it->second;
}

bool FunctionPrinter::is_long(std::string_view words) const {
  return words.size() + static_cast<size_t>(level_) * 2 >= kLongLine;
}

}  // namespace calque::torchscript
