// A strict walk over JSON text that finds where it goes wrong.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace calque {

struct JsonScan {
  struct Mistake {
    size_t offset;
    std::string what;
  };
  std::optional<Mistake> mistake;
  /// Offsets just behind each integer that does not fit in int64.
  std::vector<size_t> long_integers;
};

/// Follows RFC 8259. Encoding, surrogates and depth are not looked at.
JsonScan scan_json(std::string_view text);

/// "line 3, column 17", both from 1, columns in bytes.
std::string json_position(std::string_view text, size_t offset);

}  // namespace calque
