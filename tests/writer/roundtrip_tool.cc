// Loads archives and saves them again:
//   roundtrip_tool A B [A B]…
// Prints one line for each pair: `A<TAB>` and then `ok`, or what is wrong: A does not load; B, read again, is
// another program than A; B, saved again, has other bytes.
#include <cstdio>
#include <string>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "torchscript/archive_reader.h"
#include "torchscript/archive_writer.h"
#include "writer/same_program.h"

namespace {

std::string round_trip(const std::string& from, const std::string& to) {
  using namespace calque;
  using namespace calque::torchscript;
  const LoadedArchive first = read_archive_file(from);
  WriteOptions options;
  for (const std::string& name : first.extra_names()) options.extra[name] = first.extra(name).value();
  write_archive_file(first.root, to, options);

  const LoadedArchive second = read_archive_file(to);
  const std::string difference = program_difference(*first.unit, *second.unit);
  if (!difference.empty()) return cat("other program: ", difference);
  StringSink again;
  write_archive(second.root, again, options);
  if (again.text() != MappedFile::open(to)->text()) return "other bytes when saved again";
  return "ok";
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string verdict;
    try {
      verdict = round_trip(argv[i], argv[i + 1]);
    } catch (const calque::Error& error) {
      verdict = error.msg();
    }
    std::printf("%s\t%s\n", argv[i], verdict.c_str());
  }
  return 0;
}
