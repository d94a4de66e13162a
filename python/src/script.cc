#include "script.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "calque/check.h"
#include "calque/compilation_unit.h"
#include "errors.h"
#include "gil.h"
#include "ivalue.h"
#include "run.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace calque::python {
namespace {

using jit::CompilationUnit;
using Part = std::tuple<int, std::string, int, int>;

std::shared_ptr<CompilationUnit> compile(const std::string& source, const std::string& label,
                                         const std::vector<Part>& parts, bool modules, int max_depth,
                                         int64_t max_memory) {
  jit::CompileOptions options{
      .label = label, .max_depth = max_depth, .max_memory = max_memory, .parts = {}, .modules = modules};
  for (const auto& [first_line, file, line, columns] : parts) {
    options.parts.push_back({.first_line = first_line, .file = file, .line = line, .columns = columns});
  }
  const WithoutGil released;
  return jit::compile(source, options);
}

nb::object run(const CompilationUnit& self, const std::string& name, const nb::args& inputs,
               const nb::kwargs& kwargs, const jit::RunOptions& options) {
  std::vector<IValue> values = to_ivalues(inputs);
  const jit::Kwargs named = to_kwargs(kwargs);
  return run_until_interrupt(options, [&](const jit::RunOptions& limits) {
    return self.run(name, std::move(values), named, limits);
  });
}

void bind_compilation(nb::module_& module) {
  nb::class_<CompilationUnit>(module, "CompiledSource", "The functions of one source.")
      .def("function_names", &CompilationUnit::function_names)
      .def(
          "run",
          [](const CompilationUnit& self, const std::string& name, const nb::args& inputs,
             const nb::kwargs& kwargs) { return run(self, name, inputs, kwargs, {}); },
          nb::sig("def run(self, name: str, *args: Any, **kwargs: Any) -> Any"), "Calls a function.")
      .def(
          "schema", [](const CompilationUnit& self, const std::string& name) { return self.schema(name); },
          "name"_a, "`f(Tensor x, int n=3) -> Tensor`")
      .def(
          "code",
          [](const CompilationUnit& self, const std::string& name) { return readable(self.code(name)); },
          "name"_a, nb::sig("def code(self, name: str) -> str"), "The function as PyTorch prints it.")
      .def(
          "module", [](CompilationUnit& self, const std::string& name) { return self.module(name); },
          "name"_a, "A module whose forward is the function.")
      .def(
          "object",
          [](CompilationUnit& self, const std::string& class_name, const nb::kwargs& attributes) {
            return self.object(class_name, to_kwargs(attributes));
          },
          nb::sig("def object(self, class_name: str, **attributes: Any) -> ScriptModule"),
          "An object of a module class of the source.");
  const jit::CompileOptions defaults;
  module.def("compile", compile, "source"_a, "label"_a = defaults.label, "parts"_a = std::vector<Part>(),
             "modules"_a = defaults.modules, "max_depth"_a = defaults.max_depth,
             "max_memory"_a = defaults.max_memory);
}

jit::CheckOptions check_options(const std::string& method, std::vector<std::vector<int64_t>> shapes,
                                double max_seconds, std::optional<ScalarType> dtype) {
  jit::CheckOptions options{.method = method, .shapes = std::move(shapes)};
  options.run.max_seconds = max_seconds;
  options.load.dtype = dtype;
  return options;
}

/// The report as JSON and as text.
template <class Subject>
std::pair<nb::str, nb::str> check(const Subject& subject, const std::string& method,
                                  std::vector<std::vector<int64_t>> shapes, double max_seconds,
                                  std::optional<ScalarType> dtype) {
  std::string json;
  std::string text;
  {
    const WithoutGil released;
    const jit::CheckReport report =
        jit::check(subject, check_options(method, std::move(shapes), max_seconds, dtype));
    json = jit::to_json(report);
    text = jit::to_text(report);
  }
  return {readable(json), readable(text)};
}

}  // namespace

void bind_script(nb::module_& module) {
  bind_compilation(module);
  module.def("check", check<std::string>, "path"_a, "method"_a, "shapes"_a, "max_seconds"_a,
             "dtype"_a = nb::none());
  module.def("check", check<jit::Module>, "module"_a, "method"_a, "shapes"_a, "max_seconds"_a,
             "dtype"_a = nb::none());
}

}  // namespace calque::python
