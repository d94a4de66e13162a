// A program while it is compiled: its functions, where their sources lie, and what went wrong so far.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "torchscript/ast.h"
#include "torchscript/problems.h"

namespace calque::torchscript {

class Emitter;
class SugaredValue;
using Sugared = std::shared_ptr<SugaredValue>;

/// Where the names of a source come from.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// What `name` means when it is no variable; nullptr when it means nothing.
  virtual Sugared resolve_value(std::string_view name, Emitter& emitter, Position where) = 0;
  /// A class, named tuple, enum or interface by the dotted name that the source writes; nullptr when unknown.
  virtual TypePtr resolve_type(const std::string& dotted_name, Position where) = 0;
};

struct ProgramOptions {
  /// Meaning of operators: the version record of the archive.
  int64_t operator_version = 10;
  int max_depth = 400;
  /// Bound of the memory that syntax trees and graphs may take, in bytes.
  int64_t max_memory = int64_t{8} << 30;
  /// Whether a script may define modules, as an archive does.
  bool modules = false;
};

/// An argument, or a return value when the name is empty.
inline Argument make_argument(std::string name, TypePtr type) {
  Argument argument;
  argument.name = std::move(name);
  argument.type = std::move(type);
  return argument;
}

/// Where one function comes from.
struct Declaration {
  std::string qualified_name;
  std::shared_ptr<const SyntaxTree> tree;
  const Stmt* def = nullptr;
  std::shared_ptr<Resolver> resolver;
  TypePtr self_type{};  ///< of methods; null for functions
  std::string name{};   ///< when it is not the name that stands after `def`: of getters and setters
};

/// Arguments and, when annotated, the return type of a function. Types that are left out are Tensor.
FunctionSchema read_signature(const Declaration& declaration, const std::vector<IValue>& constants);

/// Thrown inside the compiler when a function cannot be compiled for a reason that Program has noted.
struct AbandonFunction {};

/// An empty unit whose classes may name each other: it unties them when it goes.
std::shared_ptr<CompilationUnit> make_unit();

class Program {
 public:
  Program(CompilationUnit& unit, ProgramOptions options) : unit_(unit), options_(options) {}
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  CompilationUnit& unit() { return unit_; }
  const ProgramOptions& options() const { return options_; }
  /// The values behind CONSTANTS.cN.
  std::vector<IValue> constants;

  /// Adds a function whose body is compiled later, by compile_all() or when its return type must be inferred.
  Function* declare(Declaration declaration);
  /// Adds a function that has its graph already: a closure, a generated one.
  Function* add(std::unique_ptr<Function> function) { return unit_.add_function(std::move(function)); }
  /// The schema, resolved at the first call. LoadError for functions that call themselves before their return
  /// type is known.
  const FunctionSchema& schema_of(Function& function);
  /// Compiles the `__init__` of a class of a script, whose assignments say what attributes the class has.
  /// Does nothing when it is compiled, or is just being compiled.
  void complete(const ClassType& type);
  /// Compiles everything declared so far and what that declares. Throws NotImplementedError that names every
  /// missing operator and where it stands, or LoadError for calls that fit no overload, or for recursion.
  /// With `collect`, what is missing or fits nothing is put there, and the functions that it stops have no
  /// graph.
  void compile_all(Problems* collect = nullptr);

  /// Counts memory of syntax trees and graphs; LimitError when LoadOptions::max_memory is reached.
  void charge(int64_t bytes);
  /// Notes an operator that is not implemented.
  void note_missing(std::string_view name, const Source& source, Position where, std::string_view function);
  /// Notes a call that fits no overload.
  void note_mismatch(std::string message) { problems_.mismatches.push_back(std::move(message)); }

 private:
  enum class State : uint8_t { kDeclared, kSignature, kCompiling, kDone };
  struct Entry {
    Declaration declaration;
    State state = State::kDeclared;
  };

  void compile(Function& function, Entry& entry);
  void scan_for_missing(const Entry& entry);
  void refuse_recursion() const;

  CompilationUnit& unit_;
  const ProgramOptions options_;
  std::unordered_map<const Function*, Entry> entries_;
  std::deque<Function*> queue_;
  Problems problems_;
  int64_t charged_ = 0;
  int depth_ = 0;
};

}  // namespace calque::torchscript
