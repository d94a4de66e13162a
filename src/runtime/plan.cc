#include "runtime/plan.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/check.h"
#include "base/text.h"
#include "calque/error.h"

namespace calque::runtime {

/// Numbers the values of a graph and emits instructions, block by block.
class PlanBuilder {
 public:
  explicit PlanBuilder(Plan& plan) : plan_(plan) {}

  void build() {
    const Graph& graph = plan_.graph();
    for (const Value* input : graph.inputs()) register_of(input);
    find_last_readers(graph.block());
    body(graph.block());
    plan_.outputs_ = read_all(graph.block().return_node()->inputs, *graph.block().return_node());
    plan_.register_count_ = next_register_;
  }

 private:
  /// For each value defined in a block: the last node of that same block which reads it, itself or inside its
  /// blocks.
  void find_last_readers(const Block& block) {
    for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
      for (const auto& inner : node->blocks) find_last_readers(*inner);
      note_reads(*node, *node, block);
    }
    note_reads(*block.return_node(), *block.return_node(), block);
  }

  void note_reads(const Node& reader, const Node& in_block, const Block& block) {
    for (const Value* input : reader.inputs) {
      if (input->node->owner == &block) last_reader_[input] = &in_block;
    }
    for (const auto& inner : reader.blocks) {
      for (const Node* node = inner->first(); node != inner->return_node(); node = node->next) {
        note_reads(*node, in_block, block);
      }
      note_reads(*inner->return_node(), in_block, block);
    }
  }

  uint32_t register_of(const Value* value) {
    auto [it, added] = registers_.try_emplace(value, next_register_);
    if (added) ++next_register_;
    return it->second;
  }

  Operand read(const Value* value, const Node& reader, bool last_place) {
    if (value->node->is("prim::Constant")) {
      auto [it, added] = constants_.try_emplace(value, static_cast<uint32_t>(plan_.constants_.size()));
      if (added) plan_.constants_.push_back(value->node->value);
      return {it->second, true, false};
    }
    auto it = last_reader_.find(value);
    const bool last = last_place && !pinned(value) && it != last_reader_.end() && it->second == &reader &&
                      value->node->owner == reader.owner;
    return {register_of(value), false, last};
  }

  /// The counter of a loop belongs to the loop, not to its readers.
  static bool pinned(const Value* value) {
    const Node* owner = value->node->owner->owning_node();
    return owner != nullptr && owner->is("prim::Loop") && value->node == value->node->owner->param_node() &&
           value->offset == 0;
  }

  std::vector<Operand> read_all(const std::vector<Value*>& values, const Node& reader) {
    std::vector<Operand> operands;
    const std::vector<const Value*> later = read_inside(reader);
    for (size_t i = 0; i < values.size(); ++i) {
      bool again = std::find(later.begin(), later.end(), values[i]) != later.end();
      for (size_t k = i + 1; k < values.size(); ++k) again = again || values[k] == values[i];
      operands.push_back(read(values[i], reader, !again));
    }
    return operands;
  }

  uint32_t emit(Opcode code, const std::vector<Operand>& operands, const std::vector<uint32_t>& results,
                const Node* node = nullptr) {
    Instruction i;
    i.code = code;
    i.operands_begin = static_cast<uint32_t>(plan_.operands_.size());
    i.operands_count = static_cast<uint32_t>(operands.size());
    i.results_begin = static_cast<uint32_t>(plan_.results_.size());
    i.results_count = static_cast<uint32_t>(results.size());
    i.node = node;
    plan_.operands_.insert(plan_.operands_.end(), operands.begin(), operands.end());
    plan_.results_.insert(plan_.results_.end(), results.begin(), results.end());
    plan_.instructions_.push_back(i);
    return static_cast<uint32_t>(plan_.instructions_.size() - 1);
  }

  uint32_t here() const { return static_cast<uint32_t>(plan_.instructions_.size()); }
  void set_target(uint32_t instruction, uint32_t target) { plan_.instructions_[instruction].target = target; }

  std::vector<uint32_t> registers_of(const std::vector<Value*>& values) {
    std::vector<uint32_t> registers;
    for (const Value* value : values) registers.push_back(register_of(value));
    return registers;
  }

