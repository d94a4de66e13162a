// Whole archives: loaded, checked, run with small limits, frozen and saved. Changes are made to pickles,
// sources and records, and the container is put together again around them; now and then to its raw bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "calque/check.h"
#include "calque/error.h"
#include "calque/jit.h"
#include "calque/threads.h"
#include "ir/graph.h"
#include "jit/archive_mutator.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using namespace calque;
using testing_support::ArchiveMutator;
using testing_support::MutableRecord;

/// Errors are what hostile files should give; broken invariants are not.
template <class Work>
void attempt(const Work& work) {
  try {
    work();
  } catch (const InternalError&) {
    throw;
  } catch (const Error&) {
    return;
  }
}

IValue made_up(const Argument& argument) {
  switch (argument.type->kind()) {
    case TypeKind::Tensor:
      return full({{2, 3}}, 1, argument.name.find("ids") == std::string::npos ? kFloat : kLong);
    case TypeKind::Int:
      return 1;
    case TypeKind::Float:
      return 0.5;
    case TypeKind::Bool:
      return true;
    case TypeKind::String:
      return "a";
    default:
      return {};
  }
}

void run(const jit::Method& method) {
  std::vector<IValue> inputs;
  const std::vector<Argument>& arguments = method.function().schema.arguments;
  for (size_t i = 1; i < arguments.size(); ++i) inputs.push_back(made_up(arguments[i]));
  attempt([&] {
    method(inputs, {},
           {.max_memory = 16 << 20, .max_seconds = 0.5, .max_iterations = 100, .max_recursion = 20});
  });
}

void use(const jit::Module& module) {
  for (const auto& function : module._ivalue()->unit->functions()) {
    if (function->graph != nullptr) verify(*function->graph);
  }
  const jit::CheckReport report = jit::check(module);
  check(report.error_kind != "InternalError", report.error);
  const std::vector<jit::Method> methods = module.get_methods();
  for (size_t i = 0; i < std::min<size_t>(methods.size(), 4); ++i) run(methods[i]);
  attempt([&] { module.state_dict(); });
  attempt([&] {
    std::ostringstream out;
    module.save(out);
  });
  attempt([&] {
    module.eval();
    const jit::Module frozen = jit::freeze(module);
    if (const auto forward = frozen.find_method("forward")) run(*forward);
  });
}

std::span<const std::byte> bytes_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

void mutate_bytes(std::string& bytes, size_t room) {
  const size_t before = bytes.size();
  bytes.resize(before + room);
  bytes.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(bytes.data()), before, bytes.size()));
}

/// The packed records as the next input; 0 when they do not fit.
size_t put(const std::vector<MutableRecord>& records, uint8_t* out, size_t max_size) {
  const std::string packed = testing_support::pack_archive(records);
  if (packed.size() > max_size) return 0;
  std::memcpy(out, packed.data(), packed.size());
  return packed.size();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  set_num_threads(1);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  ArchiveMutator mutator(seed, mutate_bytes);
  auto records = testing_support::unpack_archive(bytes_of(data, size));
  if (!records.has_value() || mutator.one_in(20)) return LLVMFuzzerMutate(data, size, max_size);
  mutator.mutate(*records);
  const size_t made = put(*records, data, max_size);
  return made == 0 ? LLVMFuzzerMutate(data, size, max_size) : made;
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data, size_t size, const uint8_t* other,
                                            size_t other_size, uint8_t* out, size_t max_size,
                                            unsigned int seed) {
  auto records = testing_support::unpack_archive(bytes_of(data, size));
  const auto donor = testing_support::unpack_archive(bytes_of(other, other_size));
  if (!records.has_value() || !donor.has_value()) return 0;
  ArchiveMutator(seed, mutate_bytes).cross(*records, *donor);
  return put(*records, out, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  attempt([&] {
    // A copy that ends where the input does, so that a read behind it is seen.
    const auto copy = std::make_shared<std::vector<uint8_t>>(data, data + size);
    use(jit::load(copy->data(), size, copy, {.max_memory = 128 << 20, .max_depth = 100}));
  });
  return 0;
}
