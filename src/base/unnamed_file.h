// Files that have no name until they are complete, so that nothing is left of one when the program is
// stopped.
#pragma once

#include <string>

namespace calque {

/// Descriptor of a new file in `folder`, without a name, for writing; -1 when the system or the file system
/// has none.
int open_unnamed_file(const std::string& folder);

/// Gives it the name `path`. False with errno set on failure, EEXIST when the name is taken.
bool name_file(int descriptor, const std::string& path);

}  // namespace calque
