// Fourier transforms along one dimension, and of short stretches of a signal.
#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "base/text.h"
#include "ops/composite.h"
#include "ops/spectral.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

using Complex = std::complex<double>;

/// Transforms of one length by mixed radices (Cooley and Tukey, 1965).
class Transform {
 public:
  Transform(int64_t n, bool inverse) : n_(n) {
    // A large prime would take its square in steps.
    for (int64_t left = n, p = 2; left > 1; ++p) {
      for (; left % p == 0; left /= p) {
      }
      if (p > kLargestFactor && left > 1) {
        throw NotImplementedError(cat("a Fourier transform of length ", n, " has a prime factor above ",
                                      kLargestFactor, ", which is not supported; pad the signal"));
      }
    }
    for (int64_t i = 0; i < n; ++i) {
      roots_.push_back(std::polar(
          1.0, (inverse ? 2 : -2) * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n)));
    }
  }

  std::vector<Complex> operator()(const std::vector<Complex>& in) const {
    std::vector<Complex> out(static_cast<size_t>(n_));
    run(in.data(), out.data(), n_, 1);
    return out;
  }

 private:
  static constexpr int64_t kLargestFactor = 20000;

  /// out[0, n) from in at every `stride`-th place.
  void run(const Complex* in, Complex* out, int64_t n, int64_t stride) const {
    if (n == 1) {
      out[0] = in[0];
      return;
    }
    int64_t p = 2;
    while (n % p != 0) p = p * p > n ? n : p + 1;
    const int64_t m = n / p;
    std::vector<Complex> parts(static_cast<size_t>(n));
    for (int64_t r = 0; r < p; ++r) run(in + r * stride, parts.data() + r * m, m, stride * p);
    for (int64_t k = 0; k < n; ++k) {
      Complex total = 0;
      for (int64_t r = 0; r < p; ++r) total += parts[r * m + k % m] * roots_[r * k % n * (n_ / n)];
      out[k] = total;
    }
  }

  int64_t n_;
  std::vector<Complex> roots_;
};

/// Doubles in pairs [..., n, 2] with the transformed dimension last, cut or filled up with zeros to n.
Tensor prepared(const Tensor& x, int64_t dim, int64_t n) {
  const Tensor pairs = is_complex(x.dtype())
                           ? view_as_real(x)
                           : invoke("aten::stack", {std::vector<Tensor>{x, zeros(x.sizes(), x.dtype())}, -1});
  Dims order;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (d != dim) order.push_back(d);
  }
  order.push_back(dim);
  order.push_back(x.dim());
  const Tensor last = pairs.permute(order);
  Dims sizes = to_dims(last.sizes());
  const int64_t kept = std::min(n, sizes[sizes.size() - 2]);
  sizes[sizes.size() - 2] = n;
  const Tensor out = zeros(sizes, kDouble);
  out.slice(-2, 0, kept).copy_(last.slice(-2, 0, kept));
  return out;
}

/// [..., n, 2] transformed row by row; the first `keep` of each.
Tensor transformed(const Tensor& pairs, int64_t keep, bool inverse, double scale) {
  const int64_t n = pairs.size(-2);
  const Transform transform(n, inverse);
  Dims sizes = to_dims(pairs.sizes());
  sizes[sizes.size() - 2] = keep;
  const Tensor out = empty(sizes, kDouble);
  const int64_t rows = pairs.numel() / (2 * n);
  std::vector<Complex> row(static_cast<size_t>(n));
  for (int64_t i = 0; i < rows; ++i) {
    const double* p = elements<double>(pairs) + i * 2 * n;
    for (int64_t k = 0; k < n; ++k) row[k] = {p[2 * k], p[2 * k + 1]};
    const std::vector<Complex> result = transform(row);
    double* q = elements<double>(out) + i * 2 * keep;
    for (int64_t k = 0; k < keep; ++k) {
      q[2 * k] = result[k].real() * scale;
      q[2 * k + 1] = result[k].imag() * scale;
    }
  }
  return out;
}

/// Of a real signal the first number and the one in the middle are real, without a rounding error's sign.
Tensor of_real(const Tensor& pairs, int64_t n) {
  pairs.select(-1, 1).select(-1, 0).fill_(Scalar(0));
  if (n % 2 == 0 && pairs.size(-2) > n / 2) pairs.select(-1, 1).select(-1, n / 2).fill_(Scalar(0));
  return pairs;
}

