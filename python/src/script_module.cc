#include "script_module.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "calque/error.h"
#include "calque/jit.h"
#include "errors.h"
#include "extra_files.h"
#include "gil.h"
#include "ivalue.h"
#include "paths.h"
#include "run.h"
#include "sequences.h"
#include "tensor.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace calque::python {
namespace {

using jit::Module;
using jit::RunOptions;

constexpr int kMostShown = 1000;

nb::object call(const jit::Method& method, std::vector<IValue> inputs, const jit::Kwargs& kwargs,
                const RunOptions& options) {
  return run_until_interrupt(
      options, [&](const RunOptions& limits) { return method(std::move(inputs), kwargs, limits); });
}

nb::object forward(const Module& self, const nb::args& args, const nb::kwargs& kwargs) {
  return call(self.get_method("forward"), to_ivalues(args), to_kwargs(kwargs), {});
}

nb::object run_method(const Module& self, const std::string& name, const nb::args& args,
                      const nb::kwargs& kwargs) {
  return call(self.get_method(name), to_ivalues(args), to_kwargs(kwargs), {});
}

nb::object run(const Module& self, nb::handle inputs, const nb::dict& kwargs, const RunOptions& options,
               const std::string& method) {
  const bool is_sequence = nb::isinstance<nb::list>(inputs) || nb::isinstance<nb::tuple>(inputs);
  if (!is_sequence) throw TypeError("run(): inputs is a list or a tuple of the arguments");
  return call(self.get_method(method), to_ivalues(nb::borrow<nb::args>(nb::tuple(nb::borrow(inputs)))),
              to_kwargs(nb::borrow<nb::kwargs>(kwargs)), options);
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

void set_attribute(const Module& self, const std::string& name, nb::handle value) {
  if (!self.hasattr(name)) {
    throw nb::attribute_error(
        ("'" + self.original_name() + "' object has no attribute '" + name + "'; a program's are fixed")
            .c_str());
  }
  self.setattr(name, to_ivalue(value));
}

nb::object names_of(nb::handle self) {
  const auto& module = nb::cast<const Module&>(self);
  const nb::object names = nb::module_::import_("builtins").attr("object").attr("__dir__")(self);
  for (const auto& [name, value] : module.named_attributes()) names.attr("append")(readable(name));
  for (const jit::Method& method : module.get_methods()) names.attr("append")(readable(method.name()));
  return names;
}

nb::list named_tensors(const std::vector<jit::NamedTensor>& items) {
  nb::list result;
  for (const auto& [name, value] : items) result.append(nb::make_tuple(readable(name), value));
  return result;
}

nb::list named_list(const std::vector<std::pair<std::string, Module>>& items) {
  nb::list result;
  for (const auto& [name, value] : items) result.append(nb::make_tuple(readable(name), value));
  return result;
}

nb::list modules_of(const std::vector<std::pair<std::string, Module>>& items) {
  nb::list result;
  for (const auto& [name, value] : items) result.append(value);
  return result;
}

nb::dict state_dict(const Module& self) {
  nb::dict result;
  for (const auto& [name, value] : self.state_dict()) result[readable(name)] = value;
  return result;
}

nb::bytes save_to_buffer(const Module& self, nb::handle extra_files) {
  std::ostringstream out;
  const jit::ExtraFilesMap map = extra_files_of(extra_files);
  {
    const WithoutGil released;
    self.save(out, map);
  }
  const std::string content = std::move(out).str();
  return nb::bytes(content.data(), content.size());
}

void save(const Module& self, nb::handle file, nb::handle extra_files) {
  if (!is_path(file)) {
    if (!nb::hasattr(file, "write")) {
      throw TypeError(std::string("save(): expected a path or a file that is open for writing, found ") +
                      nb::type_name(file.type()).c_str());
    }
    file.attr("write")(save_to_buffer(self, extra_files));
    return;
  }
  const std::string path = path_of(file);
  const jit::ExtraFilesMap map = extra_files_of(extra_files);
  const WithoutGil released;
  self.save(path, map);
}

nb::object converted(nb::handle self, const nb::args& args, const nb::kwargs& kwargs) {
  if (const auto dtype = dtype_among(args, kwargs)) nb::cast<const Module&>(self).to(*dtype);
  return nb::borrow(self);
}

/// As PyTorch prints it. `left` bounds the modules that are shown: sharing can multiply them without bound.
std::string shown(const Module& module, const std::string& indent, int& left) {
  std::string text = "RecursiveScriptModule(";
  if (--left < 0) return text + "...)";
  const auto children = module.named_children();
  if (children.empty()) return text + "original_name=" + module.original_name() + ")";
  text += "\n" + indent + "  original_name=" + module.original_name();
  for (const auto& [name, child] : children) {
    text += "\n" + indent + "  (" + name + "): " + shown(child, indent + "  ", left);
  }
  return text + "\n" + indent + ")";
}

using ModuleClass = nb::class_<Module>;

void bind_calls(ModuleClass& script_module) {
  script_module
      .def("__call__", forward, nb::sig("def __call__(self, *args: Any, **kwargs: Any) -> Any"),
           "Runs forward. Arrays, torch tensors and whatever has DLPack are taken without a copy.")
      .def("forward", forward, nb::sig("def forward(self, *args: Any, **kwargs: Any) -> Any"))
      .def("run_method", run_method,
           nb::sig("def run_method(self, name: str, *args: Any, **kwargs: Any) -> Any"))
      .def("run", run, "inputs"_a, "kwargs"_a = nb::dict(), "options"_a = RunOptions(),
           "method"_a = "forward",
           nb::sig(
               "def run(self, inputs: Sequence[Any], kwargs: dict[str, Any] = {}, options: RunOptions = ..., "
               "method: str = 'forward') -> Any"),
           "Runs a method within limits. Raises LimitError or CancelledError when one is reached.");
}

void bind_sequences(ModuleClass& script_module) {
  const jit::SequenceOptions defaults;
  script_module.def(
      "run_sequences",
      [](const Module& self, nb::handle input_ids, nb::handle token_type_ids, int64_t pad_id,
         int64_t max_tokens, const std::string& method, const std::string& ids_argument,
         const std::string& mask_argument, const std::string& types_argument,
         const std::optional<RunOptions>& options) {
        return run_sequences(self, input_ids, token_type_ids,
                             {.method = method,
                              .ids_argument = ids_argument,
                              .mask_argument = mask_argument,
                              .types_argument = types_argument,
                              .pad_id = pad_id,
                              .max_tokens = max_tokens},
                             options);
      },
      "input_ids"_a, "token_type_ids"_a = nb::none(), nb::kw_only(), "pad_id"_a = defaults.pad_id,
      "max_tokens"_a = defaults.max_tokens, "method"_a = defaults.method,
      "ids_argument"_a = defaults.ids_argument, "mask_argument"_a = defaults.mask_argument,
      "types_argument"_a = defaults.types_argument, "options"_a = nb::none(),
      nb::sig("def run_sequences(self, input_ids: Sequence[Sequence[int]], token_type_ids: "
              "Sequence[Sequence[int]] | None = None, *, pad_id: int = 0, max_tokens: int = 16384, method: "
              "str = 'forward', ids_argument: str = 'input_ids', mask_argument: str = 'attention_mask', "
              "types_argument: str = 'token_type_ids', options: RunOptions | None = None) -> list[Any]"),
      "Runs a method on sequences of different lengths, without computing padding where the program allows "
      "it.\n\nGives what the method returns for each sequence, in their order, without the batch's dimension "
      "and cut to the sequence's length. At most `max_tokens` positions are in one call. `options` replaces "
      "RunOptions(skip_padding=True).");
}

void bind_changes(ModuleClass& script_module) {
  const auto same = [](nb::handle self) { return nb::borrow(self); };
  const auto as = [](ScalarType dtype) {
    return [dtype](nb::handle self) {
      nb::cast<const Module&>(self).to(dtype);
      return nb::borrow(self);
    };
  };
  script_module
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
      .def("to", converted, nb::sig("def to(self, *args: Any, **kwargs: Any) -> ScriptModule"),
           "Converts floating-point weights in place; devices are accepted and change nothing.")
      .def("half", as(kHalf), nb::sig("def half(self) -> ScriptModule"))
      .def("bfloat16", as(kBFloat16), nb::sig("def bfloat16(self) -> ScriptModule"))
      .def("float", as(kFloat), nb::sig("def float(self) -> ScriptModule"))
      .def("double", as(kDouble), nb::sig("def double(self) -> ScriptModule"))
      .def("cpu", same, nb::sig("def cpu(self) -> ScriptModule"))
      .def(
          "requires_grad_", [](nb::handle self, bool) { return nb::borrow(self); }, "requires_grad"_a = true,
          nb::sig("def requires_grad_(self, requires_grad: bool = True) -> ScriptModule"),
          "Changes nothing: nothing is differentiated.")
      .def("setattr", set_attribute, "name"_a, "value"_a.none(), "Sets an attribute of the program.")
      .def("__setattr__", set_attribute, nb::arg(), nb::arg().none(),
           nb::sig("def __setattr__(self, name: str, value: Any, /) -> None"))
      .def("save", save, "f"_a, "_extra_files"_a = nb::none(),
           nb::sig("def save(self, f: Any, _extra_files: dict[str, Any] | None = None) -> None"),
           "Writes the archive to a path or an open file.")
      .def("save_to_buffer", save_to_buffer, "_extra_files"_a = nb::none(),
           nb::sig("def save_to_buffer(self, _extra_files: dict[str, Any] | None = None) -> bytes"))
      .def("copy", &Module::copy, "New objects, shared tensors.")
      .def("__copy__", &Module::copy)
      .def(
          "__deepcopy__", [](const Module& self, nb::handle) { return self.deepcopy(); }, "memo"_a)
      .def(
          "__reduce__",
          [](const Module& self) {
            const nb::object load = nb::module_::import_("calque._pickling").attr("module");
            return nb::make_tuple(load, nb::make_tuple(save_to_buffer(self, nb::none())));
          },
          nb::sig("def __reduce__(self) -> tuple[Any, tuple[bytes]]"));
}

void bind_parts(ModuleClass& script_module) {
  script_module.def("state_dict", state_dict, nb::sig("def state_dict(self) -> dict[str, Tensor]"))
      .def(
          "named_parameters",
          [](const Module& self, bool recurse) { return named_tensors(self.named_parameters(recurse)); },
          "recurse"_a = true,
          nb::sig("def named_parameters(self, recurse: bool = True) -> list[tuple[str, Tensor]]"))
      .def(
          "named_buffers",
          [](const Module& self, bool recurse) { return named_tensors(self.named_buffers(recurse)); },
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
      .def(
          "children", [](const Module& self) { return modules_of(self.named_children()); },
          nb::sig("def children(self) -> list[ScriptModule]"))
      .def(
          "modules", [](const Module& self) { return modules_of(self.named_modules()); },
          nb::sig("def modules(self) -> list[ScriptModule]"))
      .def(
          "hasattr", [](const Module& self, const std::string& name) { return self.hasattr(name); }, "name"_a,
          "Whether the program has an attribute of that name.")
      .def("__getattr__", get_attribute, nb::sig("def __getattr__(self, name: str, /) -> Any"))
      .def("__dir__", names_of, nb::sig("def __dir__(self) -> list[str]"));
}

void bind_facts(ModuleClass& script_module) {
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
      .def("__repr__", [](const Module& self) {
        int left = kMostShown;
        return shown(self, "", left);
      });
}

}  // namespace

void bind_script_module(nb::module_& module) {
  ModuleClass script_module(module, "ScriptModule", nb::is_weak_referenceable(),
                            "A TorchScript module: call it to run `forward`.");
  bind_calls(script_module);
  bind_sequences(script_module);
  bind_changes(script_module);
  bind_parts(script_module);
  bind_facts(script_module);
}

}  // namespace calque::python
