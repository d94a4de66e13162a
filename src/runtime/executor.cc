#include "runtime/executor.h"

#include <array>
#include <span>

#include "base/check.h"
#include "base/text.h"
#include "calque/error.h"

namespace calque::runtime {

namespace {

/// ` (in encoder.layer.0.attention, code/__torch__/bert.py line 88, aten::matmul)`
std::string place(const Node* node) {
  if (node == nullptr) return {};
  std::string text;
  if (!node->scope.empty()) text += "in " + node->scope;
  if (node->range.file != nullptr && node->range.line > 0) {
    text += cat(text.empty() ? "" : ", ", *node->range.file, " line ", node->range.line);
  }
  text += cat(text.empty() ? "" : ", ", node->kind);
  return cat("\n(", text, ")");
}

template <class E>
[[noreturn]] void rethrow(const E& error, const Node* node) {
  throw E(error.msg() + place(node));
}

/// Adds the place in the program to an error and throws it again with its own type.
[[noreturn]] void rethrow_with_place(const Node* node) {
  try {
    throw;
  } catch (const IndexError& e) {
    rethrow(e, node);
  } catch (const ValueError& e) {
    rethrow(e, node);
  } catch (const TypeError& e) {
    rethrow(e, node);
  } catch (const NotImplementedError& e) {
    rethrow(e, node);
  } catch (const RuntimeError& e) {
    rethrow(e, node);
  } catch (const LimitError& e) {
    rethrow(e, node);
  }
}

class Frame {
 public:
  Frame(const Plan& plan, std::vector<IValue> inputs, Run& run)
      : plan_(plan), run_(run), registers_(std::move(inputs)) {
    registers_.resize(plan.register_count());
  }

  std::vector<IValue> execute() {
    const std::span<const Instruction> code = plan_.instructions();
    for (size_t at = 0; at < code.size();) at = step(code[at], at);
    std::vector<IValue> outputs;
    outputs.reserve(plan_.outputs().size());
    for (const Operand& operand : plan_.outputs()) outputs.push_back(take(operand));
    return outputs;
  }

 private:
  IValue take(const Operand& operand) {
    if (operand.constant) return plan_.constant(operand.index);
    if (operand.last) return std::move(registers_[operand.index]);
    return registers_[operand.index];
  }

  size_t step(const Instruction& i, size_t at) {
    switch (i.code) {
      case Opcode::Operator:
      case Opcode::Structural:
      case Opcode::Call:
        operation(i);
        return at + 1;
      case Opcode::GetSlot:
        get_slot(i);
        return at + 1;
      case Opcode::Move:
        move(i);
        return at + 1;
      case Opcode::Jump:
        run_.poll();
        return i.target;
      case Opcode::JumpIfFalse:
        return take(plan_.operands(i)[0]).toBool() ? at + 1 : i.target;
      case Opcode::LoopTest:
        return loop_goes_on(i) ? at + 1 : i.target;
      case Opcode::Increment: {
        IValue& counter = registers_[plan_.results(i)[0]];
        counter = IValue(counter.toInt() + 1);
        return at + 1;
      }
      case Opcode::Drop:
        for (const uint32_t r : plan_.results(i)) registers_[r] = IValue();
        return at + 1;
    }
    check(false, "executor: unknown instruction");
    return at + 1;
  }

  bool loop_goes_on(const Instruction& i) {
    const std::span<const Operand> operands = plan_.operands(i);
    if (registers_[operands[0].index].toInt() >= registers_[operands[1].index].toInt()) return false;
    if (!registers_[operands[2].index].toBool()) return false;
    run_.count_iteration();
    return true;
  }

  void move(const Instruction& i) {
    const std::span<const Operand> operands = plan_.operands(i);
    const std::span<const uint32_t> results = plan_.results(i);
    if (operands.size() == 1) {
      registers_[results[0]] = take(operands[0]);
      return;
    }
    std::vector<IValue> values;
    values.reserve(operands.size());
    for (const Operand& operand : operands) values.push_back(take(operand));
    for (size_t k = 0; k < results.size(); ++k) registers_[results[k]] = std::move(values[k]);
  }

  void operation(const Instruction& i) {
    run_.poll();
    const size_t wanted = i.operands_count + i.results_count;
    if (wanted <= 4) return perform_with<4>(i);
    if (wanted <= 8) return perform_with<8>(i);
    if (wanted <= 16) return perform_with<16>(i);
    std::vector<IValue> values(wanted);
    perform(i, values);
  }

  /// Arguments and results of most operators lie on the stack; every unused place costs time.
  template <size_t kPlaces>
  void perform_with(const Instruction& i) {
    std::array<IValue, kPlaces> values;
    perform(i, values);
  }

