#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/unnamed_file.h"

namespace calque {

int open_unnamed_file(const std::string& folder) {
  // It is named by way of /proc, which a sandbox may lack.
  if (::access("/proc/self/fd", X_OK) != 0) return -1;
  return ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
}

bool name_file(int descriptor, const std::string& path) {
  const std::string self = cat("/proc/self/fd/", int64_t{descriptor});
  return ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

}  // namespace calque
