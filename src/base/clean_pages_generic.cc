#include "base/file.h"

namespace calque {

void drop_clean_pages(const void*, size_t) noexcept {}
void bring_pages(const void*, size_t) noexcept {}

}  // namespace calque