  void get_slot(const Instruction& i) {
    const Operand& operand = plan_.operands(i)[0];
    const IValue& owner = operand.constant ? plan_.constant(operand.index) : registers_[operand.index];
    const ObjectImpl* object = owner.object_impl();
    const bool is_known = object != nullptr && object->type.get() == i.node->input()->type.get();
    if (!is_known || i.target >= object->slots.size()) return operation(i);
    IValue value = object->slots[i.target];
    if (operand.last) registers_[operand.index] = IValue();
    registers_[plan_.results(i)[0]] = std::move(value);
  }

  void perform(const Instruction& i, std::span<IValue> values) {
    const std::span<const Operand> operands = plan_.operands(i);
    for (size_t k = 0; k < operands.size(); ++k) values[k] = take(operands[k]);
    const std::span<IValue> arguments = values.first(i.operands_count);
    const std::span<IValue> results = values.subspan(i.operands_count, i.results_count);
    try {
      invoke(i, arguments, results);
    } catch (const Error&) {
      if (i.code == Opcode::Call) throw;
      rethrow_with_place(i.node);
    }
    const std::span<const uint32_t> targets = plan_.results(i);
    for (size_t k = 0; k < targets.size(); ++k) registers_[targets[k]] = std::move(results[k]);
  }

  void invoke(const Instruction& i, std::span<IValue> arguments, std::span<IValue> results) {
    if (i.op != nullptr) {
      i.op->call(arguments, results);
      if (run_.budget() != nullptr) run_.check_sizes(results);
      if (run_.observer() != nullptr) observe(i, arguments, results);
    } else if (i.structural != nullptr) {
      i.structural(*i.node, arguments, results, run_);
    } else {
      call(*i.node, arguments, results);
    }
  }

  void observe(const Instruction& i, std::span<const IValue> arguments, std::span<const IValue> results) {
    const int64_t bytes = run_.budget() == nullptr ? 0 : run_.budget()->used.load(std::memory_order_relaxed);
    run_.observer()->called(*i.node, arguments, results, bytes);
  }

  void call(const Node& node, std::span<IValue> arguments, std::span<IValue> results) {
    const Function* function = node.function;
    if (node.is("prim::CallMethod")) {
      const ObjectImpl* object = arguments[0].object_impl();
      if (object == nullptr)
        throw TypeError(cat("'", arguments[0].type_name(), "' has no method '", node.name, "'"));
      function = object->type->find_method(node.name);
      if (function == nullptr) throw RuntimeError(cat("Method '", node.name, "' is not defined."));
    }
    std::vector<IValue> values = run_.call(*function, {arguments.begin(), arguments.end()});
    for (size_t k = 0; k < results.size(); ++k) results[k] = std::move(values[k]);
  }

  const Plan& plan_;
  Run& run_;
  std::vector<IValue> registers_;
};

}  // namespace

Run::Run(const jit::RunOptions& options, PlanOf plan_of, Observer* observer)
    : options_(options), plan_of_(std::move(plan_of)), observer_(observer) {
  if (options.max_memory > 0) budget_ = std::make_shared<MemoryBudget>(options.max_memory);
  if (options.max_seconds > 0) {
    deadline_ =
        std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                               std::chrono::duration<double>(options.max_seconds));
  }
}

void Run::poll() const {
  if (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed)) {
    throw CancelledError("the run was cancelled");
  }
  if (options_.max_seconds > 0 && std::chrono::steady_clock::now() > deadline_) {
    throw LimitError(
        cat("the run took longer than the ", options_.max_seconds, " s that RunOptions::max_seconds allows"));
  }
}

void Run::count_iteration() {
  ++iterations_;
  if (options_.max_iterations > 0 && iterations_ > options_.max_iterations) {
    throw LimitError(cat("the run made more than the ", options_.max_iterations,
                         " loop iterations that RunOptions::max_iterations allows"));
  }
}

void Run::check_sizes(std::span<const IValue> results) const {
  for (const IValue& result : results) {
    size_t bytes = 0;
    if (result.isString()) bytes = result.toStringRef().size();
    if (result.isList()) bytes = result.list_impl()->items.size() * sizeof(IValue);
    if (bytes <= static_cast<size_t>(budget_->limit)) continue;
    throw LimitError(cat("a ", result.isString() ? "text" : "list", " of ", bytes,
                         " bytes is larger than the ", budget_->limit,
                         " bytes that RunOptions::max_memory allows"));
  }
}

std::vector<IValue> Run::call(const Function& function, std::vector<IValue> arguments) {
  if (++depth_ > options_.max_recursion) {
    throw LimitError(cat("calls are nested deeper than the ", options_.max_recursion,
                         " that RunOptions::max_recursion allows, at ", function.qualified_name));
  }
  std::vector<IValue> results = execute(*plan_of_(function), std::move(arguments), *this);
  --depth_;
  return results;
}

std::vector<IValue> execute(const Plan& plan, std::vector<IValue> inputs, Run& run) {
  check(inputs.size() == plan.input_count(), "execute: the number of inputs is not the plan's");
  return Frame(plan, std::move(inputs), run).execute();
}

}  // namespace calque::runtime
