// Any bytes as an archive; or, by the first byte, as the body of a method, a whole source, or a pickle of an
// archive that is good otherwise.
#include <cstddef>
#include <cstdint>
#include <string>

#include "calque/error.h"
#include "ir/graph.h"
#include "torchscript/reader_testing.h"

namespace {

using calque::torchscript::LoadedArchive;
using calque::torchscript::testing_support::FakeArchive;

std::string archive_of(uint8_t kind, const std::string& input) {
  FakeArchive archive = calque::torchscript::testing_support::small_archive();
  switch (kind % 5) {
    case 0:
      return input;
    case 1:
      archive = calque::torchscript::testing_support::small_archive(input + "\n");
      break;
    case 2:
      archive.sources[0].second += input;
      break;
    case 3:
      archive.data_pickle = input;
      break;
    default:
      archive.constants_pickle = input;
      archive.sources[0].second += "    return CONSTANTS.c0\n";
      break;
  }
  return archive.bytes();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string input(reinterpret_cast<const char*>(data + 1), size - 1);
  calque::jit::LoadOptions options;
  options.max_memory = 256 << 20;
  try {
    const LoadedArchive archive =
        calque::torchscript::testing_support::load_bytes(archive_of(data[0], input), options);
    for (const auto& function : archive.unit->functions()) verify(*function->graph);
  } catch (const calque::InternalError&) {
    throw;
  } catch (const calque::Error&) {
  }
  return 0;
}
