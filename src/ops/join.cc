#include "ops/join.h"

#include <algorithm>

#include "base/text.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// torch.cat ignores tensors of shape [0] whatever the others' shapes are.
bool is_ignored(const Tensor& t) { return t.dim() == 1 && t.sizes()[0] == 0; }

void check_joinable(const Tensor& first, const Tensor& t, int64_t dim, size_t position) {
  if (first.dim() != t.dim()) {
    throw RuntimeError(
        cat("Tensors must have same number of dimensions: got ", first.dim(), " and ", t.dim()));
  }
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (d != dim && t.sizes()[d] != first.sizes()[d]) {
      throw RuntimeError(cat("Sizes of tensors must match except in dimension ", dim, ". Expected size ",
                             first.sizes()[d], " but got size ", t.sizes()[d], " for tensor number ",
                             position, " in the list."));
    }
  }
}

/// What a concatenation is, checked; `model` is nullptr when all tensors are ignored.
struct Joint {
  const Tensor* model = nullptr;
  ScalarType dtype = kFloat;
  int64_t dim = 0;
  Dims sizes{};
};

Joint joint_of(std::span<const Tensor> tensors, int64_t dim) {
  if (tensors.empty()) throw ValueError("torch.cat(): expected a non-empty list of Tensors");
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].dim() == 0) {
      throw RuntimeError(cat("zero-dimensional tensor (at position ", i, ") cannot be concatenated"));
    }
  }
  Joint joint{.dtype = result_type(tensors)};
  const auto model = std::ranges::find_if_not(tensors, is_ignored);
  if (model == tensors.end()) {
    joint.dim = wrap_dim(dim, 1);
    joint.sizes = Dims{0};
    return joint;
  }
  joint.model = &*model;
  joint.dim = wrap_dim(dim, model->dim());
  joint.sizes = to_dims(model->sizes());
  int64_t& length = joint.sizes[joint.dim];
  length = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (is_ignored(tensors[i])) continue;
    check_joinable(*model, tensors[i], joint.dim, i);
    if (__builtin_add_overflow(length, tensors[i].sizes()[joint.dim], &length)) {
      throw RuntimeError("numel: integer multiplication overflow");
    }
  }
  return joint;
}

Tensor joined(std::span<const Tensor> tensors, const Joint& joint) {
  Tensor out = empty(joint.sizes, joint.dtype);
  if (joint.model == nullptr) return out;
  const int64_t d = joint.dim;
  int64_t at = 0;
  for (const Tensor& t : tensors) {
    if (is_ignored(t)) continue;
    out.slice(d, at, at + t.sizes()[d]).copy_(t);
    at += t.sizes()[d];
  }
  return out;
}

/// The tensor which is already what the concatenation gives, as one joined to nothing is; or nullptr.
const Tensor* whole_of(std::span<const Tensor> tensors, const Joint& joint) {
  const auto found = std::ranges::find_if(tensors, [&](const Tensor& t) {
    return t.dtype() == joint.dtype && std::ranges::equal(t.sizes(), joint.sizes) && t.is_contiguous();
  });
  return found == tensors.end() ? nullptr : &*found;
}

}  // namespace

Tensor concatenate(std::span<const Tensor> tensors, int64_t dim) {
  return joined(tensors, joint_of(tensors, dim));
}

void shared_cat(OpCall& c) {
  const std::vector<Tensor> tensors = c[0].toTensorVector();
  const Joint joint = joint_of(tensors, c.integer(1));
  const Tensor* const whole = whole_of(tensors, joint);
  c.ret(whole != nullptr ? *whole : joined(tensors, joint));
}

Tensor stack(std::span<const Tensor> tensors, int64_t dim) {
  if (tensors.empty()) throw RuntimeError("stack expects a non-empty TensorList");
  const int64_t d = wrap_dim(dim, tensors[0].dim() + 1);
  std::vector<Tensor> parts;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!std::ranges::equal(tensors[i].sizes(), tensors[0].sizes())) {
      throw RuntimeError(cat("stack expects each tensor to be equal size, but got ", tensors[0].sizes(),
                             " at entry 0 and ", tensors[i].sizes(), " at entry ", i));
    }
    parts.push_back(tensors[i].unsqueeze(d));
  }
  return concatenate(parts, d);
}

