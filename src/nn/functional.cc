#include "nn/functional.h"

#include <string>

#include "base/check.h"
#include "base/text.h"
#include "nn/recorder.h"
#include "ops/operator.h"

namespace calque::nn {
namespace {

/// An overload by full name, looked up once per use in the program text.
class Overload {
 public:
  explicit Overload(const char* full_name) : op_(find_operator(full_name)), name_(full_name) {}
  const Operator& get() const {
    if (op_ == nullptr) throw NotImplementedError(cat("operator ", name_, " is not part of this build"));
    return *op_;
  }

 private:
  const Operator* op_;
  const char* name_;
};

/// Operators may hand back the very tensor they got (dropout that drops nothing). A recorder knows values by
/// identity, so such a result gets a handle of its own.
Tensor fresh_handle(const Tensor& result, const std::vector<Operand>& arguments) {
  for (const Operand& argument : arguments) {
    if (argument.value.tensor_impl() != result.impl().get()) continue;
    auto impl = make_ref<TensorImpl>();
    impl->storage = result.impl()->storage;
    impl->offset = result.impl()->offset;
    impl->sizes = result.impl()->sizes;
    impl->strides = result.impl()->strides;
    impl->dtype = result.impl()->dtype;
    return Tensor(std::move(impl));
  }
  return result;
}

Operand identified(const IValue& result, const std::vector<Operand>& arguments) {
  if (result.isTensor()) return fresh_handle(result.toTensor(), arguments);
  if (result.isTensorList()) return result.toTensorVector();
  return Computed{result, next_token()};
}

/// Runs `op` and reports it.
Operand run(const Overload& overload, const std::vector<Operand>& arguments) {
  const Operator& op = overload.get();
  std::vector<IValue> values;
  values.reserve(arguments.size());
  for (const Operand& argument : arguments) values.push_back(argument.value);
  std::vector<IValue> results = call_operator(op, std::move(values));
  check(results.size() == 1, "functional operators give one result");
  Recorder* recorder = active_recorder();
  if (recorder == nullptr) {
    if (results[0].isTensor()) return results[0].toTensor();
    if (results[0].isTensorList()) return results[0].toTensorVector();
    return Computed{results[0], 0};
  }
  Operand result = identified(results[0], arguments);
  recorder->record(op, arguments, {result});
  return result;
}

Tensor run_tensor(const Overload& overload, const std::vector<Operand>& arguments) {
  return run(overload, arguments).value.toTensor();
}

Computed run_computed(const Overload& overload, const std::vector<Operand>& arguments) {
  const Operand result = run(overload, arguments);
  return {result.value, result.token};
}

}  // namespace

Tensor named(std::string_view name, Tensor value) {
  if (Recorder* recorder = active_recorder()) recorder->name(value, name);
  return value;
}

Int named(std::string_view name, Int value) {
  if (Recorder* recorder = active_recorder()) recorder->name(value, name);
  return value;
}

bool to_bool(const Tensor& condition) {
  if (Recorder* recorder = active_recorder()) recorder->escaped(Escape::kBoolean);
  return condition.item().to_bool();
}

double to_double(const Tensor& number) {
  if (Recorder* recorder = active_recorder()) recorder->escaped(Escape::kFloat);
  return number.item().to_double();
}

Int size(const Tensor& self, int64_t dim) {
  Recorder* recorder = active_recorder();
  if (recorder == nullptr || recorder->static_shapes()) return self.size(dim);
  return true_size(self, dim);
}

Int true_size(const Tensor& self, int64_t dim) {
  static const Overload op("aten::size.int");
  const Operand result = run(op, {self, dim});
  return {result.value.toInt(), result.token};
}

Computed device(const Tensor& self) {
  static const Overload op("prim::device");
  return run_computed(op, {self});
}

Computed dtype(const Tensor& self) {
  static const Overload op("prim::dtype");
  return run_computed(op, {self});
}

Tensor view(const Tensor& self, const std::vector<Int>& sizes) {
  static const Overload op("aten::view");
  return run_tensor(op, {self, sizes});
}

Tensor reshape(const Tensor& self, const std::vector<Int>& sizes) {
  static const Overload op("aten::reshape");
  return run_tensor(op, {self, sizes});
}

Tensor expand(const Tensor& self, const std::vector<Int>& sizes) {
  static const Overload op("aten::expand");
  return run_tensor(op, {self, sizes});
}

Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1) {
  static const Overload op("aten::transpose.int");
  return run_tensor(op, {self, dim0, dim1});
}

Tensor permute(const Tensor& self, const std::vector<Int>& dims) {
  static const Overload op("aten::permute");
  return run_tensor(op, {self, dims});
}

Tensor contiguous(const Tensor& self) {
  static const Overload op("aten::contiguous");
  return run_tensor(op, {self});
}

Tensor unsqueeze(const Tensor& self, int64_t dim) {
  static const Overload op("aten::unsqueeze");
  return run_tensor(op, {self, dim});
}

Tensor squeeze(const Tensor& self, int64_t dim) {
  static const Overload op("aten::squeeze.dim");
  return run_tensor(op, {self, dim});
}

Tensor select(const Tensor& self, int64_t dim, Int index) {
  static const Overload op("aten::select.int");
  return run_tensor(op, {self, dim, index});
}

