#include "torchscript/operator_match.h"

#include <algorithm>

#include "base/text.h"
#include "torchscript/expansions.h"
#include "torchscript/structural_schema.h"
#include "torchscript/type_variables.h"

namespace calque::torchscript {

namespace {

class Matcher {
 public:
  Matcher(Emitter& emitter, Position where, const FunctionSchema& schema, const Arguments& arguments,
          Value* self, Conversion conversion, std::string* why)
      : emitter_(emitter),
        where_(where),
        schema_(schema),
        arguments_(arguments),
        self_(self),
        conversion_(conversion),
        why_(why),
        keyword_used_(arguments.keywords.size(), false) {}

  std::optional<MatchedCall> run() {
    Node* const before = emitter_.last_node();
    std::optional<MatchedCall> matched = match();
    if (!matched.has_value()) emitter_.undo_to(before);
    return matched;
  }

 private:
  std::optional<MatchedCall> match() {
    std::vector<Value*> inputs;
    for (size_t i = 0; i < schema_.arguments.size(); ++i) {
      if (!argument(i, inputs)) return std::nullopt;
    }
    if (self_ != nullptr) return no("it has no argument 'self', so it is not called as a method");
    if (schema_.is_vararg) {
      for (; positional_used_ < arguments_.positional.size(); ++positional_used_) {
        inputs.push_back(arguments_.positional[positional_used_]);
      }
    }
    if (positional_used_ < arguments_.positional.size()) {
      return no(cat("Expected at most ", positional_used_, " arguments but found ",
                    arguments_.positional.size(), " positional arguments."));
    }
    for (size_t i = 0; i < keyword_used_.size(); ++i) {
      if (!keyword_used_[i]) return no(cat("Unknown keyword argument '", arguments_.keywords[i].name, "'."));
    }
    MatchedCall matched;
    for (const Argument& result : schema_.returns) {
      matched.return_types.push_back(substitute(result.type, bindings_));
      if (matched.return_types.back() == nullptr) {
        return no(cat("its return type ", result.type->str(), " cannot be inferred from the arguments"));
      }
    }
    // Constants for defaults come last, so that an overload that does not fit makes none.
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] != nullptr) continue;
      inputs[i] = emitter_.constant(where_, *schema_.arguments[i].default_value);
    }
    matched.inputs = std::move(inputs);
    return matched;
  }

  std::nullopt_t no(const std::string& reason) {
    if (why_ != nullptr && why_->empty()) *why_ = reason;
    return std::nullopt;
  }

  bool argument(size_t i, std::vector<Value*>& inputs) {
    const Argument& argument = schema_.arguments[i];
    if (self_ != nullptr && argument.name == "self") {
      return take(argument, std::exchange(self_, nullptr), inputs);
    }
    if (!argument.keyword_only && positional_used_ < arguments_.positional.size()) {
      if (takes_rest_as_list(i)) return take_rest(argument, inputs);
      if (keyword(argument.name) != nullptr) {
        no(cat("Argument '", argument.name, "' specified twice."));
        return false;
      }
      return take(argument, arguments_.positional[positional_used_++], inputs);
    }
    if (Value* named = keyword(argument.name)) return take(argument, named, inputs);
    if (argument.default_value.has_value()) {
      inputs.push_back(nullptr);
      return true;
    }
    no(cat("Argument ", argument.name, " not provided."));
    return false;
  }

  Value* keyword(std::string_view name) {
    for (size_t i = 0; i < arguments_.keywords.size(); ++i) {
      if (arguments_.keywords[i].name != name) continue;
      keyword_used_[i] = true;
      return arguments_.keywords[i].value;
    }
    return nullptr;
  }

  /// `zeros(2, 3)` for `zeros(int[] size)`.
  bool takes_rest_as_list(size_t i) const {
    const Argument& argument = schema_.arguments[i];
    const bool last = i + 1 == schema_.arguments.size() || schema_.arguments[i + 1].keyword_only;
    const Type& type = *argument.type;
    if (!last || type.kind() != TypeKind::List || has_variables(type)) return false;
    if (argument.broadcast_length.value_or(0) != 0) return false;
    const Type& actual = *arguments_.positional[positional_used_]->type;
    return actual.kind() != TypeKind::List && !tuple_fits_list(actual, type);
  }

  bool take_rest(const Argument& argument, std::vector<Value*>& inputs) {
    const TypePtr& element = argument.type->contained()[0];
    std::vector<Value*> items;
    while (positional_used_ < arguments_.positional.size()) {
      Value* item = arguments_.positional[positional_used_++];
      Value* converted = emitter_.convert(where_, element, item, conversion_);
      if (!is_subtype(*converted->type, *element)) {
        no(wrong_type(argument, *element, item));
        return false;
      }
      items.push_back(converted);
    }
    inputs.push_back(emitter_.list(where_, element, items));
    return true;
  }

  bool take(const Argument& argument, Value* actual, std::vector<Value*>& inputs) {
    Value* value = repeat_for_list(argument, actual);
    TypePtr type = argument.type;
    if (has_variables(*type)) {
      if (!bind_variables(type, value->type, bindings_, why_)) return false;
      type = substitute(type, bindings_);
      // `t?` with None: nothing says what t is, and None fits whatever it is.
      if (type == nullptr && value->type->kind() == TypeKind::None) type = none_type();
      if (type == nullptr) {
        no(cat("Type variables in type ", argument.type->str(), " could not be inferred from actual type ",
               value->type->annotation()));
        return false;
      }
    }
    value = emitter_.convert(where_, type, value, conversion_);
    if (!is_subtype(*value->type, *type)) {
      no(wrong_type(argument, *argument.type, actual));
      return false;
    }
    inputs.push_back(value);
    return true;
  }

  /// One number for `int[2]` stands for two of it.
  Value* repeat_for_list(const Argument& argument, Value* value) {
    const int64_t length = argument.broadcast_length.value_or(0);
    const TypePtr& type = unwrap_optional(argument.type);
    if (length == 0 || type->kind() != TypeKind::List) return value;
    const TypeKind element = type->contained()[0]->kind();
    const TypeKind actual = value->type->kind();
    if (element != actual || (element != TypeKind::Int && element != TypeKind::Float)) return value;
    return emitter_.list(where_, value->type, std::vector<Value*>(static_cast<size_t>(length), value));
  }

  static std::string wrong_type(const Argument& argument, const Type& wanted, const Value* actual) {
    return cat("Expected a value of type '", wanted.annotation(), "' for argument '", argument.name,
               "' but instead found type '", actual->type->annotation(), "'.");
  }

  Emitter& emitter_;
  const Position where_;
  const FunctionSchema& schema_;
  const Arguments& arguments_;
  Value* self_;
  const Conversion conversion_;
  std::string* why_;
  TypeBindings bindings_;
  size_t positional_used_ = 0;
  std::vector<bool> keyword_used_;
};

