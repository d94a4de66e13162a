#include "formats/pickle_reader.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/little_endian.h"
#include "formats/pickle_arena.h"
#include "formats/pickle_opcodes.h"

namespace calque {

namespace {

constexpr uint64_t kNodeCost = sizeof(PickleNode) + 64;
constexpr uint64_t kMemoCost = sizeof(PickleValue) + 64;
/// A value on the stack, where growth keeps room for twice as many, and once more in its container.
constexpr uint64_t kValueCost = 3 * sizeof(PickleValue);

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& label, const PickleLimits& limits)
      : bytes_(bytes), label_(label), limits_(limits) {
    const uint64_t scaled = checked_mul(bytes.size(), limits.memory_factor).value_or(UINT64_MAX);
    memory_left_ = std::max(limits.memory_floor, scaled);
  }

  PickleValue run() {
    if (next_op() != PickleOp::kProto)
      fail("a pickle of protocol 2 begins with PROTO. It is no such pickle.");
    protocol();
    while (next_op() != PickleOp::kStop) step();
    if (!marks_.empty()) fail("a MARK is left over.");
    if (stack_.size() != 1) fail(cat(stack_.size(), " values are left, where there should be one."));
    check_shape(stack_[0]);
    return stack_[0];
  }

 private:
  using Handler = void (Machine::*)();
  /// nullptr for an opcode that is not taken.
  static Handler handler_of(PickleOp op);

  [[noreturn]] void fail(std::string_view what) const {
    const std::string_view name = pickle_op_name(op_);
    throw LoadError(cat(label_, " is not a usable pickle: byte ", op_offset_, ", opcode ",
                        name.empty() ? cat(static_cast<unsigned>(op_)) : name, ": ", what));
  }

  PickleOp next_op() {
    op_offset_ = offset_;
    if (offset_ == bytes_.size()) {
      throw LoadError(cat(label_, " is not a usable pickle: it ends at byte ", offset_,
                          " without STOP; it is cut short."));
    }
    op_ = static_cast<PickleOp>(bytes_[offset_++]);
    return op_;
  }

  void step() {
    if (const Handler handler = handler_of(op_)) return (this->*handler)();
    if (pickle_op_name(op_).empty()) fail("there is no such opcode; the pickle is damaged.");
    fail(
        "it is not among those that PyTorch writes and reads. Save the file with PyTorch, pickle protocol "
        "2.");
  }

  void check_shape(const PickleValue& root) {
    const uint64_t scaled = checked_mul(bytes_.size(), limits_.walk_factor).value_or(UINT64_MAX);
    const uint64_t max_walk = std::max(limits_.walk_floor, scaled);
    switch (arena_.release(root, limits_.max_depth, max_walk)) {
      case PickleShape::kFine:
        return;
      case PickleShape::kContainsItself:
        fail("a value contains itself.");
      case PickleShape::kTooDeep:
        fail(cat("values are nested more than ", limits_.max_depth, " deep."));
      case PickleShape::kTooLong:
        fail(cat("shared values unfold to more than ", max_walk, " values."));
    }
  }

  // Bytes.

  std::span<const std::byte> take(uint64_t count) {
    if (!range_fits(offset_, count, bytes_.size())) {
      fail(cat("it needs ", count, " bytes, and ", bytes_.size() - offset_, " are left."));
    }
    const auto taken = bytes_.subspan(offset_, count);
    offset_ += count;
    return taken;
  }

  template <class T>
  T take_le() {
    return read_le<T>(take(sizeof(T)));
  }

