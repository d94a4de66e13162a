// exp, tanh, erf and GELU for vectors of simd/: polynomials of least greatest error (Remez), within 2 ulp.
// The rules of avx512.h hold here.
#pragma once

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

template <class V>
struct Math {
  /// e^x = 2^n e^r with |r| <= ln(2)/2. Beyond the clamp the result is 0 or infinity anyway.
  CALQUE_SIMD V exp(V x) {
    x = V::min(V::set(89.0F), V::max(V::set(-104.0F), x));  // in this order of arguments NaN passes
    const V n = V::round(V::mul(x, V::set(1.44269504F)));
    V r = V::fnma(n, V::set(0x1.62e4p-1F), x);  // ln(2) in two parts; n times the first is exact
    r = V::fnma(n, V::set(0x1.7f7d1cp-20F), r);
    V p = V::set(0.00138144719F);
    p = V::fma(p, r, V::set(0.00836877991F));
    p = V::fma(p, r, V::set(0.0416683927F));
    p = V::fma(p, r, V::set(0.166665196F));
    p = V::fma(p, r, V::set(0.49999994F));
    p = V::fma(V::mul(r, r), p, r);
    return V::scale(V::add(p, V::set(1.0F)), n);
  }

  CALQUE_SIMD V tanh(V x) {
    const V t = V::abs(x);
    const V s = V::mul(x, x);
    V p = V::set(-0.00590591645F);
    p = V::fma(p, s, V::set(0.0208054297F));
    p = V::fma(p, s, V::set(-0.0537866987F));
    p = V::fma(p, s, V::set(0.133319587F));
    p = V::fma(p, s, V::set(-0.333332986F));
    const V small = V::fma(V::mul(p, s), x, x);
    const V e = exp(V::add(t, t));
    const V large = V::sub(V::set(1.0F), V::div(V::set(2.0F), V::add(e, V::set(1.0F))));
    return V::if_less(t, V::set(0.6F), small, V::copy_sign(large, x));
  }

  /// Below 1 a polynomial in x^2; above, 1 - e^q with a polynomial q for the logarithm of erfc.
  CALQUE_SIMD V erf(V x) {
    const V one = V::set(1.0F);
    const V s = V::mul(x, x);
    V p = V::set(7.85386073e-05F);
    p = V::fma(p, s, V::set(-0.00080101937F));
    p = V::fma(p, s, V::set(0.00518832775F));
    p = V::fma(p, s, V::set(-0.026853811F));
    p = V::fma(p, s, V::set(0.112835854F));
    p = V::fma(p, s, V::set(-0.37612626F));
    p = V::fma(p, s, V::set(0.128379166F));
    const V small = V::fma(p, x, x);
    const V t = V::min(V::set(4.0F), V::abs(x));
    V q = V::set(0.000186379038F);
    q = V::fma(q, t, V::set(-0.00294765667F));
    q = V::fma(q, t, V::set(0.0218380578F));
    q = V::fma(q, t, V::set(-0.103106745F));
    q = V::fma(q, t, V::set(-0.638144851F));
    q = V::fma(q, t, V::set(-1.12708914F));
    q = V::fma(q, t, V::set(-0.000341525214F));
    const V large = V::copy_sign(V::sub(one, exp(q)), x);
    return V::if_less(t, one, small, large);
  }

  CALQUE_SIMD V gelu(V x) {
    const V half = V::mul(x, V::set(0.5F));
    return V::mul(half, V::add(V::set(1.0F), erf(V::mul(x, V::set(0.70710678F)))));
  }

  CALQUE_SIMD V gelu_tanh(V x) {
    const V cube = V::mul(V::mul(x, x), x);
    const V inner = V::mul(V::set(0.79788456F), V::fma(V::set(0.044715F), cube, x));
    return V::mul(V::mul(V::set(0.5F), x), V::add(V::set(1.0F), tanh(inner)));
  }
};

}  // namespace calque::kernels

#undef CALQUE_SIMD
