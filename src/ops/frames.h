// Frames of operators whose work is a function that writes into a tensor.
#pragma once

#include "ops/operator.h"

namespace calque::ops {

/// The out-of-place form: F writes into a contiguous copy of argument 0, which is the result.
template <auto F>
void on_copy(OpCall& c) {
  const Tensor out = empty(c.tensor(0).sizes(), c.tensor(0).dtype());
  out.copy_(c.tensor(0));
  F(out, c);
  c.ret(out);
}

/// The in-place form: F writes into argument 0, which is the result.
template <auto F>
void in_place(OpCall& c) {
  F(c.tensor(0), c);
  c.ret(c[0]);
}

}  // namespace calque::ops
