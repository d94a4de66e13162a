// calque check: would an archive load and run here, and what is in it.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "calque/check.h"
#include "command.h"
#include "options.h"

namespace calque::app {

namespace {

struct CheckArguments {
  std::string model, method = "forward", dtype;
  std::vector<std::string> shapes;
  double seconds = 60;
  ThreadArguments threads;
  bool json = false;
};

void check(const CheckArguments& arguments) {
  use_threads(arguments.threads);
  jit::CheckOptions options;
  options.method = arguments.method;
  options.run.max_seconds = arguments.seconds;
  if (!arguments.dtype.empty()) options.load.dtype = dtype_from_name(arguments.dtype);
  for (const std::string& shape : arguments.shapes) options.shapes.push_back(read_shape(shape));
  const jit::CheckReport report = jit::check(arguments.model, options);
  fmt::print("{}\n", arguments.json ? jit::to_json(report) : jit::to_text(report));
  if (!report.runs) throw ReportedFailure{};
}

}  // namespace

void add_check(CLI::App& app) {
  const auto arguments = std::make_shared<CheckArguments>();
  CLI::App* command = app.add_subcommand(
      "check", "Say whether an archive would load and run here, and what its export has fixed");
  command->add_option("model", arguments->model, "TorchScript archive (.pt)")->required();
  command
      ->add_option(
          "--shapes", arguments->shapes,
          "Batch x length to run it at, on made-up inputs, separated by commas; without it nothing runs")
      ->delimiter(',');
  command->add_option("--method", arguments->method, "Method to check")->capture_default_str();
  command->add_option("--max-seconds", arguments->seconds, "Longest time of one such run")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  add_dtype_option(*command, arguments->dtype, "Convert the weights to this dtype while loading");
  add_thread_options(*command, arguments->threads);
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->footer(
      "Exit code 0 when it would load and run, 1 when not.\n"
      "\n"
      "Examples:\n"
      "  calque check model.pt\n"
      "  calque check model.pt --shapes 1x128,8x32\n"
      "  calque check model.pt --json");
  command->callback([arguments] { check(*arguments); });
}

}  // namespace calque::app
