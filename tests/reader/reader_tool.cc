// reader_tool load FILE...         loads archives and verifies their graphs; one line each
// reader_tool check MODEL CASES    runs MODEL on the inputs in CASES and compares with the results there
// reader_tool source FILE CASES    compiles a source of plain functions and calls them: method_N names the
// function reader_tool graph FILE [NAME]    prints the graph of every function, or of those whose name holds
// NAME
//
// CASES is an archive, too: a module with the attributes in_0, out_0, in_1, … (in_N a tuple of arguments),
// and err_N, a text that the error must hold, in place of out_N. method_N names another method than forward.
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "calque/jit.h"
#include "ir/graph.h"
#include "jit/executable.h"
#include "reader/compare_values.h"
#include "torchscript/archive_reader.h"
#include "torchscript/source_compiler.h"

namespace calque::reader_test {

namespace {

void verify_all(const CompilationUnit& unit) {
  for (const auto& function : unit.functions()) {
    if (function->graph == nullptr) throw InternalError(cat(function->qualified_name, " has no graph"));
    verify(*function->graph);
  }
}

int load_all(const std::vector<std::string>& files) {
  int failures = 0;
  for (const std::string& file : files) {
    try {
      const torchscript::LoadedArchive archive = torchscript::read_archive_file(file);
      verify_all(*archive.unit);
      std::cout << "ok " << file << " version " << archive.version << ", " << archive.unit->functions().size()
                << " functions\n";
    } catch (const Error& error) {
      std::cout << "FAILED " << file << ": " << error.what() << "\n";
      ++failures;
    }
  }
  return failures == 0 ? 0 : 1;
}

int print_graphs(const std::string& file, const std::string& name) {
  const torchscript::LoadedArchive archive = torchscript::read_archive_file(file);
  for (const auto& function : archive.unit->functions()) {
    if (function->qualified_name.find(name) == std::string::npos) continue;
    std::cout << function->qualified_name << "\n" << to_string(*function->graph) << "\n";
  }
  return 0;
}

Tolerance tolerance_of(const jit::Module& cases) {
  Tolerance tolerance;
  if (cases.hasattr("tolerance")) tolerance.absolute = cases.attr("tolerance").toDouble();
  return tolerance;
}

using Call = std::function<IValue(const std::string& method, const std::vector<IValue>& inputs)>;

/// Empty when the case passes.
std::string run_case(const Call& call, const jit::Module& cases, int number) {
  const std::vector<IValue> inputs = cases.attr(cat("in_", number)).toTuple()->elements();
  const bool has_method = cases.hasattr(cat("method_", number));
  const std::string method = has_method ? cases.attr(cat("method_", number)).toStringRef() : "forward";
  const bool fails = cases.hasattr(cat("err_", number));
  try {
    const IValue result = call(method, inputs);
    if (fails) return "no error, although one was expected";
    return difference(result, cases.attr(cat("out_", number)), tolerance_of(cases));
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    if (!fails) return cat("error: ", error.what());
    const std::string wanted = cases.attr(cat("err_", number)).toStringRef();
    if (error.msg().find(wanted) != std::string::npos) return "";
    return cat("the error \"", error.what(), "\" does not hold \"", wanted, "\"");
  }
}

int run_cases(const Call& call, const std::string& cases_file) {
  const jit::Module cases = jit::load(cases_file);
  int failures = 0;
  int number = 0;
  for (; cases.hasattr(cat("in_", number)); ++number) {
    const std::string found = run_case(call, cases, number);
    if (found.empty()) continue;
    std::cout << "case " << number << ": " << found << "\n";
    ++failures;
  }
  std::cout << number - failures << " of " << number << " cases agree\n";
  return failures == 0 && number > 0 ? 0 : 1;
}

int check(const std::string& model_file, const std::string& cases_file) {
  const torchscript::LoadedArchive archive = torchscript::read_archive_file(model_file);
  verify_all(*archive.unit);
  const jit::Module model(archive.root);
  return run_cases([&](const std::string& method,
                       const std::vector<IValue>& inputs) { return model.run_method(method, inputs); },
                   cases_file);
}

int check_source(const std::string& source_file, const std::string& cases_file) {
  CompilationUnit unit;
  const std::string text(MappedFile::open(source_file)->text());
  const std::vector<Function*> functions = torchscript::compile_source(unit, source_file, text);
  verify_all(unit);
  return run_cases(
      [&](const std::string& method, const std::vector<IValue>& inputs) {
        for (const Function* function : functions) {
          if (function->name != method) continue;
          return jit::run_function(*function, jit::bind_arguments(function->schema, inputs, {}), {});
        }
        throw ValueError(cat("no function ", method));
      },
      cases_file);
}

int run(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  if (command == "load") return load_all({arguments.begin() + 1, arguments.end()});
  if (command == "graph" && arguments.size() > 1)
    return print_graphs(arguments[1], arguments.size() > 2 ? arguments[2] : "");
  if (command == "check" && arguments.size() == 3) return check(arguments[1], arguments[2]);
  if (command == "source" && arguments.size() == 3) return check_source(arguments[1], arguments[2]);
  std::cerr
      << "usage: reader_tool load FILE... | check MODEL CASES | source FILE CASES | graph FILE [NAME]\n";
  return 2;
}

}  // namespace

}  // namespace calque::reader_test

int main(int argc, char** argv) {
  try {
    return calque::reader_test::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "reader_tool: " << error.what() << "\n";
    return 1;
  }
}
