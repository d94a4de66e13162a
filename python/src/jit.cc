#include "jit.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "calque/error.h"
#include "calque/jit.h"
#include "calque/quantize.h"
#include "calque/trace.h"
#include "errors.h"
#include "extra_files.h"
#include "gil.h"
#include "ivalue.h"
#include "paths.h"
#include "script_module.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace calque::python {
namespace {

using jit::Module;
using jit::RunOptions;

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

Module load(nb::handle file, nb::handle extra_files, jit::LoadOptions options, nb::handle on_note) {
  const std::string path = path_of(file);
  jit::ExtraFilesMap map = extra_files_of(extra_files);
  Notes notes;
  options.on_note = notes.collector();
  Module module;
  {
    const WithoutGil released;
    module = jit::load(path, map, options);
  }
  fill_extra_files(extra_files, map);
  notes.tell(on_note);
  return module;
}

/// The archive in memory is used where it lies, so the module keeps `content`.
Module load_bytes(nb::bytes content, nb::handle extra_files, jit::LoadOptions options, nb::handle on_note) {
  jit::ExtraFilesMap map = extra_files_of(extra_files);
  Notes notes;
  options.on_note = notes.collector();
  // A copy: programs may write to their weights, and nobody to the bytes.
  const auto* const bytes = static_cast<const char*>(content.data());
  const auto keeper = std::make_shared<const std::vector<char>>(bytes, bytes + content.size());
  Module module;
  {
    const WithoutGil released;
    module = jit::load(keeper->data(), keeper->size(), keeper, map, options);
  }
  fill_extra_files(extra_files, map);
  notes.tell(on_note);
  return module;
}

/// What of LoadOptions says how graphs become plans.
struct PassOptions {
  std::vector<std::string> disable_pass;
  bool time_passes;
  std::string dump_phases;
};

jit::LoadOptions load_options(bool use_mmap, std::optional<ScalarType> dtype, const std::string& precision,
                              bool prepare, PassOptions passes, int64_t max_memory, int max_depth,
                              bool verify_checksums) {
  return {.use_mmap = use_mmap,
          .dtype = dtype,
          .precision = jit::precision_from_name(precision),
          .prepare = prepare,
          .disable_pass = std::move(passes.disable_pass),
          .time_passes = passes.time_passes,
          .dump_phases = std::move(passes.dump_phases),
          .max_memory = max_memory,
          .max_depth = max_depth,
          .verify_checksums = verify_checksums};
}

using TensorLists = std::vector<std::vector<Tensor>>;
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

Module trace(const transformers::PreTrainedModel& model, const std::vector<Tensor>& inputs,
             const NamedTensors& named_inputs, jit::TraceOptions options, nb::handle on_warning) {
  Notes notes;
  options.on_warning = notes.collector();
  Module module;
  {
    const WithoutGil released;
    module =
        named_inputs.empty() ? jit::trace(model, inputs, options) : jit::trace(model, named_inputs, options);
  }
  notes.tell(on_warning);
  return module;
}

std::vector<std::tuple<std::string, std::string, double>> pass_times(const Module& module) {
  std::vector<std::tuple<std::string, std::string, double>> times;
  for (const jit::PassTime& time : jit::pass_times(module)) {
    times.emplace_back(time.function, time.pass, time.seconds);
  }
  return times;
}

void bind_run_options(nb::module_& module) {
  const RunOptions defaults;
  nb::class_<RunOptions>(module, "RunOptions", "Limits of one run. Zero means no limit.")
      .def(
          "__init__",
          [](RunOptions* self, int64_t max_memory, double max_seconds, int64_t max_iterations,
             int max_recursion, bool skip_padding, bool batch_invariant) {
            if (!(max_memory >= 0 && max_seconds >= 0 && max_iterations >= 0 && max_recursion >= 0)) {
              throw ValueError("RunOptions: a limit below zero; zero means no limit");
            }
            new (self) RunOptions{.max_memory = max_memory,
                                  .max_seconds = max_seconds,
                                  .max_iterations = max_iterations,
                                  .max_recursion = max_recursion,
                                  .skip_padding = skip_padding,
                                  .batch_invariant = batch_invariant,
                                  .cancel = std::make_shared<std::atomic<bool>>(false)};
          },
          nb::kw_only(), "max_memory"_a = defaults.max_memory, "max_seconds"_a = defaults.max_seconds,
          "max_iterations"_a = defaults.max_iterations, "max_recursion"_a = defaults.max_recursion,
          "skip_padding"_a = defaults.skip_padding, "batch_invariant"_a = defaults.batch_invariant)
      .def_rw("max_memory", &RunOptions::max_memory, "Bytes allocated at one time by operators of the run.")
      .def_rw("max_seconds", &RunOptions::max_seconds, "Wall clock.")
      .def_rw("max_iterations", &RunOptions::max_iterations, "Loop iterations in total.")
      .def_rw("max_recursion", &RunOptions::max_recursion, "Depth of calls that are not inlined.")
      .def_rw("skip_padding", &RunOptions::skip_padding,
              "Leave out positions that the attention mask excludes, and give zeros there.")
      .def_rw("batch_invariant", &RunOptions::batch_invariant,
              "Give each row of a batch the bits that it gets alone.")
      .def(
          "cancel", [](const RunOptions& self) { self.cancel->store(true); },
          "From any thread: runs with these options end with CancelledError.");
}

using Calls = std::vector<std::pair<nb::list, nb::dict>>;

nb::tuple quantize(const Module& module, const std::string& dtype, const Calls& calls, double max_error,
                   std::vector<std::string> keep, bool smooth) {
  jit::QuantizeOptions options{.dtype = jit::precision_from_name(dtype),
                               .max_error = max_error,
                               .keep = std::move(keep),
                               .smooth = smooth};
  for (const auto& [inputs, kwargs] : calls) {
    jit::CalibrationCall call;
    for (const nb::handle input : inputs) call.inputs.push_back(to_ivalue(input));
    for (const auto& [name, value] : kwargs)
      call.kwargs.emplace(nb::cast<std::string>(name), to_ivalue(value));
    options.calibration.push_back(std::move(call));
  }
  jit::Quantized made;
  {
    const WithoutGil released;
    made = jit::quantize(module, options);
  }
  return nb::make_tuple(std::move(made.module), jit::to_json(made.report), jit::to_text(made.report));
}

void save_packed(const Module& module, const std::string& path, nb::handle extra_files) {
  const jit::ExtraFilesMap files = extra_files_of(extra_files);
  const WithoutGil released;
  jit::save_packed(module, path, files);
}

void bind_save_packed(nb::module_& module) {
  module.def("save_packed", save_packed, "mod"_a, "path"_a, "extra_files"_a = nb::none(),
             nb::sig("def save_packed(mod: ScriptModule, path: str, extra_files: dict[str, Any] | None = "
                     "None) -> None"));
}

void bind_functions(nb::module_& module) {
  module.def(
      "quantize", quantize, "mod"_a, "dtype"_a, "calls"_a, "max_error"_a, "keep"_a, "smooth"_a,
      nb::sig(
          "def quantize(mod: ScriptModule, dtype: str, calls: Sequence[tuple[list[Any], dict[str, Any]]], "
          "max_error: float, keep: Sequence[str], smooth: bool) -> tuple[ScriptModule, str, str]"));
  module.def("freeze", jit::freeze, "mod"_a, "preserved_attrs"_a = std::vector<std::string>(),
             "optimize_numerics"_a = true, nb::call_guard<WithoutGil>());
  module.def("optimize_for_inference", jit::optimize_for_inference, "mod"_a,
             "other_methods"_a = std::vector<std::string>(), nb::call_guard<WithoutGil>());
  const jit::LoadOptions defaults;
  module.def(
      "load",
      [](nb::handle path, nb::handle extra_files, nb::handle on_note, bool use_mmap,
         std::optional<ScalarType> dtype, const std::string& precision, bool prepare,
         std::vector<std::string> disable_pass, bool time_passes, std::string dump_phases, int64_t max_memory,
         int max_depth, bool verify_checksums) {
        return load(path, extra_files,
                    load_options(use_mmap, dtype, precision, prepare,
                                 {std::move(disable_pass), time_passes, std::move(dump_phases)}, max_memory,
                                 max_depth, verify_checksums),
                    on_note);
      },
      "path"_a, "extra_files"_a = nb::none(), "on_note"_a = nb::none(), nb::kw_only(),
      "use_mmap"_a = defaults.use_mmap, "dtype"_a = nb::none(), "precision"_a = "float32",
      "prepare"_a = defaults.prepare, "disable_pass"_a = defaults.disable_pass,
      "time_passes"_a = defaults.time_passes, "dump_phases"_a = defaults.dump_phases,
      "max_memory"_a = defaults.max_memory, "max_depth"_a = defaults.max_depth,
      "verify_checksums"_a = defaults.verify_checksums,
      nb::sig("def load(path: Any, extra_files: dict[str, Any] | None = None, on_note: Any = None, *, "
              "use_mmap: bool = True, dtype: dtype | None = None, precision: str = 'float32', prepare: "
              "bool = True, disable_pass: Sequence[str] = ..., time_passes: bool = False, dump_phases: str = "
              "'', max_memory: int = ..., max_depth: int = "
              "..., verify_checksums: bool = False) -> ScriptModule"));
  module.def(
      "load_bytes",
      [](const nb::bytes& content, nb::handle on_note, nb::handle extra_files,
         std::optional<ScalarType> dtype, const std::string& precision, bool prepare,
         std::vector<std::string> disable_pass, bool time_passes, std::string dump_phases, int64_t max_memory,
         int max_depth, bool verify_checksums) {
        return load_bytes(content, extra_files,
                          load_options(true, dtype, precision, prepare,
                                       {std::move(disable_pass), time_passes, std::move(dump_phases)},
                                       max_memory, max_depth, verify_checksums),
                          on_note);
      },
      "content"_a, "on_note"_a = nb::none(), "extra_files"_a = nb::none(), nb::kw_only(),
      "dtype"_a = nb::none(), "precision"_a = "float32", "prepare"_a = defaults.prepare,
      "disable_pass"_a = defaults.disable_pass, "time_passes"_a = defaults.time_passes,
      "dump_phases"_a = defaults.dump_phases, "max_memory"_a = defaults.max_memory,
      "max_depth"_a = defaults.max_depth, "verify_checksums"_a = defaults.verify_checksums);
  module.def("pass_names", jit::pass_names);
  module.def("pass_times", pass_times, "mod"_a);
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
  bind_save_packed(module);
}

}  // namespace calque::python
