// Einstein summation.
#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/support.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

// Labels 0..51 are letters (upper case first, as the output is ordered); 52 and above are the ellipsis's
// dimensions.
constexpr int kLetters = 52;
constexpr int kMaxLabels = 128;

int label_of(char letter) { return letter >= 'a' ? letter - 'a' + 26 : letter - 'A'; }
char letter_of(int label) { return static_cast<char>(label >= 26 ? label - 26 + 'a' : label + 'A'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// One operand's subscripts; kEllipsis stands for "...".
constexpr int kEllipsis = -1;
using Subscripts = std::vector<int>;

struct Equation {
  std::vector<Subscripts> operands;
  std::optional<Subscripts> output;
};

Subscripts parse_subscripts(std::string_view text, size_t offset, std::string_view where) {
  Subscripts out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char ch = text[i];
    if (ch == ' ') continue;
    if (ch == '.') {
      if (text.substr(i, 3) != "..." || std::ranges::count(out, kEllipsis) > 0) {
        throw RuntimeError(cat("einsum(): found '.' for ", where, " that is not part of any ellipsis"));
      }
      out.push_back(kEllipsis);
      i += 2;
    } else if (is_letter(ch)) {
      out.push_back(label_of(ch));
    } else {
      throw RuntimeError(cat("einsum(): invalid subscript given at index ", offset + i,
                             " in the equation string, subscripts must be in [a-zA-Z]"));
    }
  }
  return out;
}

Equation parse(const std::string& text) {
  Equation e;
  const size_t arrow = text.find("->");
  const std::string left = text.substr(0, arrow);
  size_t start = 0;
  for (size_t i = 0; i <= left.size(); ++i) {
    if (i < left.size() && left[i] != ',') continue;
    e.operands.push_back(parse_subscripts(std::string_view(left).substr(start, i - start), start,
                                          cat("operand ", e.operands.size())));
    start = i + 1;
  }
  if (arrow != std::string::npos)
    e.output = parse_subscripts(std::string_view(text).substr(arrow + 2), arrow + 2, "the output");
  return e;
}

/// What is known of all labels.
struct Labels {
  std::array<int, kMaxLabels> uses{};
  std::array<int64_t, kMaxLabels> size{};
  int64_t ellipsis_rank = 0;

  Labels() { size.fill(1); }
};

/// Replaces "..." by labels for the dimensions it stands for, counted from the right.
Subscripts spread_ellipsis(const Subscripts& s, int64_t count, int64_t ellipsis_rank) {
  Subscripts out;
  for (const int label : s) {
    if (label != kEllipsis) {
      out.push_back(label);
      continue;
    }
    for (int64_t i = ellipsis_rank - count; i < ellipsis_rank; ++i)
      out.push_back(kLetters + static_cast<int>(i));
  }
  return out;
}

int64_t ellipsis_count(const Subscripts& s, const Tensor& t, size_t operand) {
  const bool has = std::ranges::count(s, kEllipsis) > 0;
  const int64_t named = static_cast<int64_t>(s.size()) - (has ? 1 : 0);
  if (has ? named > t.dim() : named != t.dim()) {
    throw RuntimeError(cat("einsum(): the number of subscripts in the equation (", named, ") ",
                           has ? "is more than" : "does not match", " the number of dimensions (", t.dim(),
                           ") for operand ", operand, has ? "" : " and no ellipsis was given"));
  }
  return t.dim() - named;
}

/// Takes the diagonal of repeated subscripts; afterwards each label stands once. The uses that go are
/// counted.
Tensor take_diagonals(Tensor t, Subscripts& s, size_t operand, Labels& labels) {
  for (size_t i = 0; i < s.size(); ++i) {
    for (size_t j = i + 1; j < s.size();) {
      if (s[j] != s[i]) {
        ++j;
        continue;
      }
      if (t.sizes()[i] != t.sizes()[j]) {
        throw RuntimeError(cat("einsum(): subscript ", letter_of(s[i]), " is repeated for operand ", operand,
                               " but the sizes don't match, ", t.sizes()[j], " != ", t.sizes()[i]));
      }
      Dims sizes = to_dims(t.sizes());
      Dims strides = to_dims(t.strides());
      strides[i] += strides[j];
      sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(j));
      strides.erase(strides.begin() + static_cast<std::ptrdiff_t>(j));
      t = make_view(t, sizes, strides, t.storage_offset());
      ++labels.uses[s[j]];
      s.erase(s.begin() + static_cast<std::ptrdiff_t>(j));
    }
  }
  return t;
}

void note_sizes(Labels& labels, const Tensor& t, const Subscripts& s, size_t operand) {
  for (size_t i = 0; i < s.size(); ++i) {
    int64_t& known = labels.size[s[i]];
    const int64_t size = t.sizes()[i];
    if (known != 1 && size != 1 && known != size) {
      throw RuntimeError(
          cat("einsum(): subscript ", s[i] < kLetters ? std::string(1, letter_of(s[i])) : "...", " has size ",
              size, " for operand ", operand, " which does not broadcast with previously seen size ", known));
    }
    if (size != 1) known = size;
    ++labels.uses[s[i]];
  }
}

