#include "torchscript/convert_parameters.h"

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/type.h"

namespace calque::torchscript {

void convert_parameters(ObjectImpl& root, ScalarType dtype) {
  std::unordered_map<const TensorImpl*, Tensor> converted;
  std::unordered_set<const ObjectImpl*> seen{&root};
  std::vector<ObjectImpl*> open{&root};
  while (!open.empty()) {
    ObjectImpl& object = *open.back();
    open.pop_back();
    for (size_t i = 0; i < object.slots.size(); ++i) {
      const ClassType::Attribute& attribute = object.type->attributes[i];
      IValue& slot = object.slots[i];
      if (ObjectImpl* inner = slot.object_impl(); inner != nullptr && seen.insert(inner).second)
        open.push_back(inner);
      if (!slot.isTensor() || (!attribute.is_parameter && !attribute.is_buffer)) continue;
      const Tensor tensor = slot.toTensor();
      if (!tensor.is_floating_point()) continue;
      Tensor& made = converted[tensor.impl().get()];
      if (!made.defined()) {
        made = tensor.to(dtype);
        made.impl()->requires_grad = tensor.requires_grad();
      }
      slot = made;
    }
  }
}

}  // namespace calque::torchscript
