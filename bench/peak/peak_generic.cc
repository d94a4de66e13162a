#include "peak.h"

namespace calque::bench {

double run_chains(Arithmetic) {
  constexpr int kChains = 32;
  constexpr int kSteps = 20000;
  float sums[kChains] = {};
  volatile float factor = 0.999F;
  const float x = factor;
  for (int step = 0; step < kSteps; ++step) {
    for (float& sum : sums) sum = sum * x + x;
  }
  volatile float sink = 0;
  for (const float sum : sums) sink = sink + sum;
  return 2.0 * kChains * kSteps;
}

}  // namespace calque::bench
