#include <algorithm>

#include "base/checked.h"
#include "base/text.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace calque {

namespace {

Dims to_dims(IntArrayRef values) { return {values.begin(), values.end()}; }

void check_expandable(const Tensor& t, IntArrayRef target) {
  if (t.sizes().size() <= target.size()) return;
  throw RuntimeError(cat("expand(torch.", dtype_cpp_name(t.dtype()), "Tensor{", t.sizes(), "}, size=", target,
                         "): the number of sizes provided (", target.size(),
                         ") must be greater or equal to the number of dimensions in the tensor (", t.dim(),
                         ")"));
}

}  // namespace

int64_t Tensor::size(int64_t d) const {
  return impl_->sizes[static_cast<size_t>(wrap_dim(d, dim(), /*scalar_as_vector=*/false))];
}

int64_t Tensor::stride(int64_t d) const {
  return impl_->strides[static_cast<size_t>(wrap_dim(d, dim(), /*scalar_as_vector=*/false))];
}

int64_t Tensor::numel() const { return wrapping_product(impl_->sizes); }

bool Tensor::is_contiguous() const { return calque::is_contiguous(impl_->sizes, impl_->strides); }

Tensor Tensor::view(IntArrayRef sizes) const {
  Dims inferred = infer_sizes(sizes, numel());
  auto strides = view_strides(impl_->sizes, impl_->strides, inferred);
  if (!strides) {
    throw RuntimeError(
        "view size is not compatible with input tensor's size and stride (at least one dimension spans "
        "across two "
        "contiguous subspaces). Use .reshape(...) instead.");
  }
  return make_view(*this, std::move(inferred), *std::move(strides), impl_->offset);
}

Tensor Tensor::reshape(IntArrayRef sizes) const {
  Dims inferred = infer_sizes(sizes, numel());
  auto strides = view_strides(impl_->sizes, impl_->strides, inferred);
  if (strides) return make_view(*this, std::move(inferred), *std::move(strides), impl_->offset);
  const Tensor copy = contiguous();
  Dims packed = contiguous_strides(inferred);
  return make_view(copy, std::move(inferred), std::move(packed), 0);
}

Tensor Tensor::expand(IntArrayRef target) const {
  check_expandable(*this, target);
  const size_t lead = target.size() - impl_->sizes.size();
  Dims sizes = to_dims(target);
  Dims strides(target.size(), 0);
  for (size_t i = 0; i < target.size(); ++i) {
    if (i < lead) {
      if (target[i] == -1) {
        throw RuntimeError(cat(
            "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension ", i));
      }
      continue;
    }
    const int64_t size = impl_->sizes[i - lead];
    if (target[i] == -1) sizes[i] = size;
    if (size == sizes[i]) {
      strides[i] = impl_->strides[i - lead];
    } else if (size != 1) {
      throw RuntimeError(cat("The expanded size of the tensor (", sizes[i],
                             ") must match the existing size (", size, ") at non-singleton dimension ", i,
                             ".  Target sizes: ", target, ".  Tensor sizes: ", this->sizes()));
    }
  }
  if (!checked_numel(sizes)) throw RuntimeError("numel: integer multiplication overflow");
  return make_view(*this, std::move(sizes), std::move(strides), impl_->offset);
}

Tensor Tensor::slice(int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
                     int64_t step) const {
  if (impl_->sizes.empty()) throw IndexError("slice() cannot be applied to a 0-dim tensor.");
  const auto d = static_cast<size_t>(wrap_dim(dim, this->dim()));
  if (step <= 0) throw RuntimeError("slice step must be positive");
  const int64_t size = impl_->sizes[d];
  const auto clamp = [size](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size); };
  const int64_t first = clamp(start.value_or(0));
  const int64_t last = std::max(first, clamp(end.value_or(size)));
  const int64_t length = last - first;
  Dims sizes = impl_->sizes;
  Dims strides = impl_->strides;
  // Written so that a huge step cannot overflow.
  sizes[d] = length / step + (length % step != 0 ? 1 : 0);
  if (__builtin_mul_overflow(strides[d], step, &strides[d])) strides[d] = impl_->strides[d];
  return make_view(*this, std::move(sizes), std::move(strides), impl_->offset + first * impl_->strides[d]);
}

Tensor Tensor::select(int64_t dim, int64_t index) const {
  if (impl_->sizes.empty()) throw IndexError("select() cannot be applied to a 0-dim tensor.");
  const auto d = wrap_dim(dim, this->dim());
  const int64_t size = impl_->sizes[static_cast<size_t>(d)];
  if (index < -size || index >= size) {
    throw IndexError(cat("select(): index ", index, " out of range for tensor of size ", this->sizes(),
                         " at dimension ", d));
  }
  const int64_t i = index < 0 ? index + size : index;
  Dims sizes = impl_->sizes;
  Dims strides = impl_->strides;
  const int64_t offset = impl_->offset + i * strides[static_cast<size_t>(d)];
  sizes.erase(sizes.begin() + d);
  strides.erase(strides.begin() + d);
  return make_view(*this, std::move(sizes), std::move(strides), offset);
}

Tensor Tensor::transpose(int64_t dim0, int64_t dim1) const {
  const auto a = static_cast<size_t>(wrap_dim(dim0, dim()));
  const auto b = static_cast<size_t>(wrap_dim(dim1, dim()));
  Dims sizes = impl_->sizes;
  Dims strides = impl_->strides;
  if (a != b) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  return make_view(*this, std::move(sizes), std::move(strides), impl_->offset);
}

Tensor Tensor::permute(IntArrayRef dims) const {
  if (dims.size() != impl_->sizes.size()) {
    throw RuntimeError(
        cat("permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
            "desired "
            "ordering of dimensions i.e. input.dim() = ",
            dim(), " is not equal to len(dims) = ", dims.size()));
  }
  Dims sizes(dims.size());
  Dims strides(dims.size());
  std::vector<bool> seen(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    const auto d = static_cast<size_t>(wrap_dim(dims[i], dim()));
    if (seen[d]) throw RuntimeError("permute(): duplicate dims are not allowed.");
    seen[d] = true;
    sizes[i] = impl_->sizes[d];
    strides[i] = impl_->strides[d];
  }
  return make_view(*this, std::move(sizes), std::move(strides), impl_->offset);
}

Tensor Tensor::unsqueeze(int64_t dim) const {
  const int64_t d = wrap_dim(dim, this->dim() + 1);
  Dims sizes = impl_->sizes;
  Dims strides = impl_->strides;
  const auto at = static_cast<size_t>(d);
  int64_t stride = 1;
  if (at < sizes.size() && __builtin_mul_overflow(sizes[at], strides[at], &stride)) stride = 1;
  sizes.insert(sizes.begin() + d, 1);
  strides.insert(strides.begin() + d, stride);
  return make_view(*this, std::move(sizes), std::move(strides), impl_->offset);
}

Tensor Tensor::squeeze(int64_t dim) const {
  const int64_t d = wrap_dim(dim, this->dim());
  Dims sizes = impl_->sizes;
  Dims strides = impl_->strides;
  if (!sizes.empty() && sizes[static_cast<size_t>(d)] == 1) {
    sizes.erase(sizes.begin() + d);
    strides.erase(strides.begin() + d);
  }
  return make_view(*this, std::move(sizes), std::move(strides), impl_->offset);
}

}  // namespace calque
