// calque inspect: what lies in an archive.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calque/io.h"
#include "calque/jit.h"
#include "command.h"
#include "json_text.h"
#include "options.h"
#include "signature.h"
#include "terminal.h"
#include "values.h"

namespace calque::app {

namespace {

struct InspectArguments {
  std::string model, module;
  bool code = false, graph = false, inlined = false, json = false, verify_checksums = false;
  int depth = 3;
  PassOptions passes;
};

struct ModuleRow {
  std::string name;  ///< dotted; empty for the root
  std::string class_name;
  int depth = 0;
  int64_t parameters = 0, bytes = 0;  ///< its own and those of the modules below it
};

/// Everything that is shown, gathered once for both forms.
struct Summary {
  std::string version;
  int64_t file_bytes = 0;
  std::vector<ModuleRow> modules;
  std::vector<jit::NamedTensor> parameters, buffers;
  std::vector<std::pair<std::string, std::string>> methods;  ///< name and schema
  std::vector<std::pair<std::string, int64_t>> operators;    ///< of the inlined forward, most frequent first
  std::vector<io::Record> extra_files;
};

int depth_of(const std::string& name) {
  return name.empty() ? 0 : 1 + static_cast<int>(std::count(name.begin(), name.end(), '.'));
}

std::vector<ModuleRow> module_rows(const jit::Module& root) {
  std::vector<ModuleRow> rows;
  for (const auto& [name, module] : root.named_modules()) {
    ModuleRow row{name, module.original_name(), depth_of(name), 0, 0};
    for (const Tensor& parameter : module.parameters()) {
      row.parameters += parameter.numel();
      row.bytes += parameter.nbytes();
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// The operator of one line of a graph's text, `%y : Tensor = aten::gelu(%x, %c)`; empty when the line has
/// none.
std::string_view operator_of(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  if (line.starts_with('%')) {
    const size_t equals = line.find(" = ");
    if (equals == std::string_view::npos) return {};
    line.remove_prefix(equals + 3);
  }
  const std::string_view name = line.substr(0, std::min(line.find_first_of("([ "), line.size()));
  return name.find("::") == std::string_view::npos ? std::string_view{} : name;
}

std::vector<std::pair<std::string, int64_t>> count_operators(const std::string& graph) {
  std::map<std::string, int64_t, std::less<>> counts;
  for (size_t start = 0; start < graph.size();) {
    const size_t end = std::min(graph.find('\n', start), graph.size());
    const std::string_view name = operator_of(std::string_view(graph).substr(start, end - start));
    if (!name.empty() && name != "prim::Constant" && name != "prim::GetAttr") ++counts[std::string(name)];
    start = end + 1;
  }
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

std::string version_of(const std::string& path, const std::vector<io::Record>& records) {
  for (const char* name : {".data/version", "version"}) {
    if (std::any_of(records.begin(), records.end(), [name](const io::Record& r) { return r.name == name; })) {
      std::string text = io::read_record(path, name);
      text.erase(text.find_last_not_of(" \n\r") + 1);
      return text;
    }
  }
  return {};
}

Summary summarise(const std::string& path, const jit::Module& module) {
  Summary summary;
  const std::vector<io::Record> records = io::list_records(path);
  summary.version = version_of(path, records);
  for (const io::Record& record : records) {
    summary.file_bytes += static_cast<int64_t>(record.stored_size);
    if (record.name.starts_with("extra/")) summary.extra_files.push_back(record);
  }
  summary.modules = module_rows(module);
  summary.parameters = module.named_parameters();
  summary.buffers = module.named_buffers();
  for (const jit::Method& method : module.get_methods())
    summary.methods.emplace_back(method.name(), method.schema());
  if (module.find_method("forward")) summary.operators = count_operators(module.graph(/*inlined=*/true));
  return summary;
}

void write_tensors_of(JsonText& json, std::string_view key, const std::vector<jit::NamedTensor>& tensors) {
  json.key(key).begin_array();
  for (const auto& [name, value] : tensors) {
    json.begin_object().field("name", name).field("dtype", dtype_name(value.dtype()));
    json.array("shape", value.sizes()).end_object();
  }
  json.end_array();
}

void write_methods(JsonText& json, const Summary& summary) {
  json.key("methods").begin_array();
  for (const auto& [name, schema] : summary.methods) {
    const Signature signature = read_signature(schema);
    json.begin_object().field("name", name).field("schema", schema).key("arguments").begin_array();
    for (const Parameter& parameter : signature.parameters) {
      json.begin_object().field("name", parameter.name).field("type", parameter.type);
      json.field("optional", parameter.has_default).end_object();
    }
    json.end_array().field("result", signature.result).end_object();
  }
  json.end_array();
}

std::string json_of(const std::string& path, const Summary& summary) {
  JsonText json;
  json.begin_object()
      .field("file", path)
      .field("version", summary.version)
      .field("bytes", summary.file_bytes);
  write_methods(json, summary);
  json.key("modules").begin_array();
  for (const ModuleRow& row : summary.modules) {
    json.begin_object().field("name", row.name).field("class", row.class_name);
    json.field("parameters", row.parameters).field("bytes", row.bytes).end_object();
  }
  json.end_array();
  write_tensors_of(json, "parameters", summary.parameters);
  write_tensors_of(json, "buffers", summary.buffers);
  json.key("operators").begin_object();
  for (const auto& [name, count] : summary.operators) json.field(name, count);
  json.end_object().key("extra_files").begin_array();
  for (const io::Record& record : summary.extra_files) {
    json.begin_object()
        .field("name", record.name.substr(6))
        .field("bytes", static_cast<int64_t>(record.size));
    json.end_object();
  }
  json.end_array().end_object();
  return json.text();
}

void print_modules(const Summary& summary, int depth) {
  std::vector<std::vector<std::string>> rows = {{"module", "class", "parameters", "size"}};
  size_t hidden = 0;
  for (const ModuleRow& row : summary.modules) {
    if (row.depth > depth) {
      ++hidden;
      continue;
    }
    const std::string leaf = row.name.empty() ? "(root)" : row.name.substr(row.name.rfind('.') + 1);
    rows.push_back({std::string(static_cast<size_t>(row.depth) * 2, ' ') + leaf, row.class_name,
                    grouped(row.parameters), bytes_text(static_cast<double>(row.bytes))});
  }
  fmt::print("\n{}\n{}", heading("Modules"), columns(rows, {2, 3}));
  if (hidden > 0) fmt::print("… and {} deeper ones (--depth {} shows more)\n", hidden, depth + 1);
}

void print_summary(const std::string& path, const Summary& summary, int depth) {
  fmt::print("{}: TorchScript archive, version {}, {}\n", path, summary.version,
             bytes_text(static_cast<double>(summary.file_bytes)));
  fmt::print("\n{}\n", heading("Methods"));
  for (const auto& [name, schema] : summary.methods) {
    const Signature signature = read_signature(schema);
    fmt::print("{}\n", name);
    for (const Parameter& parameter : signature.parameters) {
      fmt::print("  {} : {}{}\n", parameter.name, parameter.type, parameter.has_default ? " (optional)" : "");
    }
    fmt::print("  -> {}\n", signature.result);
  }
  print_modules(summary, depth);
  std::map<std::string_view, int64_t> dtypes;
  for (const auto& parameter : summary.parameters)
    dtypes[dtype_name(parameter.value.dtype())] += parameter.value.numel();
  for (const auto& [dtype, count] : dtypes) fmt::print("{} parameters of {}\n", grouped(count), dtype);
  fmt::print("\n{}\n", heading("Operators of forward, submodules included"));
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, count] : summary.operators) rows.push_back({std::to_string(count), name});
  fmt::print("{}", columns(rows, {0}));
  if (summary.extra_files.empty()) return;
  fmt::print("\n{}\n", heading("Extra files"));
  for (const io::Record& record : summary.extra_files) {
    fmt::print("{} ({})\n", record.name.substr(6), bytes_text(static_cast<double>(record.size)));
  }
}

jit::Module submodule(const jit::Module& root, const std::string& name) {
  for (const auto& [path, module] : root.named_modules()) {
    if (path == name) return module;
  }
  throw ValueError(fmt::format("there is no module '{}'; `calque inspect` lists them", name));
}

void inspect(const InspectArguments& arguments) {
  const bool to_run = arguments.passes.time_passes || !arguments.passes.dump_phases.empty();
  const jit::Module root =
      load_module(arguments.model, "", arguments.verify_checksums, to_run, arguments.passes);
  const jit::Module module = arguments.module.empty() ? root : submodule(root, arguments.module);
  if (arguments.code) return fmt::print("{}", module.code());
  if (arguments.graph) return fmt::print("{}", module.graph(arguments.inlined));
  const Summary summary = summarise(arguments.model, module);
  if (arguments.json) return fmt::print("{}\n", json_of(arguments.model, summary));
  print_summary(arguments.model, summary, arguments.depth);
  if (arguments.passes.time_passes) fmt::print("\n{}\n", heading("Passes over forward"));
  print_pass_times(root, arguments.passes);
}

}  // namespace

void add_inspect(CLI::App& app) {
  const auto arguments = std::make_shared<InspectArguments>();
  CLI::App* command =
      app.add_subcommand("inspect", "Show what lies in a TorchScript archive; runs nothing of it");
  add_path_option(*command, "model", arguments->model, "TorchScript archive (.pt)")->required();
  command->add_option("--module", arguments->module, "Look at this submodule, by its dotted name");
  command->add_option("--depth", arguments->depth, "Deepest level of modules that is listed")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  CLI::Option* code = command->add_flag("--code", arguments->code, "Print the source of forward");
  CLI::Option* graph = command->add_flag("--graph", arguments->graph, "Print the graph of forward");
  command->add_flag("--inlined", arguments->inlined, "With --graph: submodule calls replaced by their bodies")
      ->needs(graph);
  add_checksums_option(*command, arguments->verify_checksums);
  add_pass_options(*command, arguments->passes);
  CLI::Option* json = command->add_flag("--json", arguments->json, "Print everything as one JSON object");
  code->excludes(graph)->excludes(json);
  graph->excludes(json);
  command->footer(
      "Examples:\n"
      "  calque inspect model.pt\n"
      "  calque inspect model.pt --code\n"
      "  calque inspect model.pt --graph --inlined\n"
      "  calque inspect model.pt --dump-phases phases\n"
      "  calque inspect model.pt --json");
  command->callback([arguments] { inspect(*arguments); });
}

}  // namespace calque::app
