// Builds a graph node by node: the part of the compiler that values with syntax of their own may use.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"
#include "torchscript/program.h"

namespace calque::torchscript {

struct Expansion;

struct NamedValue {
  std::string_view name;
  Value* value;
};

/// Arguments of a call, evaluated.
struct Arguments {
  std::vector<Value*> positional{};
  std::vector<NamedValue> keywords{};
};

/// What a call of an operator gives.
struct CallResult {
  std::vector<Value*> values{};      ///< one per return of the schema
  std::vector<std::string> names{};  ///< of the returns, when all have one
};

/// How far an argument may be changed to fit a parameter. Tried in this order over all overloads of a call.
enum class Conversion : uint8_t {
  kNone,      ///< only what needs no conversion: tuples for lists, a number for `int[2]`
  kImplicit,  ///< Tensor to number, number to int, str to Device, several ints for a list
  kLiterals,  ///< also an int literal where a float is wanted (PyTorch prints 1e10 as 10000000000)
};

class Emitter {
 public:
  Emitter(Program& program, const Source& source, Graph& graph, std::string function_name)
      : program_(program),
        source_(source),
        graph_(graph),
        block_(&graph.block()),
        function_name_(std::move(function_name)),
        operator_version_(program.options().operator_version) {}
  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;
  virtual ~Emitter() = default;

  Program& program() { return program_; }
  const Source& source() const { return source_; }
  Graph& graph() { return graph_; }
  const std::string& function_name() const { return function_name_; }

  /// Version whose operator meanings hold for the calls that are emitted.
  int64_t operator_version() const { return operator_version_; }
  /// Emits an overload that is written as an expression; `inputs` are in the order of its schema.
  virtual std::vector<Value*> expand(Position where, const Expansion& expansion,
                                     const std::vector<Value*>& inputs) = 0;

  /// Whether an assignment to an attribute here gives the class the attribute: at the top of its `__init__`,
  /// in a script.
  bool defines_attributes_of(const ClassType& type) const;

  /// New nodes go to the end of this block.
  Block* block() const { return block_; }
  void set_block(Block* block) { block_ = block; }

  /// LoadError at the place.
  [[noreturn]] void fail(Position where, std::string_view message) const;

  Node* node(Position where, std::string kind, const std::vector<Value*>& inputs = {});
  /// A node with one result.
  Value* value(Position where, std::string kind, const std::vector<Value*>& inputs, TypePtr type);
  Value* constant(Position where, IValue value);
  Value* constant(Position where, IValue value, TypePtr type);
  Value* list(Position where, TypePtr element, const std::vector<Value*>& items);
  Value* tuple(Position where, const std::vector<Value*>& items, TypePtr type = nullptr);
  /// The items; a tuple that was made here is not taken apart again, as in PyTorch.
  std::vector<Value*> unpack_tuple(Position where, Value* tuple);
  Value* unchecked_cast(Position where, Value* value, TypePtr type);
  Value* uninitialized(Position where, TypePtr type);
  Value* get_attribute(Position where, Value* object, std::string_view name, TypePtr type);

  /// Calls an operator by name; it must give one result.
  Value* builtin(Position where, std::string_view name, const std::vector<Value*>& positional,
                 const std::vector<NamedValue>& keywords = {});

  /// `value` as `type`, with implicit conversions as far as `conversion` allows; the result may still be no
  /// subtype of `type`, and then is `value` itself or partly converted.
  Value* convert(Position where, const TypePtr& type, Value* value, Conversion conversion);
  /// The same; LoadError that begins with `what` when the types do not fit.
  Value* convert_to(Position where, const TypePtr& type, Value* value, std::string_view what);

  /// Marks the result of `[]`, which fits every list type until it is the value of a variable.
  void mark_empty_list(const Value* value) { empty_lists_.insert(value); }
  void unmark_empty_list(const Value* value) { empty_lists_.erase(value); }
  bool is_empty_list(const Value* value) const { return empty_lists_.contains(value); }

  /// Removes the nodes after `last` (nullptr: all) in the current block.
  void undo_to(Node* last);
  /// The last node of the current block, or nullptr.
  Node* last_node() const { return block_->empty() ? nullptr : block_->last(); }

  SourceRange range(Position where) const;

 protected:
  void set_operator_version(int64_t version) { operator_version_ = version; }
  /// While set, everything is said to stand at this place: what is emitted comes from another text.
  void set_fixed_place(std::optional<Position> place) { fixed_place_ = place; }
  bool has_fixed_place() const { return fixed_place_.has_value(); }

 private:
  Value* convert_scalar(Position where, const TypePtr& type, Value* value);
  Value* convert_literal(Position where, const TypePtr& type, Value* value);
  Value* convert_tuple(Position where, const TypePtr& type, Value* value, Conversion conversion);

  Program& program_;
  const Source& source_;
  Graph& graph_;
  Block* block_;
  const std::string function_name_;
  int64_t operator_version_;
  std::optional<Position> fixed_place_;
  std::unordered_set<const Value*> empty_lists_;
};

/// The constant behind a value; nullptr when it is none.
const IValue* constant_of(const Value* value);
/// T of Optional[T]; the type itself otherwise.
const TypePtr& unwrap_optional(const TypePtr& type);
/// May a tuple of this type stand where that list is wanted?
bool tuple_fits_list(const Type& tuple, const Type& list);

}  // namespace calque::torchscript
