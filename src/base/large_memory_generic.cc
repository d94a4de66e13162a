#include <new>

#include "base/large_memory.h"

namespace calque {

namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

std::shared_ptr<void> take_large_memory(size_t size) {
  return {::operator new(size, kAlignment), [](void* data) { ::operator delete(data, kAlignment); }};
}

}  // namespace calque
