// Indexing: x[0, :, None], l[i], d["k"], slices, and assignment to these.
#include <algorithm>

#include "base/text.h"
#include "torchscript/compiler.h"
#include "torchscript/operator_match.h"

namespace calque::torchscript {

/// A tensor after its ints, slices and Nones were applied as views, and the tensor indices that are left to
/// apply.
struct FunctionCompiler::TensorIndex {
  Value* view = nullptr;
  std::vector<Value*> tensors{};  ///< by dimension; null where a dimension is taken whole
};

Sugared FunctionCompiler::subscript(const Expr& expr) {
  const Sugared base = sugared(*expr.items[0]);
  const std::span<const Expr* const> indices = expr.items.subspan(1);
  Value* value = simple_value(base);
  if (value == nullptr && indices.size() == 1 && !indices[0]->is(ExprKind::kSlice)) {
    return base->element(*this, expr.where, value_of(*indices[0]));
  }
  if (value == nullptr) value = base->as_value(*this, expr.where);
  if (value->type->kind() == TypeKind::Tensor) {
    return simple(index_value(expr.where, index_tensor(expr.where, value, indices)));
  }
  Value* index = nullptr;
  if (indices.size() > 1) {
    std::vector<Value*> items;
    for (const Expr* item : indices) items.push_back(value_of(*item));
    index = tuple(expr.where, items);
  } else if (indices[0]->is(ExprKind::kSlice)) {
    return simple(slice(expr.where, value, *indices[0]));
  } else {
    index = value_of(*indices[0]);
  }
  switch (value->type->kind()) {
    case TypeKind::Tuple:
      return simple(tuple_item(expr.where, value, index));
    case TypeKind::List:
    case TypeKind::String:
    case TypeKind::Dict:
      return simple(builtin(expr.where, "aten::__getitem__", {value, index}));
    case TypeKind::Class:
      return method_value(value, "__getitem__")->call(*this, expr.where, {.positional = {index}});
    default:
      fail(expr.where, cat("'", value->type->annotation(), "' object is not subscriptable"));
  }
}

Value* FunctionCompiler::slice(Position where, Value* value, const Expr& slice) {
  if (value->type->kind() == TypeKind::Tuple) return tuple_slice(where, value, slice);
  if (value->type->kind() != TypeKind::List && value->type->kind() != TypeKind::String) {
    fail(where, cat("'", value->type->annotation(), "' object cannot be sliced"));
  }
  const auto bound = [&](const Expr* expr) {
    return expr == nullptr ? constant(where, IValue()) : value_of(*expr);
  };
  Value* start = bound(slice.items[0]);
  Value* stop = bound(slice.items[1]);
  Value* step = slice.items[2] == nullptr ? constant(where, int64_t{1}) : value_of(*slice.items[2]);
  return builtin(where, "aten::slice", {value, start, stop, step});
}

Value* FunctionCompiler::tuple_slice(Position where, Value* value, const Expr& slice) {
  const auto size = static_cast<int64_t>(value->type->contained().size());
  const auto bound = [&](const Expr* expr, int64_t otherwise) {
    if (expr == nullptr) return otherwise;
    const IValue* content = constant_of(value_of(*expr));
    if (content == nullptr || !content->isInt())
      fail(where, "the bounds of a tuple slice must be literal ints");
    return content->toInt();
  };
  const int64_t step = bound(slice.items[2], 1);
  if (step == 0) fail(where, "slice step cannot be zero");
  const auto wrap = [&](int64_t at, int64_t low, int64_t high) {
    return std::clamp(at < 0 ? at + size : at, low, high);
  };
  const bool forward = step > 0;
  const int64_t start = slice.items[0] == nullptr ? (forward ? 0 : size - 1)
                        : forward                 ? wrap(bound(slice.items[0], 0), 0, size)
                                                  : wrap(bound(slice.items[0], 0), -1, size - 1);
  const int64_t stop = slice.items[1] == nullptr ? (forward ? size : -1)
                       : forward                 ? wrap(bound(slice.items[1], 0), 0, size)
                                                 : wrap(bound(slice.items[1], 0), -1, size - 1);
  if (step == 1) {
    std::vector<TypePtr> types;
    for (int64_t i = start; i < stop; ++i) types.push_back(value->type->contained()[static_cast<size_t>(i)]);
    const int64_t end = std::max(start, stop);
    return this->value(where, "prim::TupleSlice", {value, constant(where, start), constant(where, end)},
                       tuple_type(std::move(types)));
  }
  const std::vector<Value*> items = unpack_tuple(where, value);
  std::vector<Value*> picked;
  for (int64_t i = start; forward ? i < stop : i > stop;) {
    picked.push_back(items[static_cast<size_t>(i)]);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return tuple(where, picked);
}

Value* FunctionCompiler::tuple_item(Position where, Value* value, Value* index) {
  const auto& types = value->type->contained();
  index = convert_to(where, int_type(), index, "index of a tuple");
  const IValue* content = constant_of(index);
  if (content != nullptr) {
    const auto size = static_cast<int64_t>(types.size());
    const int64_t at = content->toInt() < 0 ? content->toInt() + size : content->toInt();
    if (at < 0 || at >= size) fail(where, cat("Tuple index out of range: ", content->toInt(), " of ", size));
    return this->value(where, "prim::TupleIndex", {value, index}, types[static_cast<size_t>(at)]);
  }
  TypePtr common = types.empty() ? nullptr : types[0];
  for (const TypePtr& type : types) common = common == nullptr ? nullptr : unify_types(common, type);
  if (common == nullptr) {
    fail(where,
         "Cannot index into a tuple with a non-integer literal because its elements have different types");
  }
  return this->value(where, "prim::TupleIndex", {value, index}, std::move(common));
}

/// Items before `...` count dimensions from the front, those behind it from the back.
FunctionCompiler::TensorIndex FunctionCompiler::index_tensor(Position where, Value* tensor,
                                                             std::span<const Expr* const> indices) {
  struct Item {
    const Expr* expr;
    Value* value;
    Value* bounds[3];
  };
  std::vector<Item> items;
  for (const Expr* expr : indices) {
    Item item{.expr = expr, .value = nullptr, .bounds = {}};
    if (expr->is(ExprKind::kSlice)) {
      for (size_t i = 0; i < 3; ++i) {
        item.bounds[i] = expr->items[i] == nullptr
                             ? (i == 2 ? constant(where, int64_t{1}) : constant(where, IValue()))
                             : value_of(*expr->items[i]);
      }
    } else if (!expr->is(ExprKind::kEllipsis)) {
      item.value = value_of(*expr);
      const TypeKind kind = item.value->type->kind();
      if (kind == TypeKind::List) item.value = builtin(where, "aten::tensor", {item.value});
    }
    items.push_back(item);
  }
  TensorIndex out{.view = tensor};
  const auto apply = [&](const Item& item, int64_t dim) {
    const auto at = [&] { return constant(where, dim); };
    const int64_t next = dim < 0 ? dim - 1 : dim + 1;
    if (item.expr->is(ExprKind::kSlice)) {
      out.view =
          builtin(where, "aten::slice", {out.view, at(), item.bounds[0], item.bounds[1], item.bounds[2]});
      return next;
    }
    switch (item.value->type->kind()) {
      case TypeKind::None:
        out.view = builtin(where, "aten::unsqueeze", {out.view, at()});
        return next;
      case TypeKind::Int:
        out.view = builtin(where, "aten::select", {out.view, at(), item.value});
        return dim;
      case TypeKind::Tensor:
        if (dim < 0) fail(where, "Ellipses followed by tensor indexing is currently not supported");
        out.tensors.resize(static_cast<size_t>(dim) + 1);
        out.tensors.back() = item.value;
        return next;
      default:
        fail(where,
             cat("Unsupported operation: indexing tensor with unsupported index type '",
                 item.value->type->annotation(), "'. Only ints, slices, lists and tensors are supported"));
    }
  };
  const auto ellipsis =
      std::find_if(items.begin(), items.end(), [](const Item& i) { return i.expr->is(ExprKind::kEllipsis); });
  int64_t dim = 0;
  for (auto item = items.begin(); item != ellipsis; ++item) dim = apply(*item, dim);
  dim = -1;
  for (auto item = items.end(); ellipsis != items.end() && item != ellipsis + 1;) {
    --item;
    if (item->expr->is(ExprKind::kEllipsis)) fail(where, "An index can only have a single ellipsis ('...')");
    dim = apply(*item, dim);
  }
  return out;
}

Value* FunctionCompiler::index_value(Position where, const TensorIndex& index) {
  if (index.tensors.empty()) return index.view;
  std::vector<Value*> items;
  for (Value* tensor : index.tensors) items.push_back(tensor == nullptr ? constant(where, IValue()) : tensor);
  return builtin(where, "aten::index", {index.view, list(where, optional_type(tensor_type()), items)});
}

void FunctionCompiler::subscript_assign(const Expr& target, Value* content) {
  Value* base = value_of(*target.items[0]);
  const std::span<const Expr* const> indices = target.items.subspan(1);
  if (base->type->kind() == TypeKind::Tensor) {
    const TensorIndex index = index_tensor(target.where, base, indices);
    content = as_tensor_like(target.where, content, index.view);
    if (index.tensors.empty()) {
      builtin(target.where, "aten::copy_", {index.view, content});
      return;
    }
    std::vector<Value*> items;
    for (Value* tensor : index.tensors)
      items.push_back(tensor == nullptr ? constant(target.where, IValue()) : tensor);
    builtin(target.where, "aten::index_put_",
            {index.view, list(target.where, optional_type(tensor_type()), items), content});
    return;
  }
  if (indices.size() != 1 || indices[0]->is(ExprKind::kSlice)) {
    fail(target.where,
         "Sliced expression not yet supported for subscripted assignment; assign the elements in a loop");
  }
  Value* index = value_of(*indices[0]);
  if (base->type->kind() == TypeKind::Class) {
    method_value(base, "__setitem__")->call(*this, target.where, {.positional = {index, content}});
    return;
  }
  call_builtin(*this, target.where, "aten::_set_item", {.positional = {base, index, content}}, nullptr);
}

void FunctionCompiler::subscript_augment(const Stmt& stmt) {
  const Expr& target = *stmt.targets[0];
  Value* base = value_of(*target.items[0]);
  const std::span<const Expr* const> indices = target.items.subspan(1);
  if (base->type->kind() == TypeKind::Tensor) {
    const TensorIndex index = index_tensor(target.where, base, indices);
    if (index.tensors.empty()) {
      augmented(stmt, index.view, value_of(*stmt.value));
      return;
    }
    std::vector<Value*> items;
    for (Value* tensor : index.tensors)
      items.push_back(tensor == nullptr ? constant(target.where, IValue()) : tensor);
    Value* positions = list(target.where, optional_type(tensor_type()), items);
    Value* before = builtin(target.where, "aten::index", {index.view, positions});
    Value* after = augmented(stmt, before, value_of(*stmt.value));
    builtin(target.where, "aten::index_put_", {index.view, positions, after});
    return;
  }
  if (indices.size() != 1 || indices[0]->is(ExprKind::kSlice)) {
    fail(target.where, "Sliced expression not yet supported for augmented assignment");
  }
  Value* index = value_of(*indices[0]);
  if (base->type->kind() == TypeKind::Class) {
    Value* before = method_value(base, "__getitem__")
                        ->call(*this, target.where, {.positional = {index}})
                        ->as_value(*this, target.where);
    Value* after = augmented(stmt, before, value_of(*stmt.value));
    method_value(base, "__setitem__")->call(*this, target.where, {.positional = {index, after}});
    return;
  }
  Value* before = builtin(target.where, "aten::__getitem__", {base, index});
  Value* after = augmented(stmt, before, value_of(*stmt.value));
  call_builtin(*this, target.where, "aten::_set_item", {.positional = {base, index, after}}, nullptr);
}

/// A number as a tensor of the dtype and device of `like`.
Value* FunctionCompiler::as_tensor_like(Position where, Value* content, Value* like) {
  const TypeKind kind = content->type->kind();
  if (kind == TypeKind::Tensor) return content;
  if (kind != TypeKind::Int && kind != TypeKind::Float && kind != TypeKind::Bool &&
      kind != TypeKind::Number && kind != TypeKind::Complex) {
    fail(where,
         cat("cannot assign a value of type '", content->type->annotation(), "' to elements of a tensor"));
  }
  return builtin(
      where, "aten::tensor", {content},
      {{"dtype", builtin(where, "prim::dtype", {like})}, {"device", builtin(where, "prim::device", {like})}});
}

}  // namespace calque::torchscript
