// Sequences of different lengths through a module.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>

#include "calque/sequences.h"

namespace calque::python {

/// jit::run_sequences on lists, or whatever has tolist(); a list of results.
nanobind::list run_sequences(const jit::Module& module, nanobind::handle input_ids,
                             nanobind::handle token_type_ids, jit::SequenceOptions options,
                             const std::optional<jit::RunOptions>& run);

}  // namespace calque::python