double scale_of(const IValue& norm, int64_t n, bool inverse) {
  const std::string name = norm.isNone() ? "backward" : norm.toStringRef();
  const auto size = static_cast<double>(n);
  if (name == "ortho") return 1 / std::sqrt(size);
  if (name != "forward" && name != "backward")
    throw RuntimeError(cat("Invalid normalization mode: \"", name, "\""));
  return (name == "forward") != inverse ? 1 / size : 1;
}

/// Pairs as a complex tensor with the last dimension moved back to `dim`.
Tensor as_complex(const Tensor& pairs, ScalarType part, int64_t dim) {
  const Tensor whole = invoke("aten::view_as_complex", {pairs.to(part)});
  return invoke("aten::movedim.int", {whole, -1, dim});
}

struct Request {
  Tensor x;
  int64_t dim;
  int64_t n;
  ScalarType part;
};

Request request(const OpCall& c, int64_t fallback_n) {
  Tensor x = c.tensor(0);
  if (x.dim() == 0) throw RuntimeError("a Fourier transform expects a tensor of at least one dimension");
  if (!is_complex(x.dtype())) x = x.to(float_type_of(x.dtype()));
  if (x.dtype() == kHalf || x.dtype() == kBFloat16)
    throw RuntimeError(cat("Unsupported dtype ", dtype_cpp_name(x.dtype())));
  const int64_t dim = wrap_dim(c.integer(2), x.dim());
  const int64_t n =
      c[1].isNone() ? (fallback_n != 0 ? 2 * (x.sizes()[dim] - 1) : x.sizes()[dim]) : c.integer(1);
  if (n < 1) throw RuntimeError(cat("Invalid number of data points (", n, ") specified"));
  const bool wide = x.dtype() == kDouble || x.dtype() == ScalarType::ComplexDouble;
  return {.x = x, .dim = dim, .n = n, .part = wide ? kDouble : kFloat};
}

template <bool Inverse>
void fft(OpCall& c) {
  const Request r = request(c, 0);
  const Tensor pairs = transformed(prepared(r.x, r.dim, r.n), r.n, Inverse, scale_of(c[3], r.n, Inverse));
  c.ret(as_complex(pairs, r.part, r.dim));
}

void rfft(OpCall& c) {
  if (is_complex(c.tensor(0).dtype()))
    throw RuntimeError(
        cat("rfft expects a real input tensor, but got ", dtype_cpp_name(c.tensor(0).dtype())));
  const Request r = request(c, 0);
  const Tensor pairs = transformed(prepared(r.x, r.dim, r.n), r.n / 2 + 1, false, scale_of(c[3], r.n, false));
  c.ret(as_complex(of_real(pairs, r.n), r.part, r.dim));
}

/// Half a spectrum [..., n / 2 + 1, 2] as a whole one of n: the rest is conjugate.
Tensor mirrored(const Tensor& half, int64_t n) {
  Dims sizes = to_dims(half.sizes());
  const int64_t kept = sizes[sizes.size() - 2];
  sizes[sizes.size() - 2] = n;
  const Tensor out = empty(sizes, kDouble);
  const int64_t rows = out.numel() / (2 * n);
  for (int64_t i = 0; i < rows; ++i) {
    const double* p = elements<double>(half) + i * 2 * kept;
    double* q = elements<double>(out) + i * 2 * n;
    for (int64_t k = 0; k < n; ++k) {
      const int64_t from = k < kept ? k : n - k;
      const bool real = k == 0 || 2 * k == n;
      q[2 * k] = p[2 * from];
      q[2 * k + 1] = real ? 0 : k < kept ? p[2 * from + 1] : -p[2 * from + 1];
    }
  }
  return out;
}

void irfft(OpCall& c) {
  const Request r = request(c, 1);
  const Tensor whole = mirrored(prepared(r.x, r.dim, r.n / 2 + 1), r.n);
  const Tensor real = transformed(whole, r.n, true, scale_of(c[3], r.n, true)).select(-1, 0);
  c.ret(invoke("aten::movedim.int", {real.to(r.part), -1, r.dim}));
}

