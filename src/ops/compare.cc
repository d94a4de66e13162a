// Comparisons, logic and bits of tensors.
#include <algorithm>
#include <cmath>

#include "ops/binary.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

constexpr auto kEq = [](auto x, auto y) { return x == y; };
constexpr auto kNe = [](auto x, auto y) { return x != y; };
constexpr auto kLt = [](auto x, auto y) { return x < y; };
constexpr auto kLe = [](auto x, auto y) { return x <= y; };
constexpr auto kGt = [](auto x, auto y) { return x > y; };
constexpr auto kGe = [](auto x, auto y) { return x >= y; };
constexpr auto kAnd = []<class Op>(Op x, Op y) { return x != Op(0) && y != Op(0); };
constexpr auto kOr = []<class Op>(Op x, Op y) { return x != Op(0) || y != Op(0); };
constexpr auto kXor = []<class Op>(Op x, Op y) { return (x != Op(0)) != (y != Op(0)); };
constexpr auto kBitAnd = []<class Op>(Op x, Op y) { return static_cast<Op>(x & y); };
constexpr auto kBitOr = []<class Op>(Op x, Op y) { return static_cast<Op>(x | y); };
constexpr auto kBitXor = []<class Op>(Op x, Op y) { return static_cast<Op>(x ^ y); };

template <auto F>
Tensor predicate(const Tensor& a, const Tensor& b) {
  return predicate_binary(promote(a, b), "comparison_cpu", F);
}

template <auto F>
Tensor bits(const Tensor& a, const Tensor& b) {
  return integral_binary(promote(a, b), "bitwise_cpu", F);
}

/// Counts of bits outside the type give 0, or the sign for a right shift.
template <class Op>
Op shift_left(Op x, Op count) {
  constexpr auto kBits = static_cast<int64_t>(sizeof(Op) * 8);
  const int64_t n{count};
  if (n < 0 || n >= kBits) return 0;
  return static_cast<Op>(static_cast<uint64_t>(x) << n);
}

template <class Op>
Op shift_right(Op x, Op count) {
  constexpr auto kMax = static_cast<int64_t>(sizeof(Op) * 8) - (std::is_signed_v<Op> ? 1 : 0);
  const int64_t n{count};
  if (n >= 0 && n < kMax) return static_cast<Op>(x >> n);
  if constexpr (std::is_signed_v<Op>) return static_cast<Op>(x >> (kMax));
  return 0;
}

Tensor integer_binary(const Tensor& a, const Tensor& b, auto f) {
  const Operands o = promote(a, b);
  const Tensor out = binary_result(o, o.dtype);
  dispatch_integral(o.dtype, "shift_cpu", [&]<class T>(TypeTag<T>) { map_binary<T, T>(out, o.a, o.b, f); });
  return out;
}

Tensor left_shift(const Tensor& a, const Tensor& b) {
  return integer_binary(a, b, [](auto x, auto y) { return shift_left(x, y); });
}

Tensor right_shift(const Tensor& a, const Tensor& b) {
  return integer_binary(a, b, [](auto x, auto y) { return shift_right(x, y); });
}

/// In place the bool result becomes 0 and 1 of self's dtype.
template <BinaryFunction F>
void predicate_(OpCall& c) {
  const Tensor self = c.tensor(0);
  const Tensor other = tensor_or_number(c[1]);
  write_in_place(self, F(self, other).to(self.dtype()), {other});
  c.ret(c[0]);
}

Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  if (a.dtype() != b.dtype()) {
    throw RuntimeError(std::string(dtype_cpp_name(a.dtype())) + " did not match " +
                       std::string(dtype_cpp_name(b.dtype())));
  }
  return predicate_binary(promote(a, b), "isclose", [=](auto p, auto q) {
    if (p == q) return true;
    const auto x = static_cast<double>(p);
    const auto y = static_cast<double>(q);
    if (std::isnan(x) || std::isnan(y)) return equal_nan && std::isnan(x) && std::isnan(y);
    if (!std::isfinite(x) || !std::isfinite(y)) return false;
    return std::fabs(x - y) <= atol + std::fabs(rtol * y);
  });
}

void isclose_op(OpCall& c) {
  c.ret(isclose(c.tensor(0), c.tensor(1), c.number(2), c.number(3), c.boolean(4)));
}

