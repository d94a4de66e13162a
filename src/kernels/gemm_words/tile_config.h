// How the tile registers of a matrix engine (AMX) are cut.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// What LDTILECFG reads. Palette 1 has 8 tiles of at most 16 rows of 64 bytes; a tile that is not used has
/// neither rows nor bytes.
struct alignas(64) TileConfig {
  static constexpr int kTiles = 8;
  static constexpr int kMaxRows = 16;
  static constexpr int kMaxRowBytes = 64;

  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};  // of tiles 0..7; the others must be 0
  uint8_t rows[16] = {};        // likewise
};
static_assert(sizeof(TileConfig) == 64);

}  // namespace calque::kernels
