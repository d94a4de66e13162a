// For unit tests: a recorder that writes down what it hears.
#pragma once

#include <string>
#include <vector>

#include "nn/module.h"
#include "nn/recorder.h"

namespace calque::nn {

class ListingRecorder final : public Recorder {
 public:
  bool static_shapes() const override { return is_static; }
  void record(const Operator& op, const std::vector<Operand>& arguments,
              const std::vector<Operand>& results) override {
    lines.push_back(op.name());
    last_arguments = arguments;
    last_results = results;
  }
  void enter(const Module& module) override { lines.push_back("enter " + std::string(module.class_name())); }
  void leave(const std::vector<Tensor>& results) override {
    lines.push_back("leave " + std::to_string(results.size()));
  }
  void name(const Operand&, std::string_view name) override { lines.push_back("name " + std::string(name)); }
  void escaped(Escape kind) override { escapes.push_back(kind); }

  bool is_static = false;
  std::vector<std::string> lines;
  std::vector<Operand> last_arguments, last_results;
  std::vector<Escape> escapes;
};

}  // namespace calque::nn
