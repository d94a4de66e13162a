#include "base/cpu.h"

#include <atomic>
#include <cstdlib>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"

namespace calque {

namespace {

constexpr std::string_view kNames[kIsaCount] = {"scalar", "avx2", "avx512"};
constexpr int kUnset = -1;
std::atomic<int> g_active{kUnset};
std::atomic<int> g_lacking{0};  // extensions that are not to be used: bit 0 bf16, bit 1 vnni

Isa choose_isa() {
  const Isa best = best_isa();
  const char* wanted = std::getenv("CALQUE_ISA");
  if (wanted == nullptr || *wanted == '\0') {
    const Avx512Extensions more = best_extensions();
    log_line("dispatch", cat("isa ", isa_name(best), more.bf16 ? " with bf16" : "",
                             more.vnni ? " with vnni" : "", ": the best that this processor has"));
    return best;
  }
  const std::optional<Isa> isa = parse_isa(wanted);
  if (!isa) {
    log_line("dispatch", cat("CALQUE_ISA=", quoted(wanted), " is not one of scalar, avx2, avx512; using ",
                             isa_name(best)));
    return best;
  }
  if (*isa > best) {
    log_line("dispatch",
             cat("CALQUE_ISA=", wanted, " is more than this processor has; using ", isa_name(best)));
    return best;
  }
  log_line("dispatch", cat("isa ", wanted, ": asked for by CALQUE_ISA; the processor has ", isa_name(best)));
  return *isa;
}

}  // namespace

Isa best_isa() {
  static const Isa isa = detect_isa();
  return isa;
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
  check(isa <= best_isa(), "set_active_isa: the processor lacks this instruction set");
  g_active.store(static_cast<int>(isa), std::memory_order_relaxed);
}

Avx512Extensions best_extensions() {
  static const Avx512Extensions extensions =
      best_isa() == Isa::kAvx512 ? detect_extensions() : Avx512Extensions{};
  return extensions;
}

Avx512Extensions active_extensions() {
  const Avx512Extensions best = best_extensions();
  const int lacking = g_lacking.load(std::memory_order_relaxed);
  return {.bf16 = best.bf16 && (lacking & 1) == 0, .vnni = best.vnni && (lacking & 2) == 0};
}

void set_active_extensions(Avx512Extensions extensions) {
  const Avx512Extensions best = best_extensions();
  check(best.bf16 || !extensions.bf16, "set_active_extensions: the processor lacks AVX512_BF16");
  check(best.vnni || !extensions.vnni, "set_active_extensions: the processor lacks AVX512_VNNI");
  g_lacking.store((extensions.bf16 ? 0 : 1) | (extensions.vnni ? 0 : 2), std::memory_order_relaxed);
}

std::string_view isa_name(Isa isa) { return kNames[static_cast<int>(isa)]; }

std::optional<Isa> parse_isa(std::string_view name) {
  for (int i = 0; i < kIsaCount; ++i) {
    if (name == kNames[i]) return static_cast<Isa>(i);
  }
  return std::nullopt;
}

}  // namespace calque
