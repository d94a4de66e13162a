#include "kernels/gemm_words/tile_emulation.h"

#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

namespace calque::kernels {

namespace {

std::atomic<int> g_configured{0};

constexpr float kLeastNormal = std::numeric_limits<float>::min();

float flushed(float x) { return std::abs(x) < kLeastNormal ? std::copysign(0.0F, x) : x; }

float flushed_add(float x, float y) { return flushed(flushed(x) + flushed(y)); }

template <class T>
T element(const uint8_t* row, int index) {
  T value;
  std::memcpy(&value, row + index * static_cast<int>(sizeof(T)), sizeof value);
  return value;
}

// make_fp32() of the manual.
float bf16_at(const uint8_t* row, int index) {
  return std::bit_cast<float>(static_cast<uint32_t>(element<uint16_t>(row, index)) << 16);
}

[[noreturn]] void fault(const std::string& text) { throw TileFault(text); }

}  // namespace

float flushed_fma(float sum, float a, float b) {
  sum = flushed(sum), a = flushed(a), b = flushed(b);
  const float rounded = std::fma(a, b, sum);
  if (std::abs(rounded) != kLeastNormal) return flushed(rounded);
  // Whether a result is below the least normal number is asked after rounding to 24 bits, of which a denormal
  // has fewer.
  const double exact = std::fma(static_cast<double>(a), static_cast<double>(b), static_cast<double>(sum));
  return std::abs(exact) < 0x1p-126 - 0x1p-151 ? std::copysign(0.0F, rounded) : rounded;
}

void TileState::configure(const TileConfig& config) {
  if (config.palette == 0) return release();
  if (config.palette != 1) fault("#GP palette " + std::to_string(config.palette) + ", expected 0 or 1");
  if (config.start_row != 0) fault("#GP start_row is not emulated");
  for (const uint8_t byte : config.reserved) {
    if (byte != 0) fault("#GP a reserved byte is not 0");
  }
  for (int t = 0; t < 16; ++t) {
    const int rows = config.rows[t], row_bytes = config.row_bytes[t];
    if (t >= TileConfig::kTiles && (rows != 0 || row_bytes != 0)) fault("#GP more than 8 tiles");
    if (rows > TileConfig::kMaxRows) fault("#GP more than 16 rows");
    if (row_bytes > TileConfig::kMaxRowBytes) fault("#GP more than 64 bytes in a row");
    if ((rows == 0) != (row_bytes == 0)) fault("#GP only one of rows and bytes is 0");
  }
  release();
  for (int t = 0; t < TileConfig::kTiles; ++t) {
    tiles_[t].rows = config.rows[t];
    tiles_[t].row_bytes = config.row_bytes[t];
    std::memset(tiles_[t].data, 0, sizeof tiles_[t].data);
  }
  configured_ = true;
  ++g_configured;
}

void TileState::release() {
  if (!configured_) return;
  configured_ = false;
  --g_configured;
}

int TileState::configured() { return g_configured; }

const TileState::Tile& TileState::used(int tile) const {
  if (!configured_) fault("#UD no tiles are configured");
  if (tile < 0 || tile >= TileConfig::kTiles || tiles_[tile].rows == 0) {
    fault("#UD tile " + std::to_string(tile) + " is not configured");
  }
  return tiles_[tile];
}

TileState::Tile& TileState::used(int tile) {
  return const_cast<Tile&>(static_cast<const TileState*>(this)->used(tile));
}

void TileState::zero(int tile) {
  Tile& to = used(tile);
  std::memset(to.data, 0, sizeof to.data);
}

void TileState::load(int tile, const void* from, int64_t row_bytes) {
  zero(tile);
  Tile& to = used(tile);
  const auto* const bytes = static_cast<const uint8_t*>(from);
  for (int r = 0; r < to.rows; ++r) {
    std::memcpy(to.data[r], bytes + r * row_bytes, static_cast<size_t>(to.row_bytes));
  }
}

void TileState::store(int tile, void* to, int64_t row_bytes) const {
  const Tile& from = used(tile);
  auto* const bytes = static_cast<uint8_t*>(to);
  for (int r = 0; r < from.rows; ++r) {
    std::memcpy(bytes + r * row_bytes, from.data[r], static_cast<size_t>(from.row_bytes));
  }
}

void TileState::check_shapes(int sum, int a, int b) const {
  if (sum == a || sum == b || a == b) fault("#UD the three tiles of a product are not three");
  const Tile &sums = used(sum), &left = used(a), &right = used(b);
  if (sums.row_bytes % 4 != 0 || left.row_bytes % 4 != 0 || right.row_bytes % 4 != 0) {
    fault("#UD rows are not whole words");
  }
  if (sums.rows != left.rows) fault("#UD the sums have other rows than A");
  if (sums.row_bytes != right.row_bytes) fault("#UD the sums have other columns than B");
  if (left.row_bytes / 4 != right.rows) fault("#UD A has other columns than B has rows");
}

void TileState::dot_bf16(int sum, int a, int b) {
  check_shapes(sum, a, b);
  Tile &sums = used(sum), &left = used(a), &right = used(b);
  const int columns = sums.row_bytes / 4;
  for (int m = 0; m < sums.rows; ++m) {
    float low[TileConfig::kMaxRowBytes / 4] = {}, high[TileConfig::kMaxRowBytes / 4] = {};
    for (int k = 0; k < left.row_bytes / 4; ++k) {
      const float a_low = bf16_at(left.data[m], 2 * k), a_high = bf16_at(left.data[m], 2 * k + 1);
      for (int n = 0; n < columns; ++n) {
        low[n] = flushed_fma(low[n], a_low, bf16_at(right.data[k], 2 * n));
        high[n] = flushed_fma(high[n], a_high, bf16_at(right.data[k], 2 * n + 1));
      }
    }
    for (int n = 0; n < columns; ++n) {
      const float value = flushed_add(element<float>(sums.data[m], n), flushed_add(low[n], high[n]));
      std::memcpy(sums.data[m] + 4 * n, &value, sizeof value);
    }
  }
}

void TileState::dot_bytes(int sum, int a, int b) {
  check_shapes(sum, a, b);
  Tile &sums = used(sum), &left = used(a), &right = used(b);
  for (int m = 0; m < sums.rows; ++m) {
    for (int n = 0; n < sums.row_bytes / 4; ++n) {
      auto value = element<uint32_t>(sums.data[m], n);  // wraps around
      for (int k = 0; k < left.row_bytes / 4; ++k) {
        for (int i = 0; i < 4; ++i) {
          const int product = left.data[m][4 * k + i] * static_cast<int8_t>(right.data[k][4 * n + i]);
          value += static_cast<uint32_t>(product);
        }
      }
      std::memcpy(sums.data[m] + 4 * n, &value, sizeof value);
    }
  }
}

TileState& tile_state() {
  thread_local TileState state;
  return state;
}

}  // namespace calque::kernels
