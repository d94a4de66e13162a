#include "torchscript/expansions.h"

#include <deque>
#include <map>
#include <vector>

#include "base/text.h"

namespace calque::torchscript {

namespace {

struct Row {
  std::string_view overload;
  int64_t last_version;
  std::string_view old_schema;
  std::string_view body;
};

// Division of whole numbers truncated up to version 3; a floating operand made it true division.
// `full` ignored the kind of its fill value up to version 4. `steps` could be left out of linspace and
// logspace up to versions 7 and 8. gelu had no `approximate` up to version 9.
constexpr Row kRows[] = {
    {"aten::div.Tensor", 3, "aten::div.Tensor(Tensor self, Tensor other) -> Tensor",
     "torch.true_divide(self, other) if torch.is_floating_point(self) or torch.is_floating_point(other) "
     "else torch.div(self, other, rounding_mode=\"trunc\")"},
    {"aten::div.Scalar", 3, "aten::div.Scalar(Tensor self, Scalar other) -> Tensor",
     "torch.true_divide(self, other) if torch.is_floating_point(self) or isinstance(other, float) "
     "else torch.div(self, other, rounding_mode=\"trunc\")"},
    {"aten::div_.Tensor", 3, "aten::div_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)",
     "torch.true_divide_(self, other) if torch.is_floating_point(self) or torch.is_floating_point(other) "
     "else torch.div_(self, other, rounding_mode=\"trunc\")"},
    {"aten::div_.Scalar", 3, "aten::div_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)",
     "torch.true_divide_(self, other) if torch.is_floating_point(self) or isinstance(other, float) "
     "else torch.div_(self, other, rounding_mode=\"trunc\")"},
    {"aten::div.out", 3, "aten::div.out(Tensor self, Tensor other, *, Tensor(a!) out) -> Tensor(a!)",
     "torch.true_divide(self, other, out=out) if torch.is_floating_point(self) or "
     "torch.is_floating_point(other) "
     "or torch.is_floating_point(out) else torch.div(self, other, rounding_mode=\"trunc\", out=out)"},
    {"aten::full", 4,
     "aten::full(int[] size, Scalar fill_value, *, int? dtype=None, int? layout=None, Device? device=None, "
     "bool? pin_memory=None) -> Tensor",
     "torch.full(size, fill_value, dtype=6 if dtype is None else dtype, layout=layout, device=device, "
     "pin_memory=pin_memory)"},
    {"aten::linspace", 7,
     "aten::linspace(Scalar start, Scalar end, int? steps=None, *, int? dtype=None, int? layout=None, "
     "Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     "torch.linspace(start, end, 100 if steps is None else steps, dtype=dtype, layout=layout, device=device, "
     "pin_memory=pin_memory)"},
    {"aten::logspace", 8,
     "aten::logspace(Scalar start, Scalar end, int? steps=None, float base=10.0, *, int? dtype=None, int? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     "torch.logspace(start, end, 100 if steps is None else steps, base, dtype=dtype, layout=layout, "
     "device=device, "
     "pin_memory=pin_memory)"},
    {"aten::gelu", 9, "aten::gelu(Tensor self) -> Tensor", "torch.gelu(self, approximate=\"none\")"},
};

struct ScalarRow {
  std::string_view name;
  std::string_view body;
};

constexpr ScalarRow kScalarRows[] = {
    {"aten::add", "torch.add(b, a)"},
    {"aten::mul", "torch.mul(b, a)"},
    {"aten::sub", "torch.add(torch.neg(b), a)"},
    {"aten::div", "torch.mul(torch.reciprocal(b), a)"},
    {"aten::eq", "torch.eq(b, a)"},
    {"aten::ne", "torch.ne(b, a)"},
    {"aten::lt", "torch.gt(b, a)"},
    {"aten::gt", "torch.lt(b, a)"},
    {"aten::le", "torch.ge(b, a)"},
    {"aten::ge", "torch.le(b, a)"},
};

Expansion make_expansion(std::string_view name, std::string_view schema, std::string_view body,
                         int64_t last_version) {
  return {.schema = parse_schema(schema),
          .body = parse_expression(
              {.name = std::make_shared<const std::string>(name), .text = std::string(body)}),
          .last_version = last_version};
}

std::map<std::string, Expansion, std::less<>> make_upgraders() {
  std::map<std::string, Expansion, std::less<>> table;
  for (const Row& row : kRows) {
    table.emplace(row.overload, make_expansion(row.overload, row.old_schema, row.body, row.last_version));
  }
  return table;
}

struct WrittenTable {
  std::deque<Expansion> expansions;
  std::map<std::string, std::vector<const Expansion*>, std::less<>> by_name;

  WrittenTable() {
    for (const ScalarRow& row : kScalarRows) {
      for (const std::string_view kind : {"float", "int", "complex"}) {
        const std::string schema = cat(row.name, ".", kind, "_Tensor(", kind, " a, Tensor b) -> Tensor");
        expansions.push_back(make_expansion(row.name, schema, row.body, 0));
        by_name[std::string(row.name)].push_back(&expansions.back());
      }
    }
  }
};

}  // namespace

const Expansion* find_upgrader(std::string_view overload, int64_t version) {
  static const std::map<std::string, Expansion, std::less<>> table = make_upgraders();
  const auto it = table.find(overload);
  return it == table.end() || version > it->second.last_version ? nullptr : &it->second;
}

std::span<const Expansion* const> written_overloads(std::string_view name) {
  static const WrittenTable table;
  const auto it = table.by_name.find(name);
  if (it == table.by_name.end()) return {};
  return it->second;
}

}  // namespace calque::torchscript
