// calque run: calls a method of an archive on tensors from a file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include "calque/io.h"
#include "calque/jit.h"
#include "command.h"
#include "options.h"
#include "stopwatch.h"
#include "terminal.h"
#include "values.h"

namespace calque::app {

namespace {

struct RunArguments {
  std::string model, input, output;
  std::string method = "forward";
  std::string dtype, padding = "exact";
  int repeat = 1;
  ThreadArguments threads;
  bool quiet = false, verify_checksums = false, batch_invariant = false;
  PassOptions passes;
  double max_seconds = 0;
  uint64_t max_memory = 0;
  int64_t max_iterations = 0;
};

void print_outputs(const std::vector<Output>& outputs) {
  std::vector<std::vector<std::string>> rows;
  for (const Output& output : outputs) {
    rows.push_back({output.name, shape_text(output.value),
                    output.path.empty() ? "" : "result" + printable(output.path)});
  }
  fmt::print("{}", columns(rows));
}

void run(const RunArguments& arguments) {
  use_threads(arguments.threads);
  const jit::Module module =
      load_module(arguments.model, arguments.dtype, arguments.verify_checksums, true, arguments.passes);
  const jit::Method method = module.get_method(arguments.method);
  const io::NamedTensors tensors =
      arguments.input.empty() ? io::NamedTensors{} : io::read_tensors(arguments.input);
  const Call call = bind_call(read_signature(method.schema()), tensors,
                              arguments.input.empty() ? "without --input" : arguments.input);

  jit::RunOptions limits;
  limits.max_seconds = arguments.max_seconds;
  limits.max_memory = static_cast<int64_t>(arguments.max_memory);
  limits.max_iterations = arguments.max_iterations;
  limits.skip_padding = arguments.padding == "zero";
  limits.batch_invariant = arguments.batch_invariant;

  IValue result;
  std::vector<double> times;
  for (int i = 0; i < arguments.repeat; ++i) {
    const auto start = Clock::now();
    result = method(call.inputs, call.kwargs, limits);
    times.push_back(seconds_since(start));
  }

  const std::vector<Output> outputs = flatten(result);
  if (!arguments.output.empty()) {
    io::NamedTensors named;
    for (const Output& output : outputs) named.emplace_back(output.name, output.value);
    io::write_tensors(arguments.output, named);
  }
  if (arguments.quiet) return;
  print_outputs(outputs);
  print_pass_times(module, arguments.passes);
  if (arguments.repeat > 1) {
    fmt::print("first call {}, median of the other {} {}\n", seconds_text(times.front()), times.size() - 1,
               seconds_text(median({times.begin() + 1, times.end()})));
  }
}

}  // namespace

void add_run(CLI::App& app) {
  const auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run", "Call a TorchScript archive on tensors from a file");
  add_path_option(*command, "model", arguments->model, "TorchScript archive (.pt)")->required();
  add_tensors_option(*command, "-i,--input", arguments->input,
                     "Tensors to call it with: .npz, .safetensors or .json");
  add_tensors_option(*command, "-o,--output", arguments->output,
                     "Where the results go: .npz, .safetensors or .json");
  command->add_option("--method", arguments->method, "Method to call")->capture_default_str();
  add_run_dtype_option(*command, arguments->dtype);
  add_padding_option(*command, arguments->padding);
  add_batch_invariant_option(*command, arguments->batch_invariant);
  add_pass_options(*command, arguments->passes);
  command->add_option("--repeat", arguments->repeat, "Call it so often, and print the times")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  add_checksums_option(*command, arguments->verify_checksums);
  add_thread_options(*command, arguments->threads);
  command->add_option("--max-seconds", arguments->max_seconds, "Give up a call that takes longer")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--max-memory", arguments->max_memory,
                   "Most bytes that the tensors of a call may take, for example 500MB")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true));
  command->add_option("--max-iterations", arguments->max_iterations, "Most loop iterations of a call")
      ->check(CLI::PositiveNumber);
  command->add_flag("-q,--quiet", arguments->quiet, "Print nothing");
  command->footer(
      "Inputs are found by the names of the method's arguments, or by position as input.0, input.1, …\n"
      "Results are named output.0, output.1, … depth first, entries of a dict by sorted key.\n"
      "\n"
      "Examples:\n"
      "  calque run model.pt --input in.npz --output out.npz\n"
      "  calque run model.pt --input in.json --output out.json --threads 1\n"
      "  calque run model.pt --input in.npz --repeat 20\n"
      "  calque run model.pt --input in.npz --padding zero --batch-invariant\n"
      "  calque run model.pt --input in.npz --disable-pass fuse_attention --time-passes\n"
      "  calque run unknown.pt --input in.npz --max-seconds 10 --max-memory 2GB --max-iterations 1000000");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace calque::app
