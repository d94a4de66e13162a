// For the tests of attention: calls with all that they point to, and exact values.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/test_support.h"

namespace calque::kernels {

inline constexpr float kLowestFloat = std::numeric_limits<float>::lowest();
inline constexpr float kGuard = 77.0F;

inline size_t at(int64_t i) { return static_cast<size_t>(i); }

// A call with all that it points to.
struct Problem {
  AttentionArgs args;
  std::vector<int64_t> q_offsets{0};
  std::vector<int64_t> k_offsets{0};
  std::vector<float> q, k, v, mask, out;

  void add_sequence(int64_t queries, int64_t keys) {
    q_offsets.push_back(q_offsets.back() + queries);
    k_offsets.push_back(k_offsets.back() + keys);
  }
  int64_t queries(int64_t s) const { return q_offsets[at(s + 1)] - q_offsets[at(s)]; }
  int64_t keys(int64_t s) const { return k_offsets[at(s + 1)] - k_offsets[at(s)]; }

  /// Heads side by side in rows with some room between them.
  void fill(std::mt19937& rng, int64_t heads, int64_t head_size, int64_t value_size, float size) {
    args.sequences = static_cast<int64_t>(q_offsets.size()) - 1;
    args.heads = heads;
    args.head_size = head_size;
    args.value_size = value_size;
    args.q_head = args.k_head = head_size + random_size(rng, 0, 2);
    args.v_head = args.out_head = value_size + random_size(rng, 0, 2);
    args.q_row = heads * args.q_head + random_size(rng, 0, 3);
    args.k_row = heads * args.k_head + random_size(rng, 0, 3);
    args.v_row = heads * args.v_head + random_size(rng, 0, 3);
    args.out_row = heads * args.out_head + random_size(rng, 0, 3);
    args.scale = 1.0F / std::sqrt(static_cast<float>(head_size));
    q = random_floats(rng, q_offsets.back() * args.q_row, size);
    k = random_floats(rng, k_offsets.back() * args.k_row, size);
    v = random_floats(rng, k_offsets.back() * args.v_row, size);
    out.assign(at(q_offsets.back() * args.out_row), kGuard);
  }

  /// A mask broadcast over the dimensions whose bits are clear in `kept`; each value is one of `values`.
  void add_mask(std::mt19937& rng, int kept, const std::vector<float>& values) {
    int64_t most_queries = 0, most_keys = 0;
    for (int64_t s = 0; s < args.sequences; ++s) {
      most_queries = std::max(most_queries, queries(s));
      most_keys = std::max(most_keys, keys(s));
    }
    int64_t size = 1 + random_size(rng, 0, 1);  // a key stride that is not 1, at times
    const auto next = [&](int bit, int64_t length) {
      if ((kept & bit) == 0) return int64_t{0};
      const int64_t stride = size;
      size *= std::max<int64_t>(length, 1);
      return stride;
    };
    args.mask_key = next(1, most_keys);
    args.mask_query = next(2, most_queries);
    args.mask_head = next(4, args.heads);
    args.mask_sequence = next(8, args.sequences);
    mask.resize(at(size));
    for (float& value : mask)
      value = values[at(random_size(rng, 0, static_cast<int64_t>(values.size()) - 1))];
  }

  void run(void (*kernel)(const AttentionArgs&) = attention) {
    args.q_offsets = q_offsets.data();
    args.k_offsets = k_offsets.data();
    args.q = q.data();
    args.k = k.data();
    args.v = v.data();
    args.out = out.data();
    args.mask = mask.empty() ? nullptr : mask.data();
    kernel(args);
  }