// --- short stretches

struct Stretches {
  int64_t size, hop, width;
  std::vector<double> window;  ///< filled up with zeros to `size`
};

Stretches stretches_of(const OpCall& c) {
  Stretches s{.size = c.integer(1), .hop = 0, .width = 0, .window = {}};
  s.hop = c.optional_int(2).value_or(s.size / 4);
  s.width = c.optional_int(3).value_or(s.size);
  if (s.size <= 0) throw RuntimeError(cat("expected n_fft > 0, but got ", s.size));
  if (s.hop <= 0) throw RuntimeError(cat("expected hop_length > 0, but got hop_length=", s.hop));
  if (s.width <= 0 || s.width > s.size)
    throw RuntimeError(cat("expected 0 < win_length <= n_fft, but got win_length=", s.width));
  const Tensor given = c[4].isNone() ? ones({s.width}, kDouble) : c.tensor(4);
  if (is_complex(given.dtype())) throw NotImplementedError("a complex window is not supported");
  if (given.dim() != 1 || given.numel() != s.width) {
    throw RuntimeError(cat("expected a 1D window tensor of size equal to win_length=", s.width,
                           ", but got window with size ", given.sizes()));
  }
  const Tensor values = given.to(kDouble).contiguous();
  s.window.assign(static_cast<size_t>(s.size), 0);
  std::copy_n(elements<double>(values), s.width, s.window.begin() + (s.size - s.width) / 2);
  return s;
}

Tensor window_tensor(const Stretches& s) {
  const Tensor out = empty({s.size}, kDouble);
  std::ranges::copy(s.window, elements<double>(out));
  return out;
}

/// [batch?, length] to [batch?, frequencies, frames], complex or in pairs. Arguments 5 …: normalized,
/// onesided, return_complex.
void stft_of(OpCall& c, const Tensor& signal, size_t at) {
  if (is_complex(signal.dtype())) throw NotImplementedError("stft of a complex signal is not supported");
  if (!signal.is_floating_point())
    throw RuntimeError("stft: expected a tensor of floating point or complex values");
  if (c[at + 2].isNone())
    throw RuntimeError(
        "stft requires the return_complex parameter be given for real inputs, and will further require that "
        "return_complex=True in a future PyTorch release.");
  if (signal.dim() != 1 && signal.dim() != 2)
    throw RuntimeError(cat("stft: expected a 1D or 2D tensor, but got size ", signal.sizes()));
  const Stretches s = stretches_of(c);
  const Tensor x = signal.dim() == 1 ? signal.unsqueeze(0) : signal;
  if (s.size > x.sizes()[1])
    throw RuntimeError(cat("expected 0 < n_fft < ", x.sizes()[1], ", but got n_fft=", s.size));
  const Tensor frames = invoke("aten::mul.Tensor",
                               {invoke("aten::unfold", {x.to(kDouble), 1, s.size, s.hop}), window_tensor(s)});
  const bool one_sided = c[at + 1].isNone() || c.boolean(at + 1);
  const double scale = c.boolean(at) ? 1 / std::sqrt(static_cast<double>(s.size)) : 1;
  const Tensor pairs =
      transformed(prepared(frames, 2, s.size), one_sided ? s.size / 2 + 1 : s.size, false, scale);
  const Tensor whole = invoke("aten::view_as_complex",
                              {of_real(pairs, s.size).to(signal.dtype() == kDouble ? kDouble : kFloat)})
                           .transpose(1, 2);
  const Tensor out = signal.dim() == 1 ? whole.squeeze(0) : whole;
  c.ret(c.boolean(at + 2) ? out : view_as_real(out));
}

void stft(OpCall& c) { stft_of(c, c.tensor(0), 5); }

void stft_center(OpCall& c) {
  Tensor x = c.tensor(0);
  if (c.boolean(5)) {
    const int64_t pad = c.integer(1) / 2;
    const Tensor wide = x.dim() == 1 ? x.unsqueeze(0).unsqueeze(0) : x.unsqueeze(1);
    const Tensor padded = invoke("aten::pad", {wide, Dims{pad, pad}, c[6], std::nullopt});
    x = x.dim() == 1 ? padded.squeeze(0).squeeze(0) : padded.squeeze(1);
  }
  stft_of(c, x, 7);
}

