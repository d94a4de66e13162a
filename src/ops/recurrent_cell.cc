// Cells of recurrent layers: one step of an LSTM, a GRU, or a simple layer.
#include <cmath>

#include "base/text.h"
#include "ops/matmul.h"
#include "ops/recurrent.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"

namespace calque::ops {

int64_t gates_of(CellKind kind) {
  switch (kind) {
    case CellKind::Lstm:
      return 4;
    case CellKind::Gru:
      return 3;
    default:
      return 1;
  }
}

namespace {

void expect_sizes(const Tensor& t, const Dims& sizes, std::string_view name, ScalarType dtype) {
  if (t.dtype() != dtype) {
    throw RuntimeError(cat("recurrent layer: expected ", name, " of dtype ", dtype_name(dtype),
                           " as the input, but got ", dtype_name(t.dtype())));
  }
  if (std::ranges::equal(t.sizes(), sizes)) return;
  throw RuntimeError(
      cat("recurrent layer: expected ", name, " of size ", IntArrayRef(sizes), ", but got ", t.sizes()));
}

template <class Op>
Op logistic(Op v) {
  return Op(1) / (Op(1) + std::exp(-v));
}

/// Elements [row, k * units + unit] of both products, and the state.
template <class T>
struct GateRow {
  using Op = OpType<T>;
  const T* x;
  const T* h;
  int64_t units;
  Op input(int64_t gate, int64_t unit) const { return Element<T>::load(x[gate * units + unit]); }
  Op hidden(int64_t gate, int64_t unit) const { return Element<T>::load(h[gate * units + unit]); }
  Op both(int64_t gate, int64_t unit) const { return input(gate, unit) + hidden(gate, unit); }
};

template <class T>
void lstm_row(const GateRow<T>& r, T* h, T* c) {
  using Op = OpType<T>;
  for (int64_t j = 0; j < r.units; ++j) {
    const Op old = Element<T>::load(c[j]);
    const Op fresh = logistic(r.both(1, j)) * old + logistic(r.both(0, j)) * std::tanh(r.both(2, j));
    c[j] = Element<T>::store(fresh);
    h[j] = Element<T>::store(logistic(r.both(3, j)) * std::tanh(fresh));
  }
}

template <class T>
void gru_row(const GateRow<T>& r, T* h) {
  using Op = OpType<T>;
  for (int64_t j = 0; j < r.units; ++j) {
    const Op reset = logistic(r.both(0, j));
    const Op update = logistic(r.both(1, j));
    const Op fresh = std::tanh(r.input(2, j) + reset * r.hidden(2, j));
    h[j] = Element<T>::store((Element<T>::load(h[j]) - fresh) * update + fresh);
  }
}

template <class T>
void simple_row(const GateRow<T>& r, T* h, bool use_relu) {
  using Op = OpType<T>;
  for (int64_t j = 0; j < r.units; ++j) {
    const Op v = r.both(0, j);
    h[j] = Element<T>::store(use_relu ? (v < 0 ? Op(0) : v) : std::tanh(v));
  }
}

}  // namespace

void check_cell(CellKind kind, const CellWeights& w, int64_t in, int64_t out, ScalarType dtype) {
  if (w.hidden.dim() != 2 || w.hidden.sizes()[0] % gates_of(kind) != 0) {
    throw RuntimeError(cat("recurrent layer: the hidden weight has size ", w.hidden.sizes(),
                           ", but its rows are ", gates_of(kind), " gates of equal size"));
  }
  const int64_t rows = w.hidden.sizes()[0];
  expect_sizes(w.input, {rows, in}, "the input weight", dtype);
  expect_sizes(w.hidden, {rows, out}, "the hidden weight", dtype);
  if (w.input_bias) expect_sizes(*w.input_bias, {rows}, "the input bias", dtype);
  if (w.hidden_bias) expect_sizes(*w.hidden_bias, {rows}, "the hidden bias", dtype);
  const int64_t units = rows / gates_of(kind);
  if (w.projection) {
    expect_sizes(*w.projection, {out, units}, "the projection", dtype);
  } else if (units != out) {
    throw RuntimeError(cat("recurrent layer: a weight for ", units, " units meets a state of ", out));
  }
}

void recurrent_step(CellKind kind, const CellWeights& w, const Tensor& input_gates, const Tensor& h,
                    const Tensor& c) {
  const Tensor hidden_gates = linear(h, w.hidden, w.hidden_bias).contiguous();
  const Tensor x = input_gates.contiguous();
  const int64_t width = hidden_gates.sizes()[1];
  const int64_t units = width / gates_of(kind);
  const int64_t rows = h.sizes()[0];
  const Tensor out = w.projection ? empty({rows, units}, h.dtype()) : h;
  dispatch_floating(h.dtype(), "recurrent_step", [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < rows && units > 0; ++i) {
      const GateRow<T> row{
          .x = elements<T>(x) + i * width, .h = elements<T>(hidden_gates) + i * width, .units = units};
      T* r = elements<T>(out) + i * units;
      if (kind == CellKind::Lstm) {
        lstm_row<T>(row, r, elements<T>(c) + i * units);
      } else if (kind == CellKind::Gru) {
        gru_row<T>(row, r);
      } else {
        simple_row<T>(row, r, kind == CellKind::Relu);
      }
    }
  });
  if (w.projection) h.copy_(linear(out, *w.projection, std::nullopt));
}

