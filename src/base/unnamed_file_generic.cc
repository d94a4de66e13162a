#include <cerrno>

#include "base/unnamed_file.h"

namespace calque {

int open_unnamed_file(const std::string&) { return -1; }

bool name_file(int, const std::string&) {
  errno = ENOTSUP;
  return false;
}

}  // namespace calque
