#include "ops/batch_invariance.h"

namespace calque::ops {

namespace {

thread_local bool t_invariant = false;

}  // namespace

ScopedBatchInvariance::ScopedBatchInvariance(bool wanted) : previous_(t_invariant) {
  t_invariant = wanted || previous_;
}
ScopedBatchInvariance::~ScopedBatchInvariance() { t_invariant = previous_; }

bool batch_invariant() { return t_invariant; }

}  // namespace calque::ops
