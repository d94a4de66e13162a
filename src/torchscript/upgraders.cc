#include "torchscript/upgraders.h"

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

std::map<std::string, Upgrader, std::less<>> make_table() {
  std::map<std::string, Upgrader, std::less<>> table;
  for (const Row& row : kRows) {
    table.emplace(
        row.overload,
        Upgrader{.overload = std::string(row.overload),
                 .last_version = row.last_version,
                 .old_schema = parse_schema(row.old_schema),
                 .body = parse_expression({.name = std::make_shared<const std::string>(row.overload),
                                           .text = std::string(row.body)})});
  }
  return table;
}

}  // namespace

const Upgrader* find_upgrader(std::string_view overload, int64_t version) {
  static const std::map<std::string, Upgrader, std::less<>> table = make_table();
  const auto it = table.find(overload);
  return it == table.end() || version > it->second.last_version ? nullptr : &it->second;
}

}  // namespace calque::torchscript
