#include "jit.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "calque/error.h"
#include "calque/jit.h"
#include "calque/trace.h"
#include "errors.h"
#include "interrupt.h"
#include "ivalue.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace calque::python {
namespace {

using jit::Module;
using jit::RunOptions;

/// Runs a method without the GIL, until Ctrl-C.
nb::object call(const jit::Method& method, std::vector<IValue> inputs, const jit::Kwargs& kwargs,
                RunOptions options) {
  IValue output;
  try {
    const InterruptScope interrupt;
    if (options.cancel == nullptr) options.cancel = interrupt.flag();
    const nb::gil_scoped_release released;
    output = method(std::move(inputs), kwargs, options);
  } catch (const CancelledError&) {
    raise_pending_signal();
    throw;
  }
  return from_ivalue(output);
}

nb::object forward(const Module& self, const nb::args& args, const nb::kwargs& kwargs) {
  return call(self.get_method("forward"), to_ivalues(args), to_kwargs(kwargs), {});
}

nb::object run_method(const Module& self, const std::string& name, const nb::args& args,
                      const nb::kwargs& kwargs) {
  return call(self.get_method(name), to_ivalues(args), to_kwargs(kwargs), {});
}

nb::object run(const Module& self, const nb::args& inputs, const nb::kwargs& kwargs,
               const RunOptions& options, const std::string& method) {
  return call(self.get_method(method), to_ivalues(inputs), to_kwargs(kwargs), options);
}

/// Attributes, submodules and methods of the program, as Python's own attributes.
nb::object get_attribute(nb::handle self, const std::string& name) {
  const auto& module = nb::cast<const Module&>(self);
  if (module.hasattr(name)) return from_ivalue(module.attr(name));
  if (module.find_method(name).has_value()) {
    return nb::cpp_function([module, name](const nb::args& args, const nb::kwargs& kwargs) {
      return run_method(module, name, args, kwargs);
    });
  }
  throw nb::attribute_error(
      ("'" + module.original_name() + "' object has no attribute '" + name + "'").c_str());
}

template <class Named>
nb::list named_list(const std::vector<Named>& items) {
  nb::list result;
  for (const auto& [name, value] : items) result.append(nb::make_tuple(readable(name), value));
  return result;
}

nb::dict state_dict(const Module& self) {
  nb::dict result;
  for (const auto& [name, value] : self.state_dict()) result[readable(name)] = value;
  return result;
}

jit::ExtraFilesMap extra_files_of(nb::handle files) {
  jit::ExtraFilesMap map;
  if (files.is_none()) return map;
  for (auto [name, content] : nb::cast<nb::dict>(files)) {
    const nb::object bytes =
        nb::isinstance<nb::str>(content) ? content.attr("encode")() : nb::borrow(content);
    const auto view = nb::cast<nb::bytes>(bytes);
    map[nb::cast<std::string>(name)] = std::string(view.c_str(), view.size());
  }
  return map;
}

/// As torch.jit.load does: texts are filled with text, everything else with bytes.
void fill_extra_files(nb::handle files, const jit::ExtraFilesMap& map) {
  if (files.is_none()) return;
  nb::dict target = nb::cast<nb::dict>(files);
  for (const auto& [name, content] : map) target[name.c_str()] = nb::bytes(content.data(), content.size());
}

struct Notes {
  std::vector<std::string> texts;
  std::function<void(const std::string&)> collector() {
    return [this](const std::string& text) { texts.push_back(text); };
  }
  /// Hands each note to a function of Python.
  void tell(nb::handle listener) const {
    if (listener.is_none()) return;
    for (const std::string& text : texts) listener(readable(text));
  }
};

Module load(const std::string& path, nb::handle extra_files, jit::LoadOptions options, nb::handle on_note) {
  jit::ExtraFilesMap map = extra_files_of(extra_files);
  Notes notes;
  options.on_note = notes.collector();
  Module module;
  {
    const nb::gil_scoped_release released;
    module = jit::load(path, map, options);
  }
  fill_extra_files(extra_files, map);
  notes.tell(on_note);
  return module;
}

/// The archive in memory is used where it lies, so the module keeps `content`.
Module load_bytes(nb::bytes content, jit::LoadOptions options, nb::handle on_note) {
  Notes notes;
  options.on_note = notes.collector();
  const void* const data = content.data();
  const size_t size = content.size();
  const std::shared_ptr<const void> keeper(content.inc_ref().ptr(), [](PyObject* object) {
    if (!nb::is_alive()) return;
    const nb::gil_scoped_acquire acquired;
    Py_DECREF(object);
  });
  Module module;
  {
    const nb::gil_scoped_release released;
    module = jit::load(data, size, keeper, options);
  }
  notes.tell(on_note);
  return module;
}

jit::LoadOptions load_options(bool use_mmap, std::optional<ScalarType> dtype, int64_t max_memory,
                              int max_depth, bool verify_checksums) {
  return {.use_mmap = use_mmap,
          .dtype = dtype,
          .max_memory = max_memory,
          .max_depth = max_depth,
          .verify_checksums = verify_checksums};
}

void save(const Module& self, const std::string& path, nb::handle extra_files) {
  const jit::ExtraFilesMap map = extra_files_of(extra_files);
  const nb::gil_scoped_release released;
  self.save(path, map);
}

nb::bytes save_to_buffer(const Module& self, nb::handle extra_files) {
  std::ostringstream out;
  const jit::ExtraFilesMap map = extra_files_of(extra_files);
  {
    const nb::gil_scoped_release released;
    self.save(out, map);
  }
  const std::string content = std::move(out).str();
  return nb::bytes(content.data(), content.size());
}

using TensorLists = std::vector<std::vector<Tensor>>;
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

Module trace(const transformers::PreTrainedModel& model, const std::vector<Tensor>& inputs,
             const NamedTensors& named_inputs, jit::TraceOptions options, nb::handle on_warning) {
  Notes notes;
  options.on_warning = notes.collector();
  Module module;
  {
    const nb::gil_scoped_release released;
    module =
        named_inputs.empty() ? jit::trace(model, inputs, options) : jit::trace(model, named_inputs, options);
  }
  notes.tell(on_warning);
  return module;
}

void bind_run_options(nb::module_& module) {
  const RunOptions defaults;
  nb::class_<RunOptions>(module, "RunOptions", "Limits of one run. Zero means no limit.")
      .def(
          "__init__",
          [](RunOptions* self, int64_t max_memory, double max_seconds, int64_t max_iterations,
             int max_recursion) {
            new (self) RunOptions{.max_memory = max_memory,
                                  .max_seconds = max_seconds,
                                  .max_iterations = max_iterations,
                                  .max_recursion = max_recursion,
                                  .cancel = std::make_shared<std::atomic<bool>>(false)};
          },
          nb::kw_only(), "max_memory"_a = defaults.max_memory, "max_seconds"_a = defaults.max_seconds,
          "max_iterations"_a = defaults.max_iterations, "max_recursion"_a = defaults.max_recursion)
      .def_rw("max_memory", &RunOptions::max_memory, "Bytes allocated at one time by operators of the run.")
      .def_rw("max_seconds", &RunOptions::max_seconds, "Wall clock.")
      .def_rw("max_iterations", &RunOptions::max_iterations, "Loop iterations in total.")
      .def_rw("max_recursion", &RunOptions::max_recursion, "Depth of calls that are not inlined.")
      .def(
          "cancel", [](const RunOptions& self) { self.cancel->store(true); },
          "From any thread: runs with these options end with CancelledError.");
}

void bind_module_parts(nb::class_<Module>& script_module) {
  script_module.def("state_dict", state_dict, nb::sig("def state_dict(self) -> dict[str, Tensor]"))
      .def(
          "named_parameters",
          [](const Module& self, bool recurse) {
            nb::list result;
            for (const auto& [name, value] : self.named_parameters(recurse))
              result.append(nb::make_tuple(name, value));
            return result;
          },
          "recurse"_a = true,
          nb::sig("def named_parameters(self, recurse: bool = True) -> list[tuple[str, Tensor]]"))
      .def(
          "named_buffers",
          [](const Module& self, bool recurse) {
            nb::list result;
            for (const auto& [name, value] : self.named_buffers(recurse))
              result.append(nb::make_tuple(name, value));
            return result;
          },
          "recurse"_a = true,
          nb::sig("def named_buffers(self, recurse: bool = True) -> list[tuple[str, Tensor]]"))
      .def("parameters", &Module::parameters, "recurse"_a = true)
      .def("buffers", &Module::buffers, "recurse"_a = true)
      .def(
          "named_children", [](const Module& self) { return named_list(self.named_children()); },
          nb::sig("def named_children(self) -> list[tuple[str, ScriptModule]]"))
      .def(
          "named_modules", [](const Module& self) { return named_list(self.named_modules()); },
          nb::sig("def named_modules(self) -> list[tuple[str, ScriptModule]]"))
      .def("hasattr", &Module::hasattr, "name"_a)
      .def("__getattr__", get_attribute, nb::sig("def __getattr__(self, name: str, /) -> Any"))
      .def(
          "setattr",
          [](const Module& self, const std::string& name, nb::handle value) {
            self.setattr(name, to_ivalue(value));
          },
          "name"_a, "value"_a.none(), "Sets an attribute of the program.");
}

void bind_module_facts(nb::class_<Module>& script_module) {
  script_module.def_prop_ro("training", &Module::is_training)
      .def_prop_ro("original_name", &Module::original_name, "Class name in Python, without path.")
      .def_prop_ro("type_name", &Module::type_name, "Qualified class name.")
      .def_prop_ro(
          "code", [](const Module& self) { return readable(self.code()); }, nb::sig("def code(self) -> str"),
          "TorchScript source of forward.")
      .def_prop_ro(
          "graph", [](const Module& self) { return readable(self.graph()); },
          nb::sig("def graph(self) -> str"))
      .def_prop_ro(
          "inlined_graph", [](const Module& self) { return readable(self.graph(true)); },
          nb::sig("def inlined_graph(self) -> str"))
      .def("method_names",
           [](const Module& self) {
             std::vector<std::string> names;
             for (const jit::Method& method : self.get_methods()) names.push_back(method.name());
             return names;
           })
      .def(
          "schema",
          [](const Module& self, const std::string& method) { return self.get_method(method).schema(); },
          "method"_a = "forward",
          "Arguments and results, for example `forward(__torch__.M self, Tensor x) -> Tensor`.")
      .def(
          "argument_names",
          [](const Module& self, const std::string& method) {
            return self.get_method(method).argument_names();
          },
          "method"_a = "forward", "Names of the arguments without self, in order.")
      .def("__repr__",
           [](const Module& self) { return "ScriptModule(original_name=" + self.original_name() + ")"; });
}

void bind_script_module(nb::module_& module) {
  nb::class_<Module> script_module(module, "ScriptModule", "A TorchScript module: call it to run `forward`.");
  script_module
      .def("__call__", forward, nb::sig("def __call__(self, *args: Any, **kwargs: Any) -> Any"),
           "Runs forward. Arrays, torch tensors and whatever has DLPack are taken without a copy.")
      .def("forward", forward, nb::sig("def forward(self, *args: Any, **kwargs: Any) -> Any"))
      .def("run_method", run_method,
           nb::sig("def run_method(self, name: str, *args: Any, **kwargs: Any) -> Any"))
      .def(
          "run",
          [](const Module& self, nb::handle inputs, const nb::dict& kwargs, const RunOptions& options,
             const std::string& method) {
            return run(self, nb::borrow<nb::args>(nb::tuple(nb::borrow(inputs))),
                       nb::borrow<nb::kwargs>(kwargs), options, method);
          },
          "inputs"_a, "kwargs"_a = nb::dict(), "options"_a = RunOptions(), "method"_a = "forward",
          nb::sig(
              "def run(self, inputs: Sequence[Any], kwargs: dict[str, Any] = {}, options: RunOptions = ..., "
              "method: str = 'forward') -> Any"),
          "Runs a method within limits. Raises LimitError or CancelledError when one is reached.")
      .def(
          "eval",
          [](nb::handle self) {
            nb::cast<const Module&>(self).eval();
            return nb::borrow(self);
          },
          nb::sig("def eval(self) -> ScriptModule"))
      .def(
          "train",
          [](nb::handle self, bool mode) {
            nb::cast<const Module&>(self).train(mode);
            return nb::borrow(self);
          },
          "mode"_a = true, nb::sig("def train(self, mode: bool = True) -> ScriptModule"))
      .def(
          "to",
          [](nb::handle self, const nb::args& args, const nb::kwargs& kwargs) {
            const auto convert = [&](nb::handle value) {
              if (nb::isinstance<ScalarType>(value))
                nb::cast<const Module&>(self).to(nb::cast<ScalarType>(value));
            };
            for (const nb::handle value : args) convert(value);
            if (kwargs.contains("dtype")) convert(kwargs["dtype"]);
            return nb::borrow(self);
          },
          nb::sig("def to(self, *args: Any, **kwargs: Any) -> ScriptModule"),
          "Converts floating-point weights in place; devices are accepted and change nothing.")
      .def("save", save, "f"_a, "_extra_files"_a = nb::none(),
           nb::sig("def save(self, f: str, _extra_files: dict[str, Any] | None = None) -> None"))
      .def("save_to_buffer", save_to_buffer, "_extra_files"_a = nb::none(),
           nb::sig("def save_to_buffer(self, _extra_files: dict[str, Any] | None = None) -> bytes"))
      .def("copy", &Module::copy, "New objects, shared tensors.")
      .def("__copy__", &Module::copy)
      .def("__deepcopy__", [](const Module& self, nb::handle) { return self.deepcopy(); }, "memo"_a);
  bind_module_parts(script_module);
  bind_module_facts(script_module);
}

void bind_functions(nb::module_& module) {
  module.def("freeze", jit::freeze, "mod"_a, "preserved_attrs"_a = std::vector<std::string>(),
             "optimize_numerics"_a = true, nb::call_guard<nb::gil_scoped_release>());
  module.def("optimize_for_inference", jit::optimize_for_inference, "mod"_a,
             "other_methods"_a = std::vector<std::string>(), nb::call_guard<nb::gil_scoped_release>());
  const jit::LoadOptions defaults;
  module.def(
      "load",
      [](const std::string& path, nb::handle extra_files, nb::handle on_note, bool use_mmap,
         std::optional<ScalarType> dtype, int64_t max_memory, int max_depth, bool verify_checksums) {
        return load(path, extra_files, load_options(use_mmap, dtype, max_memory, max_depth, verify_checksums),
                    on_note);
      },
      "path"_a, "extra_files"_a = nb::none(), "on_note"_a = nb::none(), nb::kw_only(),
      "use_mmap"_a = defaults.use_mmap, "dtype"_a = nb::none(), "max_memory"_a = defaults.max_memory,
      "max_depth"_a = defaults.max_depth, "verify_checksums"_a = defaults.verify_checksums);
  module.def(
      "load_bytes",
      [](const nb::bytes& content, nb::handle on_note, std::optional<ScalarType> dtype, int64_t max_memory,
         int max_depth, bool verify_checksums) {
        return load_bytes(content, load_options(true, dtype, max_memory, max_depth, verify_checksums),
                          on_note);
      },
      "content"_a, "on_note"_a = nb::none(), nb::kw_only(), "dtype"_a = nb::none(),
      "max_memory"_a = defaults.max_memory, "max_depth"_a = defaults.max_depth,
      "verify_checksums"_a = defaults.verify_checksums);
  const jit::TraceOptions trace_defaults;
  module.def(
      "trace",
      [](const transformers::PreTrainedModel& model, const std::vector<Tensor>& inputs,
         const NamedTensors& named_inputs, nb::handle on_warning, bool check_trace,
         const TensorLists& check_inputs, double check_tolerance, bool strict, bool static_shapes) {
        return trace(model, inputs, named_inputs,
                     {.check_trace = check_trace,
                      .check_inputs = check_inputs,
                      .check_tolerance = check_tolerance,
                      .strict = strict,
                      .static_shapes = static_shapes},
                     on_warning);
      },
      "model"_a, "inputs"_a, "named_inputs"_a = NamedTensors(), "on_warning"_a = nb::none(), nb::kw_only(),
      "check_trace"_a = trace_defaults.check_trace, "check_inputs"_a = TensorLists(),
      "check_tolerance"_a = trace_defaults.check_tolerance, "strict"_a = trace_defaults.strict,
      "static_shapes"_a = trace_defaults.static_shapes);
}

}  // namespace

void bind_jit(nb::module_& module) {
  bind_run_options(module);
  bind_script_module(module);
  bind_functions(module);
}

}  // namespace calque::python
