// Losses, as heads of models compute them when labels are given.
#include "ops/loss.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/loops.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "ops/tables.h"
#include "ops/unary.h"
#include "tensor/dtype.h"

namespace calque::ops {

namespace {

Tensor total(const Tensor& x) { return sum(x, reduction_dims(IValue(), x.dim(), false), x.dtype()); }

}  // namespace

Tensor reduced_loss(const Tensor& loss, int64_t reduction) {
  if (reduction == kReductionNone) return loss;
  if (reduction != kReductionMean) return total(loss);
  return div(total(loss), number_tensor(Scalar(static_cast<double>(loss.numel()))));
}

namespace {

struct NllArguments {
  Tensor log_probabilities, target;
  std::optional<Tensor> weight;
  int64_t reduction, ignore_index;
};

void check_nll(const NllArguments& a) {
  const Tensor& x = a.log_probabilities;
  const Tensor& t = a.target;
  if (x.dim() < 1) throw RuntimeError("input tensor should be 1D or 2D");
  if (t.dtype() != kLong && t.dtype() != kByte) {
    throw RuntimeError(cat("expected scalar type Long but found ", dtype_cpp_name(t.dtype())));
  }
  if (x.dim() > 1 && t.dim() > 0 && x.sizes()[0] != t.sizes()[0]) {
    throw ValueError(cat("Expected input batch_size (", x.sizes()[0], ") to match target batch_size (",
                         t.sizes()[0], ")."));
  }
  Dims expected = to_dims(x.sizes());
  expected.erase(expected.begin() + (x.dim() == 1 ? 0 : 1));
  if (!std::ranges::equal(t.sizes(), expected)) {
    throw RuntimeError(cat("size mismatch (got input: ", x.sizes(), ", target: ", t.sizes(), ")"));
  }
  const int64_t classes = x.sizes()[x.dim() == 1 ? 0 : 1];
  if (a.weight && (a.weight->dim() != 1 || a.weight->numel() != classes)) {
    throw RuntimeError(cat("weight tensor should be defined either for all ", classes,
                           " classes or no classes but got weight tensor of shape: ", a.weight->sizes()));
  }
}

/// -log p[target] * weight[target]; classes in dimension 1 (0 without batch).
Tensor nll(const NllArguments& a) {
  check_nll(a);
  const Tensor& x = a.log_probabilities;
  const int64_t d = x.dim() == 1 ? 0 : 1;
  const int64_t classes = x.sizes()[d];
  Dims order = {d};
  for (int64_t i = 0; i < x.dim(); ++i) {
    if (i != d) order.push_back(i);
  }
  Tensor rows = empty(Dims{classes, a.target.numel()}, kDouble);
  rows.copy_(x.permute(order).reshape(Dims{classes, a.target.numel()}));
  const Tensor target = a.target.to(kLong).contiguous();
  const Tensor weight = (a.weight ? a.weight->to(kDouble) : ones({classes}, kDouble)).contiguous();
  const Tensor loss = zeros(a.target.sizes(), kDouble);
  double weights = 0;
  for (int64_t i = 0; i < target.numel(); ++i) {
    const int64_t label = elements<int64_t>(target)[i];
    if (label == a.ignore_index) continue;
    if (label < 0 || label >= classes) throw IndexError(cat("Target ", label, " is out of bounds."));
    const double w = elements<double>(weight)[label];
    weights += w;
    elements<double>(loss)[i] = -w * elements<double>(rows)[label * target.numel() + i];
  }
  if (a.reduction == kReductionNone) return loss.to(x.dtype());
  const Tensor all = total(loss);
  return (a.reduction == kReductionMean ? div(all, number_tensor(Scalar(weights))) : all).to(x.dtype());
}

void nll_loss(OpCall& c) {
  c.ret(nll({.log_probabilities = c.tensor(0),
             .target = c.tensor(1),
             .weight = c.optional_tensor(2),
             .reduction = c.integer(3),
             .ignore_index = c.integer(4)}));
}

/// Probabilities as target: -sum over classes of target * weight * log p.
Tensor cross_entropy_of_probabilities(const NllArguments& a, double smoothing, int64_t d) {
  const Tensor& x = a.log_probabilities;
  if (!std::ranges::equal(x.sizes(), a.target.sizes())) {
    throw RuntimeError(cat("Expected floating point type for target with class probabilities, got sizes ",
                           a.target.sizes(), " for an input of sizes ", x.sizes()));
  }
  const int64_t classes = x.sizes()[d];
  Tensor target = a.target;
  if (smoothing > 0) {
    target = add(mul(target, number_tensor(Scalar(1 - smoothing))),
                 number_tensor(Scalar(smoothing / static_cast<double>(classes))));
  }
  Tensor terms = mul(x, target);
  if (a.weight) {
    Dims shape(x.sizes().size(), 1);
    shape[d] = classes;
    terms = mul(terms, a.weight->reshape(shape));
  }
  if (a.reduction == kReductionNone) return neg(sum(terms, one_dim(d, x.dim(), false), x.dtype()));
  Tensor all = neg(total(terms));
  if (a.reduction != kReductionMean) return all;
  const double count = static_cast<double>(x.numel()) / static_cast<double>(classes);
  return div(all, number_tensor(Scalar(count)));
}

/// The part of label smoothing: the mean over all classes, for positions that are not ignored.
Tensor smooth_part(const NllArguments& a, int64_t d) {
  const Tensor& x = a.log_probabilities;
  Dims shape(x.sizes().size(), 1);
  shape[d] = x.sizes()[d];
  const Tensor weighted = a.weight ? mul(x, a.weight->reshape(shape)) : x;
  const Tensor each = neg(sum(weighted, one_dim(d, x.dim(), false), kDouble)).contiguous();
  const Tensor target = a.target.to(kLong).contiguous();
  const std::optional<Tensor> weight =
      a.weight ? std::optional<Tensor>(a.weight->to(kDouble).contiguous()) : std::nullopt;
  double weights = 0;
  for (int64_t i = 0; i < target.numel(); ++i) {
    const int64_t label = elements<int64_t>(target)[i];
    if (label == a.ignore_index) {
      elements<double>(each)[i] = 0;
    } else {
      weights += weight ? elements<double>(*weight)[label] : 1;
    }
  }
  if (a.reduction == kReductionNone) return each.to(x.dtype());
  const Tensor all = total(each);
  return (a.reduction == kReductionMean ? div(all, number_tensor(Scalar(weights))) : all).to(x.dtype());
}

void cross_entropy_loss(OpCall& c) {
  const Tensor x = c.tensor(0);
  const double smoothing = c.number(5);
  if (x.dim() == 0) throw RuntimeError("cross_entropy_loss expects an input of at least one dimension");
  if (!(smoothing >= 0 && smoothing <= 1)) {
    throw RuntimeError(cat("label_smoothing must be between 0.0 and 1.0. Got: ", smoothing));
  }
  const int64_t d = x.dim() == 1 ? 0 : 1;
  const NllArguments a{.log_probabilities = log_softmax(x, d),
                       .target = c.tensor(1),
                       .weight = c.optional_tensor(2),
                       .reduction = c.integer(3),
                       .ignore_index = c.integer(4)};
  if (a.target.is_floating_point()) return c.ret(cross_entropy_of_probabilities(a, smoothing, d));
  const Tensor loss = nll(a);
  if (smoothing == 0) return c.ret(loss);
  const double share = smoothing / static_cast<double>(x.sizes()[d]);
  c.ret(add(mul(loss, number_tensor(Scalar(1 - smoothing))),
            mul(smooth_part(a, d), number_tensor(Scalar(share)))));
}

void mse_loss(OpCall& c) {
  const Tensor difference = sub(c.tensor(0), c.tensor(1));
  c.ret(reduced_loss(mul(difference, difference), c.integer(2)));
}
void l1_loss(OpCall& c) { c.ret(reduced_loss(abs(sub(c.tensor(0), c.tensor(1))), c.integer(2))); }

/// max(x, 0) - x y + log(1 + exp(-|x|)), with the positive part weighted.
void bce_with_logits(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Tensor y = c.tensor(1);
  if (!std::ranges::equal(x.sizes(), y.sizes())) {
    throw ValueError(cat("Target size (", y.sizes(), ") must be the same as input size (", x.sizes(), ")"));
  }
  const Tensor positive = c[3].isNone() ? ones({}, x.dtype()) : c.tensor(3);
  const std::array<Tensor, 3> operands = {x, y.to(x.dtype()), positive.to(x.dtype())};
  Tensor loss = elementwise_result(operands, x.dtype());
  dispatch_floating(x.dtype(), "binary_cross_entropy_with_logits", [&]<class T>(TypeTag<T>) {
    map_ternary<T>(loss, operands[0], operands[1], operands[2], []<class Op>(Op v, Op t, Op p) {
      const Op log_sigmoid = (v < 0 ? v : Op(0)) - std::log1p(std::exp(-std::fabs(v)));
      return (Op(1) - t) * v - (Op(1) + (p - Op(1)) * t) * log_sigmoid;
    });
  });
  if (!c[2].isNone()) loss = mul(loss, c.tensor(2));
  c.ret(reduced_loss(loss, c.integer(4)));
}

constexpr OpRow kLossOps[] = {
    {"aten::nll_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, SymInt "
     "ignore_index=-100) -> Tensor",
     nll_loss},
    {"aten::nll_loss_nd(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, SymInt "
     "ignore_index=-100) -> Tensor",
     nll_loss},
    {"aten::cross_entropy_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, SymInt "
     "ignore_index=-100, float label_smoothing=0.) -> Tensor",
     cross_entropy_loss},
    {"aten::mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor", mse_loss},
    {"aten::l1_loss(Tensor self, Tensor target, int reduction=1) -> Tensor", l1_loss},
    {"aten::binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? "
     "pos_weight=None, int reduction=1) -> Tensor",
     bce_with_logits},
};

}  // namespace

OpTable loss_ops() { return kLossOps; }

}  // namespace calque::ops
