#include "torchscript/source_compiler.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "torchscript/class_definition.h"
#include "torchscript/literal.h"
#include "torchscript/original_places.h"
#include "torchscript/source_parser.h"
#include "torchscript/sugared_names.h"
#include "torchscript/type_parser.h"

namespace calque::torchscript {

namespace {

/// A name for a literal at the top of a source.
class LiteralValue final : public SugaredValue {
 public:
  LiteralValue(std::string_view name, IValue value) : name_(name), value_(std::move(value)) {}
  std::string describe() const override { return cat("constant ", name_); }
  Value* as_value(Emitter& emitter, Position where) override { return emitter.constant(where, value_); }
  Sugared attribute(Emitter& emitter, Position where, std::string_view name) override {
    return simple(as_value(emitter, where))->attribute(emitter, where, name);
  }

 private:
  const std::string name_;
  const IValue value_;
};

/// Names of one source: its own definitions by their bare names, then those around it.
class SourceResolver final : public Resolver {
 public:
  SourceResolver(Program& program, const SourceOptions& options) : program_(program), options_(options) {}

  Sugared resolve_value(std::string_view name, Emitter& emitter, Position where) override {
    if (Function* function = program_.unit().find_function(qualified(name))) return function_value(*function);
    if (const TypePtr type = program_.unit().find_type(qualified(name))) return type_value(type);
    if (const auto it = literals_.find(name); it != literals_.end()) {
      return std::make_shared<LiteralValue>(name, it->second);
    }
    if (options_.outer != nullptr) {
      if (Sugared found = options_.outer->resolve_value(name, emitter, where)) return found;
    }
    const auto imported = imports_.find(name);
    if (imported != imports_.end()) return script_import(imported->second, emitter, where);
    return script_global(name);
  }

  TypePtr resolve_type(const std::string& dotted_name, Position where) override {
    if (TypePtr type = program_.unit().find_type(qualified(dotted_name))) return type;
    if (const auto it = aliases_.find(dotted_name); it != aliases_.end()) return it->second;
    const std::string path = imported_path(dotted_name);
    if (path == "torch.Tensor") return tensor_type();
    if (path == "torch.device") return simple_type(TypeKind::Device);
    return options_.outer == nullptr ? nullptr : options_.outer->resolve_type(dotted_name, where);
  }

  void add_imports(const Stmt& stmt) {
    for (const ImportedName& name : stmt.imports) imports_[std::string(name.name)] = name.path;
  }
  void add_literal(std::string_view name, IValue value) { literals_[std::string(name)] = std::move(value); }
  void add_alias(std::string_view name, TypePtr type) { aliases_[std::string(name)] = std::move(type); }

  std::string qualified(std::string_view name) const { return cat(options_.prefix, ".", name); }

 private:
  /// `torch.Tensor` of `t.Tensor` below `import torch as t`; empty when the name was not imported.
  std::string imported_path(const std::string& dotted_name) const {
    const size_t dot = std::min(dotted_name.find('.'), dotted_name.size());
    const auto imported = imports_.find(std::string_view(dotted_name).substr(0, dot));
    return imported == imports_.end() ? "" : imported->second + dotted_name.substr(dot);
  }

  Program& program_;
  const SourceOptions& options_;
  std::map<std::string, std::string, std::less<>> imports_;
  std::map<std::string, IValue, std::less<>> literals_;
  std::map<std::string, TypePtr, std::less<>> aliases_;
};

/// The statements at the top of a source.
class SourceReader {
 public:
  SourceReader(Program& program, std::shared_ptr<const SyntaxTree> tree, const SourceOptions& options)
      : program_(program),
        tree_(std::move(tree)),
        resolver_(std::make_shared<SourceResolver>(program, options)) {}

  std::vector<Function*> run() {
    for (const Stmt* stmt : tree_->statements()) statement(*stmt);
    program_.compile_all();
    return std::move(functions_);
  }

