#include "kernels/attention/chunk.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace calque::kernels {

namespace {

// Keys go by in blocks, the softmax's maximum, sum and weighted values are carried from one to the next. Rows
// of a tile are independent of each other.
class ChunkRun {
 public:
  ChunkRun(const AttentionArgs& args, const AttentionKernels& kernels, const AttentionChunk& chunk,
           AttentionScratch& scratch)
      : args_(args),
        chunk_(chunk),
        kernels_(kernels),
        scratch_(scratch),
        keys_(args.k_offsets[chunk.sequence + 1] - args.k_offsets[chunk.sequence]),
        tiles_(ceil_div(chunk.count, kernels_.rows)),
        tile_rows_(ceil_div(chunk.count, tiles_)),
        value_row_(ceil_div(args.value_size, kernels_.width) * kernels_.width) {
    out_ =
        args.out + (args.q_offsets[chunk.sequence] + chunk.first) * args.out_row + chunk.head * args.out_head;
  }

  void run() {
    if (keys_ == 0) return zero_rows();
    locate();
    allocate();
    const int64_t blocks = blocks_of(chunk_.count - 1);
    for (int64_t block = 0; block < blocks; ++block) {
      first_key_ = block * kAttentionKeys;
      block_keys_ = std::clamp<int64_t>(seen(chunk_.count - 1) - first_key_, 0, kAttentionKeys);
      load_values();
      if (tiles_ > 1) pack_keys();
      for (int64_t row = 0; row < chunk_.count; row += tile_rows_) {
        const int64_t rows = std::min(tile_rows_, chunk_.count - row);
        const int64_t last = blocks_of(row + rows - 1) - 1;
        if (block <= last) run_tile(row, static_cast<int>(rows), block == 0, block == last);
      }
    }
  }

 private:
  static constexpr float kLowest = -std::numeric_limits<float>::infinity();

  static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

  // How many words n elements take.
  int64_t words(int64_t n) const { return ceil_div(n, kernels_.word); }

  // How many keys query `row` of the chunk sees.
  int64_t seen(int64_t row) const {
    if (!args_.causal) return keys_;
    return std::clamp<int64_t>(chunk_.first + row + args_.causal_offset + 1, 0, keys_);
  }
  int64_t blocks_of(int64_t row) const { return std::max<int64_t>(1, ceil_div(seen(row), kAttentionKeys)); }
  // Of those, how many are in the block.
  int64_t seen_here(int64_t row) const {
    return std::clamp<int64_t>(seen(row) - first_key_, 0, kAttentionKeys);
  }

  void zero_rows() {
    for (int64_t i = 0; i < chunk_.count; ++i) std::fill_n(out_ + i * args_.out_row, args_.value_size, 0.0F);
  }

  void locate() {
    const int64_t key = args_.k_offsets[chunk_.sequence];
    q_ = args_.q + (args_.q_offsets[chunk_.sequence] + chunk_.first) * args_.q_row +
         chunk_.head * args_.q_head;
    k_ = args_.k + key * args_.k_row + chunk_.head * args_.k_head;
    v_ = args_.v + key * args_.v_row + chunk_.head * args_.v_head;
    if (args_.mask == nullptr) return;
    mask_ = args_.mask + chunk_.sequence * args_.mask_sequence + chunk_.head * args_.mask_head +
            chunk_.first * args_.mask_query;
  }

  void allocate() {
    depth_blocks_ = std::max<int64_t>(1, ceil_div(words(args_.head_size), kAttentionKeys));
    queries_ = scratch_.queries.grow_to(static_cast<size_t>(depth_blocks_ * kernels_.rows * kAttentionRow));
    scores_ = scratch_.scores.grow_to(static_cast<size_t>(kernels_.rows * kAttentionRow));
    sums_ = scratch_.sums.grow_to(static_cast<size_t>(kMaxChunkQueries * value_row_));
    const int64_t most = std::min(keys_, kAttentionKeys);
    const int64_t panels = tiles_ > 1 ? ceil_div(most, kernels_.panel) : 1;
    packed_keys_ =
        scratch_.keys.grow_to(static_cast<size_t>(panels * kernels_.panel * words(args_.head_size)));
  }

