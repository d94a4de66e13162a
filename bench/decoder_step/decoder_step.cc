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

struct Measurements {
  std::vector<double> steps, bandwidths, shares;
};

/// A few calls between two readings of memory, after one that is not counted.
void measure_round(const calque::jit::Module& module, const std::vector<calque::IValue>& inputs, double bytes,
                   calque::bench::BandwidthProbe& probe, Measurements& all) {
  constexpr int kCalls = 10;
  const double before = probe.measure();
  std::vector<double> steps;
  for (int call = 0; call <= kCalls; ++call) {
    const auto start = Clock::now();
    module.forward(inputs);
    if (call > 0) steps.push_back(seconds_since(start));
  }
  const double bandwidth = (before + probe.measure()) / 2;
  all.bandwidths.push_back(bandwidth);
  all.shares.push_back(bytes * 1e-9 / median(steps) / bandwidth);
  all.steps.insert(all.steps.end(), steps.begin(), steps.end());
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
  Measurements all;
  for (int round = 0; round < std::atoi(arguments[6]); ++round)
    measure_round(module, inputs, bytes, probe, all);
  const double least = *std::min_element(all.steps.begin(), all.steps.end());
  const double most = *std::max_element(all.bandwidths.begin(), all.bandwidths.end());
  std::printf(
      "{\"first_ms\": %.3f, \"median_ms\": %.3f, \"least_ms\": %.3f, \"bandwidth\": %.2f, \"share\": %.3f, "
      "\"least_share\": %.3f}\n",
      first * 1e3, median(all.steps) * 1e3, least * 1e3, median(all.bandwidths), median(all.shares),
      bytes * 1e-9 / least / most);
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
