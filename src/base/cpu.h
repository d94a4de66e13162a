// Which instruction set the kernels use.
#pragma once

#include <optional>
#include <string_view>

namespace calque {

/// Instruction sets that kernels are written for, weakest first. kScalar is plain C++ and runs everywhere;
/// kAvx2 needs AVX2, FMA and F16C; kAvx512 needs those, BMI2 and AVX-512 F, BW, DQ and VL.
enum class Isa { kScalar, kAvx2, kAvx512 };
inline constexpr int kIsaCount = 3;

/// The best instruction set that this processor and operating system can run.
Isa best_isa();

/// The instruction set in use: best_isa(), unless CALQUE_ISA=scalar|avx2|avx512 lowers it. A name that is
/// unknown, or more than the processor has, is ignored with a line in the log.
Isa active_isa();

/// Changes active_isa() for the whole process; for tests and benchmarks. Must not exceed best_isa().
void set_active_isa(Isa isa);

/// `scalar`, `avx2` or `avx512`.
std::string_view isa_name(Isa isa);
std::optional<Isa> parse_isa(std::string_view name);

/// What best_isa() finds out, in cpu_x86.cc or cpu_generic.cc.
Isa detect_isa();

/// Tells the processor that the thread spins.
void spin_pause();

}  // namespace calque
