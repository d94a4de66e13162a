// Operators as objects, and calls of one from outside of a graph.
#include "base/text.h"
#include "ops/operator.h"

namespace calque {

namespace {

bool has_variable(const Type& type) {
  if (type.kind() == TypeKind::Var) return true;
  for (const TypePtr& inner : type.contained()) {
    if (has_variable(*inner)) return true;
  }
  return false;
}

const Type& without_optional(const Type& type) {
  return type.kind() == TypeKind::Optional ? *type.contained()[0] : type;
}

/// What PyTorch's argument binding converts: ints where floats or lists of ints stand.
void convert(IValue& value, const Argument& argument) {
  const Type& type = without_optional(*argument.type);
  if (type.kind() == TypeKind::Float && value.isInt()) value = IValue(static_cast<double>(value.toInt()));
  if (type.kind() == TypeKind::Device && value.isString()) value = IValue(Device::parse(value.toStringRef()));
  if (type.kind() == TypeKind::List && argument.broadcast_length && value.isInt()) {
    value = IValue(std::vector<int64_t>{value.toInt()});
  }
}

/// An empty or untyped list fits every list.
bool fits(const IValue& value, const Type& type) {
  if (has_variable(type) || value_has_type(value, type)) return true;
  const Type& inner = without_optional(type);
  if (inner.kind() == TypeKind::Number && value.isBool()) return true;
  if (inner.kind() != TypeKind::List || !value.isList()) return false;
  for (const IValue& item : value.list_impl()->items) {
    if (!fits(item, *inner.contained()[0])) return false;
  }
  return true;
}

}  // namespace

Operator::Operator(FunctionSchema schema, OpFunction reference)
    : schema_(std::move(schema)), reference_(reference) {
  for (size_t i = 0; i < schema_.arguments.size(); ++i) {
    if (schema_.arguments[i].is_write() && schema_.arguments[i].type->kind() != TypeKind::List)
      written_.push_back(i);
  }
}

void Operator::mark_written(std::span<const IValue> arguments) const {
  for (const size_t i : written_) {
    if (i >= arguments.size() || !arguments[i].isTensor()) continue;
    const Tensor tensor = arguments[i].toTensor();
    if (tensor.defined()) tensor.storage()->mark_written();
  }
}

std::vector<IValue> call_operator(const Operator& op, std::vector<IValue> arguments) {
  const FunctionSchema& schema = op.schema();
  if (arguments.size() > schema.arguments.size() && !schema.is_vararg) {
    throw RuntimeError(cat(schema.name, "() expected at most ", schema.arguments.size(),
                           " argument(s) but received ", arguments.size(),
                           " argument(s). Declaration: ", schema.str()));
  }
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    const Argument& argument = schema.arguments[i];
    if (i >= arguments.size()) {
      if (!argument.default_value) {
        throw RuntimeError(cat(schema.name, "() is missing value for argument '", argument.name,
                               "'. Declaration: ", schema.str()));
      }
      arguments.push_back(*argument.default_value);
    }
    convert(arguments[i], argument);
    if (!fits(arguments[i], *argument.type)) {
      throw RuntimeError(cat(schema.name, "() Expected a value of type '", argument.type->annotation(),
                             "' for argument '", argument.name, "' but instead found type '",
                             arguments[i].type_name(), "'. Position: ", i, " Declaration: ", schema.str()));
    }
  }
  std::vector<IValue> results(schema.returns.size());
  op.call(arguments, results);
  return results;
}

}  // namespace calque
