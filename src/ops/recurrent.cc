// Recurrent layers over whole sequences, padded or packed.
#include "ops/recurrent.h"

#include <algorithm>

#include "base/text.h"
#include "ops/composite.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"

namespace calque::ops {

namespace {

/// Sequences as packed_sequence has them: row after row of one time step, then those of the next. A padded
/// batch is the same with equal counts.
struct Sequences {
  Tensor rows;  ///< [sum of counts, features]
  Dims counts;  ///< rows of each step, not rising
};

struct Layers {
  CellKind kind;
  std::vector<CellWeights> weights;  ///< one for each layer and direction
  int64_t layers;
  int64_t directions;
  double dropout;
  bool train;
};

/// Hidden states of all layers, [layers * directions, batch, out], copied; cells of an LSTM.
struct States {
  Tensor h, c;
};

/// The flat list of parameters as weights.
std::vector<CellWeights> gather_weights(const std::vector<Tensor>& flat, bool biases, bool projections) {
  const size_t each = 2 + (biases ? 2 : 0) + (projections ? 1 : 0);
  if (flat.size() % each != 0) throw RuntimeError("got an incorrect number of RNN parameters");
  std::vector<CellWeights> out;
  for (size_t i = 0; i < flat.size(); i += each) {
    CellWeights w{.input = flat[i], .hidden = flat[i + 1]};
    if (biases) {
      w.input_bias = flat[i + 2];
      w.hidden_bias = flat[i + 3];
    }
    if (projections) w.projection = flat[i + each - 1];
    out.push_back(std::move(w));
  }
  return out;
}

Layers layers_of(const OpCall& c, CellKind kind, size_t at, bool projections) {
  Layers l{.kind = kind,
           .weights = gather_weights(c[at].toTensorVector(), c.boolean(at + 1), projections),
           .layers = c.integer(at + 2),
           .directions = c.boolean(at + 5) ? 2 : 1,
           .dropout = c.number(at + 3),
           .train = c.boolean(at + 4)};
  const auto count = static_cast<int64_t>(l.weights.size());
  if (l.layers <= 0 || l.layers > count || l.layers * l.directions != count) {
    throw RuntimeError(cat("expected parameters for ", l.layers, " layers in ", l.directions,
                           " directions, but got ", count, " sets of weights"));
  }
  return l;
}

/// A state [count, batch, …], checked and copied.
Tensor state_of(const Tensor& t, const Layers& l, int64_t batch, ScalarType dtype) {
  const auto count = static_cast<int64_t>(l.weights.size());
  if (t.dim() != 3 || t.sizes()[0] != count || t.sizes()[1] != batch) {
    throw RuntimeError(cat("Expected hidden size (", count, ", ", batch, ", *), got ", t.sizes()));
  }
  if (t.dtype() != dtype) {
    throw RuntimeError(cat("Input and hidden tensors are not the same dtype, found input tensor with ",
                           dtype_name(dtype), " and hidden tensor with ", dtype_name(t.dtype())));
  }
  const Tensor out = empty(t.sizes(), dtype);
  out.copy_(t);
  return out;
}

/// One direction of one layer: [sum of counts, out]. The states take their last values.
Tensor run_direction(CellKind kind, const CellWeights& w, const Sequences& s, const Tensor& h,
                     const Tensor& c, bool backwards) {
  const Tensor gates = linear(s.rows, w.input, w.input_bias).contiguous();
  const Tensor out = empty({s.rows.sizes()[0], h.sizes()[1]}, h.dtype());
  const auto steps = static_cast<int64_t>(s.counts.size());
  int64_t at = backwards ? s.rows.sizes()[0] : 0;
  for (int64_t step = 0; step < steps; ++step) {
    const int64_t count = s.counts[backwards ? steps - 1 - step : step];
    if (backwards) at -= count;
    const Tensor rows = h.slice(0, 0, count);
    recurrent_step(kind, w, gates.slice(0, at, at + count), rows, c.slice(0, 0, count));
    out.slice(0, at, at + count).copy_(rows);
    if (!backwards) at += count;
  }
  return out;
}

/// All layers: the output's rows.
Tensor run_layers(const Layers& l, Sequences s, const States& states) {
  for (int64_t layer = 0; layer < l.layers; ++layer) {
    std::vector<Tensor> outputs;
    for (int64_t direction = 0; direction < l.directions; ++direction) {
      const int64_t i = layer * l.directions + direction;
      const CellWeights& w = l.weights[static_cast<size_t>(i)];
      check_cell(l.kind, w, s.rows.sizes()[1], states.h.sizes()[2], s.rows.dtype());
      if (l.kind == CellKind::Lstm && states.c.sizes()[2] * 4 != w.hidden.sizes()[0]) {
        throw RuntimeError(cat("lstm: a cell state of size ", states.c.sizes(),
                               " does not fit the weight of size ", w.hidden.sizes()));
      }
      outputs.push_back(
          run_direction(l.kind, w, s, states.h.select(0, i), states.c.select(0, i), direction == 1));
    }
    s.rows = outputs.size() == 1 ? outputs[0] : concatenate(outputs, 1);
    if (l.train && l.dropout != 0 && layer + 1 < l.layers) {
      s.rows = invoke("aten::dropout", {s.rows, l.dropout, true});
    }
  }
  return s.rows;
}

/// A padded batch with time in front.
Sequences padded(const Tensor& x, std::string_view op) {
  if (x.dim() != 3)
    throw RuntimeError(cat(op, ": Expected input to be 2D or 3D, got ", x.dim(), "D instead"));
  const int64_t steps = x.sizes()[0];
  if (steps == 0) throw RuntimeError("Expected sequence length to be larger than 0 in RNN");
  return {.rows = x.reshape(Dims{steps * x.sizes()[1], x.sizes()[2]}),
          .counts = Dims(static_cast<size_t>(steps), x.sizes()[1])};
}

Sequences packed(const Tensor& data, const Tensor& batch_sizes) {
  if (batch_sizes.dim() != 1 || batch_sizes.dtype() != kLong) {
    throw RuntimeError("batch_sizes should be a vector of int64");
  }
  if (data.dim() != 2) throw RuntimeError(cat("packed data must be a matrix, but has size ", data.sizes()));
  const Tensor counts = batch_sizes.contiguous();
  Sequences s{.rows = data, .counts = {}};
  if (counts.numel() > 0)
    s.counts.assign(elements<int64_t>(counts), elements<int64_t>(counts) + counts.numel());
  int64_t left = data.sizes()[0];
  int64_t last = left;
  for (const int64_t count : s.counts) {
    if (count <= 0 || count > last || count > left) {
      throw RuntimeError(cat("batch_sizes must be positive, not rise, and sum up to the ", data.sizes()[0],
                             " rows of the data"));
    }
    left -= count;
    last = count;
  }
  if (left != 0 || s.counts.empty()) {
    throw RuntimeError(cat("batch_sizes do not sum up to the ", data.sizes()[0], " rows of the data"));
  }
  return s;
}

struct StateArguments {
  Tensor h;
  std::optional<Tensor> c{};
};

template <CellKind Kind>
StateArguments state_arguments(const OpCall& c, size_t at) {
  if (Kind != CellKind::Lstm) return {.h = c.tensor(at)};
  const std::vector<Tensor> hx = c[at].toTensorVector();
  if (hx.size() != 2) throw RuntimeError("lstm expects two hidden states");
  return {.h = hx[0], .c = hx[1]};
}

/// Results: the output's rows and the states.
template <CellKind Kind>
Tensor run_sequences(OpCall& c, const Sequences& s, size_t hx_at) {
  const StateArguments given = state_arguments<Kind>(c, hx_at);
  const bool projections =
      given.c && given.h.dim() == 3 && given.c->dim() == 3 && given.h.sizes()[2] != given.c->sizes()[2];
  const Layers l = layers_of(c, Kind, hx_at + 1, projections);
  const ScalarType dtype = s.rows.dtype();
  States states{.h = state_of(given.h, l, s.counts[0], dtype), .c = {}};
  states.c = given.c ? state_of(*given.c, l, s.counts[0], dtype) : states.h;
  const Tensor out = run_layers(l, s, states);
  c.ret(states.h, 1);
  if (Kind == CellKind::Lstm) c.ret(states.c, 2);
  return out;
}

constexpr std::string_view kNames[] = {"lstm", "gru", "rnn_tanh", "rnn_relu"};

template <CellKind Kind>
void recurrent_input(OpCall& c) {
  const bool batch_first = c.boolean(8);
  const Tensor x = batch_first && c.tensor(0).dim() > 1 ? c.tensor(0).transpose(0, 1) : c.tensor(0);
  const Sequences s = padded(x, kNames[static_cast<size_t>(Kind)]);
  const Tensor rows = run_sequences<Kind>(c, s, 1);
  const Tensor out = rows.view(Dims{x.sizes()[0], x.sizes()[1], rows.sizes()[1]});
  c.ret(batch_first ? out.transpose(0, 1) : out, 0);
}

template <CellKind Kind>
void recurrent_data(OpCall& c) {
  c.ret(run_sequences<Kind>(c, packed(c.tensor(0), c.tensor(1)), 2), 0);
}

constexpr OpRow kRecurrentOps[] = {
    {"aten::lstm.input(Tensor input, Tensor[] hx, Tensor[] params, bool has_biases, int num_layers, float "
     "dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor, Tensor)",
     recurrent_input<CellKind::Lstm>},
    {"aten::lstm.data(Tensor data, Tensor batch_sizes, Tensor[] hx, Tensor[] params, bool has_biases, int "
     "num_layers, float dropout, bool train, bool bidirectional) -> (Tensor, Tensor, Tensor)",
     recurrent_data<CellKind::Lstm>},
    {"aten::gru.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float "
     "dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)",
     recurrent_input<CellKind::Gru>},
    {"aten::gru.data(Tensor data, Tensor batch_sizes, Tensor hx, Tensor[] params, bool has_biases, int "
     "num_layers, float dropout, bool train, bool bidirectional) -> (Tensor, Tensor)",
     recurrent_data<CellKind::Gru>},
    {"aten::rnn_tanh.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float "
     "dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)",
     recurrent_input<CellKind::Tanh>},
    {"aten::rnn_tanh.data(Tensor data, Tensor batch_sizes, Tensor hx, Tensor[] params, bool has_biases, int "
     "num_layers, float dropout, bool train, bool bidirectional) -> (Tensor, Tensor)",
     recurrent_data<CellKind::Tanh>},
    {"aten::rnn_relu.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float "
     "dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)",
     recurrent_input<CellKind::Relu>},
    {"aten::rnn_relu.data(Tensor data, Tensor batch_sizes, Tensor hx, Tensor[] params, bool has_biases, int "
     "num_layers, float dropout, bool train, bool bidirectional) -> (Tensor, Tensor)",
     recurrent_data<CellKind::Relu>},
};

}  // namespace

OpTable recurrent_ops() { return kRecurrentOps; }

}  // namespace calque::ops
