// Bounded recursion over untrusted text, and limits that say where they were met.
#pragma once

#include <string>

#include "calque/error.h"
#include "torchscript/lexer.h"

namespace calque::torchscript {

/// The message for nesting beyond LoadOptions::max_depth.
std::string too_deep(int max_depth);

/// Counts one level while it lives; throws LoadError beyond `max_depth`.
class DepthGuard {
 public:
  DepthGuard(int& depth, int max_depth, const Source& source, Position where) : depth_(depth) {
    if (depth_ >= max_depth) fail_at(source, where, too_deep(max_depth));
    ++depth_;
  }
  ~DepthGuard() { --depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  int& depth_;
};

/// A LimitError whose text begins with a place of a source.
class LocatedLimitError final : public LimitError {
 public:
  using LimitError::LimitError;
};

/// Calls `work`; a LimitError from it that says no place yet gets this one.
template <class Work>
void with_place(const Source& source, Position where, const Work& work) {
  try {
    work();
  } catch (const LocatedLimitError&) {
    throw;
  } catch (const LimitError& error) {
    throw LocatedLimitError(located(source, where, error.msg()));
  }
}

}  // namespace calque::torchscript
