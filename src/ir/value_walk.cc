#include "ir/value_walk.h"

#include "base/text.h"
#include "calque/error.h"

namespace calque {

namespace {

thread_local int t_level = 0;
thread_local int t_containers = 0;

}  // namespace

ValueWalk::ValueWalk() {
  if (t_level == 0) t_containers = 0;
  if (t_level >= kMostLevels) {
    throw LimitError(cat("a value is nested more than ", kMostLevels,
                         " levels deep, or contains itself; such values are "
                         "not printed, compared or copied"));
  }
  if (++t_containers > kMostContainers) {
    throw LimitError(cat("a value unfolds to more than ", kMostContainers,
                         " lists, tuples and dicts; such values are not printed, compared or copied"));
  }
  ++t_level;
}

ValueWalk::~ValueWalk() { --t_level; }

}  // namespace calque
