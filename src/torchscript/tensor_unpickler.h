// Tensors of a pickle: storages, views, and every check that keeps them inside their records.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "calque/tensor.h"
#include "formats/pickle_value.h"
#include "torchscript/unpickler.h"

namespace calque::torchscript {

/// The way from the root to the value that is being built, for messages.
struct UnpicklePath {
  const UnpicklePath* parent = nullptr;
  std::string_view step{};

  std::string str() const;
  /// LoadError with the way.
  [[noreturn]] void fail(const UnpickleContext& context, std::string_view message) const;
  /// NotImplementedError with the way.
  [[noreturn]] void not_supported(const UnpickleContext& context, std::string_view message) const;
  /// LoadError for a name that the pickle wants called.
  [[noreturn]] void refuse_name(const UnpickleContext& context, const std::string& name) const;
};

class TensorUnpickler {
 public:
  explicit TensorUnpickler(const UnpickleContext& context) : context_(context) {}

  /// The tensor that `_rebuild_tensor_v2` makes of these arguments.
  Tensor read(const std::vector<PickleValue>& arguments, const UnpicklePath& path);
  /// The same of `_rebuild_qtensor`.
  Tensor read_quantized(const std::vector<PickleValue>& arguments, const UnpicklePath& path);

 private:
  struct TypedStorage {
    Ref<Storage> storage{};
    ScalarType dtype = ScalarType::Float;
    int64_t numel = 0;
  };

  static bool begins_with_view(const std::vector<PickleValue>& arguments);
  /// Of the storage, the offset, the sizes and the strides, with which all arguments begin.
  Tensor view(const std::vector<PickleValue>& arguments, const UnpicklePath& path);
  Ref<Quantization> one_scale(const std::vector<PickleValue>& items, const UnpicklePath& path) const;
  Ref<Quantization> scale_per_channel(const std::vector<PickleValue>& items, const Tensor& tensor,
                                      const UnpicklePath& path);
  void refuse_lazy_bits(const PickleValue& bits, const UnpicklePath& path) const;
  Dims dims(const PickleValue& tuple, const UnpicklePath& path) const;
  void check_view(int64_t numel, int64_t offset, const Dims& sizes, const Dims& strides,
                  const UnpicklePath& path) const;
  TypedStorage read_storage(const PickleValue& id, const UnpicklePath& path);
  ScalarType storage_dtype(const PickleValue& global, const UnpicklePath& path) const;
  void note_device(const std::string& name, const UnpicklePath& path);

  const UnpickleContext& context_;
  std::unordered_map<const PickleNode*, TypedStorage> storages_;
};

}  // namespace calque::torchscript