Subscripts implicit_output(const Labels& labels) {
  Subscripts out;
  for (int64_t i = 0; i < labels.ellipsis_rank; ++i) out.push_back(kLetters + static_cast<int>(i));
  for (int label = 0; label < kLetters; ++label) {
    if (labels.uses[label] == 1) out.push_back(label);
  }
  return out;
}

void check_output(const Subscripts& out, const Labels& labels) {
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] >= kLetters) continue;
    if (labels.uses[out[i]] == 0) {
      throw RuntimeError(cat("einsum(): output subscript ", letter_of(out[i]),
                             " does not appear in the equation for any input operand"));
    }
    if (std::find(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(i), out[i]) !=
        out.begin() + static_cast<std::ptrdiff_t>(i)) {
      throw RuntimeError(
          cat("einsum(): output subscript ", letter_of(out[i]), " appears more than once in the output"));
    }
  }
}

/// A tensor and its labels, each once.
struct Operand {
  Tensor t;
  Subscripts labels;
};

bool has(const Subscripts& s, int label) { return std::ranges::find(s, label) != s.end(); }

/// Sums the dimensions whose label is nowhere else.
Operand sum_out(Operand x, const Subscripts& needed) {
  Dims gone;
  Subscripts kept;
  for (size_t i = 0; i < x.labels.size(); ++i) {
    if (has(needed, x.labels[i])) {
      kept.push_back(x.labels[i]);
    } else {
      gone.push_back(static_cast<int64_t>(i));
    }
  }
  if (gone.empty()) return x;
  return {.t = sum(x.t, {.mask = dim_mask(gone, x.t.dim())}, x.t.dtype()), .labels = std::move(kept)};
}

/// Dimensions in the order of `wanted`, 1 where the operand has none, as a matrix batch [first, second,
/// third].
Tensor arranged(const Operand& x, const Subscripts& wanted) {
  Dims order;
  for (const int label : wanted) {
    const auto at = std::ranges::find(x.labels, label);
    if (at != x.labels.end()) order.push_back(at - x.labels.begin());
  }
  Tensor t = x.t.permute(order);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!has(x.labels, wanted[i])) t = t.unsqueeze(static_cast<int64_t>(i));
  }
  return t;
}

int64_t count_of(const Subscripts& s, const Labels& labels) {
  Dims sizes;
  for (const int label : s) sizes.push_back(labels.size[label]);
  return wrapping_product(sizes);
}

/// One contraction as a batch of matrix products: labels in both and needed later are the batch, labels in
/// both and not needed are summed.
Operand contract(Operand a, Operand b, const Subscripts& needed, const Labels& labels) {
  Subscripts keep = needed;
  keep.insert(keep.end(), b.labels.begin(), b.labels.end());
  a = sum_out(std::move(a), keep);
  keep = needed;
  keep.insert(keep.end(), a.labels.begin(), a.labels.end());
  b = sum_out(std::move(b), keep);
  Subscripts batch, left, right, summed;
  for (const int label : a.labels) {
    if (!has(b.labels, label)) {
      left.push_back(label);
    } else {
      (has(needed, label) ? batch : summed).push_back(label);
    }
  }
  for (const int label : b.labels) {
    if (!has(a.labels, label)) right.push_back(label);
  }
  const auto sizes_of = [&](const Subscripts& s) {
    Dims sizes;
    for (const int label : s) sizes.push_back(labels.size[label]);
    return sizes;
  };
  const auto joined = [](std::initializer_list<Subscripts> parts) {
    Subscripts out;
    for (const Subscripts& p : parts) out.insert(out.end(), p.begin(), p.end());
    return out;
  };
  const Subscripts a_order = joined({batch, left, summed});
  const Subscripts b_order = joined({batch, summed, right});
  const int64_t n_batch = count_of(batch, labels);
  const Tensor x = arranged(a, a_order)
                       .expand(sizes_of(a_order))
                       .reshape(Dims{n_batch, count_of(left, labels), count_of(summed, labels)});
  const Tensor y = arranged(b, b_order)
                       .expand(sizes_of(b_order))
                       .reshape(Dims{n_batch, count_of(summed, labels), count_of(right, labels)});
  Operand out{.t = {}, .labels = joined({batch, left, right})};
  out.t = batched_product(x, y).view(sizes_of(out.labels));
  return out;
}

Subscripts needed_after(const std::vector<Operand>& operands, size_t next, const Subscripts& output) {
  Subscripts out = output;
  for (size_t i = next; i < operands.size(); ++i) {
    out.insert(out.end(), operands[i].labels.begin(), operands[i].labels.end());
  }
  return out;
}

