// Losses, as heads of models compute them when labels are given.
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

constexpr int64_t kNone = 0;
constexpr int64_t kMean = 1;

Tensor total(const Tensor& x) { return sum(x, reduction_dims(IValue(), x.dim(), false), x.dtype()); }

/// reduction: 0 none, 1 mean, 2 sum.
Tensor reduced(const Tensor& loss, int64_t reduction) {
  if (reduction == kNone) return loss;
  if (reduction != kMean) return total(loss);
  return div(total(loss), number_tensor(Scalar(static_cast<double>(loss.numel()))));
}

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
  if (a.reduction == kNone) return loss.to(x.dtype());
  const Tensor all = total(loss);
  return (a.reduction == kMean ? div(all, number_tensor(Scalar(weights))) : all).to(x.dtype());
}

void nll_loss(OpCall& c) {
  c.ret(nll({.log_probabilities = c.tensor(0),
             .target = c.tensor(1),
             .weight = c.optional_tensor(2),
             .reduction = c.integer(3),
             .ignore_index = c.integer(4)}));
}

void cross_entropy_loss(OpCall& c) {
  if (c.number(5) != 0 || c.tensor(1).is_floating_point()) {
    throw NotImplementedError(
        "cross_entropy_loss with label smoothing or with probabilities as target is not supported; use class "
        "indices");
  }
  const Tensor x = c.tensor(0);
  if (x.dim() == 0) throw RuntimeError("cross_entropy_loss expects an input of at least one dimension");
  c.ret(nll({.log_probabilities = log_softmax(x, x.dim() == 1 ? 0 : 1),
             .target = c.tensor(1),
             .weight = c.optional_tensor(2),
             .reduction = c.integer(3),
             .ignore_index = c.integer(4)}));
}

void mse_loss(OpCall& c) {
  const Tensor difference = sub(c.tensor(0), c.tensor(1));
  c.ret(reduced(mul(difference, difference), c.integer(2)));
}
void l1_loss(OpCall& c) { c.ret(reduced(abs(sub(c.tensor(0), c.tensor(1))), c.integer(2))); }

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
  c.ret(reduced(loss, c.integer(4)));
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
