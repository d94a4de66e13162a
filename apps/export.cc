// calque export: traces a checkpoint and saves the archive.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calque/jit.h"
#include "calque/trace.h"
#include "calque/transformers.h"
#include "command.h"
#include "options.h"
#include "terminal.h"

namespace calque::app {

namespace {

struct ExportArguments {
  std::string directory, output, architecture, task, attention, dtype;
  std::vector<std::string> inputs;
  int64_t batch = 1, length = 8;
  bool static_shapes = false, no_check = false;
};

/// Tasks by the names that Hugging Face gives them, and what the class of a model for it is called.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTasks = {{
    {"feature-extraction", "Model"},
    {"fill-mask", "ForMaskedLM"},
    {"question-answering", "ForQuestionAnswering"},
    {"text-classification", "ForSequenceClassification"},
    {"token-classification", "ForTokenClassification"},
}};

constexpr int kLargestDummy = 1'000'000;

void warn(const std::string& text) { print_remark("warning: " + text); }

transformers::FromPretrainedOptions model_options(const ExportArguments& arguments) {
  transformers::FromPretrainedOptions options;
  options.torchscript = true;
  options.architecture = arguments.architecture;
  if (!arguments.attention.empty()) options.attn_implementation = arguments.attention;
  if (!arguments.dtype.empty()) options.dtype = dtype_from_name(arguments.dtype);
  return options;
}

/// `BertForMaskedLM` for fill-mask and a checkpoint of any Bert class.
std::string architecture_for(const std::string& task, const std::string& directory) {
  const std::string class_name = transformers::PreTrainedModel::from_pretrained(directory).class_name();
  const size_t end = std::min(class_name.find("Model"), class_name.find("For"));
  const auto* entry =
      std::find_if(kTasks.begin(), kTasks.end(), [&](const auto& row) { return row.first == task; });
  return class_name.substr(0, end) + std::string(entry->second);
}

transformers::PreTrainedModel load_model(const ExportArguments& arguments) {
  transformers::FromPretrainedOptions options = model_options(arguments);
  if (!arguments.task.empty()) options.architecture = architecture_for(arguments.task, arguments.directory);
  options.on_warning = warn;
  auto model = transformers::PreTrainedModel::from_pretrained(arguments.directory, options);
  model.eval();
  return model;
}

Tensor dummy(const std::string& name, int64_t batch, int64_t length) {
  Tensor tensor = full({{batch, length}}, name == "attention_mask" ? 1 : 0, kLong);
  if (name != "input_ids" && name != "position_ids") return tensor;
  auto* values = tensor.data_ptr<int64_t>();
  for (int64_t i = 0; i < tensor.numel(); ++i) values[i] = name == "input_ids" ? i % 2 : i % length;
  return tensor;
}

std::vector<std::pair<std::string, Tensor>> dummy_inputs(const transformers::PreTrainedModel& model,
                                                         const ExportArguments& arguments) {
  const std::vector<std::string>& known = model.input_names();
  const std::vector<std::string>& chosen =
      arguments.inputs.empty() ? model.main_input_names() : arguments.inputs;
  for (const std::string& name : chosen) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw UsageError(fmt::format("--inputs: {} has no input '{}'; it has {}", model.class_name(), name,
                                   fmt::join(known, ", ")));
    }
  }
  std::vector<std::pair<std::string, Tensor>> inputs;
  for (const std::string& name : known) {
    if (std::find(chosen.begin(), chosen.end(), name) == chosen.end()) continue;
    inputs.emplace_back(name, dummy(name, arguments.batch, arguments.length));
  }
  return inputs;
}

void report(const ExportArguments& arguments, const transformers::PreTrainedModel& model,
            const std::vector<std::pair<std::string, Tensor>>& inputs) {
  int64_t parameters = 0;
  for (const auto& [name, tensor] : model.state_dict()) parameters += tensor.numel();
  std::vector<std::string> names;
  for (const auto& [name, tensor] : inputs) names.push_back(name);
  fmt::print(
      "{}: {}, {} parameters, {}; forward({})\n", arguments.output, model.class_name(), grouped(parameters),
      bytes_text(static_cast<double>(std::filesystem::file_size(arguments.output))), fmt::join(names, ", "));
}

