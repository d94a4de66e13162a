// What a name or an expression means while a function is compiled: a value of the graph, or something that
// has a meaning only to the compiler, such as a module of operators, a class or a range.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "torchscript/emitter.h"

namespace calque::torchscript {

/// Every operation has a default that refuses, with describe() in the message.
class SugaredValue : public std::enable_shared_from_this<SugaredValue> {
 public:
  virtual ~SugaredValue() = default;
  /// For messages: "module torch", "class Pair".
  virtual std::string describe() const = 0;

  /// As one value of the graph.
  virtual Value* as_value(Emitter& emitter, Position where);
  virtual Sugared attribute(Emitter& emitter, Position where, std::string_view name);
  virtual void set_attribute(Emitter& emitter, Position where, std::string_view name, Value* value);
  virtual bool has_attribute(std::string_view name) const;
  virtual Sugared call(Emitter& emitter, Position where, const Arguments& arguments);
  /// Its parts, for unpacking.
  virtual std::vector<Sugared> elements(Emitter& emitter, Position where, size_t wanted);
  /// How often a loop over it runs, when that is known now; such loops are unrolled.
  virtual std::optional<size_t> static_length() const { return std::nullopt; }
  /// For loops: the number of elements, or nullptr when nothing bounds it (enumerate of nothing).
  virtual Value* length(Emitter& emitter, Position where);
  /// For loops: the element at `index`, an int value below length().
  virtual Sugared element(Emitter& emitter, Position where, Value* index);
  /// The form of this value that a loop can run over.
  virtual Sugared iterable(Emitter& emitter, Position where);
};

/// A value of the graph.
class SimpleValue final : public SugaredValue {
 public:
  explicit SimpleValue(Value* value) : value_(value) {}
  std::string describe() const override { return "value of type '" + value_->type->annotation() + "'"; }
  Value* value() const { return value_; }

  Value* as_value(Emitter&, Position) override { return value_; }
  Sugared attribute(Emitter& emitter, Position where, std::string_view name) override;
  void set_attribute(Emitter& emitter, Position where, std::string_view name, Value* value) override;
  bool has_attribute(std::string_view name) const override;
  Sugared call(Emitter& emitter, Position where, const Arguments& arguments) override;
  std::vector<Sugared> elements(Emitter& emitter, Position where, size_t wanted) override;
  std::optional<size_t> static_length() const override;
  Value* length(Emitter& emitter, Position where) override;
  Sugared element(Emitter& emitter, Position where, Value* index) override;
  Sugared iterable(Emitter& emitter, Position where) override;

 private:
  Sugared class_attribute(Emitter& emitter, Position where, std::string_view name);

  Value* value_;
};

Sugared simple(Value* value);
/// The graph value behind `sugared` when it is one; nullptr otherwise.
Value* simple_value(const Sugared& sugared);

/// Several things side by side: results of an operator, a tuple of modules. Becomes a tuple when used as a
/// value.
class TupleValue final : public SugaredValue {
 public:
  /// `names` may be empty; else the tuple has these fields.
  explicit TupleValue(std::vector<Sugared> items, std::vector<std::string> names = {})
      : items_(std::move(items)), names_(std::move(names)) {}
  std::string describe() const override { return "tuple"; }
  const std::vector<Sugared>& items() const { return items_; }

  Value* as_value(Emitter& emitter, Position where) override;
  Sugared attribute(Emitter& emitter, Position where, std::string_view name) override;
  std::vector<Sugared> elements(Emitter& emitter, Position where, size_t wanted) override;
  std::optional<size_t> static_length() const override { return items_.size(); }
  Value* length(Emitter& emitter, Position where) override;
  Sugared element(Emitter& emitter, Position where, Value* index) override;
  Sugared iterable(Emitter&, Position) override { return shared_from_this(); }

 private:
  std::vector<Sugared> items_;
  std::vector<std::string> names_;
};

/// What a call without a result gives.
class NothingValue final : public SugaredValue {
 public:
  std::string describe() const override { return "None"; }
  Value* as_value(Emitter& emitter, Position where) override;
};

/// Result of an operator call as one sugared value.
Sugared pack(const CallResult& result);

}  // namespace calque::torchscript
