#include "base/tiles.h"

namespace calque {

bool request_tiles() { return false; }

}  // namespace calque
