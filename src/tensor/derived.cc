#include "tensor/derived.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace calque {

/// The values that belong to one storage.
class DerivedValues {
 public:
  static DerivedValues& of(Storage& storage) {
    DerivedValues* found = storage.derived_.load(std::memory_order_acquire);
    if (found != nullptr) return *found;
    auto fresh = std::make_unique<DerivedValues>();
    if (storage.derived_.compare_exchange_strong(found, fresh.get(), std::memory_order_acq_rel))
      return *fresh.release();
    return *found;
  }
  static uint64_t id_of(Storage& storage) {
    static std::atomic<uint64_t> last{0};
    uint64_t id = storage.id_.load(std::memory_order_acquire);
    if (id != 0) return id;
    const uint64_t fresh = last.fetch_add(1, std::memory_order_relaxed) + 1;
    return storage.id_.compare_exchange_strong(id, fresh, std::memory_order_acq_rel) ? fresh : id;
  }
  static void forget(Storage& storage) { delete storage.derived_.load(std::memory_order_acquire); }

  std::shared_ptr<const void> get(const void* kind, std::span<const Tensor> sources,
                                  const MakeDerived& make) {
    const std::lock_guard lock(mutex_);
    for (Entry& entry : entries_) {
      if (!entry.is_for(kind, sources)) continue;
      if (!entry.is_current(sources)) {
        entry.note_versions(sources);
        entry.value = make();
      }
      return entry.value;
    }
    Entry entry;
    entry.kind = kind;
    for (const Tensor& source : sources) {
      entry.sources.push_back({.storage = id_of(*source.storage()),
                               .version = 0,
                               .offset = source.storage_offset(),
                               .sizes = source.impl()->sizes,
                               .strides = source.impl()->strides,
                               .dtype = source.dtype()});
    }
    entry.note_versions(sources);
    entry.value = make();
    entries_.push_back(std::move(entry));
    return entries_.back().value;
  }

  static std::vector<DerivedValue> all_of(const Storage& storage) {
    DerivedValues* const found = storage.derived_.load(std::memory_order_acquire);
    if (found == nullptr) return {};
    const std::lock_guard lock(found->mutex_);
    return {found->entries_.begin(), found->entries_.end()};
  }

 private:
  static bool is_at(const DerivedSource& source, const Tensor& tensor) {
    return source.storage == id_of(*tensor.storage()) && source.offset == tensor.storage_offset() &&
           source.dtype == tensor.dtype() && source.sizes == tensor.impl()->sizes &&
           source.strides == tensor.impl()->strides;
  }

  struct Entry : DerivedValue {
    bool is_for(const void* wanted, std::span<const Tensor> tensors) const {
      return kind == wanted &&
             std::equal(sources.begin(), sources.end(), tensors.begin(), tensors.end(), is_at);
    }
    bool is_current(std::span<const Tensor> tensors) const {
      return value != nullptr && std::equal(sources.begin(), sources.end(), tensors.begin(), tensors.end(),
                                            [](const DerivedSource& source, const Tensor& t) {
                                              return source.version == t.storage()->version();
                                            });
    }
    void note_versions(std::span<const Tensor> tensors) {
      for (size_t i = 0; i < tensors.size(); ++i) sources[i].version = tensors[i].storage()->version();
      value = nullptr;
    }
  };

  std::mutex mutex_;
  std::vector<Entry> entries_;
};

std::shared_ptr<const void> derived_value(const void* kind, std::span<const Tensor> sources,
                                          const MakeDerived& make) {
  for (const Tensor& source : sources) {
    if (source.storage()->is_exposed()) return nullptr;
  }
  return DerivedValues::of(*sources[0].storage()).get(kind, sources, make);
}

std::vector<DerivedValue> derived_values(const Storage& storage) { return DerivedValues::all_of(storage); }

uint64_t storage_id(Storage& storage) { return DerivedValues::id_of(storage); }

void forget_derived_values(Storage& storage) { DerivedValues::forget(storage); }

}  // namespace calque
