#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "base/similar.h"
#include "base/text.h"
#include "calque/error.h"
#include "passes/passes.h"

namespace calque::passes {

namespace {

constexpr std::array kPipeline = {
    PassInfo{"inline_calls", [](Graph& graph) { inline_calls(graph); }},
    PassInfo{"remove_identities", remove_identities},
    PassInfo{"fold_shape_arithmetic", fold_shape_arithmetic},
    PassInfo{"fold_constants", [](Graph& graph) { fold_constants(graph, {.tensors = false}); }},
    PassInfo{"merge_common", merge_common, true},
    PassInfo{"sink_expand", sink_expand, true},
    PassInfo{"fuse_embeddings", fuse_embeddings, true},
    PassInfo{"find_linears", find_linears, true},
    PassInfo{"unflatten", unflatten, true},
    PassInfo{"find_activations", find_activations, true},
    PassInfo{"fuse_quantized", fuse_quantized, true},
    PassInfo{"fuse_linear", fuse_linear, true},
    PassInfo{"fuse_attention", fuse_attention, true},
    PassInfo{"fuse_pooling", fuse_pooling, true},
    PassInfo{"hoist_select", hoist_select, true},
    PassInfo{"merge_linears", merge_linears, true},
    PassInfo{"remove_dead_code", remove_dead_code},
    PassInfo{"remove_padding", remove_padding, true},
    PassInfo{"share_cat", share_cat, true},
    PassInfo{"fuse_rows", fuse_rows, true, true},
};

bool known(const std::string& name) {
  return std::any_of(kPipeline.begin(), kPipeline.end(),
                     [&](const PassInfo& pass) { return pass.name == name; });
}

std::vector<std::string> disabled_passes(const PipelineOptions& options) {
  std::vector<std::string> names = options.disabled, more;
  check_names(names);
  if (const char* from_environment = std::getenv("CALQUE_DISABLE_PASS")) {
    for (std::string& name : split(from_environment, ',')) {
      if (!name.empty()) more.push_back(std::move(name));
    }
  }
  check_names(more, "CALQUE_DISABLE_PASS: ");
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

}  // namespace

std::span<const PassInfo> pipeline() { return kPipeline; }

std::vector<std::string> pass_names() {
  std::vector<std::string> names;
  for (const PassInfo& pass : kPipeline) names.emplace_back(pass.name);
  return names;
}

void check_names(std::span<const std::string> names, std::string_view origin) {
  for (const std::string& name : names) {
    if (known(name)) continue;
    throw ValueError(
        cat(origin, "there is no pass called ", quoted(name),
            "; the passes, the most similar first: ", join(most_similar_first(name, pass_names()), ", ")));
  }
}

void run_pipeline(Graph& graph, const PipelineOptions& options) {
  const std::vector<std::string> disabled = disabled_passes(options);
  if (options.on_phase) options.on_phase("input", graph);
  bool has_arithmetic = false;
  for (const PassInfo& pass : kPipeline) {
    if (pass.sees_arithmetic && !std::exchange(has_arithmetic, true))
      set_arithmetic(graph, options.arithmetic);
    if (std::find(disabled.begin(), disabled.end(), pass.name) != disabled.end()) continue;
    if (pass.fuses && !options.fuse) continue;
    const auto start = std::chrono::steady_clock::now();
    pass.run(graph);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    if (options.verify) verify(graph);
    if (options.on_time) options.on_time(pass.name, spent.count());
    if (options.on_phase) options.on_phase(pass.name, graph);
  }
}

}  // namespace calque::passes
