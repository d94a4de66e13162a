// One task of attention: some queries of one sequence and head.
#pragma once

#include <cstdint>

#include "kernels/aligned_buffer.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/attention_kernels.h"

namespace calque::kernels {

/// A chunk has no more queries: bounds what it keeps of them between blocks of keys.
inline constexpr int64_t kMaxChunkQueries = 240;

struct AttentionScratch {
  AlignedBuffer<float> queries;
  AlignedBuffer<float> keys;
  AlignedBuffer<float> values;
  AlignedBuffer<float> scores;
  AlignedBuffer<float> sums;
  AlignedBuffer<float> mask;
};

struct AttentionChunk {
  int64_t sequence;
  int64_t head;
  int64_t first;  // query within the sequence
  int64_t count;  // 1..kMaxChunkQueries
};

void run_attention_chunk(const AttentionArgs& args, const AttentionKernels& kernels,
                         const AttentionChunk& chunk, AttentionScratch& scratch);

}  // namespace calque::kernels
