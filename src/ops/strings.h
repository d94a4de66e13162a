// What the operators of strings share.
#pragma once

#include <string>

#include "ops/operator.h"

namespace calque::ops {

inline const std::string& text(const OpCall& c, size_t i = 0) { return c[i].toStringRef(); }

/// ASCII's white space, as C's isspace sees it.
inline bool is_space(char ch) { return ch == ' ' || (ch >= '\t' && ch <= '\r'); }

}  // namespace calque::ops
