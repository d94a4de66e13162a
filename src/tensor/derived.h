// What is made once from the values of tensors, packed weights for example, and kept as long as they stay as
// they are.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "calque/tensor.h"

namespace calque {

using MakeDerived = std::function<std::shared_ptr<const void>()>;

/// The value of `kind` (any address that is unique to it) that belongs to `sources`, made by `make` when
/// there is none or when a source has been written to since. It is kept with the storage of the first source,
/// and shared by all who ask. nullptr, without a call of `make`, when a source is exposed. Thread-safe; what
/// `make` throws passes through.
std::shared_ptr<const void> derived_value(const void* kind, std::span<const Tensor> sources,
                                          const MakeDerived& make);

/// For the storage's end.
void forget_derived_values(Storage& storage);

}  // namespace calque
