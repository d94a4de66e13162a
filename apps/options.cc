#include "options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

#include "calque/error.h"
#include "calque/thread_pool.h"
#include "calque/threads.h"
#include "command.h"
#include "terminal.h"

namespace calque::app {

CLI::Option* add_path_option(CLI::App& command, const std::string& name, std::string& path,
                             const std::string& description) {
  const auto not_empty = [](const std::string& value) {
    return value.empty() ? std::string("the path is empty") : std::string();
  };
  return command.add_option(name, path, description)->check(CLI::Validator(not_empty, ""));
}

CLI::Option* add_tensors_option(CLI::App& command, const std::string& name, std::string& path,
                                const std::string& description) {
  return add_path_option(command, name, path, description)->check(ends_in(tensor_endings()));
}

std::vector<std::string> tensor_endings() { return {".npz", ".npy", ".safetensors", ".json"}; }

CLI::Validator ends_in(std::vector<std::string> endings) {
  const auto known_ending = [endings = std::move(endings)](const std::string& value) {
    const std::string lower = CLI::detail::to_lower(value);
    const bool known = std::any_of(endings.begin(), endings.end(),
                                   [&](const std::string& ending) { return lower.ends_with(ending); });
    return known ? std::string()
                 : fmt::format("'{}' ends in none of {}", printable(value), fmt::join(endings, ", "));
  };
  return CLI::Validator(known_ending, "");
}

void add_checksums_option(CLI::App& command, bool& verify) {
  command.add_flag("--verify-checksums", verify,
                   "Compare the checksum of every record, weights included, before anything else");
}

void add_dtype_option(CLI::App& command, std::string& dtype, const std::string& description) {
  command.add_option("--dtype", dtype, description)
      ->check(CLI::IsMember({"float32", "float16", "bfloat16", "float64"}));
}

void add_run_dtype_option(CLI::App& command, std::string& dtype) {
  command
      .add_option(
          "--dtype", dtype,
          "Compute products in bf16 or int8, or with weights in int8 or int4 (for few tokens), the rest in "
          "float32; or convert the weights to a dtype while loading")
      ->check(CLI::IsMember(
          {"bf16", "int8", "int8-weights", "int4-weights", "float32", "float16", "bfloat16", "float64"}));
}

void add_padding_option(CLI::App& command, std::string& padding) {
  command
      .add_option("--padding", padding,
                  "Positions that the attention mask excludes: computed (exact), or left out, with zeros in "
                  "the results (zero)")
      ->check(CLI::IsMember({"exact", "zero"}))
      ->capture_default_str();
}

void add_batch_invariant_option(CLI::App& command, bool& wanted) {
  command.add_flag("--batch-invariant", wanted,
                   "Give each row of a batch the same bits whatever else is in the batch");
}

void add_thread_options(CLI::App& command, ThreadArguments& arguments) {
  command
      .add_option("--threads", arguments.threads,
                  "Threads to compute with (default: the processors this process may use)")
      ->check(CLI::Range(1, 1024));
  command.add_option("--affinity", arguments.affinity,
                     "Processors to bind the threads to, one each, for example 0,2,4-7");
}

void use_threads(const ThreadArguments& arguments) {
  if (arguments.threads > 0) set_num_threads(arguments.threads);
  if (arguments.affinity.empty()) return;
  try {
    const std::vector<int> cpus = parse_cpu_list(arguments.affinity);
    set_affinity(cpus);
    pin_thread(cpus.front());
  } catch (const ValueError& error) {
    throw UsageError(fmt::format("--affinity: {}", error.msg()));
  }
}

void add_pass_options(CLI::App& command, PassOptions& passes) {
  const auto known_pass = [](const std::string& name) {
    try {
      jit::check_pass_names({name});
    } catch (const ValueError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  command
      .add_option("--disable-pass", passes.disable_pass,
                  "Leave out these passes over the graph, by name, separated by commas; --time-passes shows "
                  "the names")
      ->delimiter(',')
      ->check(CLI::Validator(known_pass, ""));
  command.add_flag("--time-passes", passes.time_passes, "Print how long each pass over the graph takes");
  add_path_option(command, "--dump-phases", passes.dump_phases,
                  "Write the graph after each pass to a file in this folder");
}

void print_pass_times(const jit::Module& module, const PassOptions& passes) {
  if (!passes.time_passes) return;
  std::vector<std::vector<std::string>> rows = {{"pass", "time", "function"}};
  for (const jit::PassTime& time : jit::pass_times(module)) {
    rows.push_back({time.pass, seconds_text(time.seconds), printable(time.function)});
  }
  fmt::print("{}", columns(rows, {1}));
}

std::function<void(const std::string&)> note_printer(std::string path) {
  return [path = std::move(path)](const std::string& note) {
    print_remark(fmt::format("note: {}: {}", path, note));
  };
}

jit::Module load_module(const std::string& path, const std::string& dtype, bool verify_checksums, bool to_run,
                        const PassOptions& passes) {
  jit::LoadOptions options;
  options.disable_pass = passes.disable_pass;
  options.time_passes = passes.time_passes;
  options.dump_phases = passes.dump_phases;
  options.prepare = to_run;
  options.verify_checksums = verify_checksums;
  if (dtype == "bf16" || dtype.starts_with("int")) {
    options.precision = jit::precision_from_name(dtype);
  } else if (!dtype.empty()) {
    options.dtype = dtype_from_name(dtype);
  }
  options.on_note = note_printer(path);
  return jit::load(path, options);
}

std::vector<int64_t> read_shape(const std::string& text) {
  std::vector<int64_t> sizes;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    int64_t size = 0;
    const auto [next, error] = std::from_chars(at, end, size);
    if (error != std::errc{} || size < 1 || (next != end && *next != 'x')) {
      throw UsageError(fmt::format("--shapes: '{}' is no shape such as 8x128", text));
    }
    sizes.push_back(size);
    at = next == end ? end : next + 1;
  }
  return sizes;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<size_t>(rank, 1, values.size()) - 1];
}

}  // namespace calque::app
