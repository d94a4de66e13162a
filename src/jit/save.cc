#include <ostream>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "calque/jit.h"
#include "ir/graph.h"
#include "jit/executable.h"
#include "jit/packed_records.h"
#include "torchscript/archive_writer.h"
#include "torchscript/source_printer.h"

namespace calque::jit {

namespace {

class StreamSink : public ByteSink {
 public:
  explicit StreamSink(std::ostream& out) : out_(out) {}
  using ByteSink::write;
  void write(std::span<const std::byte> bytes) override {
    out_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!out_)
      throw LoadError(
          "cannot write the archive: the stream refused the bytes. Is the disk full or the pipe closed?");
  }

 private:
  std::ostream& out_;
};

std::string why_nothing_is_packed(const Module& module) {
  for (const NamedTensor& tensor : module.state_dict()) {
    if (!tensor.value.is_floating_point() || tensor.value.dtype() == kFloat) continue;
    return cat("save_packed: ", quoted(tensor.name), " is of ", dtype_name(tensor.value.dtype()),
               ", and weights of float32 are packed: load the module with dtype float32 (--dtype float32)");
  }
  return "save_packed: `forward` multiplies by no weights of the module that can be packed; save it without";
}

}  // namespace

void Module::save(const std::string& path, const ExtraFilesMap& extra_files) const {
  torchscript::write_archive_file(object_, path, {.extra = extra_files});
}

void Module::save(std::ostream& out, const ExtraFilesMap& extra_files) const {
  StreamSink sink(out);
  torchscript::write_archive(object_, sink, {.extra = extra_files});
}

void save(const Module& module, const std::string& path, const ExtraFilesMap& extra_files) {
  module.save(path, extra_files);
}

void save_packed(const Module& module, const std::string& path, const ExtraFilesMap& extra_files) {
  const Method forward = module.get_method("forward");
  prepare(forward.function(), module._ivalue());
  const auto more = [&](const std::vector<torchscript::WrittenStorage>& storages, const std::string& root,
                        ZipWriter& zip) {
    if (write_packed(storages, root, zip) > 0) return;
    throw ValueError(why_nothing_is_packed(module));
  };
  torchscript::write_archive_file(module._ivalue(), path, {.extra = extra_files, .more = more});
}

std::string Module::code() const { return torchscript::function_source(get_method("forward").function()); }

std::string Module::graph(bool inlined) const {
  const Function& forward = get_method("forward").function();
  if (!inlined) return to_string(*forward.graph);
  return to_string(*unfused_graph(forward));
}

}  // namespace calque::jit