/// Frames are added up where they overlap and divided by the sum of squared windows.
void istft(OpCall& c) {
  const Tensor given = c.tensor(0);
  if (!is_complex(given.dtype()))
    throw RuntimeError(
        "istft requires a complex-valued input tensor matching the output from stft with "
        "return_complex=True.");
  if (c.boolean(9)) throw NotImplementedError("istft with return_complex=True is not supported");
  if (given.dim() != 2 && given.dim() != 3)
    throw RuntimeError(cat("istft: expected a tensor with 2 or 3 dimensions, but got ", given.dim()));
  const Stretches s = stretches_of(c);
  const Tensor x = given.dim() == 2 ? given.unsqueeze(0) : given;
  const bool one_sided = c[7].isNone() ? x.sizes()[1] != s.size : c.boolean(7);
  const int64_t expected = one_sided ? s.size / 2 + 1 : s.size;
  if (x.sizes()[1] != expected)
    throw RuntimeError(
        cat("istft: expected the frequency dimension (3rd to the last) of the input tensor to match n_fft / "
            "2 + 1 when onesided=True, but got ",
            x.sizes()[1]));
  // Of a whole spectrum the first half counts.
  const Tensor half = prepared(x, 1, s.size / 2 + 1);
  const double scale =
      c.boolean(6) ? 1 / std::sqrt(static_cast<double>(s.size)) : 1 / static_cast<double>(s.size);
  const Tensor frames = transformed(mirrored(half, s.size), s.size, true, scale).select(-1, 0).contiguous();
  const int64_t batch = x.sizes()[0];
  const int64_t count = x.sizes()[2];
  const int64_t length = s.size + s.hop * (count - 1);
  const Tensor sum = zeros({batch, length}, kDouble);
  std::vector<double> weight(static_cast<size_t>(length), 0);
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t f = 0; f < count; ++f) {
      for (int64_t k = 0; k < s.size; ++k) {
        const double w = s.window[static_cast<size_t>(k)];
        elements<double>(sum)[b * length + f * s.hop + k] +=
            elements<double>(frames)[(b * count + f) * s.size + k] * w;
        if (b == 0) weight[f * s.hop + k] += w * w;
      }
    }
  }
  const bool center = c.boolean(5);
  const int64_t begin = center ? s.size / 2 : 0;
  const int64_t end = c[8].isNone() ? (center ? length - s.size / 2 : length) : begin + c.integer(8);
  const int64_t kept = std::clamp(end, begin, std::max(length, begin));
  for (int64_t k = begin; k < std::min(kept, length); ++k) {
    if (std::fabs(weight[static_cast<size_t>(k)]) < 1e-11) throw RuntimeError("window overlap add min: 1");
    for (int64_t b = 0; b < batch; ++b)
      elements<double>(sum)[b * length + k] /= weight[static_cast<size_t>(k)];
  }
  Tensor out = sum.slice(1, begin, kept);
  if (end > length) out = invoke("aten::constant_pad_nd", {out, Dims{0, end - length}});
  const bool wide = given.dtype() == ScalarType::ComplexDouble;
  out = out.contiguous().to(wide ? kDouble : kFloat);
  c.ret(given.dim() == 2 ? out.squeeze(0) : out);
}

constexpr OpRow kFourierOps[] = {
    {"aten::fft_fft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor", fft<false>},
    {"aten::fft_ifft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor", fft<true>},
    {"aten::fft_rfft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor", rfft},
    {"aten::fft_irfft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor", irfft},
    {"aten::stft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, "
     "bool normalized=False, bool? onesided=None, bool? return_complex=None, bool? align_to_window=None) -> "
     "Tensor",
     stft},
    {"aten::stft.center(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? "
     "window=None, bool center=True, str pad_mode=\"reflect\", bool normalized=False, bool? onesided=None, "
     "bool? return_complex=None, bool? align_to_window=None) -> Tensor",
     stft_center},
    {"aten::istft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, "
     "bool center=True, bool normalized=False, bool? onesided=None, int? length=None, bool "
     "return_complex=False) -> Tensor",
     istft},
};

}  // namespace

OpTable fourier_ops() { return kFourierOps; }

}  // namespace calque::ops
