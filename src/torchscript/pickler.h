// Values -> the pickles of an archive (data.pkl, constants.pkl), with the opcodes of torch.jit.save.
#pragma once

#include <string>
#include <vector>

#include "calque/ivalue.h"
#include "torchscript/source_printer.h"

namespace calque::torchscript {

/// The bytes behind one record `data/N` or `constants/N`; N is the position in Pickle::storages.
struct PickledStorage {
  Ref<Storage> storage;  ///< null when there are no bytes
  int64_t nbytes = 0;    ///< whole elements
};

struct Pickle {
  std::string bytes;
  std::vector<PickledStorage> storages;
};

/// Pickles one value. Sharing is kept: an object, tensor, container or storage that is reached twice is
/// written once. Views stay views of one storage, which is written whole, even when a small part of it is in
/// use: as PyTorch does. Two views of one storage with different dtypes, which the format cannot express, get
/// a record each.
///
/// Classes are named by `names`, which learns of them in the order in which they are met. NotImplementedError
/// for what a file cannot hold (futures, generators, classes with their own
/// `__getstate__`), ValueError for an object that contains itself; both name the attribute.
Pickle write_pickle(const IValue& value, SourcePrinter& names);

}  // namespace calque::torchscript
