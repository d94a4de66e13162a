#include "base/tiles.h"

namespace calque {

bool tiles_usable(const TileFacts& facts) {
  constexpr uint32_t kBf16 = 1U << 22, kTile = 1U << 24, kInt8 = 1U << 25;
  constexpr uint32_t kFeatures = kBf16 | kTile | kInt8;
  constexpr uint64_t kStates = uint64_t{3} << 17;
  return (facts.features & kFeatures) == kFeatures && (facts.enabled_states & kStates) == kStates &&
         facts.palette_bytes >= 8192 && facts.tile_bytes == 1024 && facts.row_bytes == 64 &&
         facts.tiles >= 8 && facts.rows == 16;
}

}  // namespace calque
