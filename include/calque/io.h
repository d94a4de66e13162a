// Tensors in files (.npz, .npy, .safetensors, JSON), and what lies inside an archive.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calque/tensor.h"

namespace calque::io {

/// Names with tensors, in the order of the file.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Reads a file of tensors. The ending says which kind: `.npz`, `.npy` (one tensor, named after the file),
/// `.safetensors` or `.json` (see tensors_from_json). Throws LoadError for content that
/// is not valid, ValueError for another ending.
NamedTensors read_tensors(const std::string& path);

/// Writes a file of tensors, by the same endings (.npy takes exactly one). NumPy has no bfloat16: .npz and
/// .npy refuse it with ValueError. The file is complete or absent, never half written.
void write_tensors(const std::string& path, const NamedTensors& tensors);

/// Reads an object whose values are nested lists of numbers or booleans of equal lengths: `{"input_ids":
/// [[101, 102]]}`. Whole numbers give int64, others float32, booleans bool; a bare number is a 0-dim tensor
/// (int64 or float64); a text is a uint8 tensor of its UTF-8 bytes. `{"dtype": "float16", "data": [[1, 2]]}`
/// in place of a list chooses the dtype;
/// `"shape": [2, 0]` beside it takes `data` as a flat list. `origin` stands in errors. Throws LoadError.
NamedTensors tensors_from_json(std::string_view text, const std::string& origin);

/// The inverse: every value as `{"dtype", "shape", "data"}` with `data` nested. Infinities and NaN become the
/// texts "inf", "-inf", "nan", which tensors_from_json reads.
std::string tensors_to_json(const NamedTensors& tensors);

/// One record of a TorchScript archive.
struct Record {
  std::string name;          ///< without the root folder: `data/0`, `code/__torch__/m.py`, `extra/notes.txt`
  uint64_t size = 0;         ///< bytes of content
  uint64_t stored_size = 0;  ///< bytes in the file
};

/// The records of an archive in the order of its directory. Throws LoadError when it is no such file.
std::vector<Record> list_records(const std::string& path);

/// The content of one record. Throws LoadError when it is absent or damaged.
std::string read_record(const std::string& path, const std::string& name);

}  // namespace calque::io
