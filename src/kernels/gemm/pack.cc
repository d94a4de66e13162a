#include "kernels/gemm/pack.h"

#include <algorithm>
#include <cstring>

namespace calque::kernels {

namespace {

template <class T>
const T* at(BlockView view, int64_t i, int64_t j) {
  return reinterpret_cast<const T*>(view.data) + i * view.row + j * view.col;
}

// to[j] = view[i, j] for j < n, whatever the storage and the strides.
template <class T>
void load_strided(const GemmProblem<T>& problem, BlockView view, int64_t i, int64_t n, T* to) {
  if (problem.storage == Storage::kNative) {
    const T* from = at<T>(view, i, 0);
    for (int64_t j = 0; j < n; ++j) to[j] = from[j * view.col];
    return;
  }
  uint16_t run[64];
  for (int64_t j = 0; j < n; j += 64) {
    const int64_t count = std::min<int64_t>(64, n - j);
    for (int64_t t = 0; t < count; ++t) run[t] = *at<uint16_t>(view, i, j + t);
    load_row(problem, count, run, to + j);
  }
}

template <class T>
void load_any(const GemmProblem<T>& problem, BlockView view, int64_t i, int64_t n, T* to) {
  if (view.col == 1) {
    load_row(problem, n, view.data + i * view.row * element_size<T>(problem.storage), to);
  } else {
    load_strided(problem, view, i, n, to);
  }
}

}  // namespace

template <class T>
void pack_a_block(const GemmProblem<T>& problem, BlockView a, int64_t rows, int64_t depth, T* packed) {
  if (depth == 0) return;
  for (int64_t i = 0; i < rows; ++i) load_any(problem, a, i, depth, packed + i * kPackedRow);
}

template <class T>
void pack_b_block(const GemmProblem<T>& problem, BlockView b, int64_t depth, int cols, int64_t width,
                  T* packed) {
  if (b.row == 1 && problem.storage == Storage::kNative) {
    problem.kernels->pack_transposed(depth, cols, at<T>(b, 0, 0), b.col, packed, width);
    return;
  }
  for (int64_t i = 0; i < depth; ++i) {
    T* const to = packed + i * width;
    load_any(problem, b, i, cols, to);
    for (int64_t j = cols; j < width; ++j) to[j] = 0;
  }
}

void load_row(const GemmProblem<double>&, int64_t n, const void* from, double* to) {
  std::memcpy(to, from, static_cast<size_t>(n) * sizeof(double));
}

void store_row(const GemmProblem<double>&, int64_t n, const double* from, void* to) {
  std::memcpy(to, from, static_cast<size_t>(n) * sizeof(double));
}

void load_row(const GemmProblem<float>& problem, int64_t n, const void* from, float* to) {
  switch (problem.storage) {
    case Storage::kNative:
      std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
      return;
    case Storage::kBf16:
      return problem.set->convert->bf16_to_f32(n, static_cast<const uint16_t*>(from), to);
    case Storage::kF16:
      return problem.set->convert->f16_to_f32(n, static_cast<const uint16_t*>(from), to);
  }
}

void store_row(const GemmProblem<float>& problem, int64_t n, const float* from, void* to) {
  switch (problem.storage) {
    case Storage::kNative:
      std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
      return;
    case Storage::kBf16:
      return problem.set->convert->f32_to_bf16(n, from, static_cast<uint16_t*>(to));
    case Storage::kF16:
      return problem.set->convert->f32_to_f16(n, from, static_cast<uint16_t*>(to));
  }
}

template void pack_a_block(const GemmProblem<float>&, BlockView, int64_t, int64_t, float*);
template void pack_a_block(const GemmProblem<double>&, BlockView, int64_t, int64_t, double*);
template void pack_b_block(const GemmProblem<float>&, BlockView, int64_t, int, int64_t, float*);
template void pack_b_block(const GemmProblem<double>&, BlockView, int64_t, int, int64_t, double*);

}  // namespace calque::kernels
