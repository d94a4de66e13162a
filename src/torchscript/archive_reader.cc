#include "torchscript/archive_reader.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/archive_kind.h"
#include "formats/pickle_reader.h"
#include "formats/sniff.h"
#include "torchscript/convert_parameters.h"
#include "torchscript/device_notes.h"
#include "torchscript/original_places.h"
#include "torchscript/program.h"
#include "torchscript/source_importer.h"
#include "torchscript/storage_reader.h"
#include "torchscript/unpickler.h"

namespace calque::torchscript {

namespace {

constexpr int64_t kMinVersion = 1;
constexpr int64_t kMaxVersion = 10;

class ArchiveReader {
 public:
  ArchiveReader(std::span<const std::byte> bytes, std::shared_ptr<const void> keeper,
                const std::string& label, const jit::LoadOptions& options)
      : options_(options), label_(label) {
    const FileKind kind = sniff(bytes);
    if (kind != FileKind::kZip && kind != FileKind::kUnknown) {
      throw LoadError(cat(label, ": not a TorchScript archive. ", describe(kind)));
    }
    archive_.zip = std::make_shared<const ZipReader>(bytes, label);
    archive_.keeper = std::move(keeper);
    archive_.root = cat(archive_root(*archive_.zip), "/");
  }

  LoadedArchive run(Problems* collect) {
    check_kind();
    const int64_t version = read_version();
    archive_.big_endian = byte_order() == "big";
    const std::shared_ptr<CompilationUnit> unit = make_unit();
    Program program(
        *unit,
        {.operator_version = version, .max_depth = options_.max_depth, .max_memory = options_.max_memory});
    auto importer =
        std::make_shared<SourceImporter>(program, [this](const std::string& path) { return source(path); });
    program.constants = read_constants(*importer);
    const IValue root = read_pickle_record("data.pkl", "data/", *importer, unit);
    if (root.object_impl() == nullptr || !root.object_impl()->type->is_module) {
      throw LoadError(cat(label_, ": data.pkl holds a ",
                          root.isObject() ? "class that is no module" : root.type_name(),
                          ", but an archive holds a module"));
    }
    program.compile_all(collect);
    if (options_.on_note) note_devices(*unit, options_.on_note);
    if (options_.dtype.has_value()) convert_parameters(*root.object_impl(), *options_.dtype);
    return {.root = root.toObject(),
            .unit = unit,
            .version = version,
            .zip = archive_.zip,
            .keeper = archive_.keeper,
            .folder = archive_.root,
            .storages = std::move(in_place_)};
  }

 private:
  void check_kind() const {
    const ArchiveKind kind = archive_kind(*archive_.zip);
    if (kind == ArchiveKind::kTorchScript) return;
    if (record("bytecode.pkl") != nullptr && record("constants.pkl") == nullptr) {
      throw LoadError(
          cat(label_,
              ": holds bytecode for mobile devices (.ptl) and no TorchScript source. Export it again "
              "with torch.jit.save"));
    }
    std::string missing = record("data.pkl") == nullptr ? "data.pkl" : "constants.pkl";
    throw LoadError(cat(
        label_, ": locating file ", missing, ": file not found. ",
        kind == ArchiveKind::kOther ? "It is no TorchScript archive, or a damaged one." : describe(kind)));
  }

  const ZipEntry* record(std::string_view name) const { return archive_.zip->find(cat(archive_.root, name)); }

  std::string read_text(std::string_view name) const {
    const ZipEntry* entry = record(name);
    return entry == nullptr ? std::string() : std::string(archive_.zip->read(*entry).text());
  }

  /// As PyTorch: `.data/version` before `version`; leading blanks and text behind the number pass.
  int64_t read_version() const {
    const std::string_view name = record(".data/version") != nullptr ? ".data/version" : "version";
    if (record(name) == nullptr) {
      throw LoadError(
          cat(label_, ": Expected hasRecord(\"version\") to be true: the archive says no version"));
    }
    const std::string text = read_text(name);
    size_t begin = text.find_first_not_of(" \t\n\r\f\v");
    if (begin == std::string::npos) begin = text.size();
    if (begin < text.size() && text[begin] == '+') ++begin;
    int64_t version = 0;
    const auto parsed = std::from_chars(text.data() + begin, text.data() + text.size(), version);
    if (parsed.ec == std::errc::invalid_argument) {
      throw LoadError(cat(label_, ": Couldn't parse the version ", quoted(text), " as Long Long."));
    }
    if (parsed.ec != std::errc() || version < kMinVersion) {
      throw LoadError(cat(label_, ": Attempted to read a PyTorch file with version ", quoted(text),
                          ", but the minimum "
                          "supported version for reading is ",
                          kMinVersion,
                          ". Your PyTorch script module file is too "
                          "old. Please regenerate it with the latest version of PyTorch."));
    }
    if (version > kMaxVersion) {
      throw LoadError(cat(label_, ": Attempted to read a PyTorch file with version ", version,
                          ", but the maximum "
                          "supported version for reading is ",
                          kMaxVersion,
                          ". The version of Calque is too old; install "
                          "a newer one."));
    }
    return version;
  }

