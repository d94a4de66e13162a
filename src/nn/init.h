// Initial values of parameters that no checkpoint gives.
#pragma once

#include <cstdint>

#include "nn/module.h"

namespace calque::nn {

struct InitOptions {
  double std = 0.02;  ///< of Init::Kind::kNormal, mean 0
  ScalarType dtype = kFloat;
  uint64_t seed = 0;
};

/// Fills the parameters below `module` that have no value yet. Same seed and module, same values; they do not
/// depend on which other parameters are filled.
void initialize(const Module& module, const InitOptions& options);

}  // namespace calque::nn
