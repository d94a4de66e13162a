// Plain pickle data to values: objects of the program's classes, tensors, containers.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "calque/ivalue.h"
#include "calque/jit.h"
#include "formats/pickle_value.h"
#include "ir/graph.h"
#include "torchscript/storage_reader.h"

namespace calque::torchscript {

struct UnpickleContext {
  std::string label;  ///< begins messages: `"m.pt": data.pkl`
  StorageReader& storages;
  /// A class, named tuple or enum of the program by qualified name; nullptr when there is none.
  std::function<TypePtr(const std::string& name)> find_type;
  /// What objects keep alive; null for objects inside constants.
  std::shared_ptr<CompilationUnit> unit;
  const jit::LoadOptions& options;
  /// Devices that the file names and that were remarked on; shared by the pickles of one archive.
  std::set<std::string>& noted_devices;
};

/// Builds what the pickle describes. Calls nothing that it names: a fixed list of names means tensors,
/// storages, typed containers, devices and complex numbers; classes of the program become objects whose
/// attributes are checked against the class; every other name is refused with LoadError. Classes with
/// __setstate__ and sparse tensors are refused with NotImplementedError. Sharing inside the pickle
/// is kept.
IValue unpickle(const PickleValue& pickle, const UnpickleContext& context);

}  // namespace calque::torchscript