void allclose_op(OpCall& c) {
  const Tensor close = isclose(c.tensor(0), c.tensor(1), c.number(2), c.number(3), c.boolean(4));
  c.ret(equal(close, ones(close.sizes(), kBool)));
}

void equal_op(OpCall& c) {
  const Tensor a = c.tensor(0);
  const Tensor b = c.tensor(1);
  if (a.dtype() != b.dtype()) {
    throw RuntimeError("Expected object of data type " + std::string(dtype_cpp_name(a.dtype())) +
                       " but got data type " + std::string(dtype_cpp_name(b.dtype())) +
                       " for argument 'other' in call to equal");
  }
  c.ret(equal(a, b));
}

void isin_op(OpCall& c) {
  const Tensor a = tensor_or_number(c[0]);
  const Tensor b = tensor_or_number(c[1]);
  const bool invert = c.boolean(3);
  if (a.dtype() == kBool || b.dtype() == kBool)
    throw RuntimeError("Unsupported input type encountered for isin(): Bool");
  const ScalarType dtype = result_type({a, b});
  const Tensor x = a.to(dtype).contiguous();
  const Tensor tests = b.to(dtype).contiguous();
  const Tensor out = empty(x.sizes(), kBool);
  dispatch_numeric(dtype, "isin_default_cpu", [&]<class T>(TypeTag<T>) {
    std::vector<OpType<T>> sorted;
    for (int64_t i = 0; i < tests.numel(); ++i) {
      const OpType<T> v = Element<T>::load(elements<T>(tests)[i]);
      if (v == v) sorted.push_back(v);
    }
    std::sort(sorted.begin(), sorted.end());
    map_unary<BoolByte, T>(out, x, [&](OpType<T> v) {
      return (v == v && std::binary_search(sorted.begin(), sorted.end(), v)) != invert;
    });
  });
  c.ret(out);
}

