// One function from its syntax tree to its graph.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "torchscript/emitter.h"
#include "torchscript/environment.h"
#include "torchscript/sugared_names.h"
#include "torchscript/sugared_value.h"

namespace calque::torchscript {

/// Compiles the body of a function whose schema is known except, perhaps, its return type, which is then
/// filled in.
void compile_function(Program& program, Function& function, const Declaration& declaration);

/// How control leaves a list of statements.
enum class Flow : uint8_t {
  kNext,    ///< it goes on behind the list
  kThrow,   ///< never: an exception
  kReturn,  ///< never: the function returns
  kLeave,   ///< never: break or continue
  kMaybe,   ///< decided at run time: the variable %exit says whether it left
};

/// What is known about variables when a condition is true, or false.
using Refinements = std::map<std::string, TypePtr, std::less<>>;

struct Condition {
  Value* value = nullptr;       ///< bool; null when `fixed` is known and nothing was emitted
  std::optional<bool> fixed{};  ///< known now: only one branch is compiled
  Refinements when_true{};
  Refinements when_false{};
};

class FunctionCompiler final : public Emitter {
 public:
  /// `outer` is the function around a closure, or nullptr.
  FunctionCompiler(Program& program, Function& function, const Declaration& declaration,
                   FunctionCompiler* outer = nullptr);

  void compile();
  /// Values of `outer` that a closure uses, in the order of the graph's inputs.
  const std::vector<Value*>& captured() const { return captured_; }

  std::vector<Value*> expand(Position where, const Expansion& expansion,
                             const std::vector<Value*>& inputs) override;

 private:
  using Statements = std::span<const Stmt* const>;
  struct Loop;
  struct Arm {
    Block* block;
    Frame* frame;
    Flow flow;
  };
  class BlockScope;

  // compiler.cc: variables, functions, returns.
  void bind_parameters();
  void finish(Flow flow);
  Sugared find_name(Position where, std::string_view name);
  Sugared capture(std::string_view name);
  void set_variable(Position where, std::string_view name, Sugared value);
  Value* annotated(Position where, Value* value, const TypePtr& type);
  TypePtr read_type(const Expr& expr);
  Value* flag(Position where, bool on) { return constant(where, on); }

  // compiler_statement.cc
  Flow statements(Statements list);
  Flow statement(const Stmt& stmt);
  Flow expression_statement(const Stmt& stmt);
  Flow return_statement(const Stmt& stmt);
  Flow leave_loop(const Stmt& stmt);
  Flow raise_statement(const Stmt& stmt);
  Flow raise_value(Position where, Value* message, const std::string& error);
  Flow assert_statement(const Stmt& stmt);
  Flow with_statement(const Stmt& stmt);
  TypePtr enter_type(Position where, const Value& manager);
  void delete_statement(const Stmt& stmt);
  void assign(const Stmt& stmt);
  void assign_to(const Expr& target, const Sugared& value);
  void unpack_to(const Expr& target, const Sugared& value);
  void augment(const Stmt& stmt);
  Value* augmented(const Stmt& stmt, Value* left, Value* right);

  // compiler_control.cc
  Flow if_statement(const Stmt& stmt, Statements rest, bool& rest_is_done);
  Flow guarded(Position where, const std::function<Flow()>& rest);
  void merge(Position where, Node* node, const Arm& yes, const Arm& no);
  void merge_variable(Position where, Node* node, const Arm& yes, const Arm& no, const std::string& name);
  Value* arm_value(Position where, const Arm& arm, const Arm& other, const std::string& name);
  Flow in_block(Block* block, Frame& frame, const std::function<Flow()>& emit);

  // compiler_loop.cc
  Flow while_statement(const Stmt& stmt);
  Flow for_statement(const Stmt& stmt);
  Flow unrolled(const Stmt& stmt, const std::vector<Sugared>& items, size_t at);
  Flow loop(Loop& loop);
  void open_loop(Loop& loop);
  void close_loop(Loop& loop, Flow flow);
  Value* loop_goes_on(Loop& loop, Flow flow);

  // compiler_condition.cc
  Condition condition(const Expr& expr);
  Condition compare_none(const Expr& expr, const Expr& tested, bool equal);
  Condition combined(const Expr& expr);
  Condition instance_condition(const Expr& expr);
  Condition attribute_condition(const Expr& expr);
  Value* condition_value(Position where, const Condition& condition);
  Value* to_bool(Position where, Value* value);
  void refine(Position where, const Refinements& refinements);
  Value* conditional(const Expr& expr, const TypePtr& hint);

  // compiler_expr.cc
  Value* value_of(const Expr& expr, const TypePtr& hint = nullptr);
  Sugared sugared(const Expr& expr, const TypePtr& hint = nullptr);
  Value* number(const Expr& expr, bool negative);
  Value* unary(const Expr& expr);
  Value* binary(const Expr& expr);
  Value* comparison(const Expr& expr);
  Value* operate(Position where, std::string_view text, Value* left, Value* right);
  Value* list_literal(const Expr& expr, const TypePtr& hint);
  Value* dict_literal(const Expr& expr, const TypePtr& hint);
  Value* tuple_literal(const Expr& expr, const TypePtr& hint);
  Value* format(const Expr& expr);
  Value* list_comprehension(const Expr& expr, const TypePtr& hint);
  Value* dict_comprehension(const Expr& expr, const TypePtr& hint);
  void comprehension_loop(const Expr& target, const Expr& source, const Expr* filter,
                          const std::function<void()>& body);
  TypePtr common_type(const std::vector<Value*>& values, const TypePtr& hint);

  // compiler_call.cc
  Sugared call(const Expr& expr, const TypePtr& hint);
  Arguments arguments(const Expr& expr, size_t skip = 0);
  Sugared special_call(SpecialForm form, const Expr& expr);
  Sugared annotate_call(const Expr& expr);
  Sugared getattr_call(const Expr& expr);
  Sugared list_call(const Expr& expr, const TypePtr& hint);
  Sugared dict_call(const Expr& expr, const TypePtr& hint);
  Sugared tuple_call(const Expr& expr);
  Sugared to_list(Position where, Value* tensor, const TypePtr& hint);

  // compiler_fork.cc
  Sugared fork_call(const Expr& expr);
  Value* fork_closure(Position where, const Stmt& def);
  Value* fork_target(Position where, const Sugared& target, const Arguments& arguments);
  Function* add_closure(std::unique_ptr<Function> function);

  // compiler_index.cc
  struct TensorIndex;
  Sugared subscript(const Expr& expr);
  Value* slice(Position where, Value* value, const Expr& slice);
  Value* tuple_slice(Position where, Value* tuple, const Expr& slice);
  Value* tuple_item(Position where, Value* tuple, Value* index);
  TensorIndex index_tensor(Position where, Value* tensor, std::span<const Expr* const> indices);
  Value* index_value(Position where, const TensorIndex& index);
  void subscript_assign(const Expr& target, Value* value);
  void subscript_augment(const Stmt& stmt);
  Value* as_tensor_like(Position where, Value* value, Value* like);

  Function& function_;
  const Declaration& declaration_;
  FunctionCompiler* const outer_;
  Frame top_{nullptr};
  Frame* frame_ = &top_;
  Loop* loop_ = nullptr;
  TypePtr return_type_;  ///< null until known
  bool return_declared_ = false;
  std::vector<Value*> captured_;
  /// Values of %ret that no return statement has set: their types do not count.
  std::unordered_set<const Value*> unset_returns_;
  bool uses_flags_ = false;
  int depth_ = 0;  ///< of blocks
};

}  // namespace calque::torchscript
