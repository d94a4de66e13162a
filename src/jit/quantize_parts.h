// The parts of a conversion to low precision, one file each.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "calque/quantize.h"
#include "ir/graph.h"
#include "ops/fused.h"

namespace calque::jit {

using Samples = std::vector<CalibrationCall>;

/// What linear layers were multiplied by, by their constant weight.
struct LayerInputs {
  std::vector<float> greatest;  ///< magnitude for each input channel
  std::vector<float> rows;      ///< some of the inputs, one after another
  int64_t sampled = 0;          ///< rows
};
using InputsByWeight = std::unordered_map<const TensorImpl*, LayerInputs>;

/// The tensors of the results of one call, depth first.
using Outputs = std::vector<Tensor>;

struct Calibration {
  InputsByWeight inputs;
  std::vector<Outputs> outputs;  ///< for each sample
};

/// Runs `forward` on each sample.
Calibration calibrate(const Module& module, const Samples& samples);
std::vector<Outputs> run_samples(const Module& module, const Samples& samples);

/// Token ids of a fixed seed for arguments that embeddings read, normal numbers for those that linears read,
/// ones for masks. ValueError when an argument is of another kind.
Samples seeded_samples(const Module& module);

std::vector<OutputQuality> compare_outputs(const std::vector<Outputs>& expected,
                                           const std::vector<Outputs>& found);

}  // namespace calque::jit
