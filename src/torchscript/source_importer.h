// The classes and functions of an archive, defined as their names come up.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "torchscript/program.h"

namespace calque::torchscript {

/// The text of `code/<path>.py`, where `a.b` lies at path `a/b`; nullopt when the archive has none.
using SourceLookup = std::function<std::optional<Source>(const std::string& path)>;

/// Parses a source when a name that would lie in it is first asked for, as PyTorch does; sources that nothing
/// names are never read.
class SourceImporter final : public Resolver, public std::enable_shared_from_this<SourceImporter> {
 public:
  SourceImporter(Program& program, SourceLookup lookup) : program_(program), lookup_(std::move(lookup)) {}

  /// A class, named tuple, enum or interface; nullptr when the archive has none of that name.
  TypePtr find_type(const std::string& qualified_name);
  /// A function outside classes; nullptr when there is none.
  Function* find_function(const std::string& qualified_name);
  /// What the name means in a program: a class, a function, or a namespace.
  Sugared find_value(const std::string& qualified_name);

  Sugared resolve_value(std::string_view name, Emitter& emitter, Position where) override;
  TypePtr resolve_type(const std::string& dotted_name, Position where) override;

 private:
  struct Definition {
    std::shared_ptr<const SyntaxTree> tree;
    const Stmt* stmt;
  };

  const Definition* find_definition(const std::string& qualified_name);
  void read_source(const std::string& prefix);
  void define(const std::string& qualified_name, const Definition& definition);

  Program& program_;
  const SourceLookup lookup_;
  /// Prefixes whose source was looked for.
  std::map<std::string, bool> read_;
  std::map<std::string, Definition> definitions_;
  int depth_ = 0;
};

}  // namespace calque::torchscript
