// Attention without scores in memory (Vaswani et al., arXiv 1706.03762; blocks of keys as in Milakov and
// Gimelshein, arXiv 1805.02867).
#pragma once

#include <cstdint>

namespace calque::kernels {

/// For each sequence and head: out = softmax(scale * q k^T + mask) v, float32, over sequences of any lengths,
/// each with its rows one after the other: packed ones, or padded ones whose offsets are multiples of the
/// length.
///
/// - The innermost dimension of q, k, v and out is contiguous; all strides are in elements. out overlaps no
/// input.
/// - Row q_offsets[s] + i is query i of sequence s, in q and out; k_offsets says the same of keys, in k and
/// v. Both
///   have sequences + 1 entries, never decrease, and may be one array.
/// - mask(s, h, i, j) is added, with any strides, 0 for dimensions that are broadcast.
/// - causal: query i sees the keys j <= i + causal_offset and no others, which then contribute nothing,
/// whatever is in
///   them. 0 is top-left aligned, as is_causal of PyTorch's scaled_dot_product_attention; keys - queries is
///   right for a decoder whose queries are the last positions.
/// - A row with a score of NaN or +inf gives NaN. One whose scores are all -inf, or that sees no key, gives
/// NaN as
///   softmax does, or 0 with empty_rows_are_zero, as scaled_dot_product_attention does. A sequence without
///   keys gives 0, an empty sum.
/// - Masks that are finite, though very negative, are added as they are: a row of nothing but the lowest
/// float is a
///   mean of all values.
///
/// A row depends on its query, the keys, the values and its mask only: it has the same bits whatever the
/// other queries, sequences and heads are, and on any number of threads. Scores are summed over head_size in
/// order, weights over the keys in order; the exponentials are within 2 ulp as far as they count, and their
/// sum is taken in lanes over blocks of kAttentionKeys keys. Against exact arithmetic
///
///     |error| <= (2 (head_size + 1) |scale| max_j sum_i |q_i k_ji| + 8 max_j |score_j| + 2 keys + 32) 2^-24
///     max |v|
///
/// over the keys that are seen; in practice it is some ulp.
struct AttentionArgs {
  int64_t sequences = 0;
  int64_t heads = 0;
  int64_t head_size = 0;   // of q and k
  int64_t value_size = 0;  // of v and out
  const int64_t* q_offsets = nullptr;
  const int64_t* k_offsets = nullptr;
  const float* q = nullptr;
  int64_t q_row = 0;
  int64_t q_head = 0;
  const float* k = nullptr;
  int64_t k_row = 0;
  int64_t k_head = 0;
  const float* v = nullptr;
  int64_t v_row = 0;
  int64_t v_head = 0;
  float* out = nullptr;
  int64_t out_row = 0;
  int64_t out_head = 0;
  float scale = 1;
  const float* mask = nullptr;
  int64_t mask_sequence = 0;
  int64_t mask_head = 0;
  int64_t mask_query = 0;
  int64_t mask_key = 0;
  bool causal = false;
  int64_t causal_offset = 0;
  bool empty_rows_are_zero = false;
};

/// Nothing is checked here. Throws std::bad_alloc when a thread's first scratch cannot be had.
void attention(const AttentionArgs& args);

/// The same with queries, keys, values and weights rounded to bfloat16 for the two products; scores,
/// exponentials and all sums remain float32. Where the processor has no such products (best_extensions()) it
/// is attention(). To the bound above it adds (2 |scale| max_j sum_i |q_i k_ji| + 1) 2^-7 max |v|, over
/// finite values below the largest bfloat16. The value beside that of the last key that a causal query sees,
/// when the number of those is odd, counts with a weight of 0: NaN or infinity there gives NaN.
void attention_bf16(const AttentionArgs& args);

}  // namespace calque::kernels
