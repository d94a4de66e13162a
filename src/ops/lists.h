// What the operators of lists share.
#pragma once

#include <utility>
#include <vector>

#include "base/text.h"
#include "ops/operator.h"

namespace calque::ops {

using Items = std::vector<IValue>;

/// Elements of the list that is argument i. Throws TypeError if it is no list.
inline Items& items(const OpCall& c, size_t i) {
  if (!c[i].isList()) throw TypeError(cat("Expected a list, but found ", c[i].type_name()));
  return c[i].list_impl()->items;
}

/// A list of these values, with the element type of argument i, which is a list.
inline IValue list_like(const OpCall& c, size_t i, Items values) {
  auto out = make_ref<ListImpl>();
  out->element_type = c[i].list_impl()->element_type;
  out->items = std::move(values);
  return IValue(std::move(out));
}

}  // namespace calque::ops
