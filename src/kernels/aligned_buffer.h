// Memory on cache-line boundaries.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace calque::kernels {

/// Movable array of a trivial type: uninitialised memory of its own, or memory that a keeper holds: a view of
/// somebody else's is not written to.
template <class T>
class AlignedBuffer {
 public:
  static constexpr std::align_val_t kAlignment{64};

  AlignedBuffer() = default;
  /// Throws std::bad_alloc.
  explicit AlignedBuffer(size_t size) : data_(allocate(size)), size_(size) {}
  /// `size` elements at `data`, which is aligned as kAlignment says and lives as long as `keeper`.
  static AlignedBuffer view(const T* data, size_t size, std::shared_ptr<const void> keeper) {
    return held(const_cast<T*>(data), size, std::move(keeper));
  }
  /// The same of memory that may be written to.
  static AlignedBuffer held(T* data, size_t size, std::shared_ptr<const void> keeper) {
    AlignedBuffer buffer;
    buffer.data_ = data;
    buffer.size_ = size;
    buffer.is_held_ = true;
    buffer.keeper_ = std::move(keeper);
    return buffer;
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        is_held_(std::exchange(other.is_held_, false)),
        keeper_(std::move(other.keeper_)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(is_held_, other.is_held_);
    std::swap(keeper_, other.keeper_);
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
    if (data_ != nullptr && !is_held_) ::operator delete(data_, kAlignment);
    data_ = nullptr;
    size_ = 0;
    is_held_ = false;
    keeper_.reset();
  }

  T* data_ = nullptr;
  size_t size_ = 0;
  bool is_held_ = false;
  std::shared_ptr<const void> keeper_;
};

}  // namespace calque::kernels
