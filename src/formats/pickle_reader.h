// A restricted reader of Python pickles: bytes to plain data, nothing looked up, called or built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "formats/pickle_value.h"

namespace calque {

struct PickleLimits {
  /// Levels of nesting, None, numbers and strings not counted.
  uint32_t max_depth = 1000;
  /// The reader uses at most the larger of `memory_floor` and `memory_factor` times the pickle's bytes.
  uint64_t memory_floor = uint64_t{256} << 20;
  uint64_t memory_factor = 32;
  /// A walk that enters shared values again each time meets at most the larger of `walk_floor` and
  /// `walk_factor` times the pickle's bytes.
  uint64_t walk_floor = 1'000'000;
  uint64_t walk_factor = 8;
};

/// The value of the first pickle in `bytes`; what follows its STOP is ignored, as in PyTorch.
///
/// Takes protocol 2 with the opcodes that torch.jit.save and torch.save write, and APPEND, SETITEM, LIST,
/// DICT, SHORT_BINSTRING. GLOBAL, REDUCE, NEWOBJ, BUILD and BINPERSID become nodes that say so; which names
/// are good is the caller's to judge. Strings are bytes, usually UTF-8, not checked.
///
/// Throws LoadError, with the byte offset and the opcode, for all else: other opcodes by name, an empty or
/// unbalanced stack, unknown memo numbers, lengths beyond the bytes, items set on what is no dict, odd item
/// counts, values that contain themselves, limits. `label` begins the message, for example
/// `"bert.pt": record "data.pkl"`.
PickleValue read_pickle(std::span<const std::byte> bytes, const std::string& label,
                        const PickleLimits& limits = {});

}  // namespace calque
