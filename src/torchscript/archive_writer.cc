#include "torchscript/archive_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "base/text.h"
#include "ir/graph.h"
#include "torchscript/pickler.h"
#include "torchscript/source_printer.h"

namespace calque::torchscript {

namespace {

/// PyTorch deflates source records above this size, and nothing else.
constexpr size_t kSmallestDeflated = 200;
constexpr size_t kPiece = size_t{4} << 20;

/// Hands bytes on and keeps a 128-bit digest of them: the archive's serialization_id. Not a cryptographic
/// hash.
class DigestSink final : public ByteSink {
 public:
  explicit DigestSink(ByteSink& out) : out_(out) {}

  using ByteSink::write;
  void write(std::span<const std::byte> bytes) override {
    out_.write(bytes);
    const std::byte* data = bytes.data();
    size_t left = bytes.size();
    for (; left >= 16; left -= 16, data += 16) mix(word(data, 8), word(data + 8, 8));
    if (left > 0) mix(word(data, std::min<size_t>(left, 8)), left > 8 ? word(data + 8, left - 8) : 0);
    mix(bytes.size(), 1);
  }

  /// 40 decimal digits.
  std::string digits() const {
    std::string out;
    for (const uint64_t half : {low_ ^ std::rotl(high_, 32), high_ * kFactor ^ low_}) {
      const std::string text = cat(half);
      out += std::string(20 - text.size(), '0') + text;
    }
    return out;
  }

 private:
  static constexpr uint64_t kFactor = 0x9E3779B97F4A7C15ULL;

  static uint64_t word(const std::byte* data, size_t size) {
    uint64_t value = 0;
    std::memcpy(&value, data, size);
    return value;
  }

  void mix(uint64_t a, uint64_t b) {
    low_ = std::rotl(low_ ^ a, 29) * kFactor + high_;
    high_ = std::rotl(high_ ^ b, 37) * 0xC2B2AE3D27D4EB4FULL + 1;
  }

  ByteSink& out_;
  uint64_t low_ = 0x6A09E667F3BCC908ULL;
  uint64_t high_ = 0xBB67AE8584CAA73BULL;
};

class ArchiveWriter {
 public:
  ArchiveWriter(ByteSink& sink, std::string root_name)
      : digest_(sink), zip_(digest_), root_(std::move(root_name) + "/") {}

  void write(const Ref<ObjectImpl>& root, const WriteOptions& options) {
    extra_files(options.extra);
    // The pickle meets the classes first, in the order of PyTorch; what only code mentions follows.
    pickle("data", write_pickle(IValue(root), printer_));
    std::vector<SourceFile> files;
    Pickle constants;
    // Constants can be objects of classes that no code mentions; their code can hold more constants.
    size_t known = 0;
    do {
      printer_.files();
      known = printer_.constants().size();
      constants = write_pickle(IValue::tuple(printer_.constants()), printer_);
      files = printer_.files();
    } while (printer_.constants().size() != known);
    for (const SourceFile& file : files) source(file);
    pickle("constants", constants);
    if (options.more) options.more(written_, root_, zip_);
    zip_.add(root_ + ".data/version", "10\n");
    zip_.add(root_ + "byteorder", "little");
    zip_.add(root_ + ".data/serialization_id", digest_.digits());
    zip_.finish();
  }

 private:
  void extra_files(const jit::ExtraFilesMap& extra) {
    const std::map<std::string, std::string> sorted(extra.begin(), extra.end());
    for (const auto& [name, content] : sorted) zip_.add(cat(root_, "extra/", name), content);
  }

  void pickle(std::string_view name, const Pickle& pickle) {
    for (size_t i = 0; i < pickle.storages.size(); ++i) {
      storage(cat(name, "/", i), pickle.storages[i]);
    }
    zip_.add(cat(root_, name, ".pkl"), pickle.bytes);
  }

  void storage(const std::string& record, const PickledStorage& content) {
    const auto size = static_cast<size_t>(content.nbytes);
    zip_.begin(cat(root_, record), size);
    for (size_t at = 0; at < size; at += kPiece) {
      zip_.write({content.storage->data() + at, std::min(kPiece, size - at)});
    }
    const uint32_t crc32 = zip_.end();
    if (content.storage) written_.push_back({.storage = content.storage, .record = record, .crc32 = crc32});
  }

  void source(const SourceFile& file) {
    const bool deflate = file.text.size() > kSmallestDeflated;
    zip_.add(cat(root_, "code/", file.path), file.text, deflate ? ZipMethod::kDeflated : ZipMethod::kStored);
  }

  SourcePrinter printer_;
  DigestSink digest_;
  ZipWriter zip_;
  std::string root_;
  std::vector<WrittenStorage> written_;
};

void require_module(const Ref<ObjectImpl>& root) {
  if (!root) throw ValueError("an empty module handle cannot be saved");
  if (!root->type->is_module) {
    throw ValueError(
        cat("only modules can be saved as an archive; this is an object of class ", root->type->name));
  }
}

}  // namespace

void write_archive(const Ref<ObjectImpl>& root, ByteSink& sink, const WriteOptions& options) {
  require_module(root);
  ArchiveWriter(sink, options.root_name).write(root, options);
}

void write_archive_file(const Ref<ObjectImpl>& root, const std::string& path, const WriteOptions& options) {
  require_module(root);
  AtomicFile file(path);
  write_archive(root, file, options);
  file.commit();
}

}  // namespace calque::torchscript
