// Errors that the library throws. Every failure caused by input is one of these; none is fatal.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace calque {

/// Base of all errors of the library. `what()` is one readable message: where, what was found,
/// what was expected, what to do.
class Error : public std::exception {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  /// Same text as what().
  const std::string& msg() const noexcept { return message_; }

 private:
  std::string message_;
};

/// A file cannot be read or written, or its content is not valid for its format.
class LoadError : public Error {
 public:
  using Error::Error;
};

/// An operator, or a program, failed while it ran. Carries PyTorch's wording where users know it.
class RuntimeError : public Error {
 public:
  using Error::Error;
};

/// An argument has the right type and a wrong value.
class ValueError : public Error {
 public:
  using Error::Error;
};

/// An argument has the wrong type.
class TypeError : public Error {
 public:
  using Error::Error;
};

/// An index is out of range.
class IndexError : public Error {
 public:
  using Error::Error;
};

/// Valid input that asks for something the library does not support; says what does work.
class NotImplementedError : public Error {
 public:
  using Error::Error;
};

/// A limit of LoadOptions or RunOptions (memory, recursion, time, iterations) was reached.
class LimitError : public Error {
 public:
  using Error::Error;
};

/// The run was cancelled from another thread.
class CancelledError : public Error {
 public:
  using Error::Error;
};

/// A broken invariant of the library itself: a bug, never the user's fault.
class InternalError : public Error {
 public:
  using Error::Error;
};

}  // namespace calque