Tensor slice(const Tensor& self, int64_t dim, Int start, Int end, Int step) {
  static const Overload op("aten::slice.Tensor");
  return run_tensor(op, {self, dim, start, end, step});
}

std::vector<Tensor> split(const Tensor& self, int64_t split_size, int64_t dim) {
  static const Overload op("aten::split.Tensor");
  return run(op, {self, split_size, dim}).value.toTensorVector();
}

Tensor arange(Int end, const Computed& device) {
  static const Overload op("aten::arange");
  constexpr int64_t kStrided = 0;
  return run_tensor(op, {end, kLong, kStrided, device, false});
}

Tensor zeros_like(const Tensor& self) {
  static const Overload op("aten::zeros_like");
  return run_tensor(op, {self});
}

Tensor to(const Tensor& self, const Computed& dtype) {
  static const Overload op("aten::to.dtype");
  return run_tensor(op, {self, dtype});
}

Tensor to(const Tensor& self, ScalarType dtype) {
  static const Overload op("aten::to.dtype");
  return run_tensor(op, {self, dtype});
}

Tensor add(const Tensor& self, const Tensor& other) {
  static const Overload op("aten::add.Tensor");
  return run_tensor(op, {self, other});
}

Tensor add(const Tensor& self, double other) {
  static const Overload op("aten::add.Scalar");
  return run_tensor(op, {self, other});
}

Tensor add(const Tensor& self, int64_t other) {
  static const Overload op("aten::add.Scalar");
  return run_tensor(op, {self, other});
}

Tensor sub(const Tensor& self, const Tensor& other) {
  static const Overload op("aten::sub.Tensor");
  return run_tensor(op, {self, other});
}

Tensor rsub(const Tensor& self, double other) {
  static const Overload op("aten::rsub.Scalar");
  return run_tensor(op, {self, other});
}

Tensor mul(const Tensor& self, const Tensor& other) {
  static const Overload op("aten::mul.Tensor");
  return run_tensor(op, {self, other});
}

Tensor mul(const Tensor& self, double other) {
  static const Overload op("aten::mul.Scalar");
  return run_tensor(op, {self, other});
}

Tensor div(const Tensor& self, double other) {
  static const Overload op("aten::div.Scalar");
  return run_tensor(op, {self, other});
}

Tensor pow(const Tensor& self, double exponent) {
  static const Overload op("aten::pow.Tensor_Scalar");
  return run_tensor(op, {self, exponent});
}

Tensor tanh(const Tensor& self) {
  static const Overload op("aten::tanh");
  return run_tensor(op, {self});
}

Tensor erf(const Tensor& self) {
  static const Overload op("aten::erf");
  return run_tensor(op, {self});
}

Tensor relu(const Tensor& self) {
  static const Overload op("aten::relu");
  return run_tensor(op, {self});
}

Tensor sigmoid(const Tensor& self) {
  static const Overload op("aten::sigmoid");
  return run_tensor(op, {self});
}

Tensor silu(const Tensor& self) {
  static const Overload op("aten::silu");
  return run_tensor(op, {self});
}

Tensor mish(const Tensor& self) {
  static const Overload op("aten::mish");
  return run_tensor(op, {self});
}

Tensor square(const Tensor& self) {
  static const Overload op("aten::square");
  return run_tensor(op, {self});
}

Tensor relu6(const Tensor& self) {
  static const Overload op("aten::relu6");
  return run_tensor(op, {self});
}

Tensor leaky_relu(const Tensor& self, double negative_slope) {
  static const Overload op("aten::leaky_relu");
  return run_tensor(op, {self, negative_slope});
}

Tensor clamp(const Tensor& self, double min, double max) {
  static const Overload op("aten::clamp");
  return run_tensor(op, {self, min, max});
}

Tensor gelu(const Tensor& self, const char* approximate) {
  static const Overload op("aten::gelu");
  return run_tensor(op, {self, approximate});
}

Tensor masked_fill(const Tensor& self, const Tensor& mask, double value) {
  static const Overload op("aten::masked_fill.Scalar");
  return run_tensor(op, {self, mask, value});
}

Tensor linear(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias) {
  static const Overload op("aten::linear");
  return run_tensor(op, {input, weight, bias});
}

Tensor layer_norm(const Tensor& input, const std::vector<Int>& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  static const Overload op("aten::layer_norm");
  return run_tensor(op, {input, normalized_shape, weight, bias, eps});
}

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx) {
  static const Overload op("aten::embedding");
  return run_tensor(op, {weight, indices, padding_idx});
}

Tensor dropout(const Tensor& input, double p, bool train) {
  static const Overload op("aten::dropout");
  return run_tensor(op, {input, p, train});
}

Tensor softmax(const Tensor& self, int64_t dim) {
  static const Overload op("aten::softmax.int");
  return run_tensor(op, {self, dim});
}

Tensor matmul(const Tensor& self, const Tensor& other) {
  static const Overload op("aten::matmul");
  return run_tensor(op, {self, other});
}

Tensor einsum(const char* equation, const std::vector<Tensor>& operands) {
  static const Overload op("aten::einsum");
  return run_tensor(op, {equation, operands});
}

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const std::optional<Tensor>& attn_mask) {
  static const Overload op("aten::scaled_dot_product_attention");
  return run_tensor(op, {query, key, value, attn_mask});
}

}  // namespace calque::nn
