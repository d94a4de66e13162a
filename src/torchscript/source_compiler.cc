#include "torchscript/source_compiler.h"

#include <map>

#include "base/text.h"
#include "torchscript/class_definition.h"
#include "torchscript/source_parser.h"
#include "torchscript/sugared_names.h"

namespace calque::torchscript {

namespace {

/// Names of one source: its own definitions by their bare names, then those around it.
class SourceResolver final : public Resolver {
 public:
  SourceResolver(Program& program, const SourceOptions& options) : program_(program), options_(options) {}

  Sugared resolve_value(std::string_view name, Emitter& emitter, Position where) override {
    if (Function* function = program_.unit().find_function(qualified(name))) return function_value(*function);
    if (const TypePtr type = program_.unit().find_type(qualified(name))) return type_value(type);
    if (options_.outer != nullptr) {
      if (Sugared found = options_.outer->resolve_value(name, emitter, where)) return found;
    }
    return script_global(name);
  }

  TypePtr resolve_type(const std::string& dotted_name, Position where) override {
    if (TypePtr type = program_.unit().find_type(qualified(dotted_name))) return type;
    return options_.outer == nullptr ? nullptr : options_.outer->resolve_type(dotted_name, where);
  }

  std::string qualified(std::string_view name) const { return cat(options_.prefix, ".", name); }

 private:
  Program& program_;
  const SourceOptions& options_;
};

}  // namespace

std::vector<Function*> compile_source(CompilationUnit& unit, const std::string& label, std::string text,
                                      const SourceOptions& options) {
  constexpr int64_t kToday = 10;
  Program program(
      unit, {.operator_version = kToday, .max_depth = options.max_depth, .max_memory = options.max_memory});
  const auto tree = parse_source({.name = std::make_shared<const std::string>(label),
                                  .text = std::move(text),
                                  .dialect = Dialect::kScript},
                                 {.max_depth = options.max_depth});
  const auto resolver = std::make_shared<SourceResolver>(program, options);
  std::vector<Function*> functions;
  for (const Stmt* stmt : tree->statements()) {
    const Declaration declaration{
        .qualified_name = resolver->qualified(stmt->text), .tree = tree, .def = stmt, .resolver = resolver};
    if (stmt->kind == StmtKind::kDef) {
      functions.push_back(program.declare(declaration));
    } else if (stmt->kind == StmtKind::kClass) {
      define_class(program, declaration);
    } else if (stmt->kind != StmtKind::kImport) {
      fail_at(tree->source(), stmt->where,
              "a source holds functions and classes; other statements stand inside them");
    }
  }
  program.compile_all();
  return functions;
}

}  // namespace calque::torchscript
