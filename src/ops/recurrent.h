// One step of a recurrent layer.
#pragma once

#include <optional>

#include "calque/tensor.h"

namespace calque::ops {

enum class CellKind { Lstm, Gru, Tanh, Relu };

/// Rows of the weights for one of the hidden units: 4, 3 or 1.
int64_t gates_of(CellKind kind);

struct CellWeights {
  Tensor input, hidden;                               ///< [gates * units, in], [gates * units, out]
  std::optional<Tensor> input_bias{}, hidden_bias{};  ///< [gates * units]
  std::optional<Tensor> projection{};                 ///< [out, units], of an LSTM only; out is units without
};

/// RuntimeError unless the weights fit each other, inputs of `in` elements, and states of `out` elements.
void check_cell(CellKind kind, const CellWeights& w, int64_t in, int64_t out, ScalarType dtype);

/// The step h' = cell(x, h). `input_gates` is w.input x + w.input_bias, [rows, gates * units]; `h` ([rows,
/// out]) and `c` ([rows, units], of an LSTM) are contiguous and take the new state. LSTM: Hochreiter and
/// Schmidhuber, 1997; GRU: Cho et al., arXiv 1406.1078, in the form where the reset gate comes after the
/// product.
void recurrent_step(CellKind kind, const CellWeights& w, const Tensor& input_gates, const Tensor& h,
                    const Tensor& c);

}  // namespace calque::ops
