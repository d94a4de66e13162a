// A plan: one graph as a list of instructions over numbered registers. Immutable, shared by all runs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ir/graph.h"
#include "ops/operator.h"

namespace calque::runtime {

class Run;

/// Where an instruction finds an argument: a register, or a constant of the plan. `last` arguments are moved
/// out of the register, so that a tensor is freed by its last reader.
struct Operand {
  uint32_t index = 0;
  bool constant = false;
  bool last = false;
};

enum class Opcode : uint8_t {
  Operator,     ///< results = op(operands)
  Structural,   ///< results = structural(node, operands): tuples, lists, attributes …
  GetSlot,      ///< results[0] = attribute `target` of operand 0, when that is of the class its type says
  Call,         ///< results = a method that is chosen by the object's class
  Move,         ///< results[i] = operands[i], all read before any is written
  Jump,         ///< go to target
  JumpIfFalse,  ///< go to target when operand 0 (bool) is false
  LoopTest,     ///< operands: counter, trip count, condition; go to target when the loop is over
  Increment,    ///< results[0] += 1
  Drop,         ///< forget registers that nothing reads any more
};

/// Executes a structural node. `arguments` may be consumed.
using StructuralFunction = void (*)(const Node& node, std::span<IValue> arguments, std::span<IValue> results,
                                    Run& run);

struct Instruction {
  Opcode code = Opcode::Jump;
  uint32_t operands_begin = 0;
  uint32_t operands_count = 0;
  uint32_t results_begin = 0;
  uint32_t results_count = 0;
  uint32_t target = 0;
  const calque::Operator* op = nullptr;
  StructuralFunction structural = nullptr;
  const Node* node = nullptr;  ///< for messages; null for control flow
};

class Plan {
 public:
  /// Takes the graph over. Every operator node has its overload resolved (Node::op).
  explicit Plan(std::unique_ptr<Graph> graph);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const Graph& graph() const { return *graph_; }
  std::span<const Instruction> instructions() const { return instructions_; }
  std::span<const Operand> operands(const Instruction& i) const {
    return {operands_.data() + i.operands_begin, i.operands_count};
  }
  std::span<const uint32_t> results(const Instruction& i) const {
    return {results_.data() + i.results_begin, i.results_count};
  }
  const IValue& constant(uint32_t index) const { return constants_[index]; }
  size_t register_count() const { return register_count_; }
  /// Registers 0 … n-1 hold the inputs.
  size_t input_count() const { return graph_->inputs().size(); }
  std::span<const Operand> outputs() const { return outputs_; }

 private:
  friend class PlanBuilder;
  std::unique_ptr<Graph> graph_;
  std::vector<Instruction> instructions_;
  std::vector<Operand> operands_;
  std::vector<uint32_t> results_;
  std::vector<IValue> constants_;
  std::vector<Operand> outputs_;
  size_t register_count_ = 0;
};

/// The function for a structural kind; nullptr for kinds that are no structural operation.
StructuralFunction find_structural(std::string_view kind);

}  // namespace calque::runtime
