// Attributes, calls and loops of graph values.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "torchscript/operator_match.h"
#include "torchscript/sugared_names.h"
#include "torchscript/sugared_value.h"

namespace calque::torchscript {

namespace {

/// Attributes of a tensor, in Python's spelling, and the operators behind them.
struct TensorField {
  std::string_view name;
  std::string_view builtin;
};

constexpr std::array kTensorFields = {
    TensorField{"dtype", "prim::dtype"},
    TensorField{"device", "prim::device"},
    TensorField{"layout", "prim::layout"},
    TensorField{"shape", "aten::size"},
    TensorField{"ndim", "aten::dim"},
    TensorField{"data", "prim::data"},
    TensorField{"grad", "prim::grad"},
    TensorField{"requires_grad", "prim::requires_grad"},
    TensorField{"is_leaf", "aten::is_leaf"},
    TensorField{"is_cuda", "prim::is_cuda"},
    TensorField{"is_cpu", "prim::is_cpu"},
    TensorField{"is_mps", "prim::is_mps"},
    TensorField{"is_xla", "prim::is_xla"},
    TensorField{"is_xpu", "prim::is_xpu"},
    TensorField{"is_meta", "prim::is_meta"},
    TensorField{"is_mkldnn", "prim::is_mkldnn"},
    TensorField{"is_nested", "prim::is_nested"},
    TensorField{"is_quantized", "prim::is_quantized"},
    TensorField{"is_sparse", "prim::is_sparse"},
    TensorField{"is_sparse_csr", "prim::is_sparse_csr"},
    TensorField{"itemsize", "prim::itemsize"},
    TensorField{"nbytes", "prim::nbytes"},
    TensorField{"T", "aten::numpy_T"},
    TensorField{"H", "aten::matrix_H"},
    TensorField{"mT", "aten::mT"},
    TensorField{"mH", "aten::mH"},
    TensorField{"real", "aten::real"},
    TensorField{"imag", "aten::imag"},
};

/// `x.float()` and its like are `x.to(dtype)`.
struct CastMethod {
  std::string_view name;
  ScalarType dtype;
};

constexpr std::array kCastMethods = {
    CastMethod{"byte", ScalarType::Byte},   CastMethod{"char", ScalarType::Char},
    CastMethod{"short", ScalarType::Short}, CastMethod{"int", ScalarType::Int},
    CastMethod{"long", ScalarType::Long},   CastMethod{"half", ScalarType::Half},
    CastMethod{"float", ScalarType::Float}, CastMethod{"double", ScalarType::Double},
    CastMethod{"bool", ScalarType::Bool},   CastMethod{"bfloat16", ScalarType::BFloat16},
};

class TensorCast final : public SugaredValue {
 public:
  TensorCast(Value* tensor, ScalarType dtype) : tensor_(tensor), dtype_(dtype) {}
  std::string describe() const override { return "cast of a tensor"; }

  Sugared call(Emitter& emitter, Position where, const Arguments& arguments) override {
    if (!arguments.positional.empty()) emitter.fail(where, "casts of tensors take no arguments");
    Value* dtype = emitter.constant(where, static_cast<int64_t>(dtype_));
    Value* no = emitter.constant(where, false);
    return simple(emitter.builtin(where, "aten::to", {tensor_, dtype, no, no}, arguments.keywords));
  }

