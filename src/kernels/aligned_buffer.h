// Memory on cache-line boundaries.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace calque::kernels {

/// Uninitialised, movable array of a trivial type.
template <class T>
class AlignedBuffer {
 public:
  static constexpr std::align_val_t kAlignment{64};

  AlignedBuffer() = default;
  /// Throws std::bad_alloc.
  explicit AlignedBuffer(size_t size) : data_(allocate(size)), size_(size) {}
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() { release(); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }

  /// At least `size` elements, contents lost when it grows.
  T* grow_to(size_t size) {
    if (size > size_) {
      release();
      data_ = allocate(size);
      size_ = size;
    }
    return data_;
  }

 private:
  static T* allocate(size_t size) {
    if (size > static_cast<size_t>(-1) / sizeof(T)) throw std::bad_alloc();
    return size == 0 ? nullptr : static_cast<T*>(::operator new(size * sizeof(T), kAlignment));
  }
  void release() {
    if (data_ != nullptr) ::operator delete(data_, kAlignment);
    data_ = nullptr;
    size_ = 0;
  }

  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace calque::kernels
