// The tile registers of AMX in plain C++, as the manual describes them (Intel 64 and IA-32 Architectures
// Software Developer's Manual, volume 2, LDTILECFG to TDPBUSD): for tests on processors without them.
#pragma once

#include <cstdint>
#include <stdexcept>

#include "kernels/gemm_words/tile_config.h"

namespace calque::kernels {

/// What a processor would fault at; the text begins with #GP or #UD.
class TileFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// a * b + sum of TDPBF16PS: denormals are zero, of operands and of the result, and halves go to even.
float flushed_fma(float sum, float a, float b);

/// The state of one thread. Loads that an interrupt broke off, to go on at start_row, are not emulated.
class TileState {
 public:
  ~TileState() { release(); }

  void configure(const TileConfig& config);
  void release();
  void zero(int tile);
  void load(int tile, const void* from, int64_t row_bytes);
  void store(int tile, void* to, int64_t row_bytes) const;
  void dot_bf16(int sum, int a, int b);
  void dot_bytes(int sum, int a, int b);

  /// How many threads hold tiles that are configured.
  static int configured();

 private:
  struct Tile {
    int rows = 0;
    int row_bytes = 0;
    uint8_t data[TileConfig::kMaxRows][TileConfig::kMaxRowBytes];
  };
  const Tile& used(int tile) const;
  Tile& used(int tile);
  void check_shapes(int sum, int a, int b) const;

  bool configured_ = false;
  Tile tiles_[TileConfig::kTiles];
};

/// That of the calling thread.
TileState& tile_state();

}  // namespace calque::kernels
