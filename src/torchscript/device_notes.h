// Devices that a program names and that are ignored.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ir/graph.h"

namespace calque::torchscript {

/// The device that a node names, or nullopt: a constant, or `torch.device("cuda:0")`, or
/// `torch.device("cuda", 0)`.
std::optional<Device> named_device(const Node& node);

/// Remarks once on each device other than the CPU that the functions of `unit` name.
void note_devices(const CompilationUnit& unit, const std::function<void(const std::string&)>& on_note);

}  // namespace calque::torchscript
