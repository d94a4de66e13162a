// The graph: blocks of nodes over values in single assignment form, as TorchScript's.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/schema.h"
#include "ir/type.h"

namespace calque {

class Operator;
class Graph;
class Block;
struct Node;

/// Where a node came from, for messages: file of the archive, line, column; and the original Python place if
/// the archive carries it.
struct SourceRange {
  std::shared_ptr<const std::string> file;  ///< name of the source record; null when unknown
  int line = 0;                             ///< 1-based; 0 when unknown
  int column = 0;                           ///< 1-based
};

struct Value {
  int id = 0;            ///< unique in the graph
  std::string hint;      ///< debug name without uniquing suffix; may be empty
  TypePtr type;          ///< never null
  Node* node = nullptr;  ///< producer; the block's parameter node for parameters
  int offset = 0;        ///< position among the producer's outputs
  struct Use {
    Node* user;
    int offset;
    friend bool operator==(const Use&, const Use&) = default;
  };
  std::vector<Use> uses;

  bool has_uses() const { return !uses.empty(); }
  void replace_all_uses_with(Value* other);
};

/// One operation. Kinds are `ns::name`: operators (`aten::add`) and the structural `prim::` kinds:
/// Constant (value), GetAttr / SetAttr (name), CallMethod (name; input 0 the object), CallFunction
/// (function), If (2 blocks), Loop (1 block; inputs: trip count, condition, carried…; block inputs: i,
/// carried…; block outputs: condition, carried…), ListConstruct, TupleConstruct, DictConstruct, ListUnpack,
/// TupleUnpack, TupleIndex, TupleSlice, CreateObject, isinstance (types), unchecked_cast, Uninitialized,
/// RaiseException, fork (1 block)…, Param and Return (the ends of a block).
struct Node {
  std::string kind;
  std::vector<Value*> inputs;
  std::vector<Value*> outputs;
  std::vector<std::unique_ptr<Block>> blocks;
  const Operator* op = nullptr;  ///< for operators: the overload that was resolved
  IValue value;                  ///< prim::Constant
  std::string name;              ///< GetAttr, SetAttr, CallMethod, enum/NamedTuple construction
  std::vector<TypePtr> types;    ///< isinstance
  Function* function = nullptr;  ///< CallFunction, fork
  SourceRange range;
  std::string scope;  ///< module path for traces and after inlining: `encoder.layer.0.attention`

  Block* owner = nullptr;
  Node* prev = nullptr;
  Node* next = nullptr;

  Graph& graph() const;
  Value* input(size_t i = 0) const { return inputs[i]; }
  Value* output(size_t i = 0) const { return outputs[i]; }
  void add_input(Value* value);
  void replace_input(size_t i, Value* value);
  void insert_input(size_t i, Value* value);
  void remove_input(size_t i);
  void remove_all_inputs();
  Value* add_output(TypePtr type, std::string hint = {});
  void erase_output(size_t i);
  Block* add_block();
  /// Links before / after another node of the same graph.
  void insert_before(Node* other);
  void insert_after(Node* other);
  void move_before(Node* other);
  /// Unlinks and frees. Outputs must have no uses left.
  void destroy();
  bool is(std::string_view k) const { return kind == k; }
};

/// A list of nodes with parameters and results.
class Block {
 public:
  Block(Graph& graph, Node* owning_node);
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block();

  Graph& graph() const { return graph_; }
  Node* owning_node() const { return owning_node_; }  ///< null for the top block
  Node* param_node() const { return param_; }
  Node* return_node() const { return return_; }
  const std::vector<Value*>& inputs() const { return param_->outputs; }
  const std::vector<Value*>& outputs() const { return return_->inputs; }
  Value* add_input(TypePtr type, std::string hint = {});
  void add_output(Value* value) { return_->add_input(value); }
  /// First node, or return_node() when empty. Iterate: for (n = first(); n != return_node(); n = n->next).
  Node* first() const { return param_->next; }
  Node* last() const { return return_->prev; }
  bool empty() const { return param_->next == return_; }
  void append(Node* node) { node->insert_before(return_); }
  void prepend(Node* node) { node->insert_after(param_); }

