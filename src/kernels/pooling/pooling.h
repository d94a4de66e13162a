// One row per sequence from the rows of its tokens, as sentence encoders make it.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// Rows offsets[s] .. offsets[s + 1] of x are the tokens of sequence s: packed ones, or padded ones whose
/// offsets are multiples of the length. With `mask`, one entry per row of x, tokens whose entry is 0 do not
/// count, whatever is in them. Rows are contiguous, strides in elements; out overlaps no input. With
/// `normalise` each row of the output is divided by its Euclidean norm, or by eps when that is larger, as
/// torch.nn.functional.normalize does.
struct PoolArgs {
  int64_t sequences = 0;
  int64_t cols = 0;
  const int64_t* offsets = nullptr;
  const float* x = nullptr;
  int64_t x_row = 0;
  const int64_t* mask = nullptr;
  float* out = nullptr;
  int64_t out_row = 0;
  bool normalise = false;
  float eps = 1e-12F;
};

/// out[s, :] = the mean over the tokens that count, 0 without any. Summed in order in float32: within
/// (tokens + 1) 2^-24 times the mean of the absolute values; the norm adds at most (10 + cols / 16) 2^-24,
/// relatively.
void mean_pool(const PoolArgs& args);

/// out[s, :] = the first token (`cls`), 0 for a sequence without tokens. `mask` does not matter.
void first_pool(const PoolArgs& args);

}  // namespace calque::kernels
