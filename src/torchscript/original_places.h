// Where the code of an archive came from: `.debug_pkl` records map its text to places in Python files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/pickle_value.h"

namespace calque::torchscript {

/// Original places of one source record. Best effort: a record of another form gives no places.
class OriginalPlaces {
 public:
  /// `pickle` is the content of `code/x.py.debug_pkl`, `text` that of `code/x.py`. nullptr when nothing can
  /// be told.
  static std::shared_ptr<const OriginalPlaces> read(const PickleValue& pickle, std::string_view text);

  struct Place {
    std::shared_ptr<const std::string> file;
    int line = 0;
  };
  /// The Python place of a line and column (both from 1) of the record; nullopt when unknown.
  std::optional<Place> find(uint32_t line, uint32_t column) const;

 private:
  struct Entry {
    uint64_t offset;
    Place place;
  };

  std::vector<uint64_t> line_starts_;
  std::vector<Entry> entries_;  ///< by offset; each holds up to the next
};

}  // namespace calque::torchscript
