#include "base/file.h"
#include "base/text.h"
#include "calque/tensor.h"
#include "tensor/block_cache.h"
#include "tensor/budget.h"
#include "tensor/derived.h"

namespace calque {

namespace {

thread_local std::shared_ptr<MemoryBudget> t_budget;

void charge(MemoryBudget& budget, int64_t nbytes) {
  const int64_t before = budget.used.fetch_add(nbytes, std::memory_order_relaxed);
  if (nbytes <= budget.limit - before) return;
  budget.used.fetch_sub(nbytes, std::memory_order_relaxed);
  throw LimitError(cat("this run may hold ", budget.limit, " bytes of tensors; ", before,
                       " are in use and an operator asks for ", nbytes,
                       " more. Raise RunOptions::max_memory if the program is to be trusted."));
}

[[noreturn]] void out_of_memory(int64_t nbytes) {
  throw RuntimeError(cat("DefaultCPUAllocator: can't allocate memory: you tried to allocate ", nbytes,
                         " bytes. Error code 12 (Cannot allocate memory)"));
}

}  // namespace

ScopedMemoryBudget::ScopedMemoryBudget(std::shared_ptr<MemoryBudget> budget)
    : previous_(std::move(t_budget)) {
  t_budget = std::move(budget);
}

ScopedMemoryBudget::~ScopedMemoryBudget() { t_budget = std::move(previous_); }

const std::shared_ptr<MemoryBudget>& current_memory_budget() { return t_budget; }

Ref<Storage> Storage::allocate(int64_t nbytes) {
  if (nbytes < 0 || nbytes > (int64_t{1} << 62)) out_of_memory(nbytes);
  Ref<Storage> storage(new Storage());
  if (t_budget) {
    charge(*t_budget, nbytes);
    storage->keeper_ = t_budget;
  }
  storage->nbytes_ = nbytes;
  storage->owned_ = true;
  storage->data_ = take_block(nbytes);
  if (storage->data_ == nullptr) out_of_memory(nbytes);
  return storage;
}

Ref<Storage> Storage::borrow(void* data, int64_t nbytes, std::shared_ptr<const void> keeper) {
  Ref<Storage> storage(new Storage());
  storage->data_ = static_cast<std::byte*>(data);
  storage->nbytes_ = nbytes;
  storage->keeper_ = std::move(keeper);
  return storage;
}

void Storage::drop_pages() const noexcept {
  if (!owned_ && data_ != nullptr) drop_clean_pages(data_, static_cast<size_t>(nbytes_));
}

Storage::~Storage() {
  if (derived_.load(std::memory_order_acquire) != nullptr) forget_derived_values(*this);
  if (!owned_) return;
  give_block(data_, nbytes_);
  if (!keeper_) return;
  // The keeper of an owned storage is the budget that it was charged to.
  auto* budget = static_cast<MemoryBudget*>(const_cast<void*>(keeper_.get()));
  budget->used.fetch_sub(nbytes_, std::memory_order_relaxed);
}

}  // namespace calque
