#include "jit/executable.h"

#include "base/check.h"
#include "base/text.h"
#include "calque/error.h"
#include "passes/passes.h"
#include "runtime/executor.h"
#include "tensor/block_cache.h"

namespace calque::jit {

std::unique_ptr<Graph> optimized_graph(const Function& function) {
  check(function.graph != nullptr, cat(function.qualified_name, " has no graph"));
  std::unique_ptr<Graph> graph = function.graph->copy();
  passes::run_pipeline(*graph);
  return graph;
}

std::shared_ptr<const runtime::Plan> plan_of(const Function& function) {
  const std::lock_guard lock(function.executable_mutex);
  if (function.executable == nullptr) {
    function.executable = std::make_shared<const runtime::Plan>(optimized_graph(function));
  }
  return std::static_pointer_cast<const runtime::Plan>(function.executable);
}

IValue run_function(const Function& function, std::vector<IValue> arguments, const RunOptions& options,
                    runtime::Observer* observer) {
  const std::shared_ptr<const runtime::Plan> plan = plan_of(function);
  runtime::Run run(options, plan_of, observer);
  const ScopedBlockCache blocks;
  std::vector<IValue> results;
  if (run.budget() != nullptr) {
    const ScopedMemoryBudget scope(run.budget());
    results = runtime::execute(*plan, std::move(arguments), run);
  } else {
    results = runtime::execute(*plan, std::move(arguments), run);
  }
  if (results.empty()) return {};
  return std::move(results[0]);
}

}  // namespace calque::jit
