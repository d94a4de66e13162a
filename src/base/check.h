// check(): a broken invariant of ours. Never used for input.
#pragma once

#include <source_location>
#include <string_view>

namespace calque {

[[noreturn]] void check_failed(std::string_view message, const std::source_location& where);

/// Throws InternalError when `ok` is false. For invariants of the library, not for input.
inline void check(bool ok, std::string_view message,
                  const std::source_location& where = std::source_location::current()) {
  if (!ok) [[unlikely]]
    check_failed(message, where);
}

}  // namespace calque
