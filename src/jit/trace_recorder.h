// Builds one graph per module call from what a recorder hears.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "calque/jit.h"
#include "ir/graph.h"
#include "jit/trace_classes.h"
#include "nn/module.h"
#include "nn/recorder.h"

namespace calque::jit {

/// A recording of one call of `root`. A value that a module uses and neither makes nor owns becomes an
/// argument of its method, handed down through the calls in between, as in PyTorch's traces.
class TraceRecorder final : public nn::Recorder {
 public:
  struct Options {
    bool static_shapes = false;
    std::function<void(const std::string&)> on_warning;
  };

  TraceRecorder(const nn::Module& root, Options options);
  ~TraceRecorder() override;

  /// Declares the next argument of the root's forward.
  void add_input(const std::string& name, const Tensor& value);
  /// Announces a tensor that is meant to be a constant of the trace.
  void add_constant(const Tensor& value);
  /// Ends the recording. `outputs`: a tensor, or tuples and string-keyed dicts of outputs.
  Module finish(const IValue& outputs);

  bool static_shapes() const override { return options_.static_shapes; }
  void record(const Operator& op, const std::vector<nn::Operand>& arguments,
              const std::vector<nn::Operand>& results) override;
  void enter(const nn::Module& module) override;
  void leave(const std::vector<Tensor>& results) override;
  void name(const nn::Operand& value, std::string_view name) override;
  void escaped(nn::Escape kind) override;

 private:
  /// Identity of a value of the program: an object's address, or the token of a computed number.
  struct Key {
    bool computed;
    uint64_t id;
    auto operator<=>(const Key&) const = default;
  };
  struct Frame;

  static Key key_of(const nn::Operand& operand);
  static Key key_of(const void* object);
  Frame& frame() { return *frames_.back(); }
  void push_frame(const nn::Module& module, std::string path);

  /// The value of `key` in frame `depth`, handed down from an outer frame when need be; nullptr when unknown.
  Value* find(size_t depth, Key key);
  Value* add_argument(Frame& frame, const Value& outer, Key key);
  /// A submodule or parameter: by attribute from the frame's own module, else handed down.
  Value* member(size_t depth, const void* object);
  Value* attribute(Frame& frame, const std::vector<std::string>& path);

  Value* operand_value(const nn::Operand& operand, const Argument& argument);
  Value* tensor_value(const Tensor& tensor);
  Value* default_value(const Argument& argument);
  Value* list(const std::vector<Value*>& elements, const TypePtr& type);
  Value* constant(IValue value);
  Value* output_value(const IValue& output);
  Value* append(const char* kind, const std::vector<Value*>& inputs, TypePtr type);
  void define(const nn::Operand& result, Value* value);
  void warn(const std::string& text);

  TraceClasses classes_;
  Options options_;
  std::vector<std::unique_ptr<Frame>> frames_;  ///< the root's first
  std::set<const TensorImpl*> constants_;
  std::vector<Tensor> kept_alive_;  ///< identities are addresses: none may come again
  std::set<std::string> warned_;
};

}  // namespace calque::jit
