// Runs plans.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "calque/jit.h"
#include "runtime/plan.h"
#include "tensor/budget.h"

namespace calque::runtime {

/// Is told about every operator that ran, by the thread that runs it.
class Observer {
 public:
  virtual ~Observer() = default;
  /// `bytes_in_use`: what the budget of the run counts; 0 without one.
  virtual void called(const Node& node, std::span<const IValue> arguments, std::span<const IValue> results,
                      int64_t bytes_in_use) = 0;
};

/// State of one run: limits, cancellation, and how to find the plans of functions that are called.
class Run {
 public:
  using PlanOf = std::function<std::shared_ptr<const Plan>(const Function&)>;
  Run(const jit::RunOptions& options, PlanOf plan_of, Observer* observer = nullptr);

  /// CancelledError or LimitError when the run has to end.
  void poll() const;
  void count_iteration();
  /// LimitError for a text or a list that alone takes more than the memory of the run. Tensors are counted
  /// where they are allocated.
  void check_sizes(std::span<const IValue> results) const;
  std::vector<IValue> call(const Function& function, std::vector<IValue> arguments);
  const std::shared_ptr<MemoryBudget>& budget() const { return budget_; }
  Observer* observer() const { return observer_; }

 private:
  const jit::RunOptions& options_;
  PlanOf plan_of_;
  Observer* observer_;
  std::shared_ptr<MemoryBudget> budget_;
  std::chrono::steady_clock::time_point deadline_;
  int64_t iterations_ = 0;
  int depth_ = 0;
};

/// Executes `plan` on `inputs`. Errors of operators keep their type and text, with the place in the program
/// added.
std::vector<IValue> execute(const Plan& plan, std::vector<IValue> inputs, Run& run);

}  // namespace calque::runtime
