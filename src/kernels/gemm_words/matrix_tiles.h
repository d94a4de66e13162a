// The tile of products over words on a matrix engine. The rules of simd/avx512.h hold here.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/gemm_words/tile.h"
#include "kernels/gemm_words/tile_config.h"
#include "kernels/gemm_words/word_kernels.h"

namespace calque::kernels {

/// For how many rows the tiles of this thread are cut; 0: not at all. Tiles that are cut are registers that
/// the operating system saves at every switch (8 KiB), and that keep a processor from its deepest sleep, so
/// that whoever has finished a task gives them back. Cutting them anew, which clears them, is dearer than a
/// step of the product: it is done when the number of rows changes, not for each tile.
template <class Engine>
class TileRows {
 public:
  static void set(int rows) {
    if (rows == rows_) return;
    const int first = rows < TileConfig::kMaxRows ? rows : TileConfig::kMaxRows;
    TileConfig config;
    for (int tile = 0; tile < TileConfig::kTiles; ++tile) {
      const bool of_b = tile >= 6;
      const bool lower = tile == 2 || tile == 3 || tile == 5;  // rows 16 and up, of sums and of A
      const int tile_rows = of_b ? TileConfig::kMaxRows : lower ? rows - first : first;
      config.rows[tile] = static_cast<uint8_t>(tile_rows);
      config.row_bytes[tile] = static_cast<uint16_t>(tile_rows > 0 ? TileConfig::kMaxRowBytes : 0);
    }
    Engine::configure(config);
    rows_ = rows;
  }

  /// WordKernels::end_task.
  static void release() {
    if (rows_ == 0) return;
    Engine::release();
    rows_ = 0;
  }

 private:
  static constinit thread_local int rows_;
};

template <class Engine>
constinit thread_local int TileRows<Engine>::rows_ = 0;

/// Two by two tiles of sums: 32 rows and 32 columns; the last of the three vectors of a panel goes alone.
/// Engine: the instructions, see amx.cc. Dot: which product, and what sums stand for, see avx512_matrix.h.
/// Panels of B are those of AVX-512: sixteen words of k by sixteen columns are a tile whose rows are a
/// panel's width apart.
template <class Engine, class Dot>
class MatrixTiles {
 public:
  static constexpr int kWidth = 16;
  static constexpr int kMr = 2 * TileConfig::kMaxRows;
  static constexpr int kNr = 3 * kWidth;

  static void run(const WordTile& tile) {
    TileRows<Engine>::set(tile.rows);
    for (int col = 0; col < tile.cols; col += 2 * kWidth) {
      if (tile.rows > TileConfig::kMaxRows) {
        run_rows<2>(tile, col);
      } else {
        run_rows<1>(tile, col);
      }
    }
  }

 private:
  static constexpr int kWords = TileConfig::kMaxRowBytes / 4;  // of k in a step
  // Which tiles hold what: sums of (r, n) are tile 2 * r + n.
  static constexpr int kA = 4;
  static constexpr int kB = 6;
  static constexpr int64_t kSumWords = TileConfig::kMaxRows * kWidth;

  /// Sixteen words of k, rows of both operands so many words apart.
  struct Step {
    const uint32_t* a;
    int64_t a_row;
    const uint32_t* b;
    int64_t b_row;
  };

  template <int kRows>
  static void run_rows(const WordTile& tile, int first_col) {
    if (tile.cols - first_col > kWidth) {
      run_block<kRows, 2>(tile, first_col);
    } else {
      run_block<kRows, 1>(tile, first_col);
    }
  }

  template <int kRows, int kCols>
  static void run_block(const WordTile& tile, int first_col) {
    zero<kRows, kCols>();
    const int64_t b_row = (tile.cols + kWidth - 1) / kWidth * kWidth;
    const auto step_at = [&](int64_t i) {
      return Step{.a = tile.a + i, .a_row = tile.a_row, .b = tile.b + i * b_row + first_col, .b_row = b_row};
    };
    const int64_t whole = tile.words / kWords * kWords;
    for (int64_t i = 0; i < whole; i += kWords) multiply<kRows, kCols>(step_at(i));
    if (whole < tile.words) multiply_rest<kRows, kCols>(step_at(whole), tile.rows, tile.words - whole);
    finish<kRows, kCols>(tile, first_col);
  }

  template <int kRows, int kCols>
  [[gnu::always_inline]] static inline void zero() {
    Engine::template zero<0>();
    if constexpr (kCols == 2) Engine::template zero<1>();
    if constexpr (kRows == 2) Engine::template zero<2>();
    if constexpr (kRows == 2 && kCols == 2) Engine::template zero<3>();
  }

  template <int kRows, int kCols>
  [[gnu::always_inline]] static inline void multiply(const Step& step) {
    const int64_t a_bytes = step.a_row * 4;
    const int64_t b_bytes = step.b_row * 4;
    Engine::template load<kA>(step.a, a_bytes);
    Engine::template load<kB>(step.b, b_bytes);
    Dot::template dot<Engine, 0, kA, kB>();
    if constexpr (kCols == 2) {
      Engine::template load<kB + 1>(step.b + kWidth, b_bytes);
      Dot::template dot<Engine, 1, kA, kB + 1>();
    }
    if constexpr (kRows == 2) {
      Engine::template load<kA + 1>(step.a + TileConfig::kMaxRows * step.a_row, a_bytes);
      Dot::template dot<Engine, 2, kA + 1, kB>();
      if constexpr (kCols == 2) Dot::template dot<Engine, 3, kA + 1, kB + 1>();
    }
  }

  // The last words of k, fewer than a step, filled up with zeros in copies: what lies behind them in A was
  // never written, and in B belongs to the next panel or to nobody.
  template <int kRows, int kCols>
  static void multiply_rest(const Step& step, int rows, int64_t words) {
    alignas(64) uint32_t a[kRows * TileConfig::kMaxRows * kWords];
    alignas(64) uint32_t b[kWords * kCols * kWidth];
    std::memset(a, 0, sizeof a);
    std::memset(b, 0, sizeof b);
    for (int r = 0; r < rows; ++r) {
      std::memcpy(a + r * kWords, step.a + r * step.a_row, static_cast<size_t>(words) * 4);
    }
    constexpr int64_t kRow = kCols * kWidth;
    for (int64_t i = 0; i < words; ++i) std::memcpy(b + i * kRow, step.b + i * step.b_row, kRow * 4);
    multiply<kRows, kCols>({.a = a, .a_row = kWords, .b = b, .b_row = kRow});
  }

  template <int kRows, int kCols>
  [[gnu::always_inline]] static inline void finish(const WordTile& tile, int first_col) {
    alignas(64) uint32_t sums[4 * kSumWords];
    Engine::template store<0>(sums, kWidth * 4);
    if constexpr (kCols == 2) Engine::template store<1>(sums + kSumWords, kWidth * 4);
    if constexpr (kRows == 2) Engine::template store<2>(sums + 2 * kSumWords, kWidth * 4);
    if constexpr (kRows == 2 && kCols == 2) Engine::template store<3>(sums + 3 * kSumWords, kWidth * 4);
    for (int r = 0; r < tile.rows; ++r) {
      for (int n = 0; n < kCols; ++n) {
        const int col = first_col + n * kWidth;
        const int count = tile.cols - col < kWidth ? tile.cols - col : kWidth;
        const uint32_t* const from = sums + (r / 16 * 2 + n) * kSumWords + r % 16 * kWidth;
        finish_vector<Dot>(tile, r, col, count, Dot::load_sum(from));
      }
    }
  }
};

}  // namespace calque::kernels
