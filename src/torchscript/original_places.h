// Where a source came from: `.debug_pkl` records map the code of an archive to places in Python files, and a
// source that was put together says which lines it took from where.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calque/compilation_unit.h"
#include "formats/pickle_value.h"

namespace calque::torchscript {

/// Original places of one source record. Best effort: a record of another form gives no places.
class OriginalPlaces {
 public:
  /// `pickle` is the content of `code/x.py.debug_pkl`, `text` that of `code/x.py`. nullptr when nothing can
  /// be told.
  static std::shared_ptr<const OriginalPlaces> read(const PickleValue& pickle, std::string_view text);

  /// Places of a text that was put together. ValueError when the parts are not in order.
  static std::shared_ptr<const OriginalPlaces> of_parts(std::span<const jit::SourcePart> parts,
                                                        std::string_view text);

  struct Place {
    std::shared_ptr<const std::string> file;
    int line = 0;
    std::optional<int> cut{};  ///< columns that the file has left of the text; nullopt when unknown
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