/// The checkpoint's own files are not written over; an archive may lie beside them.
void refuse_checkpoint_file(const ExportArguments& arguments) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path folder = fs::absolute(arguments.output, error).parent_path();
  if (fs::equivalent(folder, arguments.directory, error) && fs::exists(arguments.output, error) &&
      !arguments.output.ends_with(".pt")) {
    throw UsageError(fmt::format("--output: '{}' is a file of the checkpoint", arguments.output));
  }
}

void export_model(const ExportArguments& arguments) {
  refuse_checkpoint_file(arguments);
  Progress progress;
  progress.show("reading the checkpoint …");
  const transformers::PreTrainedModel model = load_model(arguments);
  const auto inputs = dummy_inputs(model, arguments);
  progress.show(arguments.no_check ? "tracing …" : "tracing, and comparing with the model at other shapes …");
  jit::TraceOptions options;
  options.check_trace = !arguments.no_check;
  options.static_shapes = arguments.static_shapes;
  options.on_warning = warn;
  const jit::Module module = jit::trace(model, inputs, options);
  progress.show("writing …");
  jit::save(module, arguments.output);
  progress.clear();
  report(arguments, model, inputs);
}

void add_model_options(CLI::App& command, ExportArguments& arguments) {
  std::vector<std::string> tasks;
  for (const auto& row : kTasks) tasks.emplace_back(row.first);
  CLI::Option* architecture = command.add_option(
      "--architecture", arguments.architecture,
      "Class to build, such as BertForMaskedLM (default: the first of `architectures` in config.json)");
  command.add_option("--task", arguments.task, "Choose the class by task")
      ->check(CLI::IsMember(tasks))
      ->excludes(architecture);
  command
      .add_option("--attn-implementation", arguments.attention,
                  "eager (default; archives load in PyTorch 1.13 and newer) or sdpa (PyTorch 2.0 and newer)")
      ->check(CLI::IsMember({"eager", "sdpa"}));
  add_dtype_option(command, arguments.dtype, "Convert the weights (default: the checkpoint's dtype)");
}

void add_trace_options(CLI::App& command, ExportArguments& arguments) {
  command
      .add_option("--inputs", arguments.inputs,
                  "Inputs of forward, separated by commas (default: all that a tokenizer gives)")
      ->delimiter(',');
  command.add_option("--batch", arguments.batch, "Batch size of the dummy inputs")
      ->check(CLI::Range(1, kLargestDummy))
      ->capture_default_str();
  command.add_option("--seq-len", arguments.length, "Length of the dummy inputs, in tokens")
      ->check(CLI::Range(1, kLargestDummy))
      ->capture_default_str();
  command.add_flag("--static", arguments.static_shapes,
                   "Fix the trace to the dummy shape; without it, it runs at any batch size and length");
  command.add_flag("--no-check-trace", arguments.no_check,
                   "Do not compare the trace with the model afterwards");
}

}  // namespace

void add_export(CLI::App& app) {
  const auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command =
      app.add_subcommand("export", "Trace a Hugging Face checkpoint and save the TorchScript archive");
  add_path_option(*command, "model_dir", arguments->directory,
                  "Directory with config.json and model.safetensors")
      ->required();
  add_path_option(*command, "-o,--output", arguments->output, "The archive to write (.pt)")->required();
  add_model_options(*command, *arguments);
  add_trace_options(*command, *arguments);
  command->footer(
      "torch.jit.load of PyTorch 1.13 … 2.13 reads the archive, and so does `calque run`.\n"
      "\n"
      "Examples:\n"
      "  calque export MODEL_DIR -o model.pt\n"
      "  calque export MODEL_DIR -o model.pt --inputs input_ids,attention_mask\n"
      "  calque export MODEL_DIR -o model.pt --static --batch 1 --seq-len 128");
  command->callback([arguments] { export_model(*arguments); });
}

}  // namespace calque::app
