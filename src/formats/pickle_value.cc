#include "formats/pickle_value.h"

#include "base/check.h"
#include "base/text.h"

namespace calque {

std::string_view pickle_kind_name(PickleKind kind) {
  switch (kind) {
    case PickleKind::kNone:
      return "None";
    case PickleKind::kBool:
      return "bool";
    case PickleKind::kInt:
      return "int";
    case PickleKind::kDouble:
      return "float";
    case PickleKind::kString:
      return "str";
    case PickleKind::kTuple:
      return "tuple";
    case PickleKind::kList:
      return "list";
    case PickleKind::kDict:
      return "dict";
    case PickleKind::kGlobal:
      return "global name";
    case PickleKind::kReduce:
      return "call";
    case PickleKind::kObject:
      return "object";
    case PickleKind::kPersistentId:
      return "persistent id";
  }
  return "unknown";
}

PickleKind PickleValue::kind() const {
  switch (scalar_.index()) {
    case 0:
      return PickleKind::kNone;
    case 1:
      return PickleKind::kBool;
    case 2:
      return PickleKind::kInt;
    case 3:
      return PickleKind::kDouble;
    default:
      return node()->kind;
  }
}

namespace {

void expect(const PickleValue& value, PickleKind wanted) {
  check(value.is(wanted), "a pickle value of another kind was asked for");
}

void expect(const PickleValue& value, PickleKind one, PickleKind other) {
  check(value.is(one) || value.is(other), "a pickle value of another kind was asked for");
}

}  // namespace

bool PickleValue::boolean() const {
  expect(*this, PickleKind::kBool);
  return std::get<bool>(scalar_);
}

int64_t PickleValue::integer() const {
  expect(*this, PickleKind::kInt);
  return std::get<int64_t>(scalar_);
}

double PickleValue::real() const {
  expect(*this, PickleKind::kDouble);
  return std::get<double>(scalar_);
}

const std::string& PickleValue::string() const {
  expect(*this, PickleKind::kString);
  return node()->text;
}

const std::vector<PickleValue>& PickleValue::items() const {
  expect(*this, PickleKind::kTuple, PickleKind::kList);
  return node()->links;
}

const std::vector<std::pair<PickleValue, PickleValue>>& PickleValue::pairs() const {
  expect(*this, PickleKind::kDict, PickleKind::kReduce);
  return node()->pairs;
}

const std::string& PickleValue::module() const {
  expect(*this, PickleKind::kGlobal);
  return node()->text;
}

const std::string& PickleValue::name() const {
  expect(*this, PickleKind::kGlobal);
  return node()->name;
}

std::string PickleValue::qualified_name() const { return cat(module(), ".", name()); }

const PickleValue& PickleValue::callable() const {
  expect(*this, PickleKind::kReduce, PickleKind::kObject);
  return node()->links[0];
}

const PickleValue& PickleValue::argument() const {
  if (is(PickleKind::kPersistentId)) return node()->links[0];
  expect(*this, PickleKind::kReduce, PickleKind::kObject);
  return node()->links[1];
}

const PickleValue* PickleValue::state() const {
  expect(*this, PickleKind::kReduce, PickleKind::kObject);
  return node()->links.size() > 2 ? &node()->links[2] : nullptr;
}

const PickleNode* PickleValue::identity() const {
  const auto* held = std::get_if<std::shared_ptr<PickleNode>>(&scalar_);
  return held != nullptr ? held->get() : nullptr;
}

const std::shared_ptr<PickleNode>& PickleValue::node() const {
  check(identity() != nullptr, "a pickle value without a node");
  return std::get<std::shared_ptr<PickleNode>>(scalar_);
}

}  // namespace calque
