#include "calque/check.h"

#include <algorithm>
#include <exception>
#include <map>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "ir/value_walk.h"
#include "jit/check_parts.h"
#include "passes/passes.h"
#include "torchscript/archive_reader.h"

namespace calque::jit {

namespace {

std::string kind_of(const Error& error) {
  if (dynamic_cast<const LoadError*>(&error) != nullptr) return "LoadError";
  if (dynamic_cast<const NotImplementedError*>(&error) != nullptr) return "NotImplementedError";
  if (dynamic_cast<const LimitError*>(&error) != nullptr) return "LimitError";
  if (dynamic_cast<const CancelledError*>(&error) != nullptr) return "CancelledError";
  if (dynamic_cast<const ValueError*>(&error) != nullptr) return "ValueError";
  if (dynamic_cast<const TypeError*>(&error) != nullptr) return "TypeError";
  if (dynamic_cast<const IndexError*>(&error) != nullptr) return "IndexError";
  if (dynamic_cast<const InternalError*>(&error) != nullptr) return "InternalError";
  return "RuntimeError";
}

void refuse(CheckReport& report, const Error& error) {
  report.error = error.what();
  report.error_kind = kind_of(error);
}

/// Memory of tensors, storages counted once.
class Weights {
 public:
  void add(const Tensor& tensor) {
    if (!tensor.defined()) return;
    if (seen_.insert(tensor.storage().get()).second) bytes += tensor.storage()->nbytes();
    if (tensor.is_floating_point()) elements_[tensor.dtype()] += tensor.numel();
  }

  /// Tensors in containers and packed parameters, too; not those of submodules.
  void add(const IValue& value) {
    if (value.isTensor()) return add(value.toTensor());
    const ValueWalk walk;
    if (value.isList()) return add_all(value.list_impl()->items);
    if (value.isTuple()) return add_all(value.tuple_impl()->items);
    const bool is_module = value.isObject() && value.object_impl()->type->is_module;
    if (value.isObject() && !is_module && seen_objects_.insert(value.object_impl()).second)
      add_all(value.object_impl()->slots);
  }

  void add_all(const std::vector<IValue>& values) {
    for (const IValue& value : values) add(value);
  }

  void add_constants(const Block& block) {
    for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
      if (node->is("prim::Constant")) add(node->value);
      for (const auto& inner : node->blocks) add_constants(*inner);
    }
  }

  /// The floating-point dtype that most elements have.
  ScalarType dtype() const {
    const auto most = std::max_element(elements_.begin(), elements_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == elements_.end() ? kFloat32 : most->first;
  }

  int64_t bytes = 0;

 private:
  std::set<const Storage*> seen_;
  std::set<const ObjectImpl*> seen_objects_;
  std::map<ScalarType, int64_t> elements_;
};

bool has_control_flow(const Block& block) {
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (!node->blocks.empty()) return true;
  }
  return false;
}

std::vector<const Graph*> all_graphs(const CompilationUnit& unit) {
  std::vector<const Graph*> graphs;
  for (const auto& function : unit.functions()) {
    if (function->graph != nullptr) graphs.push_back(function->graph.get());
  }
  return graphs;
}

void describe_weights(CheckReport& report, const Module& module, Weights& weights) {
  for (const Tensor& tensor : module.parameters()) report.parameters += tensor.numel();
  for (const Tensor& tensor : module.buffers()) report.buffers += tensor.numel();
  for (const auto& [path, inner] : module.named_modules()) weights.add_all(inner._ivalue()->slots);
  if (module._ivalue()->unit != nullptr) {
    for (const Graph* graph : all_graphs(*module._ivalue()->unit)) weights.add_constants(graph->block());
  }
  report.weight_bytes = weights.bytes;
}

void describe_program(CheckReport& report, const Module& module, const torchscript::Problems& problems,
                      const CheckOptions& options) {
  Weights weights;
  describe_weights(report, module, weights);
  report.operators = missing_operators(problems, module, options.max_places);
  const std::optional<Method> method = module.find_method(options.method);
  std::vector<OperatorUse> present;
  if (method) report.schema = method->schema();
  if (method && problems.empty()) {
    const std::unique_ptr<Graph> graph = method->function().graph->copy();
    passes::run_pipeline(*graph, {.fuse = false});
    report.is_trace = !has_control_flow(graph->block());
    present = count_operators(*graph, options.max_places);
    report.findings = find_frozen(*graph, weights.dtype(), options.max_places);
  } else {
    present = count_operators(module, options.max_places);
  }
  report.operators.insert(report.operators.end(), present.begin(), present.end());
}

void judge(CheckReport& report, const Module& module, const torchscript::Problems& problems,
           const CheckOptions& options) {
  report.loads = problems.empty();
  if (!report.loads) {
    report.error = problems.message();
    report.error_kind = problems.missing.empty() ? "LoadError" : "NotImplementedError";
    return;
  }
  const Method method = module.get_method(options.method);
  report.runs = true;
  for (const std::vector<int64_t>& shape : options.shapes) {
    report.costs.push_back(measure_cost(method, shape, options.run));
    if (report.costs.back().ran) continue;
    report.runs = false;
    if (report.error.empty()) {
      report.error = cat("at shape ", cat(std::span(shape)), ": ", report.costs.back().error);
      report.error_kind = "RuntimeError";
    }
  }
}

void examine(CheckReport& report, const Module& module, const torchscript::Problems& problems,
             const CheckOptions& options) {
  describe_program(report, module, problems, options);
  judge(report, module, problems, options);
}

void check_options(const CheckOptions& options) {
  for (const std::vector<int64_t>& shape : options.shapes) {
    if (shape.empty() || std::any_of(shape.begin(), shape.end(), [](int64_t size) { return size < 0; }))
      throw ValueError(cat("CheckOptions::shapes: ", cat(std::span(shape)), " is no shape of an input"));
  }
}

}  // namespace

int64_t CheckReport::count(Support support) const {
  int64_t calls = 0;
  for (const OperatorUse& use : operators) calls += use.support == support ? use.count : 0;
  return calls;
}

CheckReport check(const std::string& path, const CheckOptions& options) {
  check_options(options);
  CheckReport report{.label = path};
  LoadOptions load = options.load;
  load.on_note = [&](const std::string& note) {
    report.notes.push_back(note);
    if (options.load.on_note) options.load.on_note(note);
  };
  try {
    report.file_bytes = static_cast<int64_t>(MappedFile::open(path)->bytes().size());
    torchscript::Problems problems;
    const torchscript::LoadedArchive archive = torchscript::read_archive_file(path, load, &problems);
    report.version = archive.version;
    examine(report, Module(archive.root), problems, options);
  } catch (const Error& error) {
    refuse(report, error);
  }
  return report;
}

CheckReport check(const Module& module, const CheckOptions& options) {
  check_options(options);
  CheckReport report{.label = module.type_name()};
  try {
    examine(report, module, {}, options);
  } catch (const Error& error) {
    refuse(report, error);
  }
  return report;
}

}  // namespace calque::jit