 private:
  void statement(const Stmt& stmt) {
    const Declaration declaration{.qualified_name = resolver_->qualified(stmt.text),
                                  .tree = tree_,
                                  .def = &stmt,
                                  .resolver = resolver_};
    switch (stmt.kind) {
      case StmtKind::kDef:
        check_decorators(stmt);
        functions_.push_back(program_.declare(declaration));
        return;
      case StmtKind::kClass:
        define_class(program_, declaration);
        return;
      case StmtKind::kImport:
        resolver_->add_imports(stmt);
        return;
      case StmtKind::kAssign:
        assign(stmt);
        return;
      case StmtKind::kPass:
        return;
      case StmtKind::kExpr:
        if (stmt.value->is(ExprKind::kString)) return;  // the text that describes the file
        break;
      default:
        break;
    }
    fail_at(tree_->source(), stmt.where,
            "a source holds imports, functions, classes and named literals; other statements stand inside "
            "functions");
  }

  void check_decorators(const Stmt& def) const {
    for (const Expr* mark : def.decorators) {
      const std::string name = dotted_name(mark->is(ExprKind::kCall) ? *mark->items[0] : *mark);
      const std::string last = name.substr(name.rfind('.') + 1);
      if (last == "script" || last == "export" || last == "script_if_tracing") continue;
      if (last == "ignore" || last == "unused") {
        fail_at(
            tree_->source(), start_of(*mark),
            cat("@", name, " leaves a function to Python; there is none where this program runs. Remove it"));
      }
      fail_at(
          tree_->source(), start_of(*mark),
          cat("this decorator is not part of TorchScript: Python would run it. Remove it, or write what it "
              "does into the function"));
    }
  }

  /// `NAME = literal`, or `NAME = List[int]`: another name for a type.
  void assign(const Stmt& stmt) {
    const Expr& target = *stmt.targets[0];
    if (stmt.targets.size() != 1 || !target.is(ExprKind::kName)) {
      fail_at(tree_->source(), stmt.where, "at the top of a source a value gets one name");
    }
    const TypeLookup lookup = [&](const std::string& name, Position where) {
      return resolver_->resolve_type(name, where);
    };
    const bool is_type = stmt.annotation == nullptr &&
                         (stmt.value->is(ExprKind::kSubscript) || stmt.value->is(ExprKind::kName) ||
                          stmt.value->is(ExprKind::kAttribute));
    if (is_type) {
      resolver_->add_alias(target.text, parse_type(tree_->source(), *stmt.value, lookup));
      return;
    }
    const TypePtr type =
        stmt.annotation == nullptr ? nullptr : parse_type(tree_->source(), *stmt.annotation, lookup);
    IValue value = literal_value(tree_->source(), *stmt.value, type, {});
    if (value.isList() || value.isGenericDict()) {
      fail_at(tree_->source(), stmt.where,
              "a list or dict that all functions share; make it in a function, or write a tuple");
    }
    resolver_->add_literal(target.text, std::move(value));
  }

  Program& program_;
  const std::shared_ptr<const SyntaxTree> tree_;
  const std::shared_ptr<SourceResolver> resolver_;
  std::vector<Function*> functions_;
};

}  // namespace

std::vector<Function*> compile_source(CompilationUnit& unit, const std::string& label, std::string text,
                                      const SourceOptions& options) {
  constexpr int64_t kToday = 10;
  Program program(unit, {.operator_version = kToday,
                         .max_depth = options.max_depth,
                         .max_memory = options.max_memory,
                         .modules = options.modules});
  auto original = options.parts.empty() ? nullptr : OriginalPlaces::of_parts(options.parts, text);
  auto tree = parse_source({.name = std::make_shared<const std::string>(label),
                            .text = std::move(text),
                            .dialect = Dialect::kScript,
                            .original = std::move(original)},
                           {.max_depth = options.max_depth});
  return SourceReader(program, std::move(tree), options).run();
}

}  // namespace calque::torchscript
