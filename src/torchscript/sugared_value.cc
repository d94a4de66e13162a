#include "torchscript/sugared_value.h"

#include <algorithm>

#include "base/text.h"
#include "torchscript/operator_match.h"
#include "torchscript/sugared_names.h"

namespace calque::torchscript {

Value* SugaredValue::as_value(Emitter& emitter, Position where) {
  emitter.fail(where, cat(describe(), " cannot be used as a value"));
}

Sugared SugaredValue::attribute(Emitter& emitter, Position where, std::string_view name) {
  emitter.fail(where, cat(describe(), " has no attribute '", name, "'"));
}

void SugaredValue::set_attribute(Emitter& emitter, Position where, std::string_view name, Value*) {
  emitter.fail(where, cat("attribute '", name, "' of ", describe(), " cannot be assigned to"));
}

bool SugaredValue::has_attribute(std::string_view) const { return false; }

Sugared SugaredValue::call(Emitter& emitter, Position where, const Arguments&) {
  emitter.fail(where, cat(describe(), " cannot be called"));
}

std::vector<Sugared> SugaredValue::elements(Emitter& emitter, Position where, size_t) {
  emitter.fail(where, cat(describe(), " cannot be used as a tuple"));
}

Value* SugaredValue::length(Emitter& emitter, Position where) {
  emitter.fail(where, cat(describe(), " has no length"));
}

Sugared SugaredValue::element(Emitter& emitter, Position where, Value*) {
  emitter.fail(where, cat(describe(), " has no elements"));
}

Sugared SugaredValue::iterable(Emitter& emitter, Position where) {
  emitter.fail(where, cat(describe(), " cannot be iterated over"));
}

Sugared simple(Value* value) { return std::make_shared<SimpleValue>(value); }

Value* simple_value(const Sugared& sugared) {
  const auto* value = dynamic_cast<const SimpleValue*>(sugared.get());
  return value == nullptr ? nullptr : value->value();
}

Sugared pack(const CallResult& result) {
  if (result.values.empty()) return std::make_shared<NothingValue>();
  if (result.values.size() == 1) return simple(result.values[0]);
  std::vector<Sugared> items;
  for (Value* value : result.values) items.push_back(simple(value));
  return std::make_shared<TupleValue>(std::move(items), result.names);
}

Value* NothingValue::as_value(Emitter& emitter, Position where) { return emitter.constant(where, IValue()); }

Value* TupleValue::as_value(Emitter& emitter, Position where) {
  std::vector<Value*> values;
  std::vector<TypePtr> types;
  for (const Sugared& item : items_) {
    values.push_back(item->as_value(emitter, where));
    types.push_back(values.back()->type);
  }
  if (names_.empty()) return emitter.tuple(where, values);
  return emitter.tuple(where, values, std::make_shared<const TupleType>("", names_, std::move(types)));
}

Sugared TupleValue::attribute(Emitter& emitter, Position where, std::string_view name) {
  const auto it = std::find(names_.begin(), names_.end(), name);
  if (it == names_.end()) return SugaredValue::attribute(emitter, where, name);
  return items_[static_cast<size_t>(it - names_.begin())];
}

std::vector<Sugared> TupleValue::elements(Emitter&, Position, size_t) { return items_; }

Value* TupleValue::length(Emitter& emitter, Position where) {
  return emitter.constant(where, static_cast<int64_t>(items_.size()));
}

Sugared TupleValue::element(Emitter& emitter, Position where, Value* index) {
  const IValue* content = constant_of(index);
  if (content == nullptr || !content->isInt())
    emitter.fail(where, "the index of a tuple must be a literal int");
  const auto size = static_cast<int64_t>(items_.size());
  const int64_t at = content->toInt() < 0 ? content->toInt() + size : content->toInt();
  if (at < 0 || at >= size) emitter.fail(where, "tuple index out of range");
  return items_[static_cast<size_t>(at)];
}

}  // namespace calque::torchscript