  std::string byte_order() const { return read_text("byteorder"); }

  std::optional<Source> source(const std::string& path) const {
    const std::string name = cat("code/", path, ".py");
    const ZipEntry* entry = record(name);
    if (entry == nullptr) return std::nullopt;
    Source source{.name = std::make_shared<const std::string>(name),
                  .text = std::string(archive_.zip->read(*entry).text())};
    source.original = original_places(name, source.text);
    return source;
  }

  /// Places for messages only, so a record that cannot be read is as good as none.
  std::shared_ptr<const OriginalPlaces> original_places(const std::string& name,
                                                        std::string_view text) const {
    const ZipEntry* entry = record(cat(name, ".debug_pkl"));
    if (entry == nullptr) return nullptr;
    try {
      const ZipRecord content = archive_.zip->read(*entry);
      return OriginalPlaces::read(read_pickle(content.bytes(), name), text);
    } catch (const LoadError&) {
      return nullptr;
    }
  }

  IValue read_pickle_record(std::string_view name, std::string_view folder, SourceImporter& importer,
                            std::shared_ptr<CompilationUnit> unit) {
    const ZipEntry* entry = record(name);
    if (entry == nullptr) throw LoadError(cat(label_, ": locating file ", name, ": file not found"));
    const std::string label = cat(label_, ": ", name);
    const ZipRecord content = archive_.zip->read(*entry);
    const PickleValue pickle = read_pickle(
        content.bytes(), label, {.max_depth = static_cast<uint32_t>(std::max(options_.max_depth, 1))});
    StorageReader storages(archive_, std::string(folder), options_);
    const UnpickleContext context{
        .label = label,
        .storages = storages,
        .find_type = [&](const std::string& type) { return importer.resolve_type(type, {}); },
        .unit = std::move(unit),
        .options = options_,
        .noted_devices = noted_devices_};
    IValue value = unpickle(pickle, context);
    std::ranges::move(storages.in_place(), std::back_inserter(in_place_));
    return value;
  }

  std::vector<IValue> read_constants(SourceImporter& importer) {
    const IValue value = read_pickle_record("constants.pkl", "constants/", importer, nullptr);
    if (!value.isTuple())
      throw LoadError(cat(label_, ": constants.pkl holds a ", value.type_name(), ", expected a tuple"));
    std::vector<IValue> constants = value.tuple_impl()->items;
    // A number of the traced program is a tensor without dimensions here, and promotes types as a number
    // does.
    for (const IValue& constant : constants) {
      if (!constant.isTensor()) continue;
      const Tensor tensor = constant.toTensor();
      const bool is_number = tensor.dim() == 0 && (tensor.is_floating_point() || is_integral(tensor.dtype()));
      tensor.impl()->wrapped_number = is_number;
    }
    return constants;
  }

  const jit::LoadOptions& options_;
  const std::string label_;
  ArchiveBytes archive_;
  std::set<std::string> noted_devices_;
  std::vector<ArchiveStorage> in_place_;
};

}  // namespace

std::vector<std::string> LoadedArchive::extra_names() const {
  const std::string prefix = cat(folder, "extra/");
  std::vector<std::string> names;
  for (const ZipEntry& entry : zip->entries()) {
    if (entry.name.starts_with(prefix) && entry.name.size() > prefix.size() && !entry.is_folder()) {
      names.emplace_back(entry.name.substr(prefix.size()));
    }
  }
  return names;
}

std::optional<std::string> LoadedArchive::extra(std::string_view name) const {
  const ZipEntry* entry = zip->find(cat(folder, "extra/", name));
  if (entry == nullptr) return std::nullopt;
  return std::string(zip->read(*entry).text());
}

LoadedArchive read_archive(std::span<const std::byte> bytes, std::shared_ptr<const void> keeper,
                           const std::string& label, const jit::LoadOptions& options, Problems* collect) {
  return ArchiveReader(bytes, std::move(keeper), label, options).run(collect);
}

LoadedArchive read_archive_file(const std::string& path, const jit::LoadOptions& options, Problems* collect) {
  std::shared_ptr<const MappedFile> file = MappedFile::open(path, {.use_mmap = options.use_mmap});
  return read_archive(file->bytes(), file, path, options, collect);
}

}  // namespace calque::torchscript
