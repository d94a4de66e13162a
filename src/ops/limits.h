// Guards against values that grow without tensors: lists and strings whose length a program chooses.
#pragma once

#include <cstdint>

namespace calque::ops {

/// LimitError when `count` things of `bytes` each would not fit in what is left of the run's memory budget (8
/// GiB when there is none). Negative counts are taken as 0.
void check_growth(int64_t count, int64_t bytes);

}  // namespace calque::ops
