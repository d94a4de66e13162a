#include <istream>
#include <iterator>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "calque/jit.h"
#include "jit/executable.h"
#include "jit/packed_records.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "torchscript/archive_reader.h"

namespace calque::jit {

namespace {

/// A dtype that changes nothing is worth a word: whoever asks for it expects a smaller or faster module.
void note_dtype(const Module& module, const LoadOptions& options) {
  if (!options.dtype || !options.on_note) return;
  for (const NamedTensor& tensor : module.state_dict()) {
    if (tensor.value.is_floating_point()) return;
  }
  options.on_note(
      cat("dtype ", dtype_name(*options.dtype),
          " changes nothing: there are no floating-point parameters or buffers; a frozen or quantised "
          "program holds its weights as constants, so convert the archive that it was made from"));
}

Module module_of(const torchscript::LoadedArchive& archive, const LoadOptions& options) {
  Module module(archive.root);
  note_dtype(module, options);
  if (archive.root->unit == nullptr) return module;
  const PackedCounts packed = use_packed(archive, options);
  int64_t nodes = 0;
  passes::check_names(options.disable_pass);
  const PlanOptions plan{.disabled = options.disable_pass,
                         .time_passes = options.time_passes,
                         .dump_folder = options.dump_phases};
  for (const auto& function : archive.root->unit->functions()) {
    function->arithmetic = static_cast<int64_t>(options.precision);
    set_plan_options(*function, plan);
    if (function->graph != nullptr) nodes += passes::count_nodes(function->graph->block());
  }
  // A larger program is planned when it runs: whoever only looks at it does not wait for that.
  const std::optional<Method> forward = module.find_method("forward");
  if (!options.prepare || !forward || nodes > passes::kMostNodesToSearch) return module;
  try {
    prepare(forward->function(), archive.root);
    note_packed_anew(packed, archive, options);
  } catch (const Error&) {
    if (options.time_passes || !options.dump_phases.empty()) throw;
    return module;  // A program that cannot be planned says so when it is run.
  }
  return module;
}

void fill(ExtraFilesMap& extra_files, const torchscript::LoadedArchive& archive) {
  for (auto& [name, content] : extra_files) content = archive.extra(name).value_or("");
}

}  // namespace

Module load(const std::string& path, const LoadOptions& options) {
  return module_of(torchscript::read_archive_file(path, options), options);
}

Module load(const std::string& path, ExtraFilesMap& extra_files, const LoadOptions& options) {
  const torchscript::LoadedArchive archive = torchscript::read_archive_file(path, options);
  fill(extra_files, archive);
  return module_of(archive, options);
}

Module load(std::istream& in, const LoadOptions& options) {
  const auto bytes = std::make_shared<const std::string>(std::istreambuf_iterator<char>(in),
                                                         std::istreambuf_iterator<char>());
  if (in.bad()) throw LoadError("cannot read the archive from the stream: the stream reports an error");
  return module_of(torchscript::read_archive(as_bytes(*bytes), bytes, "the stream", options), options);
}

Module load(const std::string& path, std::optional<Device>, ExtraFilesMap& extra_files) {
  return load(path, extra_files, LoadOptions{});
}

Module load(const void* data, size_t size, std::shared_ptr<const void> keeper, const LoadOptions& options) {
  ExtraFilesMap none;
  return load(data, size, std::move(keeper), none, options);
}

Module load(const void* data, size_t size, std::shared_ptr<const void> keeper, ExtraFilesMap& extra_files,
            const LoadOptions& options) {
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(data), size);
  const torchscript::LoadedArchive archive =
      torchscript::read_archive(bytes, std::move(keeper), "the archive in memory", options);
  fill(extra_files, archive);
  return module_of(archive, options);
}

}  // namespace calque::jit
