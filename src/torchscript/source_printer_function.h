// Prints one function: graph -> TorchScript statements.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"
#include "torchscript/source_printer_constants.h"
#include "torchscript/source_printer_inline.h"
#include "torchscript/source_printer_names.h"
#include "torchscript/source_printer_overload.h"

namespace calque::torchscript {

/// What the functions of an archive share.
struct PrintState {
  Definitions definitions;
  ConstantTable constants;
};

class FunctionPrinter {
 public:
  /// Appends to `out`; `level` is the depth of indentation at which `def` stands.
  FunctionPrinter(PrintState& state, LocalNames& names, std::string& out, int level)
      : state_(state), names_(names), out_(out), level_(level) {}

  /// `name`: what stands after `def`; `annotate_first`: whether the first parameter gets its type.
  void print(const Function& function, std::string_view name, bool annotate_first);

 private:
  // Statements: source_printer_function.cc
  void body(const Block& block);
  void constants(const Block& block);
  void constant(const Node& node);
  void callee(const Function& function);
  void statements(const Block& block);
  void statement(const Node& node);
  void split_long_inputs(const Node& node);
  void consume(const Node& node);
  void define(const Node& node, const std::string& expression);
  void return_statement(const Block& block);
  void if_statement(const Node& node);
  void arm(const Node& node, const Block& block, std::vector<bool>& annotated);
  void fork_statement(const Node& node);
  void enter_statement(const Node& node);
  void exit_statement(const Node& node);
  void unpack_statement(const Node& node);
  void set_attribute_statement(const Node& node);

  // Loops: source_printer_loop.cc
  void loop_statement(const Node& node);
  void for_statement(const Node& node);
  void while_statement(const Node& node);
  void counted_while_statement(const Node& node);
  void loop_start(const Node& node);
  void loop_body(const Node& node, std::vector<std::string> left, std::vector<std::string> right);

  // Expressions: source_printer_expression.cc
  std::string expression(const Node& node);
  std::string structural_expression(const Node& node);
  std::string operator_expression(const Node& node);
  std::string operator_arguments(const Node& node);
  std::string argument_list(const std::vector<PrintedArgument>& arguments);
  std::string call_arguments(const Node& node, size_t first) const;
  std::string list_expression(const Node& node);
  std::string dict_expression(const Node& node);
  std::string index_expression(const Node& node) const;
  std::string isinstance_expression(const Node& node);
  std::string join_inputs(const Node& node) const;
  std::string wrap(std::string_view function, const Node& node) const;
  std::string annotate(const Type& type, std::string_view text);

  void line(std::string_view text);
  void assign(const std::vector<std::string>& left, const std::vector<std::string>& right);
  const std::string& name(const Value& value);
  const std::string& text(const Value& value) const;
  bool is_long(std::string_view text) const;

  PrintState& state_;
  LocalNames& names_;
  std::string& out_;
  int level_;
  std::unordered_set<const Node*> inlined_;
  std::unordered_map<const Value*, std::string> text_;
  std::unordered_map<const Function*, std::string> callees_;
  std::unordered_map<std::string, std::string> long_constants_;
  std::vector<const Node*> waiting_;  // inlined and not yet printed, in the order of evaluation
};

}  // namespace calque::torchscript