  // The last panel of a block is no wider than its keys need.
  int64_t panel_width(int64_t panel) const {
    const int64_t left = block_keys_ - panel * kernels_.panel;
    return std::min<int64_t>(kernels_.panel, ceil_div(left, kernels_.width) * kernels_.width);
  }

  void pack_panel(int64_t panel, float* packed) const {
    const int64_t key = panel * kernels_.panel;
    kernels_.pack_keys(args_.head_size, std::min<int64_t>(kernels_.panel, block_keys_ - key),
                       k_ + (first_key_ + key) * args_.k_row, args_.k_row, packed, panel_width(panel));
  }

  void pack_keys() {
    for (int64_t panel = 0; panel * kernels_.panel < block_keys_; ++panel) {
      pack_panel(panel, packed_keys_ + panel * kernels_.panel * words(args_.head_size));
    }
  }

  // Values that only one tile reads stay where they are.
  void load_values() {
    const float* const from = v_ + first_key_ * args_.v_row;
    if (tiles_ == 1 && value_row_ == args_.value_size && kernels_.word == 1) {
      values_ = from;
      values_row_ = args_.v_row;
      return;
    }
    const int64_t rows = words(std::min(keys_, kAttentionKeys));
    float* const to = scratch_.values.grow_to(static_cast<size_t>(rows * value_row_));
    kernels_.pack_values(block_keys_, args_.value_size, from, args_.v_row, to, value_row_);
    values_ = to;
    values_row_ = value_row_;
  }

  void run_tile(int64_t row, int rows, bool first, bool last) {
    score(row, rows);
    float kept[kMaxAttentionRows];
    soften(row, rows, first, kept);
    float factor[kMaxAttentionRows];
    for (int r = 0; r < rows; ++r) {
      const float sum = sum_[row + r];
      factor[r] = sum == 0 && args_.empty_rows_are_zero ? 0.0F : 1.0F / sum;
    }
    mix(row, rows, first ? nullptr : kept, last ? factor : nullptr);
  }

  void score(int64_t row, int rows) {
    for (int64_t block = 0; block < depth_blocks_; ++block) {
      const int64_t first = block * kAttentionKeys * kernels_.word;
      const int64_t elements = std::min(kAttentionKeys * kernels_.word, args_.head_size - first);
      const float* const from = q_ + row * args_.q_row + first;
      float* const to = queries_ + block * kernels_.rows * kAttentionRow;
      for (int r = 0; r < rows; ++r)
        kernels_.pack_row(elements, from + r * args_.q_row, to + r * kAttentionRow);
    }
    const int64_t wanted = seen_here(row + rows - 1);
    for (int64_t panel = 0; panel * kernels_.panel < wanted; ++panel) score_panel(panel, rows, wanted);
  }

  // In words.
  int64_t depth(int64_t block) const {
    return std::min(kAttentionKeys, words(args_.head_size) - block * kAttentionKeys);
  }

  void score_panel(int64_t panel, int rows, int64_t wanted) {
    float* keys = packed_keys_;
    if (tiles_ > 1) {
      keys += panel * kernels_.panel * words(args_.head_size);
    } else {
      pack_panel(panel, keys);
    }
    const int64_t left = wanted - panel * kernels_.panel;
    const int64_t width = panel_width(panel);
    float* const scores = scores_ + panel * kernels_.panel;
    for (int64_t block = 0; block < depth_blocks_; ++block) {
      kernels_.tile({.k = depth(block),
                     .rows = rows,
                     .cols = std::min(width, ceil_div(left, kernels_.width) * kernels_.width),
                     .a = queries_ + block * kernels_.rows * kAttentionRow,
                     .b = keys + block * kAttentionKeys * width,
                     .b_row = width,
                     .initial = block == 0 ? nullptr : scores,
                     .initial_row = kAttentionRow,
                     .initial_factor = nullptr,
                     .out = scores,
                     .out_row = kAttentionRow,
                     .factor = nullptr});
    }
  }

