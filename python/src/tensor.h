// The Python class Tensor.
#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <vector>

#include "calque/tensor.h"

namespace calque::python {

using TensorClass = nanobind::class_<Tensor>;

/// Adds dtype, device, Tensor and the functions that make tensors to the module.
void bind_tensor(nanobind::module_& module);

/// The operators and reductions of the class, which NumPy computes.
void bind_operators(TensorClass& tensor_class);

/// torch.tensor: a copy of a number, nested sequences of equal lengths, an array or a tensor. Whole numbers
/// give int64, others float32, booleans bool, arrays their own dtype. ValueError with PyTorch's text for
/// ragged lists.
Tensor make_tensor(nanobind::handle data, std::optional<ScalarType> dtype);

/// A Python int. RuntimeError, as PyTorch's, when it does not fit.
int64_t whole_number(nanobind::handle object);

/// A Python number, or nested lists of numbers.
nanobind::object to_list(const Tensor& tensor);

/// The value of a one-element tensor.
nanobind::object item(const Tensor& tensor);

/// `tensor[index]` and `tensor[index] = value`: integers, slices, None, `...` and tuples of these give views;
/// lists, arrays and tensors as an index select and copy.
nanobind::object get_item(nanobind::handle tensor, nanobind::handle index);
void set_item(nanobind::handle tensor, nanobind::handle index, nanobind::handle value);

/// The module calque._operators: what is written in Python.
nanobind::object python_operator(const char* name);

/// The dtype among the arguments of `.to(…)`: calque's or torch's own; nullopt when there is none. Devices
/// and tensors' names for memory are accepted and change nothing. TypeError for other objects, and for texts
/// that name no device.
std::optional<ScalarType> dtype_among(const nanobind::args& args, const nanobind::kwargs& kwargs);

/// Sizes given as `f(2, 3)` or `f((2, 3))`.
Dims dims_of(const nanobind::args& args);

}  // namespace calque::python
