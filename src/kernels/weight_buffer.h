// Where packed weights lie.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "base/large_memory.h"
#include "kernels/aligned_buffer.h"

namespace calque::kernels {

/// `size` uninitialised elements that stay as long as a model. Throws std::bad_alloc.
template <class T>
AlignedBuffer<T> weight_buffer(size_t size) {
  if (size < kLargeMemory / sizeof(T)) return AlignedBuffer<T>(size);
  if (size > static_cast<size_t>(-1) / sizeof(T)) throw std::bad_alloc();
  std::shared_ptr<void> memory = take_large_memory(size * sizeof(T));
  auto* const data = static_cast<T*>(memory.get());
  return AlignedBuffer<T>::held(data, size, std::move(memory));
}

}  // namespace calque::kernels
