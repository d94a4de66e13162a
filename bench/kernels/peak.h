// What the machine can do at most.
#pragma once

namespace calque::bench {

/// Multiplications and additions per second, in units of 1e9, of independent float32 FMAs in registers, on
/// `threads` threads at once: the best of several short runs. Measured once per thread count and process.
double peak_gflops(int threads);

/// Some tens of microseconds of such FMAs with the widest vectors; returns their number of operations. In
/// peak_x86.cc or peak_generic.cc.
double run_fma_chains();

}  // namespace calque::bench
