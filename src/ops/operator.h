// Operators: schema, reference implementation, facts that passes ask for. One row of a family's table each.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "calque/ivalue.h"
#include "ir/schema.h"

namespace calque {

/// Arguments of one operator call, in schema order with defaults filled in, and its results.
class OpCall {
 public:
  OpCall(std::span<const IValue> arguments, std::span<IValue> results)
      : args_(arguments), results_(results) {}
  size_t size() const { return args_.size(); }
  const IValue& operator[](size_t i) const { return args_[i]; }
  Tensor tensor(size_t i) const { return args_[i].toTensor(); }
  std::optional<Tensor> optional_tensor(size_t i) const {
    return args_[i].isNone() ? std::nullopt : std::optional<Tensor>(args_[i].toTensor());
  }
  int64_t integer(size_t i) const { return args_[i].toInt(); }
  /// An int, or a float, both as double.
  double number(size_t i) const { return args_[i].toScalar().to_double(); }
  bool boolean(size_t i) const { return args_[i].toBool(); }
  Scalar scalar(size_t i) const { return args_[i].toScalar(); }
  Dims ints(size_t i) const { return args_[i].toIntVector(); }
  std::optional<int64_t> optional_int(size_t i) const {
    return args_[i].isNone() ? std::nullopt : std::optional<int64_t>(args_[i].toInt());
  }
  std::optional<ScalarType> optional_dtype(size_t i) const {
    return args_[i].isNone() ? std::nullopt
                             : std::optional<ScalarType>(static_cast<ScalarType>(args_[i].toInt()));
  }
  void ret(IValue value, size_t i = 0) const { results_[i] = std::move(value); }

 private:
  std::span<const IValue> args_;
  std::span<IValue> results_;
};

using OpFunction = void (*)(OpCall& call);

/// One row of an operator table. `schema` is PyTorch's text, exactly.
struct OpRow {
  const char* schema;
  OpFunction reference;
};

/// A resolved overload. Objects live as long as the program; pointers identify overloads.
class Operator {
 public:
  Operator(FunctionSchema schema, OpFunction reference);
  const FunctionSchema& schema() const { return schema_; }
  const std::string& name() const { return schema_.name; }
  /// Runs the reference. `results` has one place per return of the schema.
  void call(std::span<const IValue> arguments, std::span<IValue> results) const {
    if (!written_.empty()) mark_written(arguments);
    OpCall c(arguments, results);
    reference_(c);
  }

 private:
  void mark_written(std::span<const IValue> arguments) const;

  FunctionSchema schema_;
  OpFunction reference_;
  std::vector<size_t> written_;  ///< arguments that the operator writes to
};

/// All overloads of `name` (`aten::add`) in PyTorch's registration order, which is the order in which calls
/// are matched. Empty when unknown. Thread-safe.
std::span<const Operator* const> find_operators(std::string_view name);
/// One overload by full name (`aten::add.Tensor`); nullptr when unknown.
const Operator* find_operator(std::string_view full_name);
/// Every operator, sorted by full name.
std::vector<const Operator*> all_operators();

/// Runs an overload with arguments in schema order; missing trailing ones take their defaults. Returns all
/// results. TypeError / RuntimeError as PyTorch raises them.
std::vector<IValue> call_operator(const Operator& op, std::vector<IValue> arguments);

}  // namespace calque
