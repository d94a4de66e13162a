// A loop while its body is compiled.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "torchscript/compiler.h"

namespace calque::torchscript {

struct FunctionCompiler::Loop {
  const Stmt& stmt;
  bool unrolled = false;
  bool returns = false;  ///< the body holds a return
  bool stops = false;    ///< the body holds a break or a return
  bool leaves = false;   ///< the body holds a break, a continue or a return
  Node* node = nullptr;
  std::vector<std::string> carried{};
  Loop* around = nullptr;
  /// Binds the loop variable from the block's counter, or tests nothing, then emits the body.
  std::function<Flow(Value* counter)> body{};
  /// For `while`: evaluates the condition again at the end of the body.
  std::function<Value*()> again{};
};

/// Names that a list of statements may assign, in the order of their first assignment.
std::vector<std::string> assigned_names(std::span<const Stmt* const> body);
/// Names in an assignment target.
void collect_target_names(const Expr& target, std::vector<std::string>& names);

}  // namespace calque::torchscript
