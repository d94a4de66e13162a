// Tensors of a file as the arguments of a method, and its result as named tensors.
#pragma once

#include <string>
#include <vector>

#include "calque/io.h"
#include "calque/jit.h"
#include "signature.h"

namespace calque::app {

struct Call {
  std::vector<IValue> inputs;
  jit::Kwargs kwargs;
};

/// Matches tensors to parameters: by the parameter's name, or by position as `input.0`, `input.1`, … A list
/// or tuple x takes `x.0`, `x.1`, …; a dict x takes `x.KEY`; numbers and flags take 0-dim tensors, texts take
/// uint8 tensors. Throws ValueError for a tensor that nothing takes, or a parameter without default that
/// nothing fills.
Call bind_call(const Signature& signature, const io::NamedTensors& tensors, const std::string& origin);

struct Output {
  std::string name;  ///< `output.0`, `output.1`, … depth first; entries of a dict by sorted key
  std::string path;  ///< where it stands in the result: `[0]`, `["pooled"]`; empty for the result itself
  Tensor value;
};

/// Numbers and flags become 0-dim tensors, texts uint8 tensors; None is left out.
std::vector<Output> flatten(const IValue& result);

/// `int64[1, 7]`.
std::string shape_text(const Tensor& tensor);

}  // namespace calque::app