 private:
  Value* const tensor_;
  const ScalarType dtype_;
};

std::string_view field_builtin(const Type& type, std::string_view name) {
  if (type.kind() == TypeKind::Tensor) {
    for (const TensorField& field : kTensorFields) {
      if (field.name == name) return field.builtin;
    }
  }
  if (type.kind() == TypeKind::Device && name == "type") return "prim::type";
  if (type.kind() == TypeKind::Device && name == "index") return "prim::index";
  if (type.kind() == TypeKind::Complex && name == "real") return "aten::real";
  if (type.kind() == TypeKind::Complex && name == "imag") return "aten::imag";
  return {};
}

std::optional<size_t> tuple_field(const Type& type, std::string_view name) {
  if (type.kind() != TypeKind::Tuple) return std::nullopt;
  const auto& fields = static_cast<const TupleType&>(type).fields;
  const auto it = std::find(fields.begin(), fields.end(), name);
  if (it == fields.end()) return std::nullopt;
  return static_cast<size_t>(it - fields.begin());
}

const FunctionSchema* interface_method(const Type& type, std::string_view name) {
  for (const auto& method : static_cast<const InterfaceType&>(type).methods) {
    if (method->name == name) return method.get();
  }
  return nullptr;
}

Sugared tuple_item(Emitter& emitter, Position where, Value* tuple, size_t at) {
  Value* index = emitter.constant(where, static_cast<int64_t>(at));
  return simple(emitter.value(where, "prim::TupleIndex", {tuple, index}, tuple->type->contained()[at]));
}

}  // namespace

Sugared SimpleValue::attribute(Emitter& emitter, Position where, std::string_view name) {
  const Type& type = *value_->type;
  if (const std::string_view builtin = field_builtin(type, name); !builtin.empty()) {
    return simple(emitter.builtin(where, builtin, {value_}));
  }
  if (const auto at = tuple_field(type, name)) return tuple_item(emitter, where, value_, *at);
  switch (type.kind()) {
    case TypeKind::Class:
      return class_attribute(emitter, where, name);
    case TypeKind::Interface:
      if (interface_method(type, name) != nullptr) return method_value(value_, name);
      break;
    case TypeKind::Enum:
      if (name == "name") return simple(emitter.value(where, "prim::EnumName", {value_}, string_type()));
      if (name == "value")
        return simple(emitter.value(where, "prim::EnumValue", {value_}, type.contained()[0]));
      break;
    case TypeKind::Optional:
    case TypeKind::None:
      break;
    case TypeKind::Tensor:
      for (const CastMethod& method : kCastMethods) {
        if (method.name == name) return std::make_shared<TensorCast>(value_, method.dtype);
      }
      return builtin_method(value_, name);
    default:
      return builtin_method(value_, name);
  }
  std::string hint;
  if (type.kind() == TypeKind::Optional) hint = "; test it with 'is not None' before";
  emitter.fail(where, cat("'", type.annotation(), "' object has no attribute or method '", name, "'", hint));
}

Sugared SimpleValue::class_attribute(Emitter& emitter, Position where, std::string_view name) {
  const auto& type = static_cast<const ClassType&>(*value_->type);
  emitter.program().complete(type);
  if (type.find_method(name) != nullptr) return method_value(value_, name);
  if (const auto slot = type.find_attribute(name)) {
    return simple(emitter.get_attribute(where, value_, name, type.attributes[*slot].type));
  }
  if (const ClassType::Property* property = type.find_property(name)) {
    return method_value(value_, property->getter->name)->call(emitter, where, {});
  }
  if (const ClassType::Constant* constant = type.find_constant(name)) {
    return simple(emitter.constant(where, constant->value, constant->type));
  }
  if (Function* function = type.find_static_method(name)) return function_value(*function);
  emitter.fail(where, cat("'", type.name, "' object has no attribute or method '", name, "'"));
}

bool SimpleValue::has_attribute(std::string_view name) const {
  const Type& type = *value_->type;
  if (type.kind() == TypeKind::Interface) return interface_method(type, name) != nullptr;
  if (type.kind() != TypeKind::Class) {
    return tuple_field(type, name).has_value() || !field_builtin(type, name).empty();
  }
  const auto& cls = static_cast<const ClassType&>(type);
  return cls.find_method(name) != nullptr || cls.find_attribute(name).has_value() ||
         cls.find_property(name) != nullptr || cls.find_constant(name) != nullptr;
}

void SimpleValue::set_attribute(Emitter& emitter, Position where, std::string_view name, Value* content) {
  if (value_->type->kind() != TypeKind::Class)
    return SugaredValue::set_attribute(emitter, where, name, content);
  const auto& type = static_cast<const ClassType&>(*value_->type);
  if (const ClassType::Property* property = type.find_property(name); property != nullptr) {
    if (property->setter == nullptr) emitter.fail(where, cat("property '", name, "' has no setter"));
    method_value(value_, property->setter->name)->call(emitter, where, {.positional = {content}});
    return;
  }
  emitter.program().complete(type);
  auto slot = type.find_attribute(name);
  if (!slot.has_value() && emitter.defines_attributes_of(type)) {
    slot = emitter.program().unit().find_class(type.name)->add_attribute(
        {.name = std::string(name), .type = content->type});
  }
  if (!slot.has_value()) {
    emitter.fail(where, cat("Tried to set nonexistent attribute: ", name,
                            ". Did you forget to initialize it in "
                            "__init__()?"));
  }
  content = emitter.convert_to(where, type.attributes[*slot].type, content, cat("attribute '", name, "'"));
  emitter.node(where, "prim::SetAttr", {value_, content})->name = std::string(name);
}

Sugared SimpleValue::call(Emitter& emitter, Position where, const Arguments& arguments) {
  if (value_->type->kind() == TypeKind::Class) {
    const auto& type = static_cast<const ClassType&>(*value_->type);
    for (const std::string_view name : {"__call__", "forward"}) {
      if (type.find_method(name) == nullptr || (name == "forward" && !type.is_module)) continue;
      return method_value(value_, name)->call(emitter, where, arguments);
    }
  }
  return SugaredValue::call(emitter, where, arguments);
}

std::vector<Sugared> SimpleValue::elements(Emitter& emitter, Position where, size_t wanted) {
  std::vector<Sugared> out;
  switch (value_->type->kind()) {
    case TypeKind::Tuple:
      for (Value* item : emitter.unpack_tuple(where, value_)) out.push_back(simple(item));
      return out;
    case TypeKind::List: {
      Node* node = emitter.node(where, "prim::ListUnpack", {value_});
      for (size_t i = 0; i < wanted; ++i)
        out.push_back(simple(node->add_output(value_->type->contained()[0])));
      return out;
    }
    case TypeKind::Tensor: {
      Value* list = emitter.builtin(where, "aten::unbind", {value_});
      return SimpleValue(list).elements(emitter, where, wanted);
    }
    default:
      emitter.fail(where, cat("'", value_->type->annotation(), "' object cannot be used as a tuple"));
  }
}

std::optional<size_t> SimpleValue::static_length() const {
  if (value_->type->kind() == TypeKind::Tuple) return value_->type->contained().size();
  return std::nullopt;
}

Value* SimpleValue::length(Emitter& emitter, Position where) {
  return emitter.builtin(where, "aten::len", {value_});
}

Sugared SimpleValue::element(Emitter& emitter, Position where, Value* index) {
  if (value_->type->kind() == TypeKind::Tensor) {
    Value* dim = emitter.constant(where, int64_t{0});
    return simple(emitter.builtin(where, "aten::select", {value_, dim, index}));
  }
  if (value_->type->kind() == TypeKind::Tuple) {
    const IValue* content = constant_of(index);
    if (content == nullptr || !content->isInt())
      emitter.fail(where, "the index of a tuple must be a literal int");
    const auto size = static_cast<int64_t>(value_->type->contained().size());
    const int64_t at = content->toInt() < 0 ? content->toInt() + size : content->toInt();
    if (at < 0 || at >= size) emitter.fail(where, "tuple index out of range");
    return tuple_item(emitter, where, value_, static_cast<size_t>(at));
  }
  return simple(emitter.builtin(where, "aten::__getitem__", {value_, index}));
}

Sugared SimpleValue::iterable(Emitter& emitter, Position where) {
  switch (value_->type->kind()) {
    case TypeKind::List:
    case TypeKind::String:
    case TypeKind::Tensor:
    case TypeKind::Tuple:
      return shared_from_this();
    case TypeKind::Dict:
      return simple(emitter.builtin(where, "aten::keys", {value_}));
    default:
      emitter.fail(where, cat("'", value_->type->annotation(), "' object is not iterable"));
  }
}

}  // namespace calque::torchscript
