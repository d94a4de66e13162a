// Programs from source text, in the part of Python that TorchScript is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calque/ivalue.h"
#include "calque/jit.h"

namespace calque::jit {

/// Lines of a source that were taken from a file. Messages name the places of that file.
struct SourcePart {
  int first_line = 1;  ///< in the source, from 1; the part goes on to the next one
  std::string file{};
  int line = 1;     ///< of first_line in the file
  int columns = 0;  ///< how many were cut from the left of each line
};

/// How a source is compiled.
struct CompileOptions {
  /// Names the text in messages, for example its path.
  std::string label = "<string>";
  /// Deepest nesting of expressions, blocks and calls.
  int max_depth = 400;
  /// Upper bound of memory that syntax trees and graphs may take, in bytes.
  int64_t max_memory = int64_t{8} << 30;
  /// Where the lines come from, by ascending first_line. None: `label` and their own numbers.
  std::vector<SourcePart> parts{};
  /// Classes whose base is called Module are modules: their bodies declare attributes (`weight : Tensor`,
  /// `__parameters__ = ["weight"]`, `__buffers__ = []`), and object() makes them. false: they are refused.
  bool modules = false;
};

/// The functions of one source. Calls are safe from many threads at once; module() and object() are not.
class CompilationUnit {
 public:
  /// Use compile().
  CompilationUnit(std::shared_ptr<calque::CompilationUnit> unit, std::vector<Function*> functions);

  /// Names of the functions, in the order of the source.
  std::vector<std::string> function_names() const;
  bool has_function(std::string_view name) const;
  /// Calls a function. ValueError when there is none of that name; otherwise as Module::forward.
  IValue run(std::string_view name, std::vector<IValue> inputs, const Kwargs& kwargs = {},
             const RunOptions& options = {}) const;
  /// The same with libtorch's signature: `unit->run_method("f", x, 3)`.
  template <class... Inputs>
  IValue run_method(std::string_view name, Inputs&&... inputs) const {
    return run(name, {IValue(std::forward<Inputs>(inputs))...});
  }
  /// `f(Tensor x, int n=3) -> Tensor`
  std::string schema(std::string_view name) const;
  /// The function as PyTorch's `.code` shows it.
  std::string code(std::string_view name) const;
  /// A module whose `forward` is the function: what torch.jit.save makes of a scripted function.
  Module module(std::string_view name);
  /// An object of a module class (CompileOptions::modules) whose attributes have these values. ValueError
  /// when there is no such class; TypeError for a value that is missing, unknown or of another type.
  Module object(std::string_view class_name, const Kwargs& attributes);

 private:
  Function& function(std::string_view name) const;

  std::shared_ptr<calque::CompilationUnit> unit_;
  std::vector<Function*> functions_;
};

/// Compiles functions, classes (also NamedTuples and Enums) and their imports:
///
///     auto unit = calque::jit::compile("def f(x: Tensor, n: int = 2) -> Tensor:\n    return x * n\n");
///     unit->run_method("f", x, 3);
///
/// The language is that of torch.jit.script
/// (https://docs.pytorch.org/docs/stable/jit_language_reference.html), without modules. LoadError names line
/// and column, shows the line, and says what to write instead; NotImplementedError lists every missing
/// operator.
std::shared_ptr<CompilationUnit> compile(const std::string& source, const CompileOptions& options = {});

}  // namespace calque::jit
