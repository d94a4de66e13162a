#include "kernels/registry_scalar.h"

namespace calque::kernels {

const KernelSet& kernel_set(Isa) { return kScalarSet; }

}  // namespace calque::kernels
