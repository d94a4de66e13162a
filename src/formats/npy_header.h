// The header of an .npy file: a Python dict of three literals.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace calque {

struct NpyHeader {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

/// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, keys in any order, each once.
/// Throws LoadError beginning with `label`.
NpyHeader parse_npy_header(std::string_view text, const std::string& label);

/// The text that NumPy writes, before padding.
std::string npy_header_text(const NpyHeader& header);

}  // namespace calque
