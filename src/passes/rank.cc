#include "passes/rank.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "passes/match.h"

namespace calque::passes {

namespace {

/// The result has the dimensions of the first argument.
constexpr std::array<std::string_view, 15> kKeeps = {
    "aten::gelu",    "aten::relu",       "aten::tanh",    "aten::silu",         "aten::contiguous",
    "aten::sigmoid", "aten::layer_norm", "aten::slice",   "aten::transpose",    "aten::to",
    "aten::softmax", "aten::clone",      "aten::type_as", "calque::activation", "calque::linear",
};
constexpr std::array<std::string_view, 5> kBinary = {"aten::add", "aten::sub", "aten::mul", "aten::div",
                                                     "aten::pow"};
constexpr std::array<std::string_view, 3> kSized = {"aten::view", "aten::reshape", "aten::expand"};

bool calls_one(const Node& node, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view name) { return calls(node, name); });
}

std::optional<int64_t> changed(std::optional<int64_t> rank, int64_t by) {
  return rank ? std::optional(*rank + by) : std::nullopt;
}

}  // namespace

std::optional<int64_t> result_rank(const Node& node, const RankOf& rank_of) {
  if (calls(node, "calque::attention")) return 4;
  if (calls(node, "aten::arange")) return 1;
  if (calls_one(node, kSized)) {
    const Node& sizes = *node.input(1)->node;
    return sizes.is("prim::ListConstruct") ? std::optional(static_cast<int64_t>(sizes.inputs.size()))
                                           : std::nullopt;
  }
  if (calls(node, "aten::select")) return changed(rank_of(node.input(0)), -1);
  if (calls(node, "aten::unsqueeze")) return changed(rank_of(node.input(0)), 1);
  if (calls(node, "aten::embedding")) return changed(rank_of(node.input(1)), 1);
  if (calls_one(node, kKeeps)) return rank_of(node.input(0));
  if (!calls_one(node, kBinary)) return std::nullopt;
  if (constant_number(node.input(1))) return rank_of(node.input(0));
  const std::optional<int64_t> rank = rank_of(node.input(0));
  return rank && rank == rank_of(node.input(1)) ? rank : std::nullopt;
}

}  // namespace calque::passes
