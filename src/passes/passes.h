// Passes: graph -> graph, one file each; the pipeline reads as a script.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace calque::passes {

struct InlineOptions {
  /// Most nodes that expanded calls may add: calls can multiply without bound in a hostile program.
  uint64_t max_nodes = 200'000;
  /// Calls that would add more stay calls. Otherwise they are a LimitError.
  bool leave_large = true;
};

/// Replaces calls of methods and functions whose target is known by their bodies, as far as they fit. Sets
/// Node::scope to the module path. Calls through interfaces stay, and calls of functions without a graph.
/// RuntimeError for recursion.
void inline_calls(Graph& graph, const InlineOptions& options = {});
/// Replaces `dropout(x, p, False)`, `detach`, and other operators that give their input back, by their input.
void remove_identities(Graph& graph);
/// Turns the arithmetic that traces do on sizes held as 0-dim tensors into arithmetic on ints.
void fold_shape_arithmetic(Graph& graph);

struct FoldOptions {
  /// Run operators that take or make tensors, texts and containers, too; else those on numbers only.
  bool tensors = true;
};

/// Runs operators whose arguments are constants and whose results nobody writes to; takes the branches that
/// constants decide; drops loops that do not start. An operator that fails, or whose result is much larger
/// than its arguments, stays.
void fold_constants(Graph& graph, const FoldOptions& options = {});
/// Makes a batch norm in inference part of the constant weights of the convolution before it. True when it
/// did.
bool fold_batch_norm(Graph& graph);
/// True for values that the text of a program, or its table of constants, can hold.
bool can_be_constant(const IValue& value);
/// Turns `fork` whose future is only waited for into a call, since forked code runs at once.
void inline_forks(Graph& graph);
/// Lets the readers of a call read an equal one before it, where nobody can tell.
void merge_common(Graph& graph);
/// Turns `f(expand(x))` of element-wise f into `expand(f(x))`, so that a mask is computed for one query only.
void sink_expand(Graph& graph);
/// Finds linear layers that are written as products with weights of the module: `aten::linear`.
void find_linears(Graph& graph);
/// Lets linear layers read the tensor that programs flatten for them, and give its dimensions.
void unflatten(Graph& graph);
/// Finds activations that are written out, such as 0.5 * x * (1 + tanh(…)): `calque::activation`.
void find_activations(Graph& graph);
/// Makes a `calque::embedding_sum` of the layer norm of the sum of two or three embeddings.
void fuse_embeddings(Graph& graph);
/// Makes `linear` on a constant weight that operators dequantise (ops/quantized_weight.h) a `calque::linear`
/// on the integers.
void fuse_quantized(Graph& graph);
/// Makes `linear` on weights of the module, with the activation and the addition behind it, a
/// `calque::linear`.
void fuse_linear(Graph& graph);
/// Joins two or three `calque::linear` of one input whose results are only viewed: `calque::linear_3`.
void merge_linears(Graph& graph);
/// Makes a `calque::attention` of scaled_dot_product_attention, and of the products, mask and softmax it
/// stands for.
void fuse_attention(Graph& graph);
/// Makes a `calque::mean_pool` of the mean of the tokens that a mask selects, and a `calque::normalize` of a
/// division by the Euclidean norm.
void fuse_pooling(Graph& graph);
/// Makes a `calque::cat`, which may give one of its tensors back, of the `cat` whose result is only
/// read.
void share_cat(Graph& graph);
/// Takes the first, the last or all rows of what row-wise operators read in place of what they give.
void hoist_select(Graph& graph);
/// Removes nodes whose results are not used and which have no effect.
void remove_dead_code(Graph& graph);
/// True when the node must stay although nobody uses its results.
bool has_effect(const Node& node);

/// Lets the tokens between embeddings and results be packed: a padded batch computes its real tokens only.
void remove_padding(Graph& graph);
/// Makes one operator of `calque::linear`, another one behind it, and a layer normalisation, that a block of
/// rows can go through before the next. After set_arithmetic.
void fuse_rows(Graph& graph);
/// Sets how fused operators of the graph compute products: a number of ops::Arithmetic. Those on quantised
/// weights stay, and attention follows them when the number is 0.
void set_arithmetic(Graph& graph, int64_t arithmetic);

struct PassInfo {
  std::string_view name;
  void (*run)(Graph&);
  bool fuses = false;            ///< makes operators that programs cannot name, or leaves out calls of theirs
  bool sees_arithmetic = false;  ///< runs after set_arithmetic
};

/// The passes that run before execution, in order.
std::span<const PassInfo> pipeline();

/// Their names, in order.
std::vector<std::string> pass_names();

/// ValueError, with the names there are, for names that no pass of the pipeline has. It begins with `origin`.
void check_names(std::span<const std::string> names, std::string_view origin = "");

struct PipelineOptions {
  std::vector<std::string> disabled{};  ///< names of passes; ValueError for unknown names
  bool fuse = true;                     ///< false: only passes that leave the program's own operators
  int64_t arithmetic = 0;               ///< of products on weights: a number of ops::Arithmetic
  /// Called with the graph before the first pass ("input") and after each.
  std::function<void(std::string_view phase, const Graph& graph)> on_phase{};
  /// Called with the time each pass took, in seconds.
  std::function<void(std::string_view pass, double seconds)> on_time{};
  /// Verify the graph after each pass.
  bool verify = false;
};

/// Runs the pipeline. CALQUE_DISABLE_PASS (comma separated) adds to options.disabled.
void run_pipeline(Graph& graph, const PipelineOptions& options = {});

}  // namespace calque::passes
