// Losses of pairs of values, of margins and of distances.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/composite.h"
#include "ops/loops.h"
#include "ops/loss.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "ops/unary.h"
#include "tensor/dtype.h"

namespace calque::ops {

namespace {

/// f(x, y) element by element, broadcast, in the dtype that both promote to.
template <class F>
Tensor pairwise(const Tensor& x, const Tensor& y, std::string_view name, F f) {
  const ScalarType dtype = result_type({x, y});
  const std::array<Tensor, 2> operands = {x.to(dtype), y.to(dtype)};
  const Tensor out = elementwise_result(operands, dtype);
  dispatch_floating(dtype, name,
                    [&]<class T>(TypeTag<T>) { map_binary<T, T>(out, operands[0], operands[1], f); });
  return out;
}

void smooth_l1_loss(OpCall& c) {
  const double beta = c.number(3);
  if (beta < 0) throw RuntimeError("smooth_l1_loss does not support negative values for beta.");
  const Tensor loss = pairwise(c.tensor(0), c.tensor(1), "smooth_l1_cpu", [=]<class Op>(Op x, Op y) {
    const Op z = std::fabs(x - y);
    const auto b = static_cast<Op>(beta);
    return z < b ? Op(0.5) * z * z / b : z - Op(0.5) * b;
  });
  c.ret(reduced_loss(loss, c.integer(2)));
}

void huber_loss(OpCall& c) {
  const double delta = c.number(3);
  if (!(delta > 0)) throw RuntimeError("huber_loss does not support non-positive values for delta.");
  const Tensor loss = pairwise(c.tensor(0), c.tensor(1), "huber_cpu", [=]<class Op>(Op x, Op y) {
    const Op z = std::fabs(x - y);
    const auto d = static_cast<Op>(delta);
    return z <= d ? Op(0.5) * z * z : d * (z - Op(0.5) * d);
  });
  c.ret(reduced_loss(loss, c.integer(2)));
}

void binary_cross_entropy(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Tensor y = c.tensor(1);
  if (x.dtype() != y.dtype()) {
    throw RuntimeError(
        cat("Found dtype ", dtype_cpp_name(y.dtype()), " but expected ", dtype_cpp_name(x.dtype())));
  }
  Tensor loss = pairwise(x, y, "binary_cross_entropy", []<class Op>(Op p, Op t) {
    if (!(p >= 0 && p <= 1)) throw RuntimeError("all elements of input should be between 0 and 1");
    if (!(t >= 0 && t <= 1)) throw RuntimeError("all elements of target should be between 0 and 1");
    return (t - 1) * std::max(std::log1p(-p), Op(-100)) - t * std::max(std::log(p), Op(-100));
  });
  if (!c[2].isNone()) loss = mul(loss, c.tensor(2));
  c.ret(reduced_loss(loss, c.integer(3)));
}

void kl_div(OpCall& c) {
  const bool log_target = c.boolean(3);
  const Tensor loss = pairwise(c.tensor(0), c.tensor(1), "kl_div", [=]<class Op>(Op x, Op t) {
    if (log_target) return std::exp(t) * (t - x);
    const Op entropy = t == 0 ? Op(0) : t * std::log(t);
    return entropy - t * x;
  });
  c.ret(reduced_loss(loss, c.integer(2)));
}

void hinge_embedding_loss(OpCall& c) {
  const double margin = c.number(2);
  const Tensor loss = pairwise(c.tensor(0), c.tensor(1), "hinge_embedding_loss", [=]<class Op>(Op x, Op t) {
    return (t == 1 ? Op(0) : std::max(static_cast<Op>(margin) - x, Op(0))) + (t == -1 ? Op(0) : x);
  });
  c.ret(reduced_loss(loss, c.integer(3)));
}

void soft_margin_loss(OpCall& c) {
  const Tensor loss = pairwise(c.tensor(0), c.tensor(1), "soft_margin_loss",
                               [](auto x, auto t) { return std::log1p(std::exp(-t * x)); });
  c.ret(reduced_loss(loss, c.integer(2)));
}

void margin_ranking_loss(OpCall& c) {
  const double margin = c.number(3);
  const Tensor difference = sub(c.tensor(0), c.tensor(1));
  const Tensor loss = pairwise(difference, c.tensor(2), "margin_ranking_loss", [=]<class Op>(Op d, Op t) {
    return std::max(-t * d + static_cast<Op>(margin), Op(0));
  });
  c.ret(reduced_loss(loss, c.integer(4)));
}

void cosine_embedding_loss(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Tensor y = c.tensor(1);
  const Tensor target = c.tensor(2);
  const double margin = c.number(3);
  if (target.dim() > 1 || x.dim() != target.dim() + 1 || y.dim() != x.dim()) {
    throw RuntimeError(cat(target.dim(), "D target tensor expects ", target.dim() + 1,
                           "D input tensors, but found inputs with sizes ", x.sizes(), " and ", y.sizes(),
                           "."));
  }
  const auto last = [](const Tensor& t) { return invoke("aten::sum.dim_IntList", {t, Dims{-1}}); };
  const Tensor tiny = number_tensor(Scalar(1e-12));
  const Tensor norms = mul(add(last(mul(x, x)), tiny), add(last(mul(y, y)), tiny));
  const Tensor cosine = div(last(mul(x, y)), sqrt(norms));
  const Tensor loss = pairwise(cosine, target, "cosine_embedding_loss", [=]<class Op>(Op v, Op t) {
    return (t == 1 ? 1 - v : Op(0)) + (t == -1 ? std::max(v - static_cast<Op>(margin), Op(0)) : Op(0));
  });
  c.ret(reduced_loss(loss, c.integer(4)));
}

void triplet_margin_loss(OpCall& c) {
  const auto distance = [&](const Tensor& a, const Tensor& b) {
    return invoke("aten::pairwise_distance", {a, b, c.number(4), c.number(5)});
  };
  const Tensor near = distance(c.tensor(0), c.tensor(1));
  Tensor far = distance(c.tensor(0), c.tensor(2));
  if (c.boolean(6)) far = minimum(far, distance(c.tensor(1), c.tensor(2)));
  const double margin = c.number(3);
  const Tensor loss = pairwise(near, far, "triplet_margin_loss", [=]<class Op>(Op a, Op b) {
    return std::max(static_cast<Op>(margin) + a - b, Op(0));
  });
  c.ret(reduced_loss(loss, c.integer(7)));
}

void poisson_nll_loss(OpCall& c) {
  const bool log_input = c.boolean(2);
  const bool with_stirling = c.boolean(3);
  const double eps = c.number(4);
  const Tensor loss = pairwise(c.tensor(0), c.tensor(1), "poisson_nll_loss", [=]<class Op>(Op x, Op t) {
    Op v = log_input ? std::exp(x) - t * x : x - t * std::log(x + static_cast<Op>(eps));
    if (with_stirling && t > 1) {
      v += t * std::log(t) - t + Op(0.5) * std::log(static_cast<Op>(2 * std::numbers::pi) * t);
    }
    return v;
  });
  c.ret(reduced_loss(loss, c.integer(5)));
}

// --- margins between classes

struct Labelled {
  Tensor x;       ///< contiguous doubles [rows, classes]
  Tensor target;  ///< contiguous int64
  int64_t rows, classes;
};

Labelled labelled(const OpCall& c, std::string_view op) {
  const Tensor x = c.tensor(0);
  if (x.dim() < 1 || x.dim() > 2 || x.numel() == 0) {
    throw RuntimeError(
        cat("Expected non-empty vector or matrix with optional 0-dim batch size, but got: ", x.sizes()));
  }
  if (!x.is_floating_point()) throw_not_implemented(op, x.dtype());
  if (c.tensor(1).dtype() != kLong)
    throw RuntimeError(cat("expected scalar type Long but found ", dtype_cpp_name(c.tensor(1).dtype())));
  const int64_t classes = x.size(-1);
  return {.x = x.to(kDouble).contiguous(),
          .target = c.tensor(1).contiguous(),
          .rows = x.numel() / classes,
          .classes = classes};
}

void multi_margin_loss(OpCall& c) {
  const Labelled l = labelled(c, "multi_margin_loss");
  const double p = c.number(2);
  const double margin = c.number(3);
  if (p != 1 && p != 2) throw RuntimeError("only p == 1 and p == 2 supported");
  if (l.target.numel() != l.rows) {
    throw RuntimeError(cat("inconsistent target size, expected ", l.rows, " but got ", l.target.sizes()));
  }
  std::optional<Tensor> weight = c.optional_tensor(4);
  if (weight && weight->numel() != l.classes) {
    throw RuntimeError(cat("inconsistent weight size, expected ", l.classes, " but got ", weight->sizes()));
  }
  if (weight) weight = weight->to(kDouble).contiguous();
  const Tensor loss = zeros(c.tensor(0).dim() == 1 ? Dims{} : Dims{l.rows}, kDouble);
  for (int64_t i = 0; i < l.rows; ++i) {
    const double* row = elements<double>(l.x) + i * l.classes;
    const int64_t label = elements<int64_t>(l.target)[i];
    if (label < 0 || label >= l.classes) throw RuntimeError("target out of range");
    double total = 0;
    for (int64_t k = 0; k < l.classes; ++k) {
      const double z = margin - row[label] + row[k];
      if (k != label && z > 0)
        total += (p == 1 ? z : z * z) * (weight ? elements<double>(*weight)[label] : 1);
    }
    elements<double>(loss)[i] = total / static_cast<double>(l.classes);
  }
  c.ret(reduced_loss(loss, c.integer(5)).to(c.tensor(0).dtype()));
}

/// Labels of a row end at the first -1.
void multilabel_margin_loss(OpCall& c) {
  const Labelled l = labelled(c, "multilabel_margin_loss");
  if (!std::ranges::equal(c.tensor(0).sizes(), l.target.sizes())) {
    throw RuntimeError(
        cat("inconsistent target size: ", l.target.sizes(), " for input of size: ", c.tensor(0).sizes()));
  }
  const Tensor loss = zeros(c.tensor(0).dim() == 1 ? Dims{} : Dims{l.rows}, kDouble);
  for (int64_t i = 0; i < l.rows; ++i) {
    const double* row = elements<double>(l.x) + i * l.classes;
    const int64_t* label = elements<int64_t>(l.target) + i * l.classes;
    std::vector<bool> is_target(static_cast<size_t>(l.classes), false);
    int64_t count = 0;
    for (; count < l.classes && label[count] >= 0; ++count) {
      if (label[count] >= l.classes) throw RuntimeError("target out of range");
      is_target[static_cast<size_t>(label[count])] = true;
    }
    for (int64_t k = 0; k < l.classes; ++k) {
      if (label[k] < -1) throw RuntimeError("target out of range");
    }
    double total = 0;
    for (int64_t t = 0; t < count; ++t) {
      for (int64_t k = 0; k < l.classes; ++k) {
        if (!is_target[static_cast<size_t>(k)]) total += std::max(1 - row[label[t]] + row[k], 0.0);
      }
    }
    elements<double>(loss)[i] = total / static_cast<double>(l.classes);
  }
  c.ret(reduced_loss(loss, c.integer(2)).to(c.tensor(0).dtype()));
}

constexpr OpRow kLossPairOps[] = {
    {"aten::smooth_l1_loss(Tensor self, Tensor target, int reduction=1, float beta=1.) -> Tensor",
     smooth_l1_loss},
    {"aten::huber_loss(Tensor self, Tensor target, int reduction=1, float delta=1.) -> Tensor", huber_loss},
    {"aten::binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, int reduction=1) -> Tensor",
     binary_cross_entropy},
    {"aten::kl_div(Tensor self, Tensor target, int reduction=1, *, bool log_target=False) -> Tensor", kl_div},
    {"aten::hinge_embedding_loss(Tensor self, Tensor target, float margin=1., int reduction=1) -> Tensor",
     hinge_embedding_loss},
    {"aten::cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0., int "
     "reduction=1) -> Tensor",
     cosine_embedding_loss},
    {"aten::margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0., int "
     "reduction=1) -> Tensor",
     margin_ranking_loss},
    {"aten::multi_margin_loss(Tensor self, Tensor target, Scalar p=1, Scalar margin=1, Tensor? weight=None, "
     "int reduction=1) -> Tensor",
     multi_margin_loss},
    {"aten::multilabel_margin_loss(Tensor self, Tensor target, int reduction=1) -> Tensor",
     multilabel_margin_loss},
    {"aten::soft_margin_loss(Tensor self, Tensor target, int reduction=1) -> Tensor", soft_margin_loss},
    {"aten::triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1., float "
     "p=2., float eps=9.9999999999999995e-07, bool swap=False, int reduction=1) -> Tensor",
     triplet_margin_loss},
    {"aten::poisson_nll_loss(Tensor input, Tensor target, bool log_input, bool full, float eps, int "
     "reduction) -> Tensor",
     poisson_nll_loss},
};

}  // namespace

OpTable loss_pair_ops() { return kLossPairOps; }

}  // namespace calque::ops
