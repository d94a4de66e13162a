#include "torchscript/structural_schema.h"

#include <map>
#include <string>
#include <vector>

namespace calque::torchscript {

namespace {

constexpr std::string_view kSchemas[] = {
    "prim::RaiseException(str msg, str? cls=None) -> ()",
    "prim::Print(...) -> ()",
    "aten::wait(Future(t) self) -> t",
    "aten::warn(str message, int stacklevel=2) -> ()",
    "prim::awaitable_wait(Await(t) self) -> t",
    "prim::unchecked_unwrap_optional(t(a)? optional) -> t(a)",
    "aten::_unwrap_optional(t(a)? optional) -> t(a)",
};

struct Table {
  std::vector<FunctionSchema> schemas;
  std::map<std::string, std::vector<const FunctionSchema*>, std::less<>> by_name;

  Table() {
    for (const std::string_view text : kSchemas) schemas.push_back(parse_schema(text));
    for (const FunctionSchema& schema : schemas) by_name[schema.name].push_back(&schema);
  }
};

}  // namespace

std::span<const FunctionSchema* const> structural_schemas(std::string_view name) {
  static const Table table;
  const auto it = table.by_name.find(name);
  if (it == table.by_name.end()) return {};
  return it->second;
}

}  // namespace calque::torchscript
