#include "options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace calque::app {

void add_dtype_option(CLI::App& command, std::string& dtype, const std::string& description) {
  command.add_option("--dtype", dtype, description)
      ->check(CLI::IsMember({"float32", "float16", "bfloat16", "float64"}));
}

void add_threads_option(CLI::App& command, int& threads) {
  command
      .add_option("--threads", threads,
                  "Threads to compute with (default: the processors this process may use)")
      ->check(CLI::Range(1, 1024));
}

jit::Module load_module(const std::string& path, const std::string& dtype) {
  jit::LoadOptions options;
  if (!dtype.empty()) options.dtype = dtype_from_name(dtype);
  options.on_note = [&path](const std::string& note) {
    fmt::print(stderr, "calque: note: {}: {}\n", path, note);
  };
  return jit::load(path, options);
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
