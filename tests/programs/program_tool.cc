// program_tool FILE [FOLDER]
//
// FILE holds programs, each after a line `#### NAME`. Each is compiled, and its functions called case… run;
// one line of JSON for each: ["NAME", "case0", "value", VALUE] or ["NAME", "case0", "error", TEXT]; for a
// program that does not compile ["NAME", "", "refused", TEXT]. With FOLDER each case is saved, too, as
// FOLDER/NAME.case0.pt, loaded again and run from there.
#include <iostream>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "calque/compilation_unit.h"
#include "calque/error.h"
#include "programs/value_json.h"

namespace calque::programs_test {

namespace {

struct Program {
  std::string name, source;
};

std::vector<Program> split_programs(std::string_view text) {
  constexpr std::string_view kMark = "#### ";
  std::vector<Program> programs;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with(kMark)) {
      programs.push_back({.name = std::string(line.substr(kMark.size())), .source = {}});
    } else if (!programs.empty()) {
      programs.back().source += cat(line, "\n");
    }
  }
  return programs;
}

void print(const Program& program, const std::string& function, const char* kind,
           const std::string& content) {
  std::cout << cat("[", string_json(program.name), ", ", string_json(function), ", \"", kind, "\", ", content,
                   "]\n");
}

void run_case(const Program& program, jit::CompilationUnit& unit, const std::string& function,
              const std::string& folder) {
  try {
    const jit::RunOptions limits{.max_seconds = 10, .max_iterations = 1'000'000};
    const std::string result = value_json(unit.run(function, {}, {}, limits));
    print(program, function, "value", result);
    if (folder.empty()) return;
    const std::string path = cat(folder, "/", program.name, ".", function, ".pt");
    unit.module(function).save(path);
    const std::string again = value_json(jit::load(path).forward({}, {}, limits));
    if (again != result) print(program, function, "reloaded", again);
  } catch (const Error& error) {
    print(program, function, "error", string_json(error.what()));
  }
}

void run(const Program& program, const std::string& folder) {
  try {
    const auto unit = jit::compile(program.source, {.label = program.name});
    for (const std::string& function : unit->function_names()) {
      if (function.starts_with("case")) run_case(program, *unit, function, folder);
    }
  } catch (const Error& error) {
    print(program, "", "refused", string_json(error.what()));
  }
}

}  // namespace

}  // namespace calque::programs_test

int main(int argc, char** argv) {
  using namespace calque;
  if (argc < 2) {
    std::cerr << "usage: program_tool FILE [FOLDER]\n";
    return 2;
  }
  try {
    const auto file = MappedFile::open(argv[1]);
    for (const programs_test::Program& program : programs_test::split_programs(file->text())) {
      programs_test::run(program, argc > 2 ? argv[2] : "");
    }
  } catch (const std::exception& error) {
    std::cerr << "program_tool: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
