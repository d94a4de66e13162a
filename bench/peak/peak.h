// What the machine can do at most.
#pragma once

namespace calque::bench {

enum class Arithmetic { kF32, kBf16, kInt8 };

/// Multiplications and additions per second, in units of 1e9, of independent multiply-adds in registers, on
/// `threads` threads at once: the best of several short runs. bfloat16 and bytes count with the dot products
/// that the processor has for them, else as float32. Measured once per thread count and process.
double peak_gflops(int threads, Arithmetic arithmetic = Arithmetic::kF32);

/// Some tens of microseconds of them with the widest vectors; returns their number of operations. In
/// peak_x86.cc or peak_generic.cc.
double run_chains(Arithmetic arithmetic);

}  // namespace calque::bench