namespace {

void cat_op(OpCall& c) { c.ret(concatenate(c[0].toTensorVector(), c.integer(1))); }
void stack_op(OpCall& c) { c.ret(stack(c[0].toTensorVector(), c.integer(1))); }

Tensor at_least(const Tensor& x, int64_t rank) {
  if (rank >= 1 && x.dim() == 0) return at_least(x.reshape(Dims{1}), rank);
  if (rank >= 2 && x.dim() == 1) return at_least(x.unsqueeze(0), rank);
  if (rank >= 3 && x.dim() == 2) return x.unsqueeze(-1);
  return x;
}

std::vector<Tensor> all_at_least(const IValue& list, int64_t rank) {
  std::vector<Tensor> out = list.toTensorVector();
  for (Tensor& t : out) t = at_least(t, rank);
  return out;
}

void check_not_empty(const IValue& list, std::string_view op) {
  if (list.toListRef()->items.empty()) throw RuntimeError(cat(op, " expects a non-empty TensorList"));
}

void vstack(OpCall& c) {
  check_not_empty(c[0], "vstack");
  c.ret(concatenate(all_at_least(c[0], 2), 0));
}
void hstack(OpCall& c) {
  check_not_empty(c[0], "hstack");
  const std::vector<Tensor> parts = all_at_least(c[0], 1);
  c.ret(concatenate(parts, parts[0].dim() == 1 ? 0 : 1));
}
void dstack(OpCall& c) {
  check_not_empty(c[0], "dstack");
  c.ret(concatenate(all_at_least(c[0], 3), 2));
}
void column_stack(OpCall& c) {
  check_not_empty(c[0], "column_stack");
  std::vector<Tensor> parts = c[0].toTensorVector();
  for (Tensor& t : parts) {
    if (t.dim() <= 1) t = t.reshape(Dims{t.numel(), 1});
  }
  c.ret(concatenate(parts, 1));
}

void atleast_1d(OpCall& c) { c.ret(at_least(c.tensor(0), 1)); }
void atleast_2d(OpCall& c) { c.ret(at_least(c.tensor(0), 2)); }

void broadcast_tensors(OpCall& c) {
  std::vector<Tensor> tensors = c[0].toTensorVector();
  Dims sizes;
  for (const Tensor& t : tensors) sizes = broadcast_shapes(sizes, t.sizes());
  for (Tensor& t : tensors) t = t.expand(sizes);
  c.ret(tensors);
}

std::vector<Tensor> meshgrid(std::vector<Tensor> tensors, const std::string& indexing) {
  if (tensors.empty()) throw RuntimeError("meshgrid expects a non-empty TensorList");
  Dims sizes;
  for (const Tensor& t : tensors) {
    if (t.dim() > 1) {
      throw RuntimeError(
          cat("torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got a tensor of shape ",
              t.sizes()));
    }
    if (t.dtype() != tensors[0].dtype()) {
      throw RuntimeError("meshgrid expects all tensors to have the same dtype");
    }
    sizes.push_back(t.numel());
  }
  if (indexing != "ij" && indexing != "xy") {
    throw RuntimeError(
        cat("torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: ", indexing));
  }
  const bool swap = indexing == "xy" && tensors.size() >= 2;
  if (swap) {
    std::swap(tensors[0], tensors[1]);
    std::swap(sizes[0], sizes[1]);
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    Dims shape(sizes.size(), 1);
    shape[i] = sizes[i];
    tensors[i] = tensors[i].view(shape).expand(sizes);
  }
  if (swap) std::swap(tensors[0], tensors[1]);
  return tensors;
}
void meshgrid_op(OpCall& c) { c.ret(meshgrid(c[0].toTensorVector(), "ij")); }
void meshgrid_indexing(OpCall& c) { c.ret(meshgrid(c[0].toTensorVector(), c[1].toStringRef())); }

void cartesian_prod(OpCall& c) {
  std::vector<Tensor> tensors = c[0].toTensorVector();
  for (const Tensor& t : tensors) {
    if (t.dim() != 1) throw RuntimeError(cat("Expect a 1D vector, but got shape ", t.sizes()));
  }
  if (tensors.size() == 1) return c.ret(c[0].toListRef()->items[0]);
  tensors = meshgrid(std::move(tensors), "ij");
  for (Tensor& t : tensors) t = t.reshape(Dims{-1});
  c.ret(stack(tensors, 1));
}

constexpr OpRow kJoinOps[] = {
    {"aten::cat(Tensor[] tensors, int dim=0) -> Tensor", cat_op},
    {"aten::concat(Tensor[] tensors, int dim=0) -> Tensor", cat_op},
    {"aten::concatenate(Tensor[] tensors, int dim=0) -> Tensor", cat_op},
    {"aten::stack(Tensor[] tensors, int dim=0) -> Tensor", stack_op},
    {"aten::vstack(Tensor[] tensors) -> Tensor", vstack},
    {"aten::row_stack(Tensor[] tensors) -> Tensor", vstack},
    {"aten::hstack(Tensor[] tensors) -> Tensor", hstack},
    {"aten::dstack(Tensor[] tensors) -> Tensor", dstack},
    {"aten::column_stack(Tensor[] tensors) -> Tensor", column_stack},
    {"aten::atleast_1d(Tensor self) -> Tensor", atleast_1d},
    {"aten::atleast_2d(Tensor self) -> Tensor", atleast_2d},
    {"aten::broadcast_tensors(Tensor[] tensors) -> Tensor[]", broadcast_tensors},
    {"aten::meshgrid(Tensor[] tensors) -> Tensor[]", meshgrid_op},
    {"aten::meshgrid.indexing(Tensor[] tensors, *, str indexing) -> Tensor[]", meshgrid_indexing},
    {"aten::cartesian_prod(Tensor[] tensors) -> Tensor", cartesian_prod},
};

}  // namespace

OpTable join_ops() { return kJoinOps; }

}  // namespace calque::ops
