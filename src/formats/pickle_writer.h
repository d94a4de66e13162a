// Writes pickles with the opcodes and memo numbers that torch.jit.save gives.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "formats/pickle_opcodes.h"
#include "formats/pickle_value.h"

namespace calque {

/// Emits one pickle, protocol 2, opcode by opcode. Strings and global names are memoized by content: the
/// first time they get the next memo number (BINPUT), later they are one BINGET, as in PyTorch. For
/// everything else the caller decides with put() and get(). Keeping the stack in order is the caller's part.
///
/// A module is `global(...); empty_tuple(); new_object(); empty_dict(); mark(); (string, value)...;
/// set_items(); build(); put();`.
class PickleWriter {
 public:
  PickleWriter();

  void none() { op(PickleOp::kNone); }
  void boolean(bool value) { op(value ? PickleOp::kNewTrue : PickleOp::kNewFalse); }
  /// BININT1, BININT2, BININT or LONG1 with 8 bytes: the first that holds the value.
  void integer(int64_t value);
  void real(double value);
  /// Throws ValueError for 4 GiB and more.
  void string(std::string_view text);
  void global(std::string_view module, std::string_view name);

  void mark() { op(PickleOp::kMark); }
  void empty_tuple() { op(PickleOp::kEmptyTuple); }
  /// A tuple of the values since the mark.
  void tuple() { op(PickleOp::kTuple); }
  /// A tuple of the last `count` values, 1 to 3.
  void short_tuple(size_t count);
  void empty_list() { op(PickleOp::kEmptyList); }
  void appends() { op(PickleOp::kAppends); }
  void empty_dict() { op(PickleOp::kEmptyDict); }
  void set_items() { op(PickleOp::kSetItems); }
  void reduce() { op(PickleOp::kReduce); }
  void new_object() { op(PickleOp::kNewObj); }
  void build() { op(PickleOp::kBuild); }
  void persistent_id() { op(PickleOp::kBinPersId); }

  /// Gives the value on top the next memo number.
  uint32_t put();
  void get(uint32_t number);

  /// The whole pickle. The writer is spent.
  std::string finish();

 private:
  friend class PickleValueWriter;
  void op(PickleOp code) { out_ += static_cast<char>(code); }
  void plain_string(std::string_view text);
  void plain_global(std::string_view module, std::string_view name);

  std::string out_;
  uint32_t next_number_ = 0;
  std::map<std::string, uint32_t, std::less<>> strings_;
  std::map<std::pair<std::string, std::string>, uint32_t> globals_;
};

/// The pickle of a value. Nodes that are memoized, or met more than once, get memo numbers in the order in
/// which they are finished; so a value read from a pickle of torch.jit.save gives the same bytes again.
std::string write_pickle(const PickleValue& value);

}  // namespace calque
