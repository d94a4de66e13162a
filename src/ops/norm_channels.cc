// Normalisation of channels: by running statistics, by those of the batch, or of each image.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "ops/composite.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// Arguments of a batch norm over x = [batch, channels, …].
struct BatchNorm {
  Tensor x;
  std::optional<Tensor> weight, bias, running_mean, running_var;
  bool training;  ///< statistics of the batch; running ones are moved towards them
  double momentum, eps;
};

void check_channels(const std::optional<Tensor>& t, std::string_view name, int64_t channels) {
  if (!t || t->numel() == channels) return;
  throw RuntimeError(cat(name, " should contain ", channels, " elements not ", t->numel()));
}

void check_batch_norm(const BatchNorm& b) {
  if (b.x.dim() < 2) throw RuntimeError("batch_norm expects an input of at least 2 dimensions");
  const int64_t channels = b.x.sizes()[1];
  if (!b.training && !b.running_mean) throw RuntimeError("running_mean must be defined in evaluation mode");
  if (!b.training && !b.running_var) throw RuntimeError("running_var must be defined in evaluation mode");
  check_channels(b.running_mean, "running_mean", channels);
  check_channels(b.running_var, "running_var", channels);
  check_channels(b.weight, "weight", channels);
  check_channels(b.bias, "bias", channels);
}

std::vector<double> channel_values(const std::optional<Tensor>& t, int64_t n, double fallback) {
  if (!t) return std::vector<double>(static_cast<size_t>(n), fallback);
  const Tensor d = t->to(kDouble).contiguous();
  if (n == 0) return {};
  return {elements<double>(d), elements<double>(d) + n};
}

struct Statistics {
  std::vector<double> mean, variance;  ///< biased
};

/// Of each channel, over batch and positions.
Statistics batch_statistics(const Tensor& x) {
  const int64_t channels = x.sizes()[1];
  const int64_t n = channels == 0 ? 0 : x.numel() / channels;
  if (n == 0 && channels > 0) {
    throw ValueError(cat("Expected more than 1 value per channel when training, got input size ", x.sizes()));
  }
  const Tensor d = x.transpose(0, 1).to(kDouble).contiguous();
  Statistics s;
  for (int64_t ch = 0; ch < channels; ++ch) {
    const double* p = elements<double>(d) + ch * n;
    double mean = 0;
    for (int64_t i = 0; i < n; ++i) mean += p[i];
    mean /= static_cast<double>(n);
    double squares = 0;
    for (int64_t i = 0; i < n; ++i) squares += (p[i] - mean) * (p[i] - mean);
    s.mean.push_back(mean);
    s.variance.push_back(squares / static_cast<double>(n));
  }
  return s;
}

/// running = (1 - momentum) * running + momentum * value
void move_towards(const Tensor& running, const std::vector<double>& values, double momentum) {
  const Tensor moved = empty({static_cast<int64_t>(values.size())}, kDouble);
  const std::vector<double> before = channel_values(running, moved.numel(), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    elements<double>(moved)[i] = (1 - momentum) * before[i] + momentum * values[i];
  }
  running.copy_(moved.view(running.sizes()));
}

/// y = (x - mean[ch]) * scale[ch] + shift[ch] with channels in dimension 1.
Tensor affine_channels(const Tensor& x, const std::vector<double>& mean, const std::vector<double>& scale,
                       const std::vector<double>& shift) {
  const int64_t channels = x.sizes()[1];
  const int64_t inner = wrapping_product(x.sizes().subspan(2));
  const Tensor in = x.contiguous();
  Tensor out = empty(x.sizes(), x.dtype());
  dispatch_floating(x.dtype(), "batch_norm", [&]<class T>(TypeTag<T>) {
    const T* p = elements<T>(in);
    T* q = elements<T>(out);
    for (int64_t i = 0; i < x.numel(); ++i) {
      const auto ch = static_cast<size_t>(i / inner % channels);
      const double v = (static_cast<double>(Element<T>::load(p[i])) - mean[ch]) * scale[ch] + shift[ch];
      q[i] = Element<T>::store(static_cast<OpType<T>>(v));
    }
  });
  return out;
}

struct Normalised {
  Tensor out;
  Statistics used;
};

Normalised normalised(const BatchNorm& b) {
  check_batch_norm(b);
  if (!b.x.is_floating_point()) throw_not_implemented("batch_norm", b.x.dtype());
  const int64_t channels = b.x.sizes()[1];
  Statistics s;
  if (b.training) {
    s = batch_statistics(b.x);
    const auto n = static_cast<double>(channels == 0 ? 0 : b.x.numel() / channels);
    std::vector<double> unbiased = s.variance;
    for (double& v : unbiased) v *= n / (n - 1);
    if (b.running_mean) move_towards(*b.running_mean, s.mean, b.momentum);
    if (b.running_var) move_towards(*b.running_var, unbiased, b.momentum);
  } else {
    s = {.mean = channel_values(b.running_mean, channels, 0),
         .variance = channel_values(b.running_var, channels, 1)};
  }
  std::vector<double> scale = channel_values(b.weight, channels, 1);
  for (size_t i = 0; i < scale.size(); ++i) scale[i] /= std::sqrt(s.variance[i] + b.eps);
  return {.out = affine_channels(b.x, s.mean, scale, channel_values(b.bias, channels, 0)), .used = s};
}

