#include "jit/executable.h"

#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "ops/fused.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "runtime/executor.h"
#include "tensor/block_cache.h"

namespace calque::jit {

namespace {

/// Writes the graph after each pass to `DIR/NAME.03-pass.txt` when CALQUE_DUMP_PHASES names a folder.
std::function<void(std::string_view, const Graph&)> phase_writer(const Function& function) {
  const char* const folder = std::getenv("CALQUE_DUMP_PHASES");
  if (folder == nullptr || *folder == '\0') return {};
  return [start = cat(folder, "/", function.qualified_name, "."), number = 0](std::string_view phase,
                                                                              const Graph& graph) mutable {
    const std::string count = std::to_string(number++);
    write_file(cat(start, count.size() < 2 ? "0" : "", count, "-", phase, ".txt"),
               as_bytes(to_string(graph)));
  };
}

}  // namespace

std::unique_ptr<Graph> optimized_graph(const Function& function, bool fuse) {
  check(function.graph != nullptr, cat(function.qualified_name, " has no graph"));
  std::unique_ptr<Graph> graph = function.graph->copy();
  passes::PipelineOptions options{.fuse = fuse, .arithmetic = function.arithmetic};
  if (fuse) options.on_phase = phase_writer(function);
  passes::run_pipeline(*graph, options);
  return graph;
}

std::shared_ptr<const runtime::Plan> plan_of(const Function& function) {
  const std::lock_guard lock(function.executable_mutex);
  if (function.executable == nullptr) {
    function.executable = std::make_shared<const runtime::Plan>(optimized_graph(function, true));
  }
  return std::static_pointer_cast<const runtime::Plan>(function.executable);
}

namespace {

/// Plans without fused operators, each made once.
runtime::Run::PlanOf unfused_plans() {
  using Plans = std::map<const Function*, std::shared_ptr<const runtime::Plan>>;
  return [made = std::make_shared<Plans>()](const Function& function) {
    std::shared_ptr<const runtime::Plan>& plan = (*made)[&function];
    if (plan == nullptr) plan = std::make_shared<const runtime::Plan>(optimized_graph(function, false));
    return plan;
  };
}

}  // namespace

void prepare(const Function& function, const IValue& self) {
  const std::shared_ptr<const runtime::Plan> plan = plan_of(function);
  const Block& block = plan->graph().block();
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (node->op == nullptr || !node->kind.starts_with("calque::")) continue;
    std::vector<IValue> arguments;
    for (const Value* input : node->inputs) {
      arguments.push_back(passes::is_static(input) ? passes::static_value(input, self) : IValue());
    }
    ops::prepare_fused(*node->op, arguments);
  }
}

IValue run_function(const Function& function, std::vector<IValue> arguments, const RunOptions& options,
                    runtime::Observer* observer) {
  // An observer sees the program's own operators.
  runtime::Run::PlanOf plans = observer == nullptr ? runtime::Run::PlanOf(plan_of) : unfused_plans();
  const std::shared_ptr<const runtime::Plan> plan = plans(function);
  runtime::Run run(options, std::move(plans), observer);
  const ScopedBlockCache blocks;
  const ops::ScopedPadding padding(options.skip_padding);
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
