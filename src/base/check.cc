#include "base/check.h"

#include "base/text.h"
#include "calque/error.h"

namespace calque {

void check_failed(std::string_view message, const std::source_location& where) {
  throw InternalError(cat("internal error at ", where.file_name(), ":", where.line(), ": ", message,
                          ". This is a bug in calque; please report it."));
}

}  // namespace calque
