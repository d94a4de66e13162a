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

/// Dot products that some processors with AVX-512 have besides: of bfloat16 pairs, and of bytes (VNNI).
struct Avx512Extensions {
  bool bf16 = false;
  bool vnni = false;
  bool operator==(const Avx512Extensions&) const = default;
};

/// What this processor has; nothing where best_isa() is below kAvx512.
Avx512Extensions best_extensions();

/// What kernels of kAvx512 may use: best_extensions(), unless set_active_extensions() lowered it.
Avx512Extensions active_extensions();

/// Changes active_extensions() for the whole process; for tests and benchmarks. Must not exceed
/// best_extensions().
void set_active_extensions(Avx512Extensions extensions);

/// What best_isa() and best_extensions() find out, in cpu_x86.cc or cpu_generic.cc.
Isa detect_isa();
Avx512Extensions detect_extensions();

/// Tells the processor that the thread spins.
void spin_pause();

}  // namespace calque
