// Loops. TorchScript has `for i in range(n)` without an exit and `while`; a loop that counts and tests is
// printed as a `while` with a counter.
#include "base/check.h"
#include "base/text.h"
#include "torchscript/source_printer_function.h"

namespace calque::torchscript {

void FunctionPrinter::loop_statement(const Node& node) {
  check(node.blocks.size() == 1 && node.inputs.size() == node.outputs.size() + 2, "prim::Loop is malformed");
  if (is_counted_for(node)) return for_statement(node);
  if (is_counted_while(node)) return counted_while_statement(node);
  while_statement(node);
}

/// The variables that go around the loop, with their first values.
void FunctionPrinter::loop_start(const Node& node) {
  const std::vector<Value*>& inside = node.blocks[0]->inputs();
  for (size_t i = 0; i < node.outputs.size(); ++i) text_[inside[i + 1]] = name(*node.outputs[i]);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const Value& first = *node.input(i + 2);
    const TypePtr& type = node.outputs[i]->type;
    const bool widened = type->kind() == TypeKind::Optional || !same_type(first.type, type);
    line(cat(text(*node.outputs[i]), widened ? cat(": ", state_.definitions.annotation(*type)) : "", " = ",
             text(first)));
  }
}

/// The statements of the body, then one assignment: `left` (without the carried variables, which are added)
/// takes `right` and the new values together.
void FunctionPrinter::loop_body(const Node& node, std::vector<std::string> left,
                                std::vector<std::string> right) {
  const Block& block = *node.blocks[0];
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    left.push_back(text(*node.outputs[i]));
    right.push_back(text(*block.outputs()[i + 1]));
  }
  assign(left, right);
  --level_;
}

void FunctionPrinter::for_statement(const Node& node) {
  const Block& block = *node.blocks[0];
  const std::string count = text(*node.input(0));
  consume(node);
  loop_start(node);
  line(cat("for ", name(*block.inputs()[0]), " in range(", count, "):"));
  ++level_;
  const size_t before = out_.size();
  statements(block);
  split_long_inputs(*block.return_node());
  consume(*block.return_node());
  if (out_.size() == before && node.outputs.empty()) line("pass");
  loop_body(node, {}, {});
}

void FunctionPrinter::while_statement(const Node& node) {
  const Block& block = *node.blocks[0];
  const std::string first = text(*node.input(1));
  consume(node);
  loop_start(node);
  const std::string condition = name(*block.inputs()[0]);
  line(cat(condition, " = ", first));
  line(cat("while ", condition, ":"));
  ++level_;
  statements(block);
  split_long_inputs(*block.return_node());
  consume(*block.return_node());
  loop_body(node, {condition}, {text(*block.outputs()[0])});
}

void FunctionPrinter::counted_while_statement(const Node& node) {
  const Block& block = *node.blocks[0];
  const std::string limit = text(*node.input(0));
  const auto both = [](const std::string& counted, const std::string& tested) {
    return tested == "True" ? counted : cat("torch.__and__(", counted, ", ", tested, ")");
  };
  loop_start(node);
  const std::string counter = name(*block.inputs()[0]);
  line(cat(counter, " = 0"));
  const std::string condition = names_.unique("");
  line(cat(condition, " = ", both(cat("torch.gt(", limit, ", 0)"), text(*node.input(1)))));
  line(cat("while ", condition, ":"));
  ++level_;
  statements(block);
  split_long_inputs(*block.return_node());
  consume(*block.return_node());
  const std::string next = names_.unique("");
  line(cat(next, " = torch.add(", counter, ", 1)"));
  const std::string again = names_.unique("");
  line(cat(again, " = ", both(cat("torch.lt(", next, ", ", limit, ")"), text(*block.outputs()[0]))));
  loop_body(node, {condition, counter}, {again, next});
}

}  // namespace calque::torchscript
