// The argument _extra_files of torch.jit.save and load.
#pragma once

#include <nanobind/nanobind.h>

#include "calque/jit.h"

namespace calque::python {

/// A dict of names with texts or bytes; None is empty. TypeError for other objects.
jit::ExtraFilesMap extra_files_of(nanobind::handle files);

/// Puts what was read into the dict, as bytes.
void fill_extra_files(nanobind::handle files, const jit::ExtraFilesMap& map);

}  // namespace calque::python
