#include "formats/pickle_writer.h"

#include <bit>
#include <limits>
#include <unordered_map>

#include "base/check.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/little_endian.h"

namespace calque {

PickleWriter::PickleWriter() {
  op(PickleOp::kProto);
  out_ += '\x02';
}

void PickleWriter::integer(int64_t value) {
  if (value >= 0 && value <= std::numeric_limits<uint8_t>::max()) {
    op(PickleOp::kBinInt1);
    append_le(out_, static_cast<uint8_t>(value));
  } else if (value >= 0 && value <= std::numeric_limits<uint16_t>::max()) {
    op(PickleOp::kBinInt2);
    append_le(out_, static_cast<uint16_t>(value));
  } else if (value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max()) {
    op(PickleOp::kBinInt);
    append_le(out_, static_cast<uint32_t>(value));
  } else {
    op(PickleOp::kLong1);
    append_le(out_, uint8_t{8});
    append_le(out_, static_cast<uint64_t>(value));
  }
}

void PickleWriter::real(double value) {
  op(PickleOp::kBinFloat);
  const auto bits = std::bit_cast<uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) out_ += static_cast<char>((bits >> shift) & 0xff);
}

void PickleWriter::string(std::string_view text) {
  if (const auto known = strings_.find(text); known != strings_.end()) return get(known->second);
  plain_string(text);
  strings_.emplace(text, put());
}

void PickleWriter::plain_string(std::string_view text) {
  if (text.size() > std::numeric_limits<uint32_t>::max()) {
    throw ValueError(cat("a string of ", text.size(), " bytes is too long for a pickle"));
  }
  op(PickleOp::kBinUnicode);
  append_le(out_, static_cast<uint32_t>(text.size()));
  out_ += text;
}

void PickleWriter::global(std::string_view module, std::string_view name) {
  const std::pair<std::string, std::string> key(module, name);
  if (const auto known = globals_.find(key); known != globals_.end()) return get(known->second);
  plain_global(module, name);
  globals_.emplace(key, put());
}

void PickleWriter::plain_global(std::string_view module, std::string_view name) {
  check(module.find('\n') == std::string_view::npos && name.find('\n') == std::string_view::npos,
        "a line break in a global name");
  op(PickleOp::kGlobal);
  out_ += module;
  out_ += '\n';
  out_ += name;
  out_ += '\n';
}

void PickleWriter::short_tuple(size_t count) {
  check(count >= 1 && count <= 3, "a short tuple has 1 to 3 values");
  op(count == 1 ? PickleOp::kTuple1 : count == 2 ? PickleOp::kTuple2 : PickleOp::kTuple3);
}

uint32_t PickleWriter::put() {
  const uint32_t number = next_number_++;
  if (number <= std::numeric_limits<uint8_t>::max()) {
    op(PickleOp::kBinPut);
    append_le(out_, static_cast<uint8_t>(number));
  } else {
    op(PickleOp::kLongBinPut);
    append_le(out_, number);
  }
  return number;
}

void PickleWriter::get(uint32_t number) {
  check(number < next_number_, "a memo number that was not given");
  if (number <= std::numeric_limits<uint8_t>::max()) {
    op(PickleOp::kBinGet);
    append_le(out_, static_cast<uint8_t>(number));
  } else {
    op(PickleOp::kLongBinGet);
    append_le(out_, number);
  }
}

std::string PickleWriter::finish() {
  op(PickleOp::kStop);
  return std::move(out_);
}

/// Walks a value twice: once to see which nodes are shared, once to write.
class PickleValueWriter {
 public:
  std::string write(const PickleValue& value) {
    count(value);
    emit(value);
    return out_.finish();
  }

 private:
  struct Use {
    bool shared = false;
    bool written = false;
    uint32_t number = 0;
  };

  void count(const PickleValue& value) {
    const PickleNode* node = value.identity();
    if (node == nullptr) return;
    const auto [use, first] = uses_.try_emplace(node);
    if (!first) {
      use->second.shared = true;
      return;
    }
    use->second.shared = node->memoized;
    for (const PickleValue& link : node->links) count(link);
    for (const auto& [key, mapped] : node->pairs) {
      count(key);
      count(mapped);
    }
  }

  void emit(const PickleValue& value) {
    const PickleNode* node = value.identity();
    if (node == nullptr) return emit_scalar(value);
    Use& use = uses_.at(node);
    if (use.written) return out_.get(use.number);
    emit_node(*node);
    if (!use.shared) return;
    use.written = true;
    use.number = out_.put();
  }

  void emit_scalar(const PickleValue& value) {
    switch (value.kind()) {
      case PickleKind::kBool:
        return out_.boolean(value.boolean());
      case PickleKind::kInt:
        return out_.integer(value.integer());
      case PickleKind::kDouble:
        return out_.real(value.real());
      default:
        return out_.none();
    }
  }

  void emit_node(const PickleNode& node) {
    switch (node.kind) {
      case PickleKind::kString:
        return out_.plain_string(node.text);
      case PickleKind::kGlobal:
        return out_.plain_global(node.text, node.name);
      case PickleKind::kTuple:
        return emit_tuple(node);
      case PickleKind::kList:
        return emit_list(node);
      case PickleKind::kDict:
        out_.empty_dict();
        return emit_items(node);
      case PickleKind::kReduce:
      case PickleKind::kObject:
        return emit_call(node);
      case PickleKind::kPersistentId:
        emit(node.links[0]);
        return out_.persistent_id();
      default:
        return check(false, "a number with a node");
    }
  }

  void emit_tuple(const PickleNode& node) {
    if (node.links.empty() && !node.from_mark) return out_.empty_tuple();
    const bool from_mark = node.from_mark || node.links.size() > 3;
    if (from_mark) out_.mark();
    for (const PickleValue& link : node.links) emit(link);
    from_mark ? out_.tuple() : out_.short_tuple(node.links.size());
  }

  void emit_list(const PickleNode& node) {
    out_.empty_list();
    if (node.links.empty() && !node.from_mark) return;
    out_.mark();
    for (const PickleValue& link : node.links) emit(link);
    out_.appends();
  }

  void emit_items(const PickleNode& node) {
    if (node.pairs.empty() && !node.from_mark) return;
    out_.mark();
    for (const auto& [key, mapped] : node.pairs) {
      emit(key);
      emit(mapped);
    }
    out_.set_items();
  }

  void emit_call(const PickleNode& node) {
    emit(node.links[0]);
    emit(node.links[1]);
    node.kind == PickleKind::kReduce ? out_.reduce() : out_.new_object();
    emit_items(node);
    if (node.links.size() <= 2) return;
    emit(node.links[2]);
    out_.build();
  }

  PickleWriter out_;
  std::unordered_map<const PickleNode*, Use> uses_;
};

std::string write_pickle(const PickleValue& value) { return PickleValueWriter().write(value); }

}  // namespace calque