 private:
  Graph& graph_;
  Node* owning_node_;
  Node* param_;
  Node* return_;
};

class Graph {
 public:
  Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph();

  Block& block() { return *top_; }
  const Block& block() const { return *top_; }
  const std::vector<Value*>& inputs() const { return top_->inputs(); }
  const std::vector<Value*>& outputs() const { return top_->outputs(); }
  Value* add_input(TypePtr type, std::string hint = {}) {
    return top_->add_input(std::move(type), std::move(hint));
  }
  void add_output(Value* value) { top_->add_output(value); }

  /// Makes an unlinked node; link it with append / insert_before.
  Node* create(std::string kind, const std::vector<Value*>& inputs = {}, size_t outputs = 0);
  Node* create_constant(IValue value);
  /// Deep copy with all blocks. Constants share their values.
  std::unique_ptr<Graph> copy() const;

  int next_value_id() { return next_id_++; }

 private:
  friend struct Node;
  friend class Block;
  int next_id_ = 0;
  std::unique_ptr<Block> top_;
  std::unique_ptr<Block> unlinked_;  ///< holds nodes between create() and insert_before(), so that none leaks
};

/// Copies `node` (with blocks) into `into`'s graph, unlinked; inputs are mapped by `map`, outputs are added
/// to it.
Node* clone_node(const Node& node, Graph& into, std::unordered_map<const Value*, Value*>& map);

/// Names for printing: hint plus a number when taken, `%12` without hint. Stable for a given graph.
std::unordered_map<const Value*, std::string> value_names(const Graph& graph);
/// PyTorch's text form, for people and goldens. Tensor constants are shown by dtype and shape.
std::string to_string(const Graph& graph);

/// Checks single assignment, use lists, dominance, block arity, types of structural nodes. InternalError
/// otherwise.
void verify(const Graph& graph);

/// A compiled function or method.
class Function {
 public:
  std::string name;            ///< short: `forward`
  std::string qualified_name;  ///< `__torch__.M.forward`
  FunctionSchema schema;       ///< arguments with defaults (self included for methods), one return
  std::unique_ptr<Graph> graph;
  std::string doc;
  int64_t arithmetic = 0;  ///< of products on weights when it runs: a number of jit::Precision
  /// What a runtime made of the graph, kept with it; opaque here. Guarded by executable_mutex.
  mutable std::shared_ptr<const void> executable;
  mutable std::mutex executable_mutex;
};

/// Owns the classes and functions of one archive or program.
class CompilationUnit {
 public:
  CompilationUnit() = default;
  CompilationUnit(const CompilationUnit&) = delete;
  CompilationUnit& operator=(const CompilationUnit&) = delete;

  /// nullptr when absent.
  std::shared_ptr<ClassType> find_class(std::string_view qualified_name) const;
  TypePtr find_type(std::string_view qualified_name) const;  ///< class, named tuple, enum, interface
  Function* find_function(std::string_view qualified_name) const;
  /// Throws LoadError when the name is taken.
  void add_type(const std::string& qualified_name, TypePtr type);
  void add_class(std::shared_ptr<ClassType> type);
  Function* add_function(std::unique_ptr<Function> function);
  /// In order of definition.
  const std::vector<TypePtr>& types() const { return types_; }
  const std::vector<std::unique_ptr<Function>>& functions() const { return functions_; }
  /// A name that is free: `__torch__.a.B`, else `__torch__.a.___torch_mangle_0.B`, …
  std::string unique_name(const std::string& qualified_name);

 private:
  std::vector<TypePtr> types_;
  std::vector<std::unique_ptr<Function>> functions_;
  std::map<std::string, TypePtr, std::less<>> types_by_name_;
  std::map<std::string, std::shared_ptr<ClassType>, std::less<>> classes_by_name_;
  std::map<std::string, Function*, std::less<>> functions_by_name_;
  int next_mangle_ = 0;
};

}  // namespace calque
