// Operators that are others under another name, or their in-place form.
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

/// The name of an overload as a template argument.
template <size_t N>
struct OverloadName {
  char text[N]{};
  constexpr OverloadName(const char (&name)[N]) { std::copy_n(name, N, text); }  // NOLINT
};

std::vector<IValue> all_arguments(const OpCall& c) {
  std::vector<IValue> out;
  for (size_t i = 0; i < c.size(); ++i) out.push_back(c[i]);
  return out;
}

/// The same arguments and results under another name.
template <OverloadName Name>
void forward_to(OpCall& c) {
  const std::vector<IValue> results = invoke_all(Name.text, all_arguments(c));
  for (size_t i = 0; i < results.size(); ++i) c.ret(results[i], i);
}

/// The result of the out-of-place form, written into the first argument.
template <OverloadName Name>
void in_place_of(OpCall& c) {
  const Tensor result = invoke(Name.text, all_arguments(c));
  if (c.size() > 1 && c[1].isTensor()) {
    write_in_place(c.tensor(0), result, {c.tensor(1)});
  } else {
    write_in_place(c.tensor(0), result);
  }
  c.ret(c[0]);
}

void itself(OpCall& c) { c.ret(c[0]); }
void never(OpCall& c) { c.ret(false); }
void number_zero(OpCall& c) { c.ret(0); }

template <ScalarType Dtype>
void cast_to(OpCall& c) {
  c.ret(c.tensor(0).to(Dtype));
}

void is_real(OpCall& c) {
  if (is_complex(c.tensor(0).dtype())) throw_not_implemented("isreal", c.tensor(0).dtype());
  const Tensor out = empty_like(c.tensor(0), kBool);
  out.fill_(Scalar(true));
  c.ret(out);
}

void to_dense(OpCall& c) {
  const std::optional<ScalarType> dtype = c.optional_dtype(1);
  c.ret(dtype ? c.tensor(0).to(*dtype) : c.tensor(0));
}

/// Views of the last two dimensions, swapped.
void adjoint(OpCall& c) {
  const Tensor x = c.tensor(0);
  if (x.dim() == 0) return c.ret(x);
  if (x.dim() < 2) {
    throw RuntimeError(cat("tensor.adjoint() is only supported on matrices or batches of matrices. Got ",
                           x.dim(), "-D tensor."));
  }
  c.ret(x.transpose(-2, -1));
}

/// x * 2^other
void ldexp_tensor(OpCall& c) {
  const Tensor power = invoke("aten::pow.Scalar", {2.0, c[1]});
  c.ret(invoke("aten::mul.Tensor", {c[0], power}));
}

/// The last argument takes the result, whose shape it must have.
template <OverloadName Name>
void into_out_of(OpCall& c) {
  std::vector<IValue> arguments = all_arguments(c);
  const Tensor out = arguments.back().toTensor();
  arguments.pop_back();
  const Tensor result = invoke(Name.text, std::move(arguments));
  if (!std::ranges::equal(out.sizes(), result.sizes())) {
    throw RuntimeError(cat(Name.text, ": out has size ", out.sizes(), ", but the result has size ",
                           result.sizes(), "; give a tensor of that size, or none"));
  }
  write_in_place(out, result);
  c.ret(IValue(out));
}

void chain_matmul(OpCall& c) {
  for (const Tensor& t : c[0].toTensorVector()) {
    if (t.dim() != 2) throw RuntimeError(cat("Tensor dimension is ", t.dim(), ", expected 2 instead."));
  }
  c.ret(invoke("aten::linalg_multi_dot", {c[0]}));
}

