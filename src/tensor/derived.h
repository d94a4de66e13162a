// What is made once from the values of tensors, packed weights for example, and kept as long as they stay as
// they are.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "calque/tensor.h"

namespace calque {

using MakeDerived = std::function<std::shared_ptr<const void>()>;

/// One of the tensors that a value was made of, as it was then.
struct DerivedSource {
  uint64_t storage;  ///< storage_id()
  uint32_t version;  ///< of the storage
  int64_t offset;
  Dims sizes;
  Dims strides;
  ScalarType dtype;
};

struct DerivedValue {
  const void* kind;
  std::vector<DerivedSource> sources;
  std::shared_ptr<const void> value;
};

/// The value of `kind` (any address that is unique to it) that belongs to `sources`, made by `make` when
/// there is none or when a source has been written to since. It is kept with the storage of the first source,
/// and shared by all who ask. nullptr, without a call of `make`, when a source is exposed. Thread-safe; what
/// `make` throws passes through.
std::shared_ptr<const void> derived_value(const void* kind, std::span<const Tensor> sources,
                                          const MakeDerived& make);

/// What was made of tensors whose first one lies in `storage`, in the order in which it was made first.
/// Values whose sources have changed since are among them.
std::vector<DerivedValue> derived_values(const Storage& storage);

/// Differs from that of every other storage of the process, at any time.
uint64_t storage_id(Storage& storage);

/// For the storage's end.
void forget_derived_values(Storage& storage);

}  // namespace calque
