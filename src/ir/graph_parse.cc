#include "ir/graph_parse.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "ir/graph_parse_value.h"

namespace calque {

namespace {

class GraphParser {
 public:
  GraphParser(std::string_view text, const GraphNames& names) : text_(text), names_(names) {}

  std::unique_ptr<Graph> parse() {
    text_.expect("graph");
    for (const Declared& input : declared_list()) define(graph_->add_input(input.type), input.name);
    text_.expect(":");
    statements(graph_->block());
    text_.expect("return");
    for (Value* output : value_list()) graph_->add_output(output);
    if (!text_.at_end()) text_.fail("the end");
    return std::move(graph_);
  }

 private:
  struct Declared {
    std::string name;
    TypePtr type;
  };

  Declared declared() {
    text_.expect("%");
    std::string name = text_.word(".");
    text_.expect(":");
    return {std::move(name), parse_type(text_, names_)};
  }

  std::vector<Declared> declared_list() {
    std::vector<Declared> all;
    text_.expect("(");
    while (!text_.take(")")) {
      all.push_back(declared());
      text_.take(",");
    }
    return all;
  }

  std::vector<Value*> value_list() {
    std::vector<Value*> all;
    text_.expect("(");
    while (!text_.take(")")) {
      text_.expect("%");
      const auto found = values_.find(text_.word("."));
      if (found == values_.end()) text_.fail("a value that is known here before this");
      all.push_back(found->second);
      text_.take(",");
    }
    return all;
  }

  void define(Value* value, const std::string& name) {
    if (name.find_first_not_of("0123456789") != std::string::npos) value->hint = name;
    if (!values_.emplace(name, value).second) text_.fail(cat("another name than %", name, " before this"));
  }

  void statements(Block& block) {
    while (text_.peek() == '%' || !(text_.starts_with("return") || text_.starts_with("->"))) {
      statement(block);
    }
  }

  void statement(Block& block) {
    const TextCursor::Level level(text_);
    std::vector<Declared> results;
    while (text_.peek() == '%') {
      results.push_back(declared());
      text_.take(",");
    }
    if (!results.empty()) text_.expect("=");
    Node* node = graph_->create(text_.word(":"));
    block.append(node);
    for (const Declared& result : results) node->add_output(result.type);
    while (text_.take("[")) attribute(*node);
    for (Value* input : value_list()) node->add_input(input);
    if (text_.take(", scope: ")) {
      const std::string_view rest = text_.until("\n");  // Names of modules may hold anything else.
      const size_t end = rest.rfind(" # ");
      node->scope = rest.substr(0, end);
      if (end != std::string_view::npos) place(*node, rest.substr(end + 3));
    } else if (text_.take("# ")) {
      place(*node, text_.until("\n"));
    }
    while (text_.starts_with("block")) inner(*node->add_block());
    for (size_t i = 0; i < results.size(); ++i) define(node->output(i), results[i].name);
  }

  static void place(Node& node, std::string_view line) {
    const size_t colon = line.rfind(':');
    node.range.file = std::make_shared<const std::string>(line.substr(0, colon));
    if (colon != std::string_view::npos) {
      TextCursor number(line.substr(colon + 1));
      node.range.line = static_cast<int>(number.integer());
    }
  }

  void attribute(Node& node) {
    if (text_.take("value=")) {
      if (node.outputs.size() != 1) text_.fail("a constant with one result");
      node.value = parse_constant(text_, *node.output()->type);
    } else if (text_.take("name=")) {
      node.name = text_.quoted_text();
    } else if (text_.take("function=")) {
      const std::string name = text_.word(".");
      node.function = names_.function ? names_.function(name) : nullptr;
    } else {
      text_.expect("types=[");
      while (!text_.take("]")) {
        node.types.push_back(parse_type(text_, names_));
        text_.take(",");
      }
    }
    text_.expect("]");
  }

  void inner(Block& block) {
    text_.word();
    for (const Declared& input : declared_list()) define(block.add_input(input.type), input.name);
    text_.expect(":");
    statements(block);
    text_.expect("->");
    for (Value* output : value_list()) block.add_output(output);
  }

  TextCursor text_;
  const GraphNames& names_;
  std::unique_ptr<Graph> graph_ = std::make_unique<Graph>();
  std::unordered_map<std::string, Value*> values_;
};

}  // namespace

std::unique_ptr<Graph> parse_graph(std::string_view text, const GraphNames& names) {
  return GraphParser(text, names).parse();
}

}  // namespace calque
