#include "jit/executable.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "ops/batch_invariance.h"
#include "ops/fused.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "runtime/executor.h"
#include "tensor/block_cache.h"

namespace calque::jit {

namespace {

/// What Function::executable points to.
struct Executable {
  PlanOptions options;
  std::shared_ptr<const runtime::Plan> plan{};
  std::vector<PassTime> times{};
};

std::shared_ptr<const Executable> executable_of(const Function& function) {
  auto found = std::static_pointer_cast<const Executable>(function.executable);
  return found != nullptr ? found : std::make_shared<const Executable>();
}

std::string dump_folder(const PlanOptions& options) {
  if (!options.dump_folder.empty()) return options.dump_folder;
  const char* const folder = std::getenv("CALQUE_DUMP_PHASES");
  return folder == nullptr ? "" : folder;
}

/// Writes the graph after each pass to `DIR/NAME.03-pass.txt`.
std::function<void(std::string_view, const Graph&)> phase_writer(const Function& function,
                                                                 const std::string& folder) {
  if (folder.empty()) return {};
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);  // Writing says what is wrong.
  return [start = cat(folder, "/", function.qualified_name, "."), number = 0](std::string_view phase,
                                                                              const Graph& graph) mutable {
    const std::string count = std::to_string(number++);
    write_file(cat(start, count.size() < 2 ? "0" : "", count, "-", phase, ".txt"),
               as_bytes(to_string(graph)));
  };
}

std::unique_ptr<Graph> optimized_graph(const Function& function, const passes::PipelineOptions& options) {
  check(function.graph != nullptr, cat(function.qualified_name, " has no graph"));
  std::unique_ptr<Graph> graph = function.graph->copy();
  passes::run_pipeline(*graph, options);
  return graph;
}

Executable planned(const Function& function, PlanOptions options) {
  Executable made{.options = std::move(options)};
  passes::PipelineOptions pipeline{.disabled = made.options.disabled, .arithmetic = function.arithmetic};
  pipeline.on_phase = phase_writer(function, dump_folder(made.options));
  pipeline.verify = static_cast<bool>(pipeline.on_phase);
  if (made.options.time_passes) {
    pipeline.on_time = [&](std::string_view pass, double seconds) {
      made.times.push_back({function.qualified_name, std::string(pass), seconds});
    };
  }
  made.plan = std::make_shared<const runtime::Plan>(optimized_graph(function, pipeline));
  return made;
}

}  // namespace

std::unique_ptr<Graph> unfused_graph(const Function& function) {
  return optimized_graph(function, {.fuse = false});
}

void set_plan_options(const Function& function, PlanOptions options) {
  const std::lock_guard lock(function.executable_mutex);
  function.executable = std::make_shared<const Executable>(Executable{.options = std::move(options)});
}

std::shared_ptr<const runtime::Plan> plan_of(const Function& function) {
  const std::lock_guard lock(function.executable_mutex);
  std::shared_ptr<const Executable> executable = executable_of(function);
  if (executable->plan == nullptr) {
    executable = std::make_shared<const Executable>(planned(function, executable->options));
    function.executable = executable;
  }
  return executable->plan;
}

std::vector<std::string> pass_names() { return passes::pass_names(); }

void check_pass_names(const std::vector<std::string>& names) { passes::check_names(names); }

std::vector<PassTime> pass_times(const Module& module) {
  std::vector<PassTime> times;
  if (module._ivalue()->unit == nullptr) return times;
  for (const auto& function : module._ivalue()->unit->functions()) {
    const std::lock_guard lock(function->executable_mutex);
    const std::vector<PassTime>& more = executable_of(*function)->times;
    times.insert(times.end(), more.begin(), more.end());
  }
  return times;
}

namespace {

/// Plans without fused operators, each made once.
runtime::Run::PlanOf unfused_plans() {
  using Plans = std::map<const Function*, std::shared_ptr<const runtime::Plan>>;
  return [made = std::make_shared<Plans>()](const Function& function) {
    std::shared_ptr<const runtime::Plan>& plan = (*made)[&function];
    if (plan == nullptr) plan = std::make_shared<const runtime::Plan>(unfused_graph(function));
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
  const ops::ScopedBatchInvariance invariance(options.batch_invariant);
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
