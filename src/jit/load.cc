#include <istream>
#include <iterator>
#include <memory>
#include <string>

#include "base/file.h"
#include "calque/error.h"
#include "calque/jit.h"
#include "torchscript/archive_reader.h"

namespace calque::jit {

namespace {

Module module_of(const torchscript::LoadedArchive& archive) { return Module(archive.root); }

void fill(ExtraFilesMap& extra_files, const torchscript::LoadedArchive& archive) {
  for (auto& [name, content] : extra_files) content = archive.extra(name).value_or("");
}

}  // namespace

Module load(const std::string& path, const LoadOptions& options) {
  return module_of(torchscript::read_archive_file(path, options));
}

Module load(const std::string& path, ExtraFilesMap& extra_files, const LoadOptions& options) {
  const torchscript::LoadedArchive archive = torchscript::read_archive_file(path, options);
  fill(extra_files, archive);
  return module_of(archive);
}

Module load(std::istream& in, const LoadOptions& options) {
  const auto bytes = std::make_shared<const std::string>(std::istreambuf_iterator<char>(in),
                                                         std::istreambuf_iterator<char>());
  if (in.bad()) throw LoadError("cannot read the archive from the stream: the stream reports an error");
  return module_of(torchscript::read_archive(as_bytes(*bytes), bytes, "the stream", options));
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
  return module_of(archive);
}

}  // namespace calque::jit
