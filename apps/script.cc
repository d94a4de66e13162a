// calque script: compiles a source file and saves one of its functions as an archive.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "calque/compilation_unit.h"
#include "command.h"

namespace calque::app {

namespace {

struct ScriptArguments {
  std::string source, output, function;
  bool code = false;
};

std::string read_source(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) throw LoadError(fmt::format("cannot read {}", path));
  return text;
}

/// The function that becomes `forward`: the one asked for, the only one, or the one of that name.
std::string chosen_function(const jit::CompilationUnit& unit, const ScriptArguments& arguments) {
  const std::vector<std::string> names = unit.function_names();
  if (names.empty()) {
    throw LoadError(fmt::format(
        "{} has no function outside classes; an archive needs one: def forward(x: Tensor) -> Tensor: ...",
        arguments.source));
  }
  if (!arguments.function.empty()) {
    if (!unit.has_function(arguments.function)) {
      throw UsageError(fmt::format("--function {}: {} has the functions {}", arguments.function,
                                   arguments.source, fmt::join(names, ", ")));
    }
    return arguments.function;
  }
  if (names.size() == 1) return names[0];
  if (unit.has_function("forward")) return "forward";
  throw UsageError(
      fmt::format("{} has several functions, {}, and none is called forward; choose one with --function",
                  arguments.source, fmt::join(names, ", ")));
}

void script(const ScriptArguments& arguments) {
  const auto unit = jit::compile(read_source(arguments.source),
                                 {.label = arguments.source == "-" ? "<standard input>" : arguments.source});
  if (!arguments.output.empty()) unit->module(chosen_function(*unit, arguments)).save(arguments.output);
  if (arguments.output.empty() && !arguments.code) {
    for (const std::string& name : unit->function_names()) fmt::print("{}\n", unit->schema(name));
  }
  if (!arguments.code) return;
  for (const std::string& name : unit->function_names()) {
    if (arguments.function.empty() || name == arguments.function) fmt::print("{}", unit->code(name));
  }
}

}  // namespace

void add_script(CLI::App& app) {
  const auto arguments = std::make_shared<ScriptArguments>();
  CLI::App* command = app.add_subcommand(
      "script", "Compile a file in TorchScript's part of Python and save it as an archive");
  command->add_option("source", arguments->source, "Source file (.py), or - for standard input")->required();
  command->add_option("-o,--output", arguments->output, "The archive; without it the source is only checked");
  command->add_option("--function", arguments->function,
                      "Function that becomes forward (default: the only one, or the one called forward)");
  command->add_flag("--code", arguments->code, "Print what the compiler made of the functions");
  command->footer(
      "The file holds functions, classes, NamedTuples and Enums, and imports of torch, math and typing:\n"
      "\n"
      "  import torch\n"
      "  import torch.nn.functional as F\n"
      "  from torch import Tensor\n"
      "\n"
      "  def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:\n"
      "      weights = mask.unsqueeze(-1).to(hidden.dtype)\n"
      "      return F.normalize((hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9), dim=-1)\n"
      "\n"
      "Arguments without a type are Tensors. torch.jit.load reads the archive, and so does `calque run`.\n"
      "\n"
      "Examples:\n"
      "  calque script pool.py                            check it, list its functions\n"
      "  calque script pool.py -o pool.pt\n"
      "  calque script pool.py -o pool.pt --function mean_pool\n"
      "  calque run pool.pt --input in.npz --output out.npz");
  command->callback([arguments] { script(*arguments); });
}

}  // namespace calque::app
