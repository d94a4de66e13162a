// Connectionist temporal classification (Graves et al., 2006): the loss of alignments.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/loss.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"

namespace calque::ops {

namespace {

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  if (a == kImpossible) return b;
  if (b == kImpossible) return a;
  return std::max(a, b) + std::log1p(std::exp(-std::fabs(a - b)));
}

struct CtcArguments {
  Tensor log_probs;  ///< doubles [steps, batch, classes]
  Tensor targets;    ///< int64, a matrix or one row after the other
  Dims input_lengths, target_lengths;
  int64_t blank;

  int64_t batch() const { return log_probs.sizes()[1]; }
  double log_prob(int64_t t, int64_t n, int64_t label) const {
    return elements<double>(log_probs)[(t * batch() + n) * log_probs.sizes()[2] + label];
  }
};

void check_ctc(const CtcArguments& a) {
  const int64_t classes = a.log_probs.sizes()[2];
  if (a.blank < 0 || a.blank >= classes) throw RuntimeError("blank must be in label range");
  const auto batch = static_cast<size_t>(a.batch());
  if (a.input_lengths.size() != batch) throw RuntimeError("input_lengths must be of size batch_size");
  if (a.target_lengths.size() != batch) throw RuntimeError("target_lengths must be of size batch_size");
  int64_t all = 0;
  for (size_t i = 0; i < batch; ++i) {
    const int64_t length = a.target_lengths[i];
    if (a.input_lengths[i] < 0 || a.input_lengths[i] > a.log_probs.sizes()[0]) {
      throw RuntimeError(cat("Expected input_lengths to have value at most ", a.log_probs.sizes()[0],
                             ", but got value ", a.input_lengths[i],
                             " (while checking arguments for ctc_loss)"));
    }
    const int64_t most = a.targets.dim() == 2 ? a.targets.sizes()[1] : a.targets.numel();
    if (length < 0 || length > most) {
      throw RuntimeError(cat("Expected tensor to have size at least ", length,
                             " at dimension 1, but got size ", a.targets.sizes(),
                             " for argument #2 'targets' (while checking arguments for ctc_loss)"));
    }
    all += length;
  }
  const bool fits = a.targets.dim() == 2 ? a.targets.sizes()[0] == a.batch() : a.targets.numel() == all;
  if (!fits) {
    throw RuntimeError(cat("Expected targets for a batch of ", a.batch(), " with ", all,
                           " labels, but got size ", a.targets.sizes(),
                           " (while checking arguments for ctc_loss)"));
  }
  for (int64_t i = 0; i < a.targets.numel(); ++i) {
    const int64_t label = elements<int64_t>(a.targets)[i];
    if (label < 0 || label >= classes)
      throw IndexError(cat("ctc_loss: target ", label, " is out of range of ", classes, " classes"));
  }
}

/// -log of the sum over all alignments of one sequence; `labels` are its `count` targets.
double ctc_row(const CtcArguments& a, int64_t n, const int64_t* labels) {
  const int64_t steps = a.input_lengths[static_cast<size_t>(n)];
  const int64_t count = a.target_lengths[static_cast<size_t>(n)];
  if (steps == 0) return count == 0 ? 0 : -kImpossible;
  const auto label = [&](int64_t s) { return s % 2 == 0 ? a.blank : labels[s / 2]; };
  const int64_t states = 2 * count + 1;
  std::vector<double> alpha(static_cast<size_t>(states), kImpossible);
  alpha[0] = a.log_prob(0, n, a.blank);
  if (count > 0) alpha[1] = a.log_prob(0, n, labels[0]);
  for (int64_t t = 1; t < steps; ++t) {
    for (int64_t s = states - 1; s >= 0; --s) {
      double v = alpha[s];
      if (s >= 1) v = log_add(v, alpha[s - 1]);
      if (s >= 2 && s % 2 == 1 && label(s) != label(s - 2)) v = log_add(v, alpha[s - 2]);
      alpha[s] = v + a.log_prob(t, n, label(s));
    }
  }
  return -(count > 0 ? log_add(alpha[states - 1], alpha[states - 2]) : alpha[0]);
}

void ctc(OpCall& c, Dims input_lengths, Dims target_lengths) {
  const Tensor x = c.tensor(0);
  if (!x.is_floating_point()) throw_not_implemented("ctc_loss_cpu", x.dtype());
  if (x.dim() != 2 && x.dim() != 3)
    throw RuntimeError("log_probs tensor must not be empty and has 2 or 3 dimensions");
  const Tensor targets = c.tensor(1);
  if (targets.dtype() != kLong && targets.dtype() != kInt) throw RuntimeError("targets must be long or int");
  if (targets.dim() < 1 || targets.dim() > 2) throw RuntimeError("targets must have 1 or 2 dimensions");
  const CtcArguments a{.log_probs = (x.dim() == 2 ? x.unsqueeze(1) : x).to(kDouble).contiguous(),
                       .targets = targets.to(kLong).contiguous(),
                       .input_lengths = std::move(input_lengths),
                       .target_lengths = std::move(target_lengths),
                       .blank = c.integer(4)};
  if (a.log_probs.numel() == 0) throw RuntimeError("log_probs tensor must not be empty");
  check_ctc(a);
  const int64_t reduction = c.integer(5);
  const Tensor loss = zeros({a.batch()}, kDouble);
  int64_t at = 0;
  for (int64_t n = 0; n < a.batch(); ++n) {
    const int64_t count = a.target_lengths[static_cast<size_t>(n)];
    const int64_t offset = a.targets.dim() == 2 ? n * a.targets.sizes()[1] : at;
    const int64_t* labels = a.targets.numel() == 0 ? nullptr : elements<int64_t>(a.targets) + offset;
    double v = ctc_row(a, n, labels);
    if (c.boolean(6) && std::isinf(v)) v = 0;
    elements<double>(loss)[n] =
        reduction == kReductionMean ? v / static_cast<double>(std::max<int64_t>(count, 1)) : v;
    at += count;
  }
  const Tensor result = reduced_loss(loss, reduction).to(x.dtype());
  c.ret(x.dim() == 2 && reduction == kReductionNone ? result.squeeze(0) : result);
}

void ctc_loss_lists(OpCall& c) { ctc(c, c.ints(2), c.ints(3)); }

Dims length_values(const Tensor& t) {
  if (t.dtype() != kLong && t.dtype() != kInt && t.dtype() != kShort && t.dtype() != kByte &&
      t.dtype() != kChar) {
    throw RuntimeError("input_lengths must be integral");
  }
  const Tensor flat = t.to(kLong).contiguous();
  if (flat.numel() == 0) return {};
  return {elements<int64_t>(flat), elements<int64_t>(flat) + flat.numel()};
}
void ctc_loss_tensors(OpCall& c) { ctc(c, length_values(c.tensor(2)), length_values(c.tensor(3))); }

constexpr OpRow kCtcOps[] = {
    {"aten::ctc_loss.IntList(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, "
     "int blank=0, int reduction=1, bool zero_infinity=False) -> Tensor",
     ctc_loss_lists},
    {"aten::ctc_loss.Tensor(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, "
     "int blank=0, int reduction=1, bool zero_infinity=False) -> Tensor",
     ctc_loss_tensors},
};

}  // namespace

OpTable ctc_ops() { return kCtcOps; }

}  // namespace calque::ops
