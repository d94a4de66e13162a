// calque quantize: stores the weights of an archive in low precision, and says what that changes.
#include "calque/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "calque/io.h"
#include "calque/tokenizers.h"
#include "command.h"
#include "options.h"
#include "signature.h"
#include "terminal.h"
#include "values.h"

namespace calque::app {

namespace {

constexpr int64_t kLongest = 128;  // tokens of a line

struct QuantizeArguments {
  std::string model, output, dtype = "int8", tokenizer;
  std::vector<std::string> calibrate, keep;
  int64_t samples = 128;
  double max_error = 0;
  ThreadArguments threads;
  bool no_smooth = false;
  bool json = false;
};

bool is_text(const std::string& path) { return CLI::detail::to_lower(path).ends_with(".txt"); }

bool takes(const Signature& signature, const std::string& name) {
  return std::any_of(signature.parameters.begin(), signature.parameters.end(),
                     [&](const Parameter& parameter) { return parameter.name == name; });
}

io::NamedTensors tensors_of(const Encoding& encoding, const Signature& signature) {
  io::NamedTensors tensors;
  const auto add = [&](const std::string& name, const std::vector<int64_t>& row) {
    if (takes(signature, name)) tensors.emplace_back(name, calque::tensor(row).unsqueeze(0));
  };
  add("input_ids", encoding.input_ids);
  add("attention_mask", encoding.attention_mask);
  add("token_type_ids", encoding.token_type_ids);
  return tensors;
}

/// Calls of the method, from files of tensors, one call each, and from texts, one call for each line.
class Samples {
 public:
  Samples(const QuantizeArguments& arguments, Signature signature)
      : arguments_(arguments), signature_(std::move(signature)) {}

  std::vector<jit::CalibrationCall> read() {
    for (const std::string& path : arguments_.calibrate) {
      if (is_text(path)) {
        read_text(path);
      } else {
        add(io::read_tensors(path), path);
      }
    }
    return std::move(calls_);
  }

 private:
  void add(const io::NamedTensors& tensors, const std::string& origin) {
    Call call = bind_call(signature_, tensors, origin);
    calls_.push_back({std::move(call.inputs), std::move(call.kwargs)});
  }

  void read_text(const std::string& path) {
    const auto tokenizer = Tokenizer::from_pretrained(arguments_.tokenizer);
    std::ifstream file(path);
    if (!file) throw LoadError(fmt::format("{}: cannot be read", path));
    const EncodeOptions options{.truncation = TruncationStrategy::kLongestFirst, .max_length = kLongest};
    for (std::string line; std::ssize(calls_) < arguments_.samples && std::getline(file, line);) {
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      add(tensors_of(tokenizer.encode(line, options), signature_), path);
    }
  }

  const QuantizeArguments& arguments_;
  Signature signature_;
  std::vector<jit::CalibrationCall> calls_;
};

void quantize(const QuantizeArguments& arguments) {
  const bool has_text = std::any_of(arguments.calibrate.begin(), arguments.calibrate.end(), is_text);
  if (has_text && arguments.tokenizer.empty())
    throw UsageError(
        "--calibrate with text needs --tokenizer MODEL_DIR, the checkpoint whose tokenizer reads it");
  if (!has_text && !arguments.tokenizer.empty())
    throw UsageError("--tokenizer reads the texts of --calibrate, which names none (.txt)");
  use_threads(arguments.threads);
  const jit::Module module = load_module(arguments.model, "", true, false);
  jit::QuantizeOptions options{.dtype = jit::precision_from_name(arguments.dtype),
                               .max_error = arguments.max_error,
                               .keep = arguments.keep,
                               .smooth = !arguments.no_smooth};
  options.calibration = Samples(arguments, read_signature(module.get_method("forward").schema())).read();
  const jit::Quantized made = jit::quantize(module, options);
  made.module.save(arguments.output);
  fmt::print("{}\n", arguments.json ? jit::to_json(made.report) : jit::to_text(made.report));
}

}  // namespace

void add_quantize(CLI::App& app) {
  const auto arguments = std::make_shared<QuantizeArguments>();
  CLI::App* command = app.add_subcommand(
      "quantize", "Store the weights of an archive in low precision, and say what that changes");
  add_path_option(*command, "model", arguments->model, "TorchScript archive (.pt)")->required();
  add_path_option(*command, "-o,--output", arguments->output, "The new archive")->required();
  command
      ->add_option(
          "--dtype", arguments->dtype,
          "int8: products in 8 bits; bf16; int8-weights, int4-weights: for few tokens, products in float32")
      ->check(CLI::IsMember({"int8", "bf16", "int8-weights", "int4-weights"}))
      ->capture_default_str();
  std::vector<std::string> endings = tensor_endings();
  endings.insert(endings.begin(), ".txt");
  command
      ->add_option("--calibrate", arguments->calibrate,
                   "Real inputs to judge by: texts (.txt, a line each), or tensors as calque run takes them")
      ->check(ends_in(std::move(endings)));
  command->add_option("--tokenizer", arguments->tokenizer,
                      "Checkpoint folder whose tokenizer reads the texts");
  command->add_option("--samples", arguments->samples, "Most lines of text to use")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command
      ->add_option(
          "--max-error", arguments->max_error,
          "A layer whose results change by more, relative to them, stays bf16 (0: 0.05, 0.15 for 4 bits)")
      ->check(CLI::Range(0.0, 1e9))
      ->capture_default_str();
  command->add_option("--keep", arguments->keep, "Layers, or modules around them, that stay float32");
  command->add_flag("--no-smooth", arguments->no_smooth, "int8: leave the channels of inputs as they are");
  add_thread_options(*command, arguments->threads);
  command->add_flag("--json", arguments->json, "Print the report as one JSON object");
  command->footer(
      "The new archive runs in PyTorch, too, in float32 on the rounded weights. Here it runs on the "
      "integers. It is frozen: of the methods it holds forward alone.\n"
      "\n"
      "Examples:\n"
      "  calque quantize model.pt -o small.pt --calibrate sentences.txt --tokenizer demo/minilm\n"
      "  calque quantize model.pt -o tiny.pt --dtype int4-weights\n"
      "  calque quantize model.pt -o small.pt --keep encoder.layer.5 --json");
  command->callback([arguments] { quantize(*arguments); });
}

}  // namespace calque::app
