// NumPy arrays: .npy files and .npz archives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace calque {

/// Bytes of one element of a dtype in NumPy's notation ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4",
/// "<i8",
/// "<u8", "<f2", "<f4", "<f8"); 0 for all others, which are not read or written.
uint32_t npy_item_size(std::string_view descr);

struct NpyArray {
  std::string name;   ///< In an .npz: the record's name without ".npy".
  std::string descr;  ///< See npy_item_size.
  std::vector<int64_t> shape;
  std::vector<std::byte> data;  ///< Row-major, little-endian.
};

/// Reads an .npy file, versions 1 to 3; column-major data are reordered. Throws LoadError, among others for
/// arrays of Python objects (they are pickles), structured and big-endian dtypes. `label` names the file.
NpyArray read_npy(std::span<const std::byte> file, const std::string& label);

/// Reads all arrays of an .npz archive (numpy.savez, numpy.savez_compressed), in the archive's order.
std::vector<NpyArray> read_npz(std::span<const std::byte> file, const std::string& label);

/// Writes the bytes that numpy.save gives. Throws ValueError when data, shape and descr do not agree.
void write_npy(ByteSink& sink, const NpyArray& array);

/// Writes an archive for numpy.load: stored records, data at multiples of 64 bytes.
void write_npz(ByteSink& sink, std::span<const NpyArray> arrays);

}  // namespace calque
