// Tensors in and out of NumPy arrays, DLPack and buffers.
#pragma once

#include <nanobind/nanobind.h>

#include "calque/tensor.h"

namespace calque::python {

/// NumPy arrays and scalars, torch tensors, and whatever else has DLPack or the buffer protocol.
bool is_array(nanobind::handle object);

/// A view of the array's memory, which it keeps alive. Copies what is read-only, as programs may write to
/// their inputs, what has negative strides, and what is not aligned. TypeError for other objects, devices and
/// element types.
Tensor tensor_from_array(nanobind::handle object);

/// The array's memory, which `tensor` (a Python Tensor) keeps alive; bfloat16 by the package ml_dtypes.
nanobind::object numpy_array(nanobind::handle tensor);

/// A DLPack capsule, for the keyword arguments of the array API's `__dlpack__`.
nanobind::object dlpack_capsule(nanobind::handle tensor, const nanobind::kwargs& kwargs);

/// Python's buffer protocol for the class Tensor.
const PyType_Slot* buffer_slots();

}  // namespace calque::python
