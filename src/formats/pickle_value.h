// What a pickle says, as plain data: nothing in it has been looked up, called or built.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace calque {

struct PickleNode;

enum class PickleKind : uint8_t {
  kNone,
  kBool,
  kInt,
  kDouble,
  kString,
  kTuple,
  kList,
  kDict,
  kGlobal,
  kReduce,
  kObject,
  kPersistentId,
};

/// "None", "bool", "int", "float", "str", "tuple", "list", "dict", "global", ... for messages.
std::string_view pickle_kind_name(PickleKind kind);

/// One value. Numbers are held inline; the rest is a shared node, so that copies are cheap and sharing inside
/// the pickle (a memo entry used twice) stays visible as one identity().
class PickleValue {
 public:
  PickleValue() = default;
  explicit PickleValue(bool value) : scalar_(value) {}
  explicit PickleValue(int64_t value) : scalar_(value) {}
  explicit PickleValue(double value) : scalar_(value) {}
  explicit PickleValue(std::shared_ptr<PickleNode> node) : scalar_(std::move(node)) {}

  PickleKind kind() const;
  bool is(PickleKind wanted) const { return kind() == wanted; }
  bool is_none() const { return std::holds_alternative<std::monostate>(scalar_); }

  /// The caller has checked kind(); asking for another kind is an internal error.
  bool boolean() const;
  int64_t integer() const;
  double real() const;
  const std::string& string() const;
  /// Elements of a tuple or list.
  const std::vector<PickleValue>& items() const;
  /// Pairs of a dict, in order, keys as often as they were set; also those that were set on a kReduce
  /// (an OrderedDict is one).
  const std::vector<std::pair<PickleValue, PickleValue>>& pairs() const;
  /// Of a kGlobal.
  const std::string& module() const;
  const std::string& name() const;
  /// "module.name" of a kGlobal.
  std::string qualified_name() const;
  /// kReduce: the callable, a kGlobal. kObject: the class, a kGlobal.
  const PickleValue& callable() const;
  /// kReduce, kObject: the arguments, a kTuple; of a kReduce also a bare int, float or str. kPersistentId:
  /// the id.
  const PickleValue& argument() const;
  /// What BUILD handed to a kObject or kReduce; nullptr when there was no BUILD.
  const PickleValue* state() const;

  /// The same for two values exactly when they are one shared node; nullptr for None, bool, int, float.
  const PickleNode* identity() const;
  const std::shared_ptr<PickleNode>& node() const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::shared_ptr<PickleNode>> scalar_;
};

/// The node behind a value that is not a number. Only the reader and builders of values need it.
struct PickleNode {
  PickleKind kind = PickleKind::kTuple;
  bool memoized = false;  ///< The pickle gave it a memo number.
  /// A tuple written as MARK ... TUPLE where TUPLE1 would do; a list or dict to which items were added, be it
  /// none (MARK APPENDS, MARK SETITEMS).
  bool from_mark = false;
  uint32_t number = 0;  ///< Dense within one pickle, in order of creation: an index for side tables.
  std::string text;     ///< String: the text. Global: the module.
  std::string name;     ///< Global: the name.
  /// Tuple, list: elements. Reduce, object: callable, argument and, after BUILD, state. Persistent id: the
  /// id.
  std::vector<PickleValue> links;
  std::vector<std::pair<PickleValue, PickleValue>> pairs;
};

}  // namespace calque
