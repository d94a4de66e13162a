// Whether the tile registers of x86's matrix engine (AMX) can be used.
#pragma once

#include <cstdint>

namespace calque {

/// What CPUID and XGETBV say.
struct TileFacts {
  uint32_t features = 0;        ///< leaf 7, EDX
  uint64_t enabled_states = 0;  ///< XCR0
  // Leaf 0x1D, palette 1.
  uint32_t palette_bytes = 0;
  uint32_t tile_bytes = 0;
  uint32_t row_bytes = 0;
  uint32_t tiles = 0;
  uint32_t rows = 0;
};

/// AMX-TILE, AMX-BF16 and AMX-INT8, both parts of the state enabled by the operating system (XCR0 bits 17 and
/// 18), and a palette of at least 8 tiles of 16 rows of 64 bytes.
bool tiles_usable(const TileFacts& facts);

/// Asks the operating system for leave to use tile registers, for this process and all of its threads; once
/// granted it stays so. Without it the first instruction that touches them would end the process. In
/// tiles_linux.cc or tiles_generic.cc.
bool request_tiles();

}  // namespace calque