Tensor einsum(const std::string& equation, std::vector<Tensor> tensors) {
  if (tensors.empty()) throw RuntimeError("einsum(): must provide at least one operand");
  const Equation e = parse(equation);
  if (e.operands.size() != tensors.size()) {
    throw RuntimeError(cat("einsum(): ", e.operands.size() > tensors.size() ? "fewer" : "more",
                           " operands were provided than specified in the equation"));
  }
  Labels labels;
  std::vector<int64_t> counts;
  for (size_t i = 0; i < tensors.size(); ++i) {
    counts.push_back(ellipsis_count(e.operands[i], tensors[i], i));
    labels.ellipsis_rank = std::max(labels.ellipsis_rank, counts.back());
  }
  if (labels.ellipsis_rank > kMaxLabels - kLetters) throw RuntimeError("einsum(): too many dimensions");
  std::vector<Operand> operands;
  for (size_t i = 0; i < tensors.size(); ++i) {
    Operand x{.t = tensors[i], .labels = spread_ellipsis(e.operands[i], counts[i], labels.ellipsis_rank)};
    x.t = take_diagonals(x.t, x.labels, i, labels);
    note_sizes(labels, x.t, x.labels, i);
    operands.push_back(std::move(x));
  }
  const Subscripts output = e.output ? spread_ellipsis(*e.output, labels.ellipsis_rank, labels.ellipsis_rank)
                                     : implicit_output(labels);
  check_output(output, labels);
  Operand result = operands[0];
  for (size_t i = 1; i < operands.size(); ++i) {
    result = contract(std::move(result), operands[i], needed_after(operands, i + 1, output), labels);
  }
  // What is left to sum is torch.sum, which widens whole numbers.
  const bool sums = result.labels.size() > output.size();
  if (sums && (is_integral(result.t.dtype()) || result.t.dtype() == kBool)) result.t = result.t.to(kLong);
  result = sum_out(std::move(result), output);
  return arranged(result, output);
}

void einsum_op(OpCall& c) {
  std::vector<Tensor> tensors = c[1].toTensorVector();
  for (const Tensor& t : tensors) {
    if (t.dtype() != tensors[0].dtype()) {
      throw RuntimeError(cat("einsum(): all operands must have the same dtype, found ",
                             dtype_name(tensors[0].dtype()), " and ", dtype_name(t.dtype())));
    }
  }
  if (!tensors.empty() && tensors.size() > 1 && tensors[0].dtype() == kBool)
    throw_not_implemented("bmm", kBool);
  c.ret(einsum(c[0].toStringRef(), std::move(tensors)));
}

void tensordot(OpCall& c) {
  const Tensor a = c.tensor(0);
  const Tensor b = c.tensor(1);
  const Dims dims_a = c.ints(2);
  const Dims dims_b = c.ints(3);
  if (dims_a.size() != dims_b.size()) throw RuntimeError("both dimension lists should have same length");
  if (a.dtype() != b.dtype()) throw RuntimeError("tensordot: both inputs should have same dtype");
  if (a.dim() + b.dim() > kLetters) throw RuntimeError("tensordot: too many dimensions");
  Operand x{.t = a, .labels = {}};
  Operand y{.t = b, .labels = {}};
  Labels labels;
  Subscripts output;
  for (int64_t d = 0; d < a.dim(); ++d) x.labels.push_back(static_cast<int>(d));
  for (int64_t d = 0; d < b.dim(); ++d) y.labels.push_back(static_cast<int>(a.dim() + d));
  const std::vector<bool> summed_a =
      dims_a.empty() ? std::vector<bool>(x.labels.size()) : dim_mask(dims_a, a.dim());
  for (size_t i = 0; i < dims_a.size(); ++i) {
    const int64_t i_a = wrap_dim(dims_a[i], a.dim());
    const int64_t i_b = wrap_dim(dims_b[i], b.dim());
    if (a.dim() == 0 || b.dim() == 0)
      throw RuntimeError("tensordot: a 0-dim tensor has no dimension to contract");
    if (a.sizes()[i_a] != b.sizes()[i_b] && a.sizes()[i_a] != 1 && b.sizes()[i_b] != 1) {
      throw RuntimeError(cat("contracted dimensions need to match, but first has size ", a.sizes()[i_a],
                             " in dim ", dims_a[i], " and second has size ", b.sizes()[i_b], " in dim ",
                             dims_b[i]));
    }
    y.labels[i_b] = static_cast<int>(i_a);
  }
  for (int64_t d = 0; d < a.dim(); ++d) {
    if (!summed_a[d]) output.push_back(static_cast<int>(d));
  }
  for (const int label : y.labels) {
    if (label >= a.dim()) output.push_back(label);
  }
  note_sizes(labels, a, x.labels, 0);
  note_sizes(labels, b, y.labels, 1);
  c.ret(arranged(contract(std::move(x), std::move(y), output, labels), output).contiguous());
}

constexpr OpRow kEinsumOps[] = {
    {"aten::einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor", einsum_op},
    {"aten::tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor", tensordot},
};

}  // namespace

OpTable einsum_ops() { return kEinsumOps; }

}  // namespace calque::ops
