#include "kernels/registry_scalar.h"

namespace calque::kernels {

const KernelSet& platform_kernel_set(Isa) { return kScalarSet; }

}  // namespace calque::kernels
