// A function inside a function: PyTorch prints `fork` that way.
#pragma once

#include <string>

#include "base/text.h"
#include "torchscript/ast.h"
#include "torchscript/sugared_value.h"

namespace calque::torchscript {

/// A nested `def`, compiled where it is forked.
class ClosureValue final : public SugaredValue {
 public:
  explicit ClosureValue(const Stmt& def) : def_(def) {}
  std::string describe() const override { return cat("nested function ", def_.text); }
  const Stmt& def() const { return def_; }

 private:
  const Stmt& def_;
};

}  // namespace calque::torchscript