  std::string_view take_line() {
    const std::string_view rest = as_text(bytes_.subspan(offset_));
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) fail("a name does not end before the pickle does.");
    offset_ += end + 1;
    return rest.substr(0, end);
  }

  // Memory, stack, marks.

  void charge(uint64_t cost) {
    if (cost > memory_left_) fail("the values need far more memory than the pickle has bytes.");
    memory_left_ -= cost;
  }

  std::shared_ptr<PickleNode> make(PickleKind kind, uint64_t text_size = 0) {
    charge(kNodeCost + text_size);
    return arena_.make(kind);
  }

  void push(PickleValue value) {
    charge(kValueCost);
    stack_.push_back(std::move(value));
  }

  void push_node(std::shared_ptr<PickleNode> node) { push(PickleValue(std::move(node))); }

  /// Values above the topmost mark.
  size_t available() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }

  void need(size_t count) const {
    if (available() < count)
      fail(cat("it needs ", count, " values on the stack, and there are ", available(), "."));
  }

  PickleValue pop() {
    need(1);
    PickleValue value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }

  PickleValue& top() {
    need(1);
    return stack_.back();
  }

  std::vector<PickleValue> pop_values(size_t count) {
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<PickleValue> values(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    return values;
  }

  /// The values above the topmost mark, and the mark, taken off.
  std::vector<PickleValue> pop_mark() {
    if (marks_.empty()) fail("there is no MARK on the stack.");
    std::vector<PickleValue> values = pop_values(available());
    marks_.pop_back();
    return values;
  }

  // One handler for each opcode.

  void protocol() {
    if (op_offset_ != 0) fail("PROTO stands in the middle.");
    const auto version = std::to_integer<unsigned>(take(1)[0]);
    if (version != 2) {
      fail(cat("pickle protocol ", version,
               " is not read, only 2, as in PyTorch. Save the file with protocol 2."));
    }
  }

  void mark() {
    charge(sizeof(size_t) * 2);
    marks_.push_back(stack_.size());
  }

  void none() { push(PickleValue()); }
  void new_true() { push(PickleValue(true)); }
  void new_false() { push(PickleValue(false)); }
  void bin_int() { push(PickleValue(int64_t{static_cast<int32_t>(take_le<uint32_t>())})); }
  void bin_int1() { push(PickleValue(int64_t{take_le<uint8_t>()})); }
  void bin_int2() { push(PickleValue(int64_t{take_le<uint16_t>()})); }

  void long1() {
    const size_t length = take_le<uint8_t>();
    if (length > 8) fail(cat("an integer of ", length, " bytes does not fit in 64 bits."));
    push(PickleValue(read_signed_le(take(length))));
  }

  void bin_float() {
    uint64_t bits = 0;
    for (const std::byte byte : take(8)) bits = (bits << 8) | std::to_integer<uint64_t>(byte);
    push(PickleValue(std::bit_cast<double>(bits)));
  }

  void push_string(uint64_t length) {
    const auto text = take(length);
    auto node = make(PickleKind::kString, length);
    node->text = as_text(text);
    push_node(std::move(node));
  }

  void bin_unicode() { push_string(take_le<uint32_t>()); }
  void short_bin_string() { push_string(take_le<uint8_t>()); }

  void push_tuple(std::vector<PickleValue> values, bool from_mark) {
    auto node = make(PickleKind::kTuple);
    node->links = std::move(values);
    node->from_mark = from_mark;
    push_node(std::move(node));
  }

  void short_tuple(size_t count) {
    need(count);
    push_tuple(pop_values(count), false);
  }

  void empty_tuple() { short_tuple(0); }
  void tuple1() { short_tuple(1); }
  void tuple2() { short_tuple(2); }
  void tuple3() { short_tuple(3); }
  void tuple() { push_tuple(pop_mark(), true); }
  void empty_list() { push_node(make(PickleKind::kList)); }
  void empty_dict() { push_node(make(PickleKind::kDict)); }

  void list() {
    auto values = pop_mark();
    empty_list();
    top().node()->links = std::move(values);
  }

  void dict() {
    auto values = pop_mark();
    empty_dict();
    set_items(std::move(values));
  }

  void append() {
    std::vector<PickleValue> values;
    values.push_back(pop());
    append_items(std::move(values));
  }

  void appends() { append_items(pop_mark()); }

  void append_items(std::vector<PickleValue> values) {
    if (!top().is(PickleKind::kList))
      fail(cat("items are appended to a ", pickle_kind_name(top().kind()), "."));
    top().node()->from_mark = true;
    auto& items = top().node()->links;
    items.insert(items.end(), std::make_move_iterator(values.begin()), std::make_move_iterator(values.end()));
  }

  void set_item() {
    need(2);
    set_items(pop_values(2));
  }

  void set_items_from_mark() { set_items(pop_mark()); }

  /// True for what `collections.OrderedDict()` gives, which torch.save fills by SETITEMS.
  static bool is_ordered_dict(const PickleValue& value) {
    return value.is(PickleKind::kReduce) && value.callable().module() == "collections" &&
           value.callable().name() == "OrderedDict" && value.argument().is(PickleKind::kTuple) &&
           value.argument().items().empty();
  }

  void set_items(std::vector<PickleValue> values) {
    const PickleValue& target = top();
    if (!target.is(PickleKind::kDict) && !is_ordered_dict(target)) {
      fail(cat("items are set on a ", pickle_kind_name(target.kind()), ", which is no dict."));
    }
    if (values.size() % 2 != 0)
      fail(cat(values.size(), " values are set on a dict, not pairs of key and value."));
    target.node()->from_mark = true;
    auto& pairs = target.node()->pairs;
    for (size_t i = 0; i < values.size(); i += 2) {
      pairs.emplace_back(std::move(values[i]), std::move(values[i + 1]));
    }
  }

  void global() {
    const std::string_view module = take_line();
    const std::string_view name = take_line();
    auto node = make(PickleKind::kGlobal, module.size() + name.size());
    node->text = module;
    node->name = name;
    push_node(std::move(node));
  }

  static bool is_plain(const PickleValue& value) {
    return value.is(PickleKind::kInt) || value.is(PickleKind::kDouble) || value.is(PickleKind::kString);
  }

  /// TorchScript writes a member of an enum as a call of the class with the bare value.
  void call(PickleKind kind) {
    need(2);
    const PickleValue& callable = stack_[stack_.size() - 2];
    if (!callable.is(PickleKind::kGlobal)) {
      fail(cat("a ", pickle_kind_name(callable.kind()), " stands where a global name should be called."));
    }
    if (!top().is(PickleKind::kTuple) && !(kind == PickleKind::kReduce && is_plain(top()))) {
      fail(cat("a ", pickle_kind_name(top().kind()), " stands where a tuple of arguments should be."));
    }
    auto node = make(kind);
    node->links = pop_values(2);
    push_node(std::move(node));
  }

  void reduce() { call(PickleKind::kReduce); }
  void new_object() { call(PickleKind::kObject); }

  void build() {
    need(2);
    PickleValue state = pop();
    if (!top().is(PickleKind::kObject) && !top().is(PickleKind::kReduce)) {
      fail(cat("a state is given to a ", pickle_kind_name(top().kind()), ", which is no object."));
    }
    if (top().state() != nullptr) fail("an object is given its state twice.");
    top().node()->links.push_back(std::move(state));
  }

  void persistent_id() {
    PickleValue id = pop();
    auto node = make(PickleKind::kPersistentId);
    node->links.push_back(std::move(id));
    push_node(std::move(node));
  }

  void put(uint32_t number) {
    charge(kMemoCost);
    if (top().identity() != nullptr) top().node()->memoized = true;
    memo_[number] = top();
  }

  void get(uint32_t number) {
    const auto found = memo_.find(number);
    if (found == memo_.end()) fail(cat("memo number ", number, " was never set."));
    push(found->second);
  }

  void bin_put() { put(take_le<uint8_t>()); }
  void long_bin_put() { put(take_le<uint32_t>()); }
  void bin_get() { get(take_le<uint8_t>()); }
  void long_bin_get() { get(take_le<uint32_t>()); }

  std::span<const std::byte> bytes_;
  const std::string& label_;
  const PickleLimits& limits_;
  uint64_t memory_left_ = 0;
  size_t offset_ = 0;
  size_t op_offset_ = 0;
  PickleOp op_ = PickleOp::kStop;
  PickleArena arena_;  // before what refers to its nodes
  std::vector<PickleValue> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, PickleValue> memo_;
};