namespace {

/// PyTorch's checks of a cell's input and of one of its states.
void check_input(const Tensor& x, const Tensor& weight) {
  if (x.dim() != 2 || weight.dim() != 2) {
    throw RuntimeError(cat("recurrent cell: expected a matrix of inputs and one of weights, but got sizes ",
                           x.sizes(), " and ", weight.sizes()));
  }
  if (x.sizes()[1] == weight.sizes()[1]) return;
  throw RuntimeError(
      cat("input has inconsistent input_size: got ", x.sizes()[1], " expected ", weight.sizes()[1]));
}

void check_state(const Tensor& x, const Tensor& h, int64_t units, int number) {
  if (h.dim() != 2)
    throw RuntimeError(cat("recurrent cell: expected a matrix of states, but got size ", h.sizes()));
  if (x.sizes()[0] != h.sizes()[0]) {
    throw RuntimeError(cat("Input batch size ", x.sizes()[0], " doesn't match hidden", number, " batch size ",
                           h.sizes()[0]));
  }
  if (h.sizes()[1] != units) {
    throw RuntimeError(
        cat("hidden", number, " has inconsistent hidden_size: got ", h.sizes()[1], ", expected ", units));
  }
}

CellWeights weights_of(const OpCall& c) {
  return {.input = c.tensor(2),
          .hidden = c.tensor(3),
          .input_bias = c.optional_tensor(4),
          .hidden_bias = c.optional_tensor(5)};
}

Tensor writable(const Tensor& t) {
  const Tensor out = empty(t.sizes(), t.dtype());
  out.copy_(t);
  return out;
}

void lstm_cell(OpCall& c) {
  const Tensor x = c.tensor(0);
  const std::vector<Tensor> hx = c[1].toTensorVector();
  if (hx.size() != 2) throw RuntimeError("lstm_cell expects two hidden states");
  const CellWeights w = weights_of(c);
  check_input(x, w.input);
  const int64_t units = w.hidden.dim() == 2 ? w.hidden.sizes()[1] : 0;
  check_state(x, hx[0], units, 0);
  check_state(x, hx[1], units, 1);
  check_cell(CellKind::Lstm, w, x.sizes()[1], units, x.dtype());
  const Tensor h = writable(hx[0].to(x.dtype()));
  const Tensor state = writable(hx[1].to(x.dtype()));
  recurrent_step(CellKind::Lstm, w, linear(x, w.input, w.input_bias), h, state);
  c.ret(h, 0);
  c.ret(state, 1);
}

template <CellKind Kind>
void simple_cell(OpCall& c) {
  const Tensor x = c.tensor(0);
  const CellWeights w = weights_of(c);
  check_input(x, w.input);
  const int64_t units = w.hidden.dim() == 2 ? w.hidden.sizes()[1] : 0;
  check_state(x, c.tensor(1), units, 0);
  check_cell(Kind, w, x.sizes()[1], units, x.dtype());
  const Tensor h = writable(c.tensor(1).to(x.dtype()));
  recurrent_step(Kind, w, linear(x, w.input, w.input_bias), h, h);
  c.ret(h);
}

constexpr OpRow kRecurrentCellOps[] = {
    {"aten::lstm_cell(Tensor input, Tensor[] hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? "
     "b_hh=None) -> (Tensor, Tensor)",
     lstm_cell},
    {"aten::gru_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? "
     "b_hh=None) -> Tensor",
     simple_cell<CellKind::Gru>},
    {"aten::rnn_tanh_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? "
     "b_hh=None) -> Tensor",
     simple_cell<CellKind::Tanh>},
    {"aten::rnn_relu_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? "
     "b_hh=None) -> Tensor",
     simple_cell<CellKind::Relu>},
};

}  // namespace

OpTable recurrent_cell_ops() { return kRecurrentCellOps; }

}  // namespace calque::ops
