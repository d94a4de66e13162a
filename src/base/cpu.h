// Which instruction set the kernels use.
#pragma once

#include <optional>
#include <string_view>

namespace calque {

/// Instruction sets that kernels are written for, those of one architecture weakest first. kScalar is plain
/// C++ and runs everywhere; kAvx2 needs AVX2, FMA and F16C; kAvx512 needs those, BMI2 and AVX-512 F, BW, DQ
/// and VL; kAmx needs those, AVX512_BF16 and AVX512_VNNI, AMX-TILE, AMX-BF16 and AMX-INT8, and the operating
/// system's leave to use tile registers; kNeon is the vectors that every 64-bit ARM processor has.
enum class Isa { kScalar, kAvx2, kAvx512, kAmx, kNeon };
inline constexpr int kIsaCount = 5;

/// Whether this processor and operating system can run it.
bool has_isa(Isa isa);

/// The best of those.
Isa best_isa();

/// The instruction set in use: best_isa(), unless CALQUE_ISA=scalar|avx2|avx512|amx|neon names another one
/// that the processor has. Other values are ignored with a line in the log.
Isa active_isa();

/// Changes active_isa() for the whole process; for tests and benchmarks. has_isa(isa) must hold.
void set_active_isa(Isa isa);

/// `scalar`, `avx2`, `avx512`, `amx` or `neon`.
std::string_view isa_name(Isa isa);
std::optional<Isa> parse_isa(std::string_view name);

/// Dot products that some processors have besides their best instruction set: of bfloat16 pairs (AVX512_BF16;
/// FEAT_BF16 of ARM), and of bytes (AVX512_VNNI; FEAT_DotProd).
struct DotExtensions {
  bool bf16 = false;
  bool bytes = false;
  bool operator==(const DotExtensions&) const = default;
};

/// What this processor has; those of best_isa() only.
DotExtensions best_extensions();

/// What kernels of best_isa() may use: best_extensions(), unless set_active_extensions() lowered it.
DotExtensions active_extensions();

/// Changes active_extensions() for the whole process; for tests and benchmarks. Must not exceed
/// best_extensions().
void set_active_extensions(DotExtensions extensions);

/// What has_isa() and best_extensions() ask, in cpu_x86.cc, cpu_arm.cc or cpu_generic.cc. Extensions are
/// those of the best instruction set, and nothing without it.
bool detect_isa(Isa isa);
DotExtensions detect_extensions();

/// Tells the processor that the thread spins.
void spin_pause();

}  // namespace calque
