// Modules: parameters and children in order, under PyTorch's names, so that a state_dict fits.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "nn/recorder.h"
#include "nn/value.h"

namespace calque::nn {

/// How a parameter that no checkpoint gives is filled.
struct Init {
  enum class Kind { kZeros, kOnes, kNormal };
  Kind kind = Kind::kZeros;
  int64_t zero_row = -1;  ///< row that stays zero: an embedding's padding index
};

/// A weight: its shape is known from the start, its value only after loading or initialising. Parameters that
/// are tied are one object under several names.
struct Parameter {
  Dims shape;
  Init init;
  Tensor value;
};

using ParameterPtr = std::shared_ptr<Parameter>;

class Module {
 public:
  /// `python_class`: qualified name of the class in Python, for example `torch.nn.modules.linear.Linear`.
  explicit Module(std::string python_class) : python_class_(std::move(python_class)) {}
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const std::string& python_class() const { return python_class_; }
  /// Class name without path.
  std::string_view class_name() const;
  bool training() const { return training_; }
  /// Sets the flag here and below.
  void train(bool on);

  const std::vector<std::pair<std::string, ParameterPtr>>& own_parameters() const { return parameters_; }
  const std::vector<std::pair<std::string, std::unique_ptr<Module>>>& children() const { return children_; }
  /// Dotted names in PyTorch's order: own ones first, then those of the children. Tied ones under every name.
  std::vector<std::pair<std::string, ParameterPtr>> named_parameters() const;

 protected:
  ParameterPtr register_parameter(std::string name, Dims shape, Init init);
  void register_parameter(std::string name, ParameterPtr parameter);
  /// Makes a child of type M from `args` and keeps it; the pointer is valid as long as this module.
  template <class M, class... Args>
  M* register_module(std::string name, Args&&... args) {
    auto child = std::make_unique<M>(std::forward<Args>(args)...);
    M* raw = child.get();
    children_.emplace_back(std::move(name), std::move(child));
    return raw;
  }

 private:
  std::string python_class_;
  bool training_ = true;
  std::vector<std::pair<std::string, ParameterPtr>> parameters_;
  std::vector<std::pair<std::string, std::unique_ptr<Module>>> children_;
};

// Tensors inside a result of forward, in order. Result types of models add their own overload.
inline void collect(const Tensor& result, std::vector<Tensor>& into) { into.push_back(result); }
inline void collect(const std::optional<Tensor>& result, std::vector<Tensor>& into) {
  if (result.has_value()) into.push_back(*result);
}
inline void collect(const std::vector<Tensor>& result, std::vector<Tensor>& into) {
  into.insert(into.end(), result.begin(), result.end());
}
template <class A, class B>
void collect(const std::pair<A, B>& result, std::vector<Tensor>& into) {
  collect(result.first, into);
  collect(result.second, into);
}

/// Calls `child.forward(args…)` as a call of its own in a recording.
template <class M, class... Args>
auto call(const M& child, const Args&... args) {
  Recorder* recorder = active_recorder();
  if (recorder == nullptr) return child.forward(args...);
  recorder->enter(child);
  auto result = child.forward(args...);
  std::vector<Tensor> tensors;
  collect(result, tensors);
  recorder->leave(tensors);
  return result;
}

}  // namespace calque::nn
