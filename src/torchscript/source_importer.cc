#include "torchscript/source_importer.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "calque/error.h"
#include "ir/native_class.h"
#include "torchscript/class_definition.h"
#include "torchscript/depth_guard.h"
#include "torchscript/source_parser.h"
#include "torchscript/sugared_names.h"

namespace calque::torchscript {

namespace {

/// Memory of a syntax tree per byte of text, about.
constexpr int64_t kTreeFactor = 40;

/// `__torch__` and what lies below it.
class Namespace final : public SugaredValue {
 public:
  Namespace(SourceImporter& importer, std::string name) : importer_(importer), name_(std::move(name)) {}
  std::string describe() const override { return cat("namespace ", name_); }

  Sugared attribute(Emitter& emitter, Position where, std::string_view name) override {
    // A namespace may be as long as names in the source are, and each part looks for a record.
    constexpr size_t kMaxName = 4096;
    if (name_.size() > kMaxName) emitter.fail(where, "a name of more than 4096 characters");
    return importer_.find_value(cat(name_, ".", name));
  }

 private:
  SourceImporter& importer_;
  const std::string name_;
};

}  // namespace

TypePtr SourceImporter::find_type(const std::string& qualified_name) {
  if (TypePtr known = program_.unit().find_type(qualified_name)) return known;
  const Definition* definition = find_definition(qualified_name);
  if (definition == nullptr || definition->stmt->kind != StmtKind::kClass) return nullptr;
  define(qualified_name, *definition);
  return program_.unit().find_type(qualified_name);
}

Function* SourceImporter::find_function(const std::string& qualified_name) {
  if (Function* known = program_.unit().find_function(qualified_name)) return known;
  const Definition* definition = find_definition(qualified_name);
  if (definition == nullptr || definition->stmt->kind != StmtKind::kDef) return nullptr;
  define(qualified_name, *definition);
  return program_.unit().find_function(qualified_name);
}

Sugared SourceImporter::find_value(const std::string& qualified_name) {
  if (const TypePtr type = find_type(qualified_name)) {
    // A function may have the class's name as its prefix: hooks have.
    return type_value(type, [self = shared_from_this(), qualified_name](std::string_view name) -> Sugared {
      Function* function = self->find_function(cat(qualified_name, ".", name));
      return function == nullptr ? nullptr : function_value(*function);
    });
  }
  if (Function* function = find_function(qualified_name)) return function_value(*function);
  return std::make_shared<Namespace>(*this, qualified_name);
}

Sugared SourceImporter::resolve_value(std::string_view name, Emitter& emitter, Position where) {
  if (name == "torch" || name == "aten") return builtin_namespace("aten");
  if (name == "ops") return ops_namespace();
  if (name == "CONSTANTS") return constants_table();
  if (name == "__torch__") return std::make_shared<Namespace>(*this, "__torch__");
  if (name == "fork") return special_form(SpecialForm::kFork, name);
  if (name == "annotate") return special_form(SpecialForm::kAnnotate, name);
  if (name == "unchecked_cast") return special_form(SpecialForm::kUncheckedCast, name);
  if (name == "uninitialized") return special_form(SpecialForm::kUninitialized, name);
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (name == "inf") return simple(emitter.constant(where, kInf));
  if (name == "nan") return simple(emitter.constant(where, kNan));
  if (name == "infj") return simple(emitter.constant(where, std::complex<double>(0, kInf)));
  if (name == "nanj") return simple(emitter.constant(where, std::complex<double>(0, kNan)));
  return nullptr;
}

TypePtr SourceImporter::resolve_type(const std::string& dotted_name, Position) {
  if (dotted_name.starts_with("__torch__.torch.classes.") && find_native_class(dotted_name) == nullptr) {
    throw NotImplementedError(
        cat("this archive uses the class ", dotted_name, ", which lives in PyTorch's own library. Only ",
            linear_packed_params_type()->name,
            " of quantised Linear layers is known here; export the model without the others"));
  }
  return find_type(dotted_name);
}

const SourceImporter::Definition* SourceImporter::find_definition(const std::string& qualified_name) {
  const size_t dot = qualified_name.rfind('.');
  if (dot == std::string::npos) return nullptr;
  const std::string prefix = qualified_name.substr(0, dot);
  if (read_.emplace(prefix, true).second) read_source(prefix);
  const auto it = definitions_.find(qualified_name);
  return it == definitions_.end() ? nullptr : &it->second;
}

void SourceImporter::read_source(const std::string& prefix) {
  std::string path = prefix;
  std::replace(path.begin(), path.end(), '.', '/');
  std::optional<Source> source = lookup_(path);
  if (!source.has_value()) return;
  program_.charge(static_cast<int64_t>(source->text.size()) * kTreeFactor);
  const auto tree = parse_source(std::move(*source), {.max_depth = program_.options().max_depth});
  for (const Stmt* stmt : tree->statements()) {
    switch (stmt->kind) {
      case StmtKind::kDef:
      case StmtKind::kClass:
        if (!definitions_.emplace(cat(prefix, ".", stmt->text), Definition{tree, stmt}).second) {
          fail_at(tree->source(), stmt->where, cat(prefix, ".", stmt->text, " is defined twice"));
        }
        break;
      case StmtKind::kImport:
        break;
      case StmtKind::kAssign:
        // Files of 2019 begin with `op_version_set = 1`.
        if (stmt->targets.size() == 1 && stmt->targets[0]->is_name("op_version_set")) break;
        [[fallthrough]];
      default:
        fail_at(tree->source(), stmt->where,
                "only classes and functions stand at the top of an archive's source");
    }
  }
}

void SourceImporter::define(const std::string& qualified_name, const Definition& definition) {
  const Source& source = definition.tree->source();
  const DepthGuard guard(depth_, program_.options().max_depth, source, definition.stmt->where);
  const Declaration declaration{.qualified_name = qualified_name,
                                .tree = definition.tree,
                                .def = definition.stmt,
                                .resolver = shared_from_this()};
  if (definition.stmt->kind == StmtKind::kDef) {
    program_.declare(declaration);
  } else {
    with_place(source, definition.stmt->where, [&] { define_class(program_, declaration); });
  }
}

}  // namespace calque::torchscript
