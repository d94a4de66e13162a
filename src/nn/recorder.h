// Recorder: hears of every operator and every module call while a model runs eagerly in the same thread.
#pragma once

#include <string_view>
#include <vector>

#include "nn/value.h"
#include "ops/operator.h"

namespace calque::nn {

class Module;

/// A C++ value was made from a value of the program, which no recorder can follow.
enum class Escape { kBoolean, kInteger, kFloat };

class Recorder {
 public:
  virtual ~Recorder() = default;
  /// Sizes are to be constants of the program.
  virtual bool static_shapes() const = 0;
  /// `op` ran. Arguments in schema order; trailing ones that took their defaults are left out.
  virtual void record(const Operator& op, const std::vector<Operand>& arguments,
                      const std::vector<Operand>& results) = 0;
  /// `module` was called; what is recorded until the matching leave() belongs to it.
  virtual void enter(const Module& module) = 0;
  virtual void leave(const std::vector<Tensor>& results) = 0;
  /// A readable name for a value of the current frame.
  virtual void name(const Operand& value, std::string_view name) = 0;
  virtual void escaped(Escape kind) = 0;
};

/// The recorder of this thread; nullptr when nothing is recorded.
Recorder* active_recorder();

/// Makes `recorder` the active one of this thread while it lives; nullptr suspends recording.
class RecordingScope {
 public:
  explicit RecordingScope(Recorder* recorder);
  ~RecordingScope();
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;

 private:
  Recorder* previous_;
};

}  // namespace calque::nn
