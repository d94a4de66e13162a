// Reads the printed form of graphs back, as --dump-phases writes it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ir/graph.h"

namespace calque {

/// How names of the program's own things are found. What is absent, or gives nullptr, is made up: classes
/// without attributes, functions none.
struct GraphNames {
  std::function<TypePtr(const std::string& qualified_name)> type{};
  std::function<Function*(const std::string& qualified_name)> function{};
};

/// The law is to_string(*parse_graph(to_string(g))) == to_string(g). What the text does not say is not there:
/// overloads of operators (Node::op) and the elements of tensors, which are zeros of their dtype and shape.
/// ValueError with the line and what was expected for a text that is no graph, and for constants that text
/// cannot hold: objects, enums, dictionaries.
std::unique_ptr<Graph> parse_graph(std::string_view text, const GraphNames& names = {});

}  // namespace calque