/// One overload that a call may mean.
struct Candidate {
  const FunctionSchema* schema;
  const Operator* op = nullptr;          ///< null for structural operations
  const Expansion* expansion = nullptr;  ///< when it is written as an expression
};

std::vector<Candidate> candidates(std::string_view name, int64_t version) {
  std::vector<Candidate> out;
  for (const Operator* op : find_operators(name)) {
    const Expansion* upgrader = find_upgrader(op->schema().full_name(), version);
    out.push_back({upgrader == nullptr ? &op->schema() : &upgrader->schema, op, upgrader});
  }
  if (!out.empty()) {
    for (const Expansion* written : written_overloads(name))
      out.push_back({&written->schema, nullptr, written});
  }
  if (out.empty()) {
    for (const FunctionSchema* schema : structural_schemas(name)) out.push_back({schema});
  }
  return out;
}

std::string argument_types(const Arguments& arguments, const Value* self) {
  std::string out;
  const auto add = [&](std::string_view text) { out += cat(out.empty() ? "" : ", ", text); };
  if (self != nullptr) add(self->type->annotation());
  for (const Value* value : arguments.positional) add(value->type->annotation());
  for (const NamedValue& keyword : arguments.keywords)
    add(cat(keyword.name, "=", keyword.value->type->annotation()));
  return cat("(", out, ")");
}

[[noreturn]] void abandon_mismatch(Emitter& emitter, Position where, std::string_view name,
                                   const std::vector<Candidate>& options, const Arguments& arguments,
                                   Value* self) {
  std::string text = cat("Arguments for call are not valid: ", name, " with ",
                         argument_types(arguments, self), ".\nThe following variants are available:");
  for (const Candidate& candidate : options) {
    std::string why;
    match_schema(emitter, where, *candidate.schema, arguments, self, Conversion::kImplicit, &why);
    text += cat("\n  ", candidate.schema->str(), "\n    ", why);
  }
  emitter.program().note_mismatch(
      located(emitter.source(), where, cat("in ", emitter.function_name(), ": ", text)));
  throw AbandonFunction{};
}

CallResult emit_call(Emitter& emitter, Position where, const Candidate& chosen, MatchedCall matched) {
  CallResult result;
  if (chosen.expansion != nullptr) {
    result.values = emitter.expand(where, *chosen.expansion, matched.inputs);
    return result;
  }
  Node* node = emitter.node(where, chosen.schema->name, matched.inputs);
  node->op = chosen.op;
  for (TypePtr& type : matched.return_types) result.values.push_back(node->add_output(std::move(type)));
  for (const Argument& output : chosen.schema->returns) {
    if (!output.name.empty()) result.names.push_back(output.name);
  }
  if (result.names.size() != result.values.size()) result.names.clear();
  return result;
}

}  // namespace

std::optional<MatchedCall> match_schema(Emitter& emitter, Position where, const FunctionSchema& schema,
                                        const Arguments& arguments, Value* self, Conversion conversion,
                                        std::string* why) {
  return Matcher(emitter, where, schema, arguments, self, conversion, why).run();
}

MatchedCall match_or_fail(Emitter& emitter, Position where, const FunctionSchema& schema,
                          const Arguments& arguments) {
  std::string why;
  if (auto matched = match_schema(emitter, where, schema, arguments, nullptr, Conversion::kLiterals, &why)) {
    return std::move(*matched);
  }
  emitter.fail(where, cat(schema.str(), ":\n  ", why));
}

CallResult call_builtin(Emitter& emitter, Position where, std::string_view name, const Arguments& arguments,
                        Value* self) {
  const std::vector<Candidate> options = candidates(name, emitter.operator_version());
  if (options.empty()) {
    emitter.program().note_missing(name, emitter.source(), where, emitter.function_name());
    throw AbandonFunction{};
  }
  for (const Conversion conversion : {Conversion::kNone, Conversion::kImplicit, Conversion::kLiterals}) {
    for (const Candidate& candidate : options) {
      auto matched = match_schema(emitter, where, *candidate.schema, arguments, self, conversion, nullptr);
      if (matched.has_value()) return emit_call(emitter, where, candidate, std::move(*matched));
    }
  }
  abandon_mismatch(emitter, where, name, options, arguments, self);
}

bool is_builtin(std::string_view name) {
  return !find_operators(name).empty() || !structural_schemas(name).empty();
}

}  // namespace calque::torchscript