constexpr OpRow kAliasOps[] = {
    {"aten::arctan2(Tensor self, Tensor other) -> Tensor", forward_to<"aten::atan2">},
    {"aten::atan2_(Tensor(a!) self, Tensor other) -> Tensor(a!)", in_place_of<"aten::atan2">},
    {"aten::arcsin(Tensor self) -> Tensor", forward_to<"aten::asin">},
    {"aten::arccos(Tensor self) -> Tensor", forward_to<"aten::acos">},
    {"aten::arccos_(Tensor(a!) self) -> Tensor(a!)", in_place_of<"aten::acos">},
    {"aten::arctanh(Tensor self) -> Tensor", forward_to<"aten::atanh">},
    {"aten::arccosh(Tensor self) -> Tensor", forward_to<"aten::acosh">},
    {"aten::arcsinh(Tensor self) -> Tensor", forward_to<"aten::asinh">},
    {"aten::absolute(Tensor self) -> Tensor", forward_to<"aten::abs">},
    {"aten::absolute_(Tensor(a!) self) -> Tensor(a!)", forward_to<"aten::abs_">},
    {"aten::multiply_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", forward_to<"aten::mul_.Tensor">},
    {"aten::multiply_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", forward_to<"aten::mul_.Scalar">},
    {"aten::subtract_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)",
     forward_to<"aten::sub_.Tensor">},
    {"aten::subtract_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)",
     forward_to<"aten::sub_.Scalar">},
    {"aten::celu_(Tensor(a!) self, Scalar alpha=1.) -> Tensor(a!)", in_place_of<"aten::celu">},
    {"aten::logit_(Tensor(a!) self, float? eps=None) -> Tensor(a!)", in_place_of<"aten::logit">},
    {"aten::nan_to_num_(Tensor(a!) self, float? nan=None, float? posinf=None, float? neginf=None) -> "
     "Tensor(a!)",
     in_place_of<"aten::nan_to_num">},
    {"aten::hypot_(Tensor(a!) self, Tensor other) -> Tensor(a!)", in_place_of<"aten::hypot">},
    {"aten::ldexp_(Tensor(a!) self, Tensor other) -> Tensor(a!)", in_place_of<"aten::ldexp.Tensor">},
    {"aten::copysign_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)",
     in_place_of<"aten::copysign.Tensor">},
    {"aten::copysign_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)",
     in_place_of<"aten::copysign.Scalar">},
    {"aten::xlogy_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", in_place_of<"aten::xlogy.Tensor">},
    {"aten::xlogy_.Scalar_Other(Tensor(a!) self, Scalar other) -> Tensor(a!)",
     in_place_of<"aten::xlogy.Scalar_Other">},
    {"aten::float_power_.Tensor(Tensor(a!) self, Tensor exponent) -> Tensor(a!)",
     in_place_of<"aten::float_power.Tensor_Tensor">},
    {"aten::float_power_.Scalar(Tensor(a!) self, Scalar exponent) -> Tensor(a!)",
     in_place_of<"aten::float_power.Tensor_Scalar">},
    {"aten::heaviside_(Tensor(a!) self, Tensor values) -> Tensor(a!)", in_place_of<"aten::heaviside">},
    {"aten::gcd_(Tensor(a!) self, Tensor other) -> Tensor(a!)", in_place_of<"aten::gcd">},
    {"aten::lcm_(Tensor(a!) self, Tensor other) -> Tensor(a!)", in_place_of<"aten::lcm">},
    {"aten::swapaxes_(Tensor(a!) self, int axis0, int axis1) -> Tensor(a!)", forward_to<"aten::transpose_">},
    {"aten::swapdims_(Tensor(a!) self, int dim0, int dim1) -> Tensor(a!)", forward_to<"aten::transpose_">},
    {"aten::special_logit(Tensor self, float? eps=None) -> Tensor", forward_to<"aten::logit">},
    {"aten::special_erf(Tensor self) -> Tensor", forward_to<"aten::erf">},
    {"aten::special_erfc(Tensor self) -> Tensor", forward_to<"aten::erfc">},
    {"aten::special_erfinv(Tensor self) -> Tensor", forward_to<"aten::erfinv">},
    {"aten::special_exp2(Tensor self) -> Tensor", forward_to<"aten::exp2">},
    {"aten::special_expm1(Tensor self) -> Tensor", forward_to<"aten::expm1">},
    {"aten::special_log1p(Tensor self) -> Tensor", forward_to<"aten::log1p">},
    {"aten::special_sinc(Tensor self) -> Tensor", forward_to<"aten::sinc">},
    {"aten::special_round(Tensor self, *, int decimals=0) -> Tensor", forward_to<"aten::round.decimals">},
    {"aten::special_gammaln(Tensor self) -> Tensor", forward_to<"aten::lgamma">},
    {"aten::special_digamma(Tensor self) -> Tensor", forward_to<"aten::digamma">},
    {"aten::special_psi(Tensor self) -> Tensor", forward_to<"aten::digamma">},
    {"aten::special_logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor",
     forward_to<"aten::logsumexp">},
    {"aten::special_i0(Tensor self) -> Tensor", forward_to<"aten::i0">},
    {"aten::isreal(Tensor self) -> Tensor", is_real},
    {"aten::adjoint(Tensor(a) self) -> Tensor(a)", adjoint},
    {"aten::mH(Tensor(a) self) -> Tensor(a)", adjoint},
    {"aten::mH.a(Tensor(a) self) -> Tensor(a)", adjoint},
    {"aten::ldexp.Tensor(Tensor self, Tensor other) -> Tensor", ldexp_tensor},
    {"aten::chain_matmul(Tensor[] matrices) -> Tensor", chain_matmul},
    {"aten::linalg_diagonal(Tensor(a) A, *, int offset=0, int dim1=-2, int dim2=-1) -> Tensor(a)",
     forward_to<"aten::diagonal">},
    {"aten::linalg_matrix_exp(Tensor self) -> Tensor", forward_to<"aten::matrix_exp">},
    {"aten::unsafe_chunk(Tensor self, int chunks, int dim=0) -> Tensor[]", forward_to<"aten::chunk">},
    {"aten::unsafe_split.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]",
     forward_to<"aten::split.Tensor">},
    {"aten::unsafe_split_with_sizes(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]",
     forward_to<"aten::split_with_sizes">},
    {"aten::tensordot.out(Tensor self, Tensor other, int[] dims_self, int[] dims_other, *, Tensor(a!) out) "
     "-> Tensor(a!)",
     into_out_of<"aten::tensordot">},
    {"aten::native_channel_shuffle(Tensor self, SymInt groups) -> Tensor",
     forward_to<"aten::channel_shuffle">},
    {"aten::frobenius_norm.out(Tensor self, int[1] dim, bool keepdim=False, *, Tensor(a!) out) -> Tensor(a!)",
     into_out_of<"aten::frobenius_norm.dim">},
    {"aten::nuclear_norm.out(Tensor self, bool keepdim=False, *, Tensor(a!) out) -> Tensor(a!)",
     into_out_of<"aten::nuclear_norm">},
    {"aten::nuclear_norm.dim_out(Tensor self, int[2] dim, bool keepdim=False, *, Tensor(a!) out) -> "
     "Tensor(a!)",
     into_out_of<"aten::nuclear_norm.dim">},
    {"aten::data(Tensor self) -> Tensor", itself},
    {"aten::cuda(Tensor(a) self) -> Tensor(b|a)", itself},
    {"aten::pin_memory(Tensor(a) self, Device? device=None) -> Tensor(a)", itself},
    {"aten::to_dense(Tensor self, ScalarType? dtype=None, *, bool? masked_grad=None) -> Tensor", to_dense},
    {"aten::is_pinned(Tensor self, Device? device=None) -> bool", never},
    {"aten::is_distributed(Tensor self) -> bool", never},
    {"aten::cudnn_is_acceptable(Tensor self) -> bool", never},
    {"aten::output_nr(Tensor self) -> int", number_zero},
    {"aten::_cast_Byte(Tensor self, bool non_blocking=False) -> Tensor", cast_to<kByte>},
    {"aten::_cast_Char(Tensor self, bool non_blocking=False) -> Tensor", cast_to<kChar>},
    {"aten::_cast_Double(Tensor self, bool non_blocking=False) -> Tensor", cast_to<kDouble>},
    {"aten::_cast_Float(Tensor self, bool non_blocking=False) -> Tensor", cast_to<kFloat>},
    {"aten::_cast_Int(Tensor self, bool non_blocking=False) -> Tensor", cast_to<kInt>},
    {"aten::_cast_Long(Tensor self, bool non_blocking=False) -> Tensor", cast_to<kLong>},
    {"aten::_cast_Short(Tensor self, bool non_blocking=False) -> Tensor", cast_to<kShort>},
    {"aten::_cast_Half(Tensor self, bool non_blocking=False) -> Tensor", cast_to<kHalf>},
};

}  // namespace

OpTable alias_ops() { return kAliasOps; }

}  // namespace calque::ops
