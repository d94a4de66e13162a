// Conversion to low precision: weights stored in fewer bits, and how much that changes the results.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calque/jit.h"

namespace calque::jit {

/// Arguments of one call of `forward`, without self.
struct CalibrationCall {
  std::vector<IValue> inputs{};
  Kwargs kwargs{};
};

struct QuantizeOptions {
  /// Of the weights of linear layers, and of what is multiplied by them; Float32 is a ValueError.
  Precision dtype = Precision::Int8;
  /// Real inputs, a few dozen of them. Layers and results are judged on them. None: token ids of a fixed
  /// seed, which say less.
  std::vector<CalibrationCall> calibration{};
  /// A layer whose results change by more stays bfloat16: the root mean square, over tokens, of the size of
  /// the change over that of the result. 0: 0.05 for 8 bits, 0.15 for 4.
  double max_error = 0;
  /// Names of layers, or of modules around them, that stay as they are.
  std::vector<std::string> keep{};
  /// Int8: divide inputs by a factor for each channel, and multiply the weights by it, where that lowers the
  /// error (SmoothQuant, Xiao et al. 2022, https://arxiv.org/abs/2211.10438).
  bool smooth = true;
};

struct LayerQuality {
  std::string name{};  ///< dotted path of the module
  int64_t inputs = 0, outputs = 0;
  Precision stored = Precision::Float32;  ///< how its weights are stored and multiplied
  double error = 0;                       ///< of its results at the dtype that was asked for; see max_error
  bool is_smoothed = false;
};

/// One tensor of the results, against float32. A row is what runs along its last dimension.
struct OutputQuality {
  std::string name{};  ///< output.0, output.1, … depth first
  int64_t rows = 0;
  int64_t not_finite = 0;  ///< rows that hold an infinity or NaN in float32 itself
  double cosine_median = 1, cosine_least = 1;
  double max_difference = 0;
  double same_argmax = 1;  ///< share of rows whose greatest element stays where it is
};

struct QuantizeReport {
  Precision dtype = Precision::Int8;
  int64_t samples = 0;
  bool is_seeded = false;  ///< no calibration was given
  std::vector<LayerQuality> layers{};
  int64_t already = 0;  ///< linear layers that were in low precision before: they stay as they are
  int64_t tables = 0;   ///< embeddings that are stored in low precision, too
  std::vector<OutputQuality> outputs{};
  int64_t bytes_before = 0, bytes_after = 0;  ///< of all tensors
};

struct Quantized {
  Module module;
  QuantizeReport report;
};

/// A frozen module (as jit::freeze) whose weights are stored in low precision, as constants with plain
/// operators that dequantise them: PyTorch runs its archive as well, in float32. Here it runs on the
/// integers, whatever precision it is loaded with. Embedding tables of 256 rows or more become int8
/// (bfloat16) rows. Layers that are in low precision already stay as they are. ValueError when nothing can be
/// quantised, for unknown names in `keep`, and when no inputs can be made up.
Quantized quantize(const Module& module, const QuantizeOptions& options = {});

/// One page for people.
std::string to_text(const QuantizeReport& report);
/// The same as one JSON object.
std::string to_json(const QuantizeReport& report);

}  // namespace calque::jit
