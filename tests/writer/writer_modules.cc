// Saves the modules of writer_modules.h as DIR/NAME.pt.
#include "writer/writer_modules.h"

#include <cstdio>

#include "calque/error.h"
#include "torchscript/archive_writer.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: writer_modules DIR\n");
    return 2;
  }
  const std::pair<const char*, calque::Ref<calque::ObjectImpl> (*)(calque::CompilationUnit&)> modules[] = {
      {"weights", calque::make_weights}, {"control", calque::make_control}, {"calls", calque::make_calls},
      {"values", calque::make_values},   {"names", calque::make_names},     {"objects", calque::make_objects},
  };
  try {
    for (const auto& [name, make] : modules) {
      calque::CompilationUnit unit;
      calque::torchscript::write_archive_file(make(unit), std::string(argv[1]) + "/" + name + ".pt",
                                              {.extra = {{"note.txt", name}}});
    }
  } catch (const calque::Error& error) {
    std::fprintf(stderr, "writer_modules: %s\n", error.what());
    return 1;
  }
  return 0;
}