  void body(const Block& block) {
    for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
      if (node->is("prim::Constant")) continue;
      if (node->is("prim::If")) {
        branch(*node);
      } else if (node->is("prim::Loop")) {
        loop(*node);
      } else {
        operation(*node);
      }
      drop_dead(*node);
    }
  }

  /// Registers that the node made for nobody, or that only its inner blocks read for the last time.
  void drop_dead(const Node& node) {
    std::vector<uint32_t> dead;
    for (const Value* output : node.outputs) {
      if (!output->has_uses()) dead.push_back(register_of(output));
    }
    if (!node.blocks.empty()) {
      for (const Value* value : read_inside(node)) {
        auto it = last_reader_.find(value);
        if (it != last_reader_.end() && it->second == &node && !pinned(value))
          dead.push_back(register_of(value));
      }
    }
    if (!dead.empty()) emit(Opcode::Drop, {}, dead);
  }

  static std::vector<const Value*> read_inside(const Node& node) {
    std::vector<const Value*> values;
    const auto visit = [&](const auto& self, const Node& n) -> void {
      for (const Value* input : n.inputs) {
        if (input->node->owner == node.owner && !input->node->is("prim::Constant")) values.push_back(input);
      }
      for (const auto& inner : n.blocks) {
        for (const Node* x = inner->first(); x != nullptr; x = x->next) self(self, *x);
      }
    };
    for (const auto& inner : node.blocks) {
      for (const Node* x = inner->first(); x != nullptr; x = x->next) visit(visit, *x);
    }
    return values;
  }

  /// The place of an attribute that is read, when the class is known.
  static std::optional<size_t> slot_of(const Node& node) {
    if (!node.is("prim::GetAttr") || node.input()->type->kind() != TypeKind::Class) return std::nullopt;
    return static_cast<const ClassType&>(*node.input()->type).find_attribute(node.name);
  }

  void operation(const Node& node) {
    Opcode code = Opcode::Operator;
    StructuralFunction structural = nullptr;
    if (node.op == nullptr) {
      structural = find_structural(node.kind);
      code = Opcode::Structural;
      if (node.is("prim::CallMethod") || node.is("prim::CallFunction")) code = Opcode::Call;
      if (code == Opcode::Structural && structural == nullptr) {
        throw NotImplementedError(cat("the operation '", node.kind, "' is not supported"));
      }
    }
    const std::optional<size_t> slot = slot_of(node);
    if (slot.has_value()) code = Opcode::GetSlot;
    const uint32_t at = emit(code, read_all(node.inputs, node), registers_of(node.outputs), &node);
    if (slot.has_value()) set_target(at, static_cast<uint32_t>(*slot));
    plan_.instructions_[at].op = node.op;
    plan_.instructions_[at].structural = structural;
  }

  void branch(const Node& node) {
    const uint32_t test = emit(Opcode::JumpIfFalse, read_all(node.inputs, node), {}, &node);
    const std::vector<uint32_t> results = registers_of(node.outputs);
    body(*node.blocks[0]);
    emit(Opcode::Move, read_all(node.blocks[0]->outputs(), *node.blocks[0]->return_node()), results);
    const uint32_t skip = emit(Opcode::Jump, {}, {});
    set_target(test, here());
    body(*node.blocks[1]);
    emit(Opcode::Move, read_all(node.blocks[1]->outputs(), *node.blocks[1]->return_node()), results);
    set_target(skip, here());
  }

  void loop(const Node& node) {
    const Block& inner = *node.blocks[0];
    const uint32_t trip = next_register_++;
    const uint32_t condition = next_register_++;
    const uint32_t counter = register_of(inner.inputs()[0]);
    plan_.constants_.emplace_back(int64_t{0});
    const auto zero = static_cast<uint32_t>(plan_.constants_.size() - 1);

    std::vector<Operand> start = read_all(node.inputs, node);
    start.push_back({zero, true, false});
    std::vector<uint32_t> carried;
    for (size_t i = 1; i < inner.inputs().size(); ++i) carried.push_back(register_of(inner.inputs()[i]));
    std::vector<uint32_t> first = {trip, condition};
    first.insert(first.end(), carried.begin(), carried.end());
    first.push_back(counter);
    emit(Opcode::Move, start, first);

    const uint32_t test = emit(Opcode::LoopTest, {{counter}, {trip}, {condition}}, {}, &node);
    body(inner);
    std::vector<uint32_t> next = {condition};
    next.insert(next.end(), carried.begin(), carried.end());
    emit(Opcode::Move, read_all(inner.outputs(), *inner.return_node()), next);
    emit(Opcode::Increment, {}, {counter});
    const uint32_t back = emit(Opcode::Jump, {}, {});
    set_target(back, test);
    set_target(test, here());
    std::vector<Operand> results;
    for (const uint32_t r : carried) results.push_back({r, false, true});
    emit(Opcode::Move, results, registers_of(node.outputs));
  }

  Plan& plan_;
  std::unordered_map<const Value*, uint32_t> registers_;
  std::unordered_map<const Value*, uint32_t> constants_;
  std::unordered_map<const Value*, const Node*> last_reader_;
  uint32_t next_register_ = 0;
};

Plan::Plan(std::unique_ptr<Graph> graph) : graph_(std::move(graph)) { PlanBuilder(*this).build(); }

}  // namespace calque::runtime
