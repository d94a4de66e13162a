// Functions and classes of PyTorch that are programs themselves: `torch.nn.functional`, `torch.no_grad`. They
// are compiled into a program when it first uses them.
#pragma once

#include <string_view>

#include "torchscript/sugared_value.h"

namespace calque::torchscript {

/// The library's function or class of that path (`torch.nn.functional.relu`); nullptr when it has none.
Sugared library_value(Program& program, std::string_view path);

}  // namespace calque::torchscript
