// decoder_step ARCHIVE INPUTS BYTES THREADS PRECISION ROUNDS: calls the archive on the tensors of a file, in
// turns with a loop that only reads memory, and prints both times as one JSON object. BYTES is what a call
// has to read and write.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "bandwidth.h"
#include "calque/io.h"
#include "calque/jit.h"
#include "calque/threads.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

calque::jit::Precision precision_of(const std::string& name) {
  if (name == "bf16") return calque::jit::Precision::BFloat16;
  if (name == "int8") return calque::jit::Precision::Int8;
  return calque::jit::Precision::Float32;
}

int run(char** arguments) {
  const double bytes = std::atof(arguments[3]);
  const int threads = std::atoi(arguments[4]);
  calque::set_num_threads(threads);
  const calque::jit::Module module =
      calque::jit::load(arguments[1], {.precision = precision_of(arguments[5])});
  std::vector<calque::IValue> inputs;
  for (const auto& [name, tensor] : calque::io::read_tensors(arguments[2])) inputs.emplace_back(tensor);

  auto start = Clock::now();
  module.forward(inputs);
  const double first = seconds_since(start);
  calque::bench::BandwidthProbe probe(threads);
  constexpr int kCallsPerRound = 10;
  std::vector<double> steps, bandwidths;
  for (int round = 0; round < std::atoi(arguments[6]); ++round) {
    bandwidths.push_back(probe.measure());
    module.forward(inputs);
    for (int call = 0; call < kCallsPerRound; ++call) {
      start = Clock::now();
      module.forward(inputs);
      steps.push_back(seconds_since(start));
    }
  }
  const double step = median(steps);
  const double bandwidth = median(bandwidths);
  std::printf(
      "{\"first_ms\": %.3f, \"median_ms\": %.3f, \"least_ms\": %.3f, \"bandwidth\": %.2f, \"share\": %.3f, "
      "\"least_share\": %.3f}\n",
      first * 1e3, step * 1e3, *std::min_element(steps.begin(), steps.end()) * 1e3, bandwidth,
      bytes * 1e-9 / step / bandwidth,
      bytes * 1e-9 / *std::min_element(steps.begin(), steps.end()) /
          *std::max_element(bandwidths.begin(), bandwidths.end()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fputs("usage: decoder_step ARCHIVE INPUTS BYTES THREADS float32|bf16|int8 ROUNDS\n", stderr);
    return 2;
  }
  try {
    return run(argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "decoder_step: %s\n", error.what());
    return 1;
  }
}
