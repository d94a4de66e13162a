// Whether a result may depend on what else is in the batch, by its last bits.
#pragma once

namespace calque::ops {

/// While one lives with `wanted`, this thread computes each row of a batch as it would alone: operators that
/// have several ways to compute a row choose by what belongs to the row, not by the number of rows.
class ScopedBatchInvariance {
 public:
  explicit ScopedBatchInvariance(bool wanted);
  ~ScopedBatchInvariance();
  ScopedBatchInvariance(const ScopedBatchInvariance&) = delete;
  ScopedBatchInvariance& operator=(const ScopedBatchInvariance&) = delete;

 private:
  bool previous_;
};

bool batch_invariant();

}  // namespace calque::ops