  // Scores to weights. `kept` are the factors for what earlier blocks have given. Where all is -inf so far,
  // the weights are 0, and so is their sum.
  void soften(int64_t row, int rows, bool first, float* kept) {
    for (int r = 0; r < rows; ++r) {
      const int64_t n = seen_here(row + r);
      float same = 0;
      const float* const mask = mask_row(row + r, n, same);
      const float max = kernels_.scale_and_max(n, args_.scale, mask, same, scores_ + r * kAttentionRow);
      kept[r] = first ? kLowest : max_[row + r];
      max_[row + r] = std::max(kept[r], max);
    }
    for (int r = 0; r < rows; ++r) {
      const float shift = max_[row + r] == kLowest ? 0.0F : max_[row + r];
      const float sum = kernels_.exp_and_sum(seen_here(row + r), shift, scores_ + r * kAttentionRow);
      if (!first) kernels_.exp_and_sum(1, shift, kept + r);
      if (kernels_.word > 1) {
        float* const weights = scores_ + r * kAttentionRow;
        kernels_.pack_row(seen_here(row + r), weights, weights);
      }
      sum_[row + r] = first ? sum : sum_[row + r] * kept[r] + sum;
    }
  }

  // The mask of n keys of the block, or nullptr and what they have in common.
  const float* mask_row(int64_t row, int64_t n, float& same) {
    if (mask_ == nullptr || n == 0) return nullptr;
    const float* const from = mask_ + row * args_.mask_query + first_key_ * args_.mask_key;
    if (args_.mask_key == 1) return from;
    if (args_.mask_key == 0) {
      same = *from;
      return nullptr;
    }
    float* const to = scratch_.mask.grow_to(static_cast<size_t>(kAttentionKeys));
    for (int64_t j = 0; j < n; ++j) to[j] = from[j * args_.mask_key];
    return to;
  }

  // Weights times values. The words of keys that all rows see go through one tile, the rest row by row.
  void mix(int64_t row, int rows, const float* kept, const float* factor) {
    const int64_t most = seen_here(row + rows - 1);
    const bool ragged = most > seen_here(row);
    const int64_t common = ragged ? seen_here(row) / kernels_.word : words(most);
    float* const sums = sums_ + row * value_row_;
    const bool to_out = factor != nullptr && !ragged;
    float* const out = out_ + row * args_.out_row;
    AttentionTile tile{.k = common,
                       .rows = rows,
                       .cols = args_.value_size,
                       .a = scores_,
                       .b = values_,
                       .b_row = values_row_,
                       .initial = kept == nullptr ? nullptr : sums,
                       .initial_row = value_row_,
                       .initial_factor = kept,
                       .out = to_out ? out : sums,
                       .out_row = to_out ? args_.out_row : value_row_,
                       .factor = to_out ? factor : nullptr};
    kernels_.tile(tile);
    if (!ragged) return;
    tile.b += common * values_row_;
    tile.rows = 1;
    tile.initial_factor = nullptr;
    for (int r = 0; r < rows; ++r) {
      tile.k = words(seen_here(row + r)) - common;
      tile.a = scores_ + r * kAttentionRow + common;
      tile.initial = sums + r * value_row_;
      tile.out = factor != nullptr ? out + r * args_.out_row : sums + r * value_row_;
      tile.factor = factor != nullptr ? factor + r : nullptr;
      kernels_.tile(tile);
    }
  }

  const AttentionArgs& args_;
  const AttentionChunk chunk_;
  const AttentionKernels& kernels_;
  AttentionScratch& scratch_;
  const int64_t keys_;
  const int64_t tiles_;
  const int64_t tile_rows_;
  const int64_t value_row_;
  const float* q_ = nullptr;
  const float* k_ = nullptr;
  const float* v_ = nullptr;
  float* out_;
  const float* mask_ = nullptr;
  int64_t depth_blocks_ = 1;
  int64_t first_key_ = 0;
  int64_t block_keys_ = 0;
  const float* values_ = nullptr;
  int64_t values_row_ = 0;
  float* queries_ = nullptr;
  float* packed_keys_ = nullptr;
  float* scores_ = nullptr;
  float* sums_ = nullptr;
  float max_[kMaxChunkQueries];
  float sum_[kMaxChunkQueries];
};

}  // namespace

void run_attention_chunk(const AttentionArgs& args, const AttentionKernels& kernels,
                         const AttentionChunk& chunk, AttentionScratch& scratch) {
  ChunkRun(args, kernels, chunk, scratch).run();
}

}  // namespace calque::kernels
