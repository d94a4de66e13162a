// Bounded recursion over untrusted text.
#pragma once

#include <string>

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

}  // namespace calque::torchscript
