// Values of a program that may be recorded while it runs: tensors, and numbers that were computed from them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "calque/ivalue.h"
#include "calque/tensor.h"

namespace calque::nn {

/// An int of the program. One that an operator computed (a size) carries an identity, so that a recorder can
/// tell it from a constant of the same value.
class Int {
 public:
  Int(int64_t constant) : value_(constant) {}  // NOLINT(google-explicit-constructor)
  Int(int constant) : value_(constant) {}      // NOLINT(google-explicit-constructor)
  Int(int64_t value, uint64_t token) : value_(value), token_(token) {}

  uint64_t token() const { return token_; }
  /// The value without a report to the recorder: for handing on to operators.
  int64_t peek() const { return value_; }
  /// The value for use in C++ control flow or arithmetic. A recorder warns: it cannot follow the value.
  int64_t to_cpp() const;

 private:
  int64_t value_;
  uint64_t token_ = 0;  ///< 0: a constant
};

/// A computed value that is neither tensor nor int, for example a device.
struct Computed {
  IValue value;
  uint64_t token = 0;
};

/// One argument or result of an operator, with what a recorder needs to know it again.
struct Operand {
  // NOLINTBEGIN(google-explicit-constructor)
  Operand(Tensor tensor) : value(std::move(tensor)) {}
  Operand(const std::optional<Tensor>& tensor) : value(tensor) {}
  Operand(Int number) : value(number.peek()), token(number.token()) {}
  Operand(int64_t number) : value(number) {}
  Operand(int number) : value(number) {}
  Operand(double number) : value(number) {}
  Operand(bool flag) : value(flag) {}
  Operand(const char* text) : value(text) {}
  Operand(std::nullopt_t) {}
  Operand(ScalarType dtype) : value(static_cast<int64_t>(dtype)) {}
  Operand(const Computed& computed) : value(computed.value), token(computed.token) {}
  Operand(const std::vector<Int>& numbers);
  Operand(const std::vector<Tensor>& tensors);
  // NOLINTEND(google-explicit-constructor)

  IValue value;
  uint64_t token = 0;             ///< identity of a computed number or device; 0: a constant, or a tensor
  std::vector<Operand> elements;  ///< of a list
};

/// A fresh identity for a computed value. Unique in the process.
uint64_t next_token();

}  // namespace calque::nn