constexpr OpRow kCompareOps[] = {
    {"aten::eq.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kEq>>},
    {"aten::eq.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<predicate<kEq>>},
    {"aten::eq_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", predicate_<predicate<kEq>>},
    {"aten::eq_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kEq>>},
    {"aten::ne.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kNe>>},
    {"aten::ne.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<predicate<kNe>>},
    {"aten::ne_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", predicate_<predicate<kNe>>},
    {"aten::ne_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kNe>>},
    {"aten::not_equal.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kNe>>},
    {"aten::not_equal.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<predicate<kNe>>},
    {"aten::not_equal_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", predicate_<predicate<kNe>>},
    {"aten::not_equal_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kNe>>},
    {"aten::lt.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kLt>>},
    {"aten::lt.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<predicate<kLt>>},
    {"aten::lt_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", predicate_<predicate<kLt>>},
    {"aten::lt_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kLt>>},
    {"aten::less.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kLt>>},
    {"aten::less.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<predicate<kLt>>},
    {"aten::less_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", predicate_<predicate<kLt>>},
    {"aten::less_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kLt>>},
    {"aten::le.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kLe>>},
    {"aten::le.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<predicate<kLe>>},
    {"aten::le_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", predicate_<predicate<kLe>>},
    {"aten::le_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kLe>>},
    {"aten::less_equal.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kLe>>},
    {"aten::less_equal.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<predicate<kLe>>},
    {"aten::less_equal_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", predicate_<predicate<kLe>>},
    {"aten::less_equal_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kLe>>},
    {"aten::gt.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kGt>>},
    {"aten::gt.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<predicate<kGt>>},
    {"aten::gt_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", predicate_<predicate<kGt>>},
    {"aten::gt_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kGt>>},
    {"aten::greater.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kGt>>},
    {"aten::greater.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<predicate<kGt>>},
    {"aten::greater_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", predicate_<predicate<kGt>>},
    {"aten::greater_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kGt>>},
    {"aten::ge.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kGe>>},
    {"aten::ge.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<predicate<kGe>>},
    {"aten::ge_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", predicate_<predicate<kGe>>},
    {"aten::ge_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kGe>>},
    {"aten::greater_equal.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kGe>>},
    {"aten::greater_equal.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<predicate<kGe>>},
    {"aten::greater_equal_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", predicate_<predicate<kGe>>},
    {"aten::greater_equal_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kGe>>},
    {"aten::logical_and(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kAnd>>},
    {"aten::logical_and_(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kAnd>>},
    {"aten::logical_or(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kOr>>},
    {"aten::logical_or_(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kOr>>},
    {"aten::logical_xor(Tensor self, Tensor other) -> Tensor", binary_op<predicate<kXor>>},
    {"aten::logical_xor_(Tensor(a!) self, Tensor other) -> Tensor(a!)", predicate_<predicate<kXor>>},
    {"aten::bitwise_and.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<bits<kBitAnd>>},
    {"aten::bitwise_and.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<bits<kBitAnd>>},
    {"aten::bitwise_and.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", binary_op<bits<kBitAnd>>},
    {"aten::bitwise_and_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<bits<kBitAnd>>},
    {"aten::bitwise_and_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<bits<kBitAnd>>},
    {"aten::bitwise_or.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<bits<kBitOr>>},
    {"aten::bitwise_or.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<bits<kBitOr>>},
    {"aten::bitwise_or.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", binary_op<bits<kBitOr>>},
    {"aten::bitwise_or_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<bits<kBitOr>>},
    {"aten::bitwise_or_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<bits<kBitOr>>},
    {"aten::bitwise_xor.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<bits<kBitXor>>},
    {"aten::bitwise_xor.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<bits<kBitXor>>},
    {"aten::bitwise_xor.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", binary_op<bits<kBitXor>>},
    {"aten::bitwise_xor_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<bits<kBitXor>>},
    {"aten::bitwise_xor_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<bits<kBitXor>>},
    {"aten::__and__.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<bits<kBitAnd>>},
    {"aten::__and__.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<bits<kBitAnd>>},
    {"aten::__iand__.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<bits<kBitAnd>>},
    {"aten::__iand__.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<bits<kBitAnd>>},
    {"aten::__or__.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<bits<kBitOr>>},
    {"aten::__or__.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<bits<kBitOr>>},
    {"aten::__ior__.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<bits<kBitOr>>},
    {"aten::__ior__.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<bits<kBitOr>>},
    {"aten::__xor__.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<bits<kBitXor>>},
    {"aten::__xor__.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<bits<kBitXor>>},
    {"aten::__ixor__.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<bits<kBitXor>>},
    {"aten::__ixor__.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<bits<kBitXor>>},
    {"aten::__lshift__.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<left_shift>},
    {"aten::__lshift__.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<left_shift>},
    {"aten::bitwise_left_shift.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<left_shift>},
    {"aten::bitwise_left_shift.Tensor_Scalar(Tensor self, Scalar other) -> Tensor", binary_op<left_shift>},
    {"aten::bitwise_left_shift.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", binary_op<left_shift>},
    {"aten::bitwise_left_shift_.Tensor_Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)",
     binary_op_<left_shift>},
    {"aten::bitwise_left_shift_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<left_shift>},
    {"aten::__rshift__.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<right_shift>},
    {"aten::__rshift__.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<right_shift>},
    {"aten::bitwise_right_shift.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<right_shift>},
    {"aten::bitwise_right_shift.Tensor_Scalar(Tensor self, Scalar other) -> Tensor", binary_op<right_shift>},
    {"aten::bitwise_right_shift.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", binary_op<right_shift>},
    {"aten::bitwise_right_shift_.Tensor_Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)",
     binary_op_<right_shift>},
    {"aten::bitwise_right_shift_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)",
     binary_op_<right_shift>},
    {"aten::isclose(Tensor self, Tensor other, float rtol=1.0000000000000001e-05, float atol=1e-08, bool "
     "equal_nan=False) -> Tensor",
     isclose_op},
    {"aten::equal(Tensor self, Tensor other) -> bool", equal_op},
    {"aten::allclose(Tensor self, Tensor other, float rtol=1.0000000000000001e-05, float atol=1e-08, bool "
     "equal_nan=False) -> bool",
     allclose_op},
    {"aten::isin.Tensor_Tensor(Tensor elements, Tensor test_elements, *, bool assume_unique=False, bool "
     "invert=False) -> Tensor",
     isin_op},
    {"aten::isin.Tensor_Scalar(Tensor elements, Scalar test_element, *, bool assume_unique=False, bool "
     "invert=False) -> Tensor",
     isin_op},
    {"aten::isin.Scalar_Tensor(Scalar element, Tensor test_elements, *, bool assume_unique=False, bool "
     "invert=False) -> Tensor",
     isin_op},
};

}  // namespace

OpTable compare_ops() { return kCompareOps; }

}  // namespace calque::ops
