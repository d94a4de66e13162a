#include "torchscript/script_library.h"

#include <map>
#include <memory>
#include <string>

#include "base/text.h"
#include "torchscript/class_definition.h"
#include "torchscript/script_library_text.h"
#include "torchscript/source_compiler.h"
#include "torchscript/source_parser.h"
#include "torchscript/sugared_names.h"

namespace calque::torchscript {

namespace {

struct LibraryItem {
  std::string module;
  std::shared_ptr<const SyntaxTree> tree;
  const Stmt* stmt;
};

using Library = std::map<std::string, LibraryItem, std::less<>>;

Library parse_library() {
  Library library;
  for (const LibraryText& text : library_texts()) {
    const auto tree = parse_source({.name = std::make_shared<const std::string>(text.path),
                                    .text = std::string(text.source),
                                    .dialect = Dialect::kScript});
    for (const Stmt* stmt : tree->statements()) {
      library.emplace(cat(text.path, ".", stmt->text), LibraryItem{std::string(text.path), tree, stmt});
    }
  }
  return library;
}

/// Parsed once for all programs.
const LibraryItem* find_item(std::string_view path) {
  static const Library library = parse_library();
  const auto found = library.find(path);
  return found == library.end() ? nullptr : &found->second;
}

/// Names inside a module of the library: its own, then those of every script.
class LibraryResolver final : public Resolver {
 public:
  LibraryResolver(Program& program, std::string_view module) : program_(program), module_(module) {}

  Sugared resolve_value(std::string_view name, Emitter&, Position) override {
    if (Sugared found = library_value(program_, cat(module_, ".", name))) return found;
    return script_global(name);
  }

  TypePtr resolve_type(const std::string& dotted_name, Position) override {
    return program_.unit().find_type(cat("__torch__.", module_, ".", dotted_name));
  }

 private:
  Program& program_;
  const std::string module_;
};

}  // namespace

Sugared library_value(Program& program, std::string_view path) {
  const std::string qualified = cat("__torch__.", path);
  if (Function* function = program.unit().find_function(qualified)) return function_value(*function);
  if (const TypePtr type = program.unit().find_type(qualified)) return type_value(type);
  const LibraryItem* item = find_item(path);
  if (item == nullptr) return nullptr;
  const Declaration declaration{.qualified_name = qualified,
                                .tree = item->tree,
                                .def = item->stmt,
                                .resolver = std::make_shared<LibraryResolver>(program, item->module)};
  if (item->stmt->kind == StmtKind::kDef) return function_value(*program.declare(declaration));
  define_class(program, declaration);
  return type_value(program.unit().find_type(qualified));
}

}  // namespace calque::torchscript
