#include "nn/activation.h"

#include <numbers>
#include <vector>

#include "base/text.h"
#include "calque/error.h"
#include "nn/functional.h"

namespace calque::nn {
namespace {

// The formulas keep the order of operations of Transformers' `activations.py`, so that results agree to the
// last bits. Paper of GELU and SiLU: https://arxiv.org/abs/1606.08415.

constexpr double kSqrtTwoOverPi = 0.79788456080286535588;

Tensor cubic_tanh(const Tensor& x) {
  const Tensor cubic = add(x, mul(pow(x, 3.0), 0.044715));
  return add(tanh(mul(cubic, kSqrtTwoOverPi)), 1.0);
}

Tensor gelu_exact(const Tensor& x) { return gelu(x); }
Tensor gelu_tanh(const Tensor& x) { return gelu(x, "tanh"); }
Tensor gelu_new(const Tensor& x) { return mul(mul(x, 0.5), cubic_tanh(x)); }
Tensor gelu_python(const Tensor& x) { return mul(mul(x, 0.5), add(erf(div(x, std::numbers::sqrt2)), 1.0)); }
Tensor gelu_fast(const Tensor& x) {
  const Tensor inner = add(mul(mul(x, 0.044715), x), 1.0);
  return mul(mul(x, 0.5), add(tanh(mul(mul(x, 0.7978845608), inner)), 1.0));
}
Tensor gelu_clipped(const Tensor& x) { return clamp(gelu(x), -10, 10); }
Tensor quick_gelu(const Tensor& x) { return mul(x, sigmoid(mul(x, 1.702))); }
Tensor identity(const Tensor& x) { return x; }
Tensor relu_squared(const Tensor& x) { return square(relu(x)); }
Tensor leaky(const Tensor& x) { return leaky_relu(x, 0.01); }
Tensor laplace(const Tensor& x) {
  constexpr double kMu = 0.707107, kSigma = 0.282095;
  return mul(add(erf(div(add(x, -kMu), kSigma * std::numbers::sqrt2)), 1.0), 0.5);
}

/// Sorted by name.
constexpr ActivationRow kActivations[] = {
    {"gelu", "transformers.activations.GELUActivation", gelu_exact},
    {"gelu_10", "transformers.activations.ClippedGELUActivation", gelu_clipped},
    {"gelu_accurate", "transformers.activations.AccurateGELUActivation", gelu_new},
    {"gelu_fast", "transformers.activations.FastGELUActivation", gelu_fast},
    {"gelu_new", "transformers.activations.NewGELUActivation", gelu_new},
    {"gelu_python", "transformers.activations.GELUActivation", gelu_python},
    {"gelu_python_tanh", "transformers.activations.GELUTanh", gelu_new},
    {"gelu_pytorch_tanh", "transformers.activations.GELUTanh", gelu_tanh},
    {"laplace", "transformers.activations.LaplaceActivation", laplace},
    {"leaky_relu", "torch.nn.modules.activation.LeakyReLU", leaky},
    {"linear", "transformers.activations.LinearActivation", identity},
    {"mish", "transformers.activations.MishActivation", mish},
    {"quick_gelu", "transformers.activations.QuickGELUActivation", quick_gelu},
    {"relu", "torch.nn.modules.activation.ReLU", relu},
    {"relu2", "transformers.activations.ReLUSquaredActivation", relu_squared},
    {"relu6", "torch.nn.modules.activation.ReLU6", relu6},
    {"sigmoid", "torch.nn.modules.activation.Sigmoid", sigmoid},
    {"silu", "transformers.activations.SiLUActivation", silu},
    {"swish", "torch.nn.modules.activation.SiLU", silu},
    {"tanh", "torch.nn.modules.activation.Tanh", tanh},
};

}  // namespace

const ActivationRow& activation(std::string_view name) {
  std::vector<std::string> names;
  for (const ActivationRow& row : kActivations) {
    if (row.name == name) return row;
    names.emplace_back(row.name);
  }
  throw NotImplementedError(
      cat("hidden_act ", quoted(name), " is not supported; supported are ", join(names, ", ")));
}

}  // namespace calque::nn
