#include "torchscript/source_printer_overload.h"

#include "base/check.h"
#include "torchscript/operator_match.h"

namespace calque::torchscript {

namespace {

/// An emitter into a graph that is thrown away.
class ProbeEmitter final : public Emitter {
 public:
  using Emitter::Emitter;
  std::vector<Value*> expand(Position, const Expansion&, const std::vector<Value*>&) override {
    check(false, "a probe of an operator of an old version");
    return {};
  }
};

/// What the argument is when it is read again: literals keep their values, all else has a type only.
Value* read_again(ProbeEmitter& emitter, const PrintedArgument& argument) {
  const Value& value = *argument.value;
  if (argument.annotation != nullptr) return emitter.graph().add_input(argument.annotation);
  const bool literal = value.node->is("prim::Constant") && !value.node->value.isList() &&
                       !value.node->value.isGenericDict() && !value.node->value.isTuple();
  if (!literal) return emitter.graph().add_input(value.type);
  return emitter.constant({}, value.node->value);
}

}  // namespace

const Operator* printed_overload(std::string_view name, const std::vector<PrintedArgument>& arguments) {
  CompilationUnit unit;
  Program program(unit, {});
  const Source source{.name = std::make_shared<const std::string>("printed source"), .text = {}};
  Graph graph;
  ProbeEmitter emitter(program, source, graph, {});
  Arguments given;
  for (const PrintedArgument& argument : arguments) {
    Value* value = read_again(emitter, argument);
    if (argument.keyword.empty()) {
      given.positional.push_back(value);
    } else {
      given.keywords.push_back({argument.keyword, value});
    }
  }
  for (const Conversion conversion : {Conversion::kNone, Conversion::kImplicit, Conversion::kLiterals}) {
    for (const Operator* candidate : find_operators(name)) {
      if (match_schema(emitter, {}, candidate->schema(), given, nullptr, conversion, nullptr).has_value()) {
        return candidate;
      }
    }
  }
  return nullptr;
}

}  // namespace calque::torchscript
