// calque bench: how long an archive takes, from loading to the hundredth call.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench_against.h"
#include "bench_worker.h"
#include "calque/io.h"
#include "calque/jit.h"
#include "calque/threads.h"
#include "command.h"
#include "json_text.h"
#include "options.h"
#include "signature.h"
#include "stopwatch.h"
#include "terminal.h"
#include "values.h"

namespace calque::app {

namespace {

struct BenchArguments {
  std::string model, input, method = "forward", dtype, padding = "exact", against;
  std::vector<std::string> shapes = {"1x8", "1x128", "8x128"};
  double seconds = 1;
  int repeat = 0;
  ThreadArguments threads;
  bool json = false, worker = false, shapes_given = false, batch_invariant = false;
  PassOptions passes;
};

struct Measurement {
  std::string shape;
  double first = 0, median = 0, p99 = 0;
  size_t calls = 0;
};

int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

/// Token ids that any vocabulary has; ones for a mask, zeros for segment ids.
io::NamedTensors made_up_inputs(const Signature& signature, const std::vector<int64_t>& sizes) {
  io::NamedTensors tensors;
  for (const Parameter& parameter : signature.parameters) {
    if (parameter.has_default) continue;
    if (parameter.type != "Tensor") {
      throw ValueError(fmt::format("argument '{}' is a {}: give --input", parameter.name, parameter.type));
    }
    const bool mask = parameter.name.find("mask") != std::string::npos;
    Tensor tensor = full(sizes, mask ? 1 : 0, kLong);
    if (parameter.name.find("input_ids") != std::string::npos) {
      auto* ids = tensor.data_ptr<int64_t>();
      for (int64_t i = 0; i < tensor.numel(); ++i) ids[i] = 1 + i % 10;
    }
    tensors.emplace_back(parameter.name, std::move(tensor));
  }
  return tensors;
}

Measurement measure(const jit::Method& method, const Call& call, const BenchArguments& arguments,
                    std::string shape) {
  Measurement result{.shape = std::move(shape)};
  const jit::RunOptions limits{.skip_padding = arguments.padding == "zero",
                               .batch_invariant = arguments.batch_invariant};
  const auto first = Clock::now();
  method(call.inputs, call.kwargs, limits);
  result.first = seconds_since(first);

  std::vector<double> times;
  const auto start = Clock::now();
  const auto wanted = static_cast<size_t>(arguments.repeat);
  while (wanted > 0 ? times.size() < wanted : times.size() < 5 || seconds_since(start) < arguments.seconds) {
    const auto begin = Clock::now();
    method(call.inputs, call.kwargs, limits);
    times.push_back(seconds_since(begin));
  }
  result.median = median(times);
  result.p99 = quantile(times, 0.99);
  result.calls = times.size();
  return result;
}

std::string json_of(const BenchArguments& arguments, double load,
                    const std::vector<Measurement>& measurements) {
  JsonText json;
  json.begin_object()
      .field("file", arguments.model)
      .field("threads", static_cast<int64_t>(get_num_threads()));
  json.field("load_seconds", load).field("peak_bytes", peak_memory()).key("runs").begin_array();
  for (const Measurement& m : measurements) {
    json.begin_object()
        .field("shape", m.shape)
        .field("first_seconds", m.first)
        .field("median_seconds", m.median);
    json.field("p99_seconds", m.p99).field("calls", static_cast<int64_t>(m.calls)).end_object();
  }
  json.end_array().end_object();
  return json.text();
}

void print(double load, const std::vector<Measurement>& measurements) {
  std::vector<std::vector<std::string>> rows = {{"shape", "first call", "median", "p99", "calls"}};
  for (const Measurement& m : measurements) {
    rows.push_back({m.shape, seconds_text(m.first), seconds_text(m.median), seconds_text(m.p99),
                    std::to_string(m.calls)});
  }
  fmt::print("{}load {}, peak memory {}, {} threads\n", columns(rows, {1, 2, 3, 4}), seconds_text(load),
             bytes_text(static_cast<double>(peak_memory())), get_num_threads());
}

void bench(const BenchArguments& arguments) {
  if (!arguments.against.empty()) {
    run_comparison({.model = arguments.model,
                    .against = arguments.against,
                    .dtype = arguments.dtype,
                    .shapes = arguments.shapes_given ? arguments.shapes : std::vector<std::string>{},
                    .threads = arguments.threads.threads,
                    .json = arguments.json});
  }
  use_threads(arguments.threads);
  if (arguments.worker) {
    return serve_bench({.model = arguments.model,
                        .method = arguments.method,
                        .dtype = arguments.dtype,
                        .skip_padding = arguments.padding == "zero"});
  }
  const auto start = Clock::now();
  const jit::Module module = load_module(arguments.model, arguments.dtype, false, true, arguments.passes);
  const double load = seconds_since(start);
  const jit::Method method = module.get_method(arguments.method);
  const Signature signature = read_signature(method.schema());

  Progress progress;
  std::vector<Measurement> measurements;
  if (!arguments.input.empty()) {
    const Call call = bind_call(signature, io::read_tensors(arguments.input), arguments.input);
    measurements.push_back(measure(method, call, arguments, arguments.input));
  } else {
    for (const std::string& shape : arguments.shapes) {
      progress.show(fmt::format("measuring {} …", shape));
      const Call call = bind_call(signature, made_up_inputs(signature, read_shape(shape)), shape);
      measurements.push_back(measure(method, call, arguments, shape));
    }
  }
  progress.clear();
  if (arguments.json) return fmt::print("{}\n", json_of(arguments, load, measurements));
  print(load, measurements);
  print_pass_times(module, arguments.passes);
}

}  // namespace

namespace {

/// CLI::Range lets NaN pass.
std::string finite_seconds(const std::string& text) {
  double value = 0;
  const bool number = CLI::detail::lexical_cast(text, value);
  return number && value >= 0 && value <= 3600 ? "" : fmt::format("'{}' is not from 0 to 3600", text);
}

}  // namespace

void add_bench(CLI::App& app) {
  const auto arguments = std::make_shared<BenchArguments>();
  CLI::App* command =
      app.add_subcommand("bench", "Measure an archive: load, first call, median, 99th percentile, memory");
  add_path_option(*command, "model", arguments->model,
                  "TorchScript archive (.pt); with --against a checkpoint folder, too")
      ->required();
  CLI::Option* shapes = command
                            ->add_option("--shapes", arguments->shapes,
                                         "Batch x length of made-up token ids, separated by commas")
                            ->delimiter(',')
                            ->capture_default_str();
  add_tensors_option(*command, "-i,--input", arguments->input, "Measure on these tensors instead")
      ->excludes(shapes);
  command->add_option("--method", arguments->method, "Method to call")->capture_default_str();
  add_run_dtype_option(*command, arguments->dtype);
  add_padding_option(*command, arguments->padding);
  add_batch_invariant_option(*command, arguments->batch_invariant);
  add_pass_options(*command, arguments->passes);
  command->add_option("--seconds", arguments->seconds, "Time to spend on each shape")
      ->check(CLI::Validator(finite_seconds, "FLOAT in [0 - 3600]"))
      ->capture_default_str();
  command->add_option("--repeat", arguments->repeat, "Calls for each shape, in place of a time")
      ->check(CLI::Range(1, 1'000'000));
  add_thread_options(*command, arguments->threads);
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command
      ->add_option(
          "--against", arguments->against,
          "Compare with other engines: torch, torchscript, compile, onnxruntime, openvino, ctranslate2, "
          "separated by commas, or all")
      ->excludes("--input");
  command->add_flag("--worker", arguments->worker, "Serve requests, one line of JSON each")->group("");
  command->footer(
      "--against takes every engine in turns, each in a process of its own with the same threads and inputs. "
      "It\n"
      "runs bench/compare.py of the source tree in the Python environment that `make bench-peers` makes (or "
      "in the\n"
      "one of CALQUE_BENCH_PYTHON); an engine that is missing there is said to be missing. Engines that "
      "cannot read\n"
      "an archive need the checkpoint's folder as the model:\n"
      "  calque bench FOLDER --against torchscript,onnxruntime --shapes 1x128,32xreal --threads 2\n"
      "\n"
      "Examples:\n"
      "  calque bench model.pt\n"
      "  calque bench model.pt --shapes 1x16,32x64 --threads 1 --json\n"
      "  calque bench model.pt --threads 2 --affinity 0-1\n"
      "  calque bench model.pt --input in.npz --repeat 100\n"
      "  calque bench model.pt --disable-pass fuse_linear,merge_linears");
  command->callback([arguments, shapes] {
    arguments->shapes_given = shapes->count() > 0;
    bench(*arguments);
  });
}

}  // namespace calque::app
