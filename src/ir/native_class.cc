#include "ir/native_class.h"

namespace calque {

namespace {

std::shared_ptr<const ClassType> make_linear_packed_params() {
  auto type = std::make_shared<ClassType>("__torch__.torch.classes.quantized.LinearPackedParamsBase",
                                          /*is_module=*/false);
  type->add_attribute({.name = "weight", .type = tensor_type()});
  type->add_attribute({.name = "bias", .type = optional_type(tensor_type())});
  for (const char* part : {"packed", "scales", "zero_points", "offsets"}) {
    type->add_attribute({.name = part, .type = optional_type(tensor_type())});
  }
  return type;
}

std::shared_ptr<const ClassType> make_nested_tensor() {
  auto type = std::make_shared<ClassType>("NestedTensor", /*is_module=*/false);
  type->add_attribute({.name = "rows", .type = tensor_type()});
  type->add_attribute({.name = "lengths", .type = list_type(int_type())});
  return type;
}

}  // namespace

const std::shared_ptr<const ClassType>& linear_packed_params_type() {
  static const std::shared_ptr<const ClassType> type = make_linear_packed_params();
  return type;
}

const std::shared_ptr<const ClassType>& nested_tensor_type() {
  static const std::shared_ptr<const ClassType> type = make_nested_tensor();
  return type;
}

std::shared_ptr<const ClassType> find_native_class(std::string_view qualified_name) {
  const std::shared_ptr<const ClassType>& type = linear_packed_params_type();
  return qualified_name == type->name ? type : nullptr;
}

}  // namespace calque