Machine::Handler Machine::handler_of(PickleOp op) {
  switch (op) {
    case PickleOp::kBinGet:
      return &Machine::bin_get;
    case PickleOp::kLongBinGet:
      return &Machine::long_bin_get;
    case PickleOp::kBinUnicode:
      return &Machine::bin_unicode;
    case PickleOp::kBinInt1:
      return &Machine::bin_int1;
    case PickleOp::kBinPut:
      return &Machine::bin_put;
    case PickleOp::kLongBinPut:
      return &Machine::long_bin_put;
    case PickleOp::kMark:
      return &Machine::mark;
    case PickleOp::kTuple:
      return &Machine::tuple;
    case PickleOp::kReduce:
      return &Machine::reduce;
    case PickleOp::kBinInt2:
      return &Machine::bin_int2;
    case PickleOp::kBinInt:
      return &Machine::bin_int;
    case PickleOp::kNewTrue:
      return &Machine::new_true;
    case PickleOp::kNewFalse:
      return &Machine::new_false;
    case PickleOp::kNone:
      return &Machine::none;
    case PickleOp::kEmptyTuple:
      return &Machine::empty_tuple;
    case PickleOp::kGlobal:
      return &Machine::global;
    case PickleOp::kBinPersId:
      return &Machine::persistent_id;
    case PickleOp::kNewObj:
      return &Machine::new_object;
    case PickleOp::kEmptyDict:
      return &Machine::empty_dict;
    case PickleOp::kSetItems:
      return &Machine::set_items_from_mark;
    case PickleOp::kBuild:
      return &Machine::build;
    case PickleOp::kEmptyList:
      return &Machine::empty_list;
    case PickleOp::kAppends:
      return &Machine::appends;
    case PickleOp::kBinFloat:
      return &Machine::bin_float;
    case PickleOp::kTuple1:
      return &Machine::tuple1;
    case PickleOp::kTuple2:
      return &Machine::tuple2;
    case PickleOp::kTuple3:
      return &Machine::tuple3;
    case PickleOp::kLong1:
      return &Machine::long1;
    case PickleOp::kAppend:
      return &Machine::append;
    case PickleOp::kSetItem:
      return &Machine::set_item;
    case PickleOp::kList:
      return &Machine::list;
    case PickleOp::kDict:
      return &Machine::dict;
    case PickleOp::kShortBinString:
      return &Machine::short_bin_string;
    case PickleOp::kProto:
      return &Machine::protocol;
    default:
      return nullptr;
  }
}

}  // namespace

PickleValue read_pickle(std::span<const std::byte> bytes, const std::string& label,
                        const PickleLimits& limits) {
  return Machine(bytes, label, limits).run();
}

}  // namespace calque