BatchNorm batch_norm_arguments(const OpCall& c) {
  return {.x = c.tensor(0),
          .weight = c.optional_tensor(1),
          .bias = c.optional_tensor(2),
          .running_mean = c.optional_tensor(3),
          .running_var = c.optional_tensor(4),
          .training = c.boolean(5),
          .momentum = c.number(6),
          .eps = c.number(7)};
}

void batch_norm(OpCall& c) { c.ret(normalised(batch_norm_arguments(c)).out); }

Tensor as_tensor(const std::vector<double>& values, ScalarType dtype) {
  const Tensor out = empty({static_cast<int64_t>(values.size())}, kDouble);
  std::ranges::copy(values, elements<double>(out));
  return out.to(dtype);
}

/// Beside the result: mean and 1 / deviation of the batch, empty when running ones were used.
void native_batch_norm(OpCall& c) {
  const BatchNorm b = batch_norm_arguments(c);
  const Normalised n = normalised(b);
  const ScalarType dtype = b.weight ? b.weight->dtype() : b.x.dtype();
  std::vector<double> inverse = n.used.variance;
  for (double& v : inverse) v = 1 / std::sqrt(v + b.eps);
  c.ret(n.out, 0);
  c.ret(b.training ? as_tensor(n.used.mean, dtype) : empty({0}, dtype), 1);
  c.ret(b.training ? as_tensor(inverse, dtype) : empty({0}, dtype), 2);
}

/// The images of a batch as channels of one image; running statistics take the mean over the batch.
void instance_norm(OpCall& c) {
  const Tensor x = c.tensor(0);
  const bool use_input = c.boolean(5);
  if (!use_input && (c[3].isNone() || c[4].isNone())) {
    throw RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false");
  }
  if (x.dim() < 2) throw RuntimeError("instance_norm expects an input of at least 2 dimensions");
  const int64_t batch = x.sizes()[0];
  const int64_t channels = x.sizes()[1];
  const auto repeated = [&](size_t i) {
    const std::optional<Tensor> t = c.optional_tensor(i);
    check_channels(t,
                   i == 1   ? "weight"
                   : i == 2 ? "bias"
                   : i == 3 ? "running_mean"
                            : "running_var",
                   channels);
    return t ? std::optional<Tensor>(invoke("aten::repeat", {t->reshape(Dims{channels}), Dims{batch}})) : t;
  };
  Dims flat = to_dims(x.sizes());
  flat[0] = 1;
  flat[1] = batch * channels;
  BatchNorm b{.x = x.reshape(flat),
              .weight = repeated(1),
              .bias = repeated(2),
              .running_mean = repeated(3),
              .running_var = repeated(4),
              .training = use_input,
              .momentum = c.number(6),
              .eps = c.number(7)};
  const Tensor out = normalised(b).out.view(x.sizes());
  for (const size_t i : {3, 4}) {
    if (!use_input || c[i].isNone()) continue;
    const Tensor moved = (i == 3 ? b.running_mean : b.running_var)->view(Dims{batch, channels});
    c.tensor(i).copy_(invoke("aten::mean.dim", {moved, Dims{0}}));
  }
  c.ret(out);
}

// --- weights in polar form

/// The norm of v over all dimensions but `dim`; the norm of all of it for -1.
Tensor norm_except(const Tensor& v, double p, int64_t dim) {
  if (dim == -1) return invoke("aten::norm.Scalar", {v, p});
  const int64_t d = wrap_dim(dim, v.dim());
  Dims others;
  for (int64_t i = 0; i < v.dim(); ++i) {
    if (i != d) others.push_back(i);
  }
  if (others.empty())
    return invoke("aten::pow.Tensor_Scalar",
                  {invoke("aten::pow.Tensor_Scalar", {invoke("aten::abs", {v}), p}), 1 / p});
  return invoke("aten::norm.ScalarOpt_dim", {v, p, others, true});
}

void norm_except_dim(OpCall& c) { c.ret(norm_except(c.tensor(0), c.number(1), c.integer(2))); }

/// v * g / norm of v (Salimans and Kingma, arXiv 1602.07868).
void weight_norm(OpCall& c) {
  const Tensor v = c.tensor(0);
  const Tensor ratio = invoke("aten::div.Tensor", {c.tensor(1), norm_except(v, 2, c.integer(2))});
  c.ret(invoke("aten::mul.Tensor", {v, ratio}));
}

constexpr OpRow kNormChannelOps[] = {
    {"aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? "
     "running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor",
     batch_norm},
    {"aten::native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? "
     "running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)",
     native_batch_norm},
    {"aten::instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? "
     "running_var, bool use_input_stats, float momentum, float eps, bool cudnn_enabled) -> Tensor",
     instance_norm},
    {"aten::norm_except_dim(Tensor v, int pow=2, int dim=0) -> Tensor", norm_except_dim},
    {"aten::_weight_norm(Tensor v, Tensor g, int dim=0) -> Tensor", weight_norm},
};

}  // namespace

OpTable norm_channel_ops() { return kNormChannelOps; }

}  // namespace calque::ops