  float* out_row(int64_t s, int64_t h, int64_t i) {
    return out.data() + (q_offsets[at(s)] + i) * args.out_row + h * args.out_head;
  }
  int64_t seen(int64_t s, int64_t i) const {
    return args.causal ? std::clamp<int64_t>(i + args.causal_offset + 1, 0, keys(s)) : keys(s);
  }
};

struct Exact {
  std::vector<double> values;
  double tolerance = 0;
  double tolerance_bf16 = 0;  // of attention_bf16
};

/// One row, with scores rounded to float as the lowest float needs, else in double, and the header's bound.
inline Exact exact_row(const Problem& p, int64_t s, int64_t h, int64_t i) {
  const AttentionArgs& args = p.args;
  const int64_t seen = p.seen(s, i);
  const float* q = p.q.data() + (p.q_offsets[at(s)] + i) * args.q_row + h * args.q_head;
  std::vector<double> weights(at(seen));
  double magnitude = 0, largest_score = 0, max = -std::numeric_limits<double>::infinity(), sum = 0,
         largest_value = 0;
  for (int64_t j = 0; j < seen; ++j) {
    const float* k = p.k.data() + (p.k_offsets[at(s)] + j) * args.k_row + h * args.k_head;
    double dot = 0, size = 0;
    for (int64_t c = 0; c < args.head_size; ++c) {
      dot += static_cast<double>(q[c]) * static_cast<double>(k[c]);
      size += std::abs(static_cast<double>(q[c]) * static_cast<double>(k[c]));
    }
    double score = static_cast<double>(args.scale) * dot;
    if (!p.mask.empty()) {
      const float added =
          p.mask[at(s * args.mask_sequence + h * args.mask_head + i * args.mask_query + j * args.mask_key)];
      score = added < -1e30F ? static_cast<double>(static_cast<float>(score) + added)
                             : score + static_cast<double>(added);
    }
    magnitude = std::max(magnitude, size * static_cast<double>(std::abs(args.scale)));
    if (score > -1e30) largest_score = std::max(largest_score, std::abs(score));
    max = std::max(max, score);
    weights[at(j)] = score;
  }
  const bool empty = max == -std::numeric_limits<double>::infinity();
  for (double& weight : weights) sum += weight = empty ? 0 : std::exp(weight - max);
  Exact exact;
  for (int64_t c = 0; c < args.value_size; ++c) {
    double value = 0;
    for (int64_t j = 0; j < seen; ++j) {
      const float v = p.v[at((p.k_offsets[at(s)] + j) * args.v_row + h * args.v_head + c)];
      value += weights[at(j)] * static_cast<double>(v);
      largest_value = std::max(largest_value, std::abs(static_cast<double>(v)));
    }
    exact.values.push_back(p.keys(s) == 0 || (sum == 0 && args.empty_rows_are_zero) ? 0 : value / sum);
  }
  const auto keys = static_cast<double>(seen);
  exact.tolerance =
      (2 * static_cast<double>(args.head_size + 1) * magnitude + 8 * largest_score + 2 * keys + 32) *
      0x1p-24 * largest_value;
  exact.tolerance_bf16 = exact.tolerance + (2 * magnitude + 1) * 0x1p-7 * largest_value;
  return exact;
}

inline void expect_exact(Problem& p, double Exact::* tolerance = &Exact::tolerance) {
  for (int64_t s = 0; s < p.args.sequences; ++s) {
    for (int64_t h = 0; h < p.args.heads; ++h) {
      for (int64_t i = 0; i < p.queries(s); ++i) {
        const Exact exact = exact_row(p, s, h, i);
        for (int64_t c = 0; c < p.args.value_size; ++c) {
          const double found = static_cast<double>(p.out_row(s, h, i)[c]);
          const double wanted = exact.values[at(c)];
          if (std::isnan(wanted)) {
            ASSERT_TRUE(std::isnan(found)) << found;
          } else {
            ASSERT_LE(std::abs(found - wanted), exact.*tolerance)
                << found << " for " << wanted << " sequence " << s << " head " << h << " query " << i
                << " keys " << p.keys(s) << " size " << p.args.head_size << " value " << c;
          }
        }
      }
    }
  }
}

/// What lies between the rows and heads of `out` is as before.
inline void expect_guards(Problem& p) {
  for (int64_t s = 0; s < p.args.sequences; ++s) {
    for (int64_t i = 0; i < p.queries(s); ++i) {
      for (int64_t h = 0; h < p.args.heads; ++h) {
        std::fill_n(p.out_row(s, h, i), p.args.value_size, kGuard);
      }
    }
  }
  for (const float value : p.out) ASSERT_EQ(value, kGuard);
}

inline const std::vector<std::vector<float>> kMaskValues = {{0.0F, -1.5F, 2.25F}, {0.0F, 0.0F, -kInf},
                                                            {0.0F, kLowestFloat}, {0.0F, -10000.0F},
                                                            {kLowestFloat},       {-kInf}};

}  // namespace calque::kernels
