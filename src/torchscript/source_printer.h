// TorchScript source of classes and functions, in the form of PyTorch's own printer: graph -> text that
// compiles back to the same graph.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace calque::torchscript {

/// A source record of an archive.
struct SourceFile {
  std::string path;  ///< below `code/`: `__torch__/a/b.py`
  std::string text;
};

/// Prints everything that a set of types needs: their classes, and what their methods mention, in the order
/// of first mention. Nothing else is printed, and the order depends on the program only.
///
/// Graphs must be as loaded, traced or compiled: operators that only optimisation makes are refused
/// (NotImplementedError).
class SourcePrinter {
 public:
  SourcePrinter();
  ~SourcePrinter();
  SourcePrinter(SourcePrinter&&) noexcept;
  SourcePrinter& operator=(SourcePrinter&&) noexcept;

  /// Asks for a class, NamedTuple, enum or interface; what it needs is printed after everything that was
  /// asked for.
  void add(const Type& named);
  /// The qualified name under which a type is written. It is the type's own unless another type has it.
  const std::string& name(const Type& named);
  /// Any type's annotation with those names.
  std::string annotation(const Type& type);
  /// Prints what was asked for and all that it needs. Files in the order of first mention.
  std::vector<SourceFile> files();
  /// The values that the printed source calls `CONSTANTS.c0`, …: the content of constants.pkl.
  const std::vector<IValue>& constants() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The text of one method or function, as PyTorch's `.code` shows it: the first parameter without its type.
std::string function_source(const Function& function);

}  // namespace calque::torchscript
