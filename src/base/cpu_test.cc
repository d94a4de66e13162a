#include "base/cpu.h"

#include <gtest/gtest.h>

#include "base/cpu_count.h"
#include "base/tiles.h"

namespace calque {
namespace {

TEST(Cpu, NamesParseBack) {
  for (int i = 0; i < kIsaCount; ++i) {
    const auto isa = static_cast<Isa>(i);
    EXPECT_EQ(parse_isa(isa_name(isa)), isa);
  }
  EXPECT_FALSE(parse_isa("sse9"));
  EXPECT_FALSE(parse_isa(""));
}

TEST(Cpu, ActiveIsaCanBeLowered) {
  const Isa before = active_isa();
  EXPECT_TRUE(has_isa(before));
  EXPECT_TRUE(has_isa(best_isa()));
  EXPECT_TRUE(has_isa(Isa::kScalar));
  EXPECT_FALSE(has_isa(Isa::kNeon) && has_isa(Isa::kAvx2));
  set_active_isa(Isa::kScalar);
  EXPECT_EQ(active_isa(), Isa::kScalar);
  set_active_isa(before);
  EXPECT_EQ(active_isa(), before);
}

TEST(Cpu, ExtensionsCanBeLowered) {
  const DotExtensions best = best_extensions();
  EXPECT_EQ(active_extensions(), best);
  EXPECT_TRUE(best_isa() > Isa::kAvx2 || best == DotExtensions{});
  set_active_extensions({});
  EXPECT_EQ(active_extensions(), DotExtensions{});
  set_active_extensions({.bf16 = best.bf16});
  EXPECT_EQ(active_extensions(), (DotExtensions{.bf16 = best.bf16}));
  set_active_extensions(best);
  EXPECT_EQ(active_extensions(), best);
}

TEST(Cpu, TilesNeedProcessorAndSystem) {
  const TileFacts all = {.features = 1U << 22 | 1U << 24 | 1U << 25,
                         .enabled_states = uint64_t{7} << 16,
                         .palette_bytes = 8192,
                         .tile_bytes = 1024,
                         .row_bytes = 64,
                         .tiles = 8,
                         .rows = 16};
  EXPECT_TRUE(tiles_usable(all));
  EXPECT_FALSE(tiles_usable({}));
  for (const int bit : {22, 24, 25}) {
    TileFacts facts = all;
    facts.features &= ~(1U << bit);
    EXPECT_FALSE(tiles_usable(facts)) << "feature " << bit;
  }
  for (const int bit : {17, 18}) {
    TileFacts facts = all;
    facts.enabled_states &= ~(uint64_t{1} << bit);
    EXPECT_FALSE(tiles_usable(facts)) << "state " << bit;
  }
  TileFacts small = all;
  small.rows = 8;
  EXPECT_FALSE(tiles_usable(small));
  EXPECT_FALSE(has_isa(Isa::kAmx) && !has_isa(Isa::kAvx512));
}

TEST(CpuCount, ReadsCpuMax) {
  EXPECT_EQ(parse_cpu_max("200000 100000"), 2);
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 2);
  EXPECT_EQ(parse_cpu_max("1000 100000"), 1);
  EXPECT_EQ(parse_cpu_max("9000000000000000 1"), 1024);
  for (const char* text :
       {"", "max 100000", "-1 100000", "100000", "100000 ", "100000 0", "0 100000", "x y"}) {
    EXPECT_FALSE(parse_cpu_max(text)) << text;
  }
}

TEST(CpuCount, ReadsThreadCounts) {
  EXPECT_EQ(parse_thread_count("4"), 4);
  EXPECT_EQ(parse_thread_count("4,2"), 4);
  for (const char* text : {"", "0", "-1", "1025", "4x", "four", "99999999999999999999"}) {
    EXPECT_FALSE(parse_thread_count(text)) << text;
  }
  EXPECT_GE(available_cpus(), 1);
}

}  // namespace
}  // namespace calque
