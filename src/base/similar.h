// Which of the known names somebody meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace calque {

/// The names, those that take the fewest changes of characters to become `to` first, equal ones in their
/// order. Of long texts the first 100 bytes are compared.
std::vector<std::string> most_similar_first(std::string_view to, std::vector<std::string> names);

/// The first `limit` names as an error lists them: `a, b, … (3 more)`.
std::string listed(const std::vector<std::string>& names, size_t limit);

}  // namespace calque
