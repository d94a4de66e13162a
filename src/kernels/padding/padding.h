// Rows without padding and back.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// Row i of `packed` belongs to row index[i] of `padded`; both have contiguous rows of row_bytes, of any
/// dtype. The index has `count` entries, rises strictly and stays below `padded_rows`: nothing is checked.
/// The two overlap not.
struct PackRowsArgs {
  int64_t row_bytes = 0;
  const int64_t* index = nullptr;
  int64_t count = 0;
  int64_t padded_rows = 0;
};

/// packed[i] = padded[index[i]].
void pack_rows(const PackRowsArgs& args, const void* padded, void* packed);

/// padded[index[i]] = packed[i], and zero bytes in all other rows.
void unpack_rows(const PackRowsArgs& args, const void* packed, void* padded);

}  // namespace calque::kernels
