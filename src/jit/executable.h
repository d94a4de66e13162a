// From a function to what runs: inlined, cleaned, planned; made once and kept with the function.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "calque/jit.h"
#include "ir/graph.h"
#include "runtime/plan.h"

namespace calque::runtime {
class Observer;
}

namespace calque::jit {

/// What the plan of a function is made with.
struct PlanOptions {
  std::vector<std::string> disabled{};  ///< names of passes
  bool time_passes = false;
  std::string dump_folder{};
};

/// For functions that are not planned yet: `options` hold for the plan that their first use makes.
void set_plan_options(const Function& function, PlanOptions options);

/// The plan of `function`, made on first use. Thread-safe.
std::shared_ptr<const runtime::Plan> plan_of(const Function& function);

/// Does now what the first run of a method of `self` would do once: plans it, and packs weights.
void prepare(const Function& function, const IValue& self);

/// A copy of the function's graph after the passes that leave it the program's own operators.
std::unique_ptr<Graph> unfused_graph(const Function& function);

/// Runs `function`; `arguments` are complete and in schema order (self first for methods).
IValue run_function(const Function& function, std::vector<IValue> arguments, const RunOptions& options,
                    runtime::Observer* observer = nullptr);

/// Puts positional and keyword arguments into schema order, fills defaults and checks types. `first` is bound
/// to `self` when the schema has one. Errors carry PyTorch's words and the declaration.
std::vector<IValue> bind_arguments(const FunctionSchema& schema, std::vector<IValue> positional,
                                   const Kwargs& kwargs);

}  // namespace calque::jit
