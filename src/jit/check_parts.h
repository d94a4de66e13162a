// The parts of a check report, one file each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "calque/check.h"
#include "ir/graph.h"
#include "torchscript/problems.h"

namespace calque::jit {

/// How an operator is served here.
Support support_of(const Operator& op);

/// Operators of a graph whose calls are inlined, by name, with the module paths where they stand.
std::vector<OperatorUse> count_operators(const Graph& graph, size_t max_places);
/// Operators of every method once for each module that has it: for programs that cannot be inlined.
std::vector<OperatorUse> count_operators(const Module& module, size_t max_places);
/// What is missing, with the paths of the modules whose code calls it.
std::vector<OperatorUse> missing_operators(const torchscript::Problems& problems, const Module& module,
                                           size_t max_places);

/// What the export has fixed, judged by a graph whose calls are inlined. `weights`: the dtype that most
/// weights have.
std::vector<Finding> find_frozen(const Graph& graph, ScalarType weights, size_t max_places);

/// Runs the method on made-up inputs of a shape and counts.
ShapeCost measure_cost(const Method& method, const std::vector<int64_t>& shape, const RunOptions& options);

/// Multiply-adds of one call; 0 for operators that do no products.
int64_t multiply_adds(std::string_view name, std::span<const IValue> arguments,
                      std::span<const IValue> results);

/// Adds a place that is not there yet, while there is room. The root is `(root)`.
void add_place(std::vector<std::string>& places, const std::string& path, size_t max_places);

}  // namespace calque::jit
