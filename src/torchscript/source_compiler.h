// Source that a person wrote, compiled into a unit: plain functions, classes with declared attributes, named
// tuples, enums.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "calque/compilation_unit.h"
#include "torchscript/program.h"

namespace calque::torchscript {

struct SourceOptions {
  /// Qualified names are this, a dot, and the name in the source.
  std::string prefix = "__torch__";
  int max_depth = 400;
  int64_t max_memory = int64_t{8} << 30;
  /// Whether classes whose base is called Module are modules, or refused.
  bool modules = false;
  /// Where the lines of the text come from; empty: from nowhere else.
  std::vector<jit::SourcePart> parts{};
  /// Names that the source does not define; may be null. Asked before the names that every source has.
  std::shared_ptr<Resolver> outer{};
};

/// Compiles all functions and classes of a source in Python's spelling (Dialect::kScript) and gives its
/// functions in the order of the text. Known names: what the source defines, `torch` (operators, dtypes,
/// `torch.jit.annotate`, `fork`, `wait`, …), `math`, and TorchScript's builtins. Throws LoadError with the
/// place, or NotImplementedError for missing operators.
std::vector<Function*> compile_source(CompilationUnit& unit, const std::string& label, std::string text,
                                      const SourceOptions& options = {});

/// The names that every source in Python's spelling has: `torch`, `math`, `annotate`. nullptr for others.
Sugared script_global(std::string_view name);
/// What an imported name means, by its whole path: `torch.nn.functional`, `math.sqrt`. LoadError for a module
/// that is not part of TorchScript.
Sugared script_import(std::string_view path, Emitter& emitter, Position where);

}  // namespace calque::torchscript
