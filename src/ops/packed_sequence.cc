// Sequences of different lengths: packed row by row, padded, and back.
#include <algorithm>

#include "base/text.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

std::vector<int64_t> lengths_of(const Tensor& lengths, int64_t batch, int64_t steps) {
  if (lengths.dim() != 1 || lengths.dtype() != kLong) {
    throw RuntimeError(cat("'lengths' argument should be a 1D CPU int64 tensor, but got ", lengths.dim(),
                           "D ", dtype_name(lengths.dtype()), " tensor"));
  }
  if (lengths.numel() != batch) {
    throw RuntimeError(cat("Expected `len(lengths)` to be equal to batch_size, but got ", lengths.numel(),
                           " (batch_size=", batch, ")"));
  }
  const Tensor flat = lengths.contiguous();
  std::vector<int64_t> out(elements<int64_t>(flat), elements<int64_t>(flat) + flat.numel());
  if (!std::ranges::is_sorted(out, std::greater<>())) {
    throw RuntimeError(
        "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
        "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if "
        "you "
        "do not need ONNX exportability.");
  }
  if (out.empty() || out.back() <= 0) {
    throw RuntimeError(
        "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0");
  }
  if (out.front() > steps) {
    throw RuntimeError(
        cat("Expected lengths of at most ", steps, ", the size of the input, but got ", out.front()));
  }
  return out;
}

void pack_padded(OpCall& c) {
  const Tensor given = c.tensor(0);
  if (given.dim() < 2) throw RuntimeError("pack_padded_sequence expects an input of at least 2 dimensions");
  if (given.numel() == 0) throw RuntimeError("Cannot pack empty tensors.");
  const Tensor x = c.boolean(2) ? given.transpose(0, 1) : given;
  const std::vector<int64_t> lengths = lengths_of(c.tensor(1), x.sizes()[1], x.sizes()[0]);
  Dims sizes(x.sizes().begin() + 1, x.sizes().end());
  sizes[0] = 0;
  for (const int64_t length : lengths) sizes[0] += length;
  const Tensor rows = empty(sizes, x.dtype());
  const Tensor counts = empty({lengths.front()}, kLong);
  int64_t at = 0;
  for (int64_t step = 0; step < lengths.front(); ++step) {
    const auto count = std::ranges::count_if(lengths, [&](int64_t length) { return length > step; });
    rows.slice(0, at, at + count).copy_(x.select(0, step).slice(0, 0, count));
    elements<int64_t>(counts)[step] = count;
    at += count;
  }
  c.ret(rows, 0);
  c.ret(counts, 1);
}

/// The sizes that a packed sequence gives for each step: positive, not rising, and the rows of the data in
/// sum.
Dims counts_of(const Tensor& batch_sizes, int64_t rows) {
  if (batch_sizes.dim() != 1 || batch_sizes.dtype() != kLong || batch_sizes.numel() == 0) {
    throw RuntimeError("batch_sizes should be a vector of int64");
  }
  const Tensor flat = batch_sizes.contiguous();
  Dims out(elements<int64_t>(flat), elements<int64_t>(flat) + flat.numel());
  int64_t left = rows;
  for (size_t i = 0; i < out.size(); ++i) {
    const bool rises = i > 0 && out[i] > out[i - 1];
    if (out[i] <= 0 || rises || out[i] > left) {
      throw RuntimeError(
          cat("batch_sizes must be positive, not rise, and sum up to the ", rows, " rows of the data"));
    }
    left -= out[i];
  }
  if (left != 0) throw RuntimeError(cat("batch_sizes do not sum up to the ", rows, " rows of the data"));
  return out;
}

void pad_packed(OpCall& c) {
  const Tensor rows = c.tensor(0);
  if (rows.dim() < 1) throw RuntimeError("packed data must have at least one dimension");
  const Dims counts = counts_of(c.tensor(1), rows.sizes()[0]);
  auto steps = static_cast<int64_t>(counts.size());
  const int64_t longest = steps;
  if (const int64_t wanted = c.integer(4); wanted > 0) {
    if (wanted < longest) {
      throw RuntimeError(
          cat("Expected total_length to be at least the length of the longest sequence in input, but got "
              "total_length=",
              wanted, " and max sequence length being ", longest));
    }
    steps = wanted;
  }
  Dims sizes = {steps, counts[0]};
  sizes.insert(sizes.end(), rows.sizes().begin() + 1, rows.sizes().end());
  const Tensor out = full(sizes, c.scalar(3), rows.dtype());
  const Tensor lengths = zeros({counts[0]}, kLong);
  int64_t at = 0;
  for (int64_t step = 0; step < longest; ++step) {
    const int64_t count = counts[static_cast<size_t>(step)];
    out.select(0, step).slice(0, 0, count).copy_(rows.slice(0, at, at + count));
    for (int64_t i = 0; i < count; ++i) elements<int64_t>(lengths)[i] = step + 1;
    at += count;
  }
  c.ret(c.boolean(2) ? out.transpose(0, 1) : out, 0);
  c.ret(lengths, 1);
}

void pad_sequence(OpCall& c) {
  const std::vector<Tensor> list = c[0].toTensorVector();
  const bool batch_first = c.boolean(1);
  const std::string& side = c[3].toStringRef();
  if (side != "left" && side != "right") {
    throw RuntimeError(cat("Expected padding_side to be one of left or right, but got ", side, "."));
  }
  if (list.empty()) throw RuntimeError("received an empty list of sequences");
  int64_t longest = 0;
  for (const Tensor& t : list) {
    if (t.dim() < 1) throw IndexError("Dimension specified as 0 but tensor has no dimensions");
    longest = std::max(longest, t.sizes()[0]);
  }
  Dims sizes = {static_cast<int64_t>(list.size()), longest};
  sizes.insert(sizes.end(), list[0].sizes().begin() + 1, list[0].sizes().end());
  if (!batch_first) std::swap(sizes[0], sizes[1]);
  const Tensor out = full(sizes, c.scalar(2), list[0].dtype());
  for (size_t i = 0; i < list.size(); ++i) {
    const int64_t length = list[i].sizes()[0];
    const int64_t begin = side == "left" ? longest - length : 0;
    const Tensor place = out.select(batch_first ? 0 : 1, static_cast<int64_t>(i));
    place.slice(0, begin, begin + length).copy_(list[i]);
  }
  c.ret(out);
}

constexpr OpRow kPackedSequenceOps[] = {
    {"aten::_pack_padded_sequence(Tensor input, Tensor lengths, bool batch_first) -> (Tensor, Tensor)",
     pack_padded},
    {"aten::_pad_packed_sequence(Tensor data, Tensor batch_sizes, bool batch_first, Scalar padding_value, "
     "int "
     "total_length) -> (Tensor, Tensor)",
     pad_packed},
    {"aten::pad_sequence(Tensor[] sequences, bool batch_first=False, float padding_value=0., str "
     "padding_side=\"right\") -> Tensor",
     pad_sequence},
};

}  // namespace

OpTable packed_sequence_ops() { return kPackedSequenceOps; }

}  // namespace calque::ops
