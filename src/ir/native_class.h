// Classes that live in PyTorch's own library, not in an archive: known by their qualified names.
#pragma once

#include <memory>
#include <string_view>

#include "ir/type.h"

namespace calque {

/// `__torch__.torch.classes.quantized.LinearPackedParamsBase`: the weight of a quantised Linear, packed. Its
/// attributes are an affair of ops/packed_linear.h.
const std::shared_ptr<const ClassType>& linear_packed_params_type();

/// A nested tensor, where programs hold one: ops/nested.h. No program can name it.
const std::shared_ptr<const ClassType>& nested_tensor_type();

/// The class of this qualified name; nullptr when it is none that programs can name.
std::shared_ptr<const ClassType> find_native_class(std::string_view qualified_name);

}  // namespace calque
