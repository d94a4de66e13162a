// Printed form of graphs, as PyTorch prints them.
#include <sstream>
#include <unordered_set>

#include "base/text.h"
#include "ir/graph.h"

namespace calque {

namespace {

class NameTable {
 public:
  std::unordered_map<const Value*, std::string> run(const Block& block) {
    visit(block);
    return std::move(names_);
  }

 private:
  void visit(const Block& block) {
    for (const Value* value : block.inputs()) assign(value);
    for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
      for (const auto& inner : node->blocks) visit(*inner);
      for (const Value* value : node->outputs) assign(value);
    }
  }

  void assign(const Value* value) {
    if (value->hint.empty()) {
      std::string number = cat(next_number_++);
      names_[value] = std::move(number);
      return;
    }
    std::string name = value->hint;
    int& suffix = suffixes_[value->hint];
    while (!taken_.insert(name).second) name = cat(value->hint, ".", ++suffix);
    names_[value] = std::move(name);
  }

  std::unordered_map<const Value*, std::string> names_;
  std::unordered_map<std::string, int> suffixes_;
  std::unordered_set<std::string> taken_;
  int next_number_ = 0;
};

std::string constant_text(const IValue& value);

std::string items_text(const std::vector<IValue>& items) {
  std::string out;
  for (const IValue& item : items) out += cat(out.empty() ? "" : ", ", constant_text(item));
  return out;
}

std::string tensor_text(const Tensor& tensor) {
  if (!tensor.defined()) return "<undefined tensor>";
  if (tensor.dim() > 0) return cat("<Tensor ", dtype_name(tensor.dtype()), tensor.sizes(), ">");
  return cat("{", constant_text(IValue(tensor.item())), "}");
}

std::string constant_text(const IValue& value) {
  if (value.isTensor()) return tensor_text(value.toTensor());
  if (value.isString()) return quoted(value.toStringRef(), value.toStringRef().size());
  if (value.isList()) return cat("[", items_text(value.list_impl()->items), "]");
  if (value.isTuple()) {
    const std::vector<IValue>& items = value.tuple_impl()->items;
    return cat("(", items_text(items), items.size() == 1 ? ",)" : ")");
  }
  std::ostringstream out;
  out << value;
  return out.str();
}

class Printer {
 public:
  explicit Printer(const Graph& graph) : names_(value_names(graph)) {}

  std::string print(const Graph& graph) {
    out_ = "graph(";
    bool first = true;
    for (const Value* input : graph.inputs()) {
      if (!first) out_ += ",\n      ";
      first = false;
      declare(input);
    }
    out_ += "):\n";
    body(graph.block(), 1);
    out_ += "  return (";
    list(graph.outputs());
    out_ += ")\n";
    return std::move(out_);
  }

 private:
  void indent(int depth) { out_.append(static_cast<size_t>(depth) * 2, ' '); }
  void declare(const Value* value) { out_ += cat("%", names_[value], " : ", value->type->str()); }

  void list(const std::vector<Value*>& values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out_ += ", ";
      out_ += "%" + names_[values[i]];
    }
  }

  void body(const Block& block, int depth) {
    for (const Node* node = block.first(); node != block.return_node(); node = node->next)
      statement(*node, depth);
  }

  void statement(const Node& node, int depth) {
    indent(depth);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (i > 0) out_ += ", ";
      declare(node.outputs[i]);
    }
    if (!node.outputs.empty()) out_ += " = ";
    out_ += node.kind;
    attributes(node);
    out_ += "(";
    list(node.inputs);
    out_ += ")";
    if (!node.scope.empty()) out_ += ", scope: " + node.scope;
    if (node.range.line > 0 && node.range.file != nullptr)
      out_ += cat(" # ", *node.range.file, ":", node.range.line);
    out_ += "\n";
    for (size_t i = 0; i < node.blocks.size(); ++i) nested(*node.blocks[i], i, depth + 1);
  }

  void attributes(const Node& node) {
    if (node.is("prim::Constant")) {
      if (!node.value.isNone()) out_ += "[value=" + constant_text(node.value) + "]";
      return;
    }
    if (!node.name.empty()) out_ += "[name=" + quoted(node.name) + "]";
    if (node.function != nullptr) out_ += "[function=" + node.function->qualified_name + "]";
    if (!node.types.empty()) {
      out_ += "[types=[";
      for (size_t i = 0; i < node.types.size(); ++i) out_ += cat(i > 0 ? ", " : "", node.types[i]->str());
      out_ += "]]";
    }
  }

  void nested(const Block& block, size_t index, int depth) {
    indent(depth);
    out_ += cat("block", index, "(");
    bool first = true;
    for (const Value* input : block.inputs()) {
      if (!first) out_ += ", ";
      first = false;
      declare(input);
    }
    out_ += "):\n";
    body(block, depth + 1);
    indent(depth + 1);
    out_ += "-> (";
    list(block.outputs());
    out_ += ")\n";
  }

  std::unordered_map<const Value*, std::string> names_;
  std::string out_;
};

}  // namespace

std::unordered_map<const Value*, std::string> value_names(const Graph& graph) {
  return NameTable().run(graph.block());
}

std::string to_string(const Graph& graph) { return Printer(graph).print(graph); }

}  // namespace calque
