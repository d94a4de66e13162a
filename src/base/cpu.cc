#include "base/cpu.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"

namespace calque {

namespace {

constexpr std::string_view kNames[kIsaCount] = {"scalar", "avx2", "avx512", "amx", "neon"};
constexpr int kUnset = -1;
std::atomic<int> g_active{kUnset};
std::atomic<int> g_lacking{0};  // extensions that are not to be used: bit 0 bf16, bit 1 bytes

Isa choose_isa() {
  const Isa best = best_isa();
  const char* wanted = std::getenv("CALQUE_ISA");
  if (wanted == nullptr || *wanted == '\0') {
    const DotExtensions more = best_extensions();
    log_line("dispatch",
             cat("isa ", isa_name(best), more.bf16 ? ", dot products of bf16" : "",
                 more.bytes ? ", dot products of bytes" : "", ": the best that this processor has"));
    return best;
  }
  const std::optional<Isa> isa = parse_isa(wanted);
  if (!isa) {
    log_line("dispatch", cat("CALQUE_ISA=", quoted(wanted),
                             " is not one of scalar, avx2, avx512, amx, neon; using ", isa_name(best)));
    return best;
  }
  if (!has_isa(*isa)) {
    log_line("dispatch", cat("CALQUE_ISA=", wanted, ": this processor lacks it; using ", isa_name(best)));
    return best;
  }
  log_line("dispatch", cat("isa ", wanted, ": asked for by CALQUE_ISA; the processor has ", isa_name(best)));
  return *isa;
}

// One bit for each instruction set.
uint32_t detect_isas() {
  uint32_t sets = 0;
  for (int i = 0; i < kIsaCount; ++i) {
    if (detect_isa(static_cast<Isa>(i))) sets |= uint32_t{1} << i;
  }
  return sets;
}

}  // namespace

bool has_isa(Isa isa) {
  static const uint32_t sets = detect_isas();
  return (sets >> static_cast<int>(isa) & 1) != 0;
}

Isa best_isa() {
  int best = kIsaCount - 1;
  while (!has_isa(static_cast<Isa>(best))) --best;
  return static_cast<Isa>(best);
}

Isa active_isa() {
  const int active = g_active.load(std::memory_order_relaxed);
  if (active != kUnset) [[likely]]
    return static_cast<Isa>(active);
  static const Isa chosen = choose_isa();
  int expected = kUnset;
  g_active.compare_exchange_strong(expected, static_cast<int>(chosen), std::memory_order_relaxed);
  return static_cast<Isa>(g_active.load(std::memory_order_relaxed));
}

void set_active_isa(Isa isa) {
  check(has_isa(isa), "set_active_isa: the processor lacks this instruction set");
  g_active.store(static_cast<int>(isa), std::memory_order_relaxed);
}

DotExtensions best_extensions() {
  static const DotExtensions extensions = detect_extensions();
  return extensions;
}

DotExtensions active_extensions() {
  const DotExtensions best = best_extensions();
  const int lacking = g_lacking.load(std::memory_order_relaxed);
  return {.bf16 = best.bf16 && (lacking & 1) == 0, .bytes = best.bytes && (lacking & 2) == 0};
}

void set_active_extensions(DotExtensions extensions) {
  const DotExtensions best = best_extensions();
  check(best.bf16 || !extensions.bf16, "set_active_extensions: the processor lacks dot products of bfloat16");
  check(best.bytes || !extensions.bytes, "set_active_extensions: the processor lacks dot products of bytes");
  g_lacking.store((extensions.bf16 ? 0 : 1) | (extensions.bytes ? 0 : 2), std::memory_order_relaxed);
}

std::string_view isa_name(Isa isa) { return kNames[static_cast<int>(isa)]; }

std::optional<Isa> parse_isa(std::string_view name) {
  for (int i = 0; i < kIsaCount; ++i) {
    if (name == kNames[i]) return static_cast<Isa>(i);
  }
  return std::nullopt;
}

}  // namespace calque
