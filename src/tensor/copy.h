// Rules of copying that operators share.
#pragma once

#include "calque/tensor.h"

namespace calque {

/// RuntimeError with PyTorch's text unless `source` can be written into a tensor of shape `target`.
void check_broadcasts_to(const Tensor& source, IntArrayRef target);

}  // namespace calque
