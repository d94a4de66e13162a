// Files: read-only mapping, sinks for bytes, and a writer that never leaves a half-written file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace calque {

/// The bytes of `text`, without a copy.
inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// `bytes` seen as text, without a copy.
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct MapOptions {
  /// False: the file is read into memory, so that later changes of the file cannot be seen. With a
  /// mapping, a file that another program shortens while it is in use ends the process (SIGBUS).
  bool use_mmap = true;
};

/// A whole regular file, never changed. Share it by shared_ptr for as long as its bytes are in use. The
/// mapping is private and copied on write: tensors over it may be written by in-place operators, and the file
/// does not see it.
class MappedFile {
 public:
  /// Throws LoadError with the path and the system's reason when the file is missing, a folder, empty,
  /// not a regular file, or not readable.
  static std::shared_ptr<const MappedFile> open(const std::string& path, const MapOptions& options = {});

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  uint64_t size() const { return bytes_.size(); }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::string_view text() const { return as_text(bytes_); }
  bool is_mapped() const { return mapping_ != nullptr; }

 private:
  explicit MappedFile(std::string path) : path_(std::move(path)) {}
  void map(int descriptor, size_t size);
  void read(int descriptor, size_t size);

  std::string path_;
  void* mapping_ = nullptr;
  std::unique_ptr<std::byte[]> memory_;
  std::span<const std::byte> bytes_;
};

/// For bytes that will not be read soon: whole pages of a mapped file that nobody has written to leave the
/// memory of this process, and come again from the file when they are read; everything else stays as it is.
/// Nobody may write to these bytes at the same time.
void drop_clean_pages(const void* data, size_t size) noexcept;

/// For bytes that will be read soon: the pages that hold them are here when this returns, if they can be.
void bring_pages(const void* data, size_t size) noexcept;

/// Where a writer puts its bytes, in order.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
  void write(std::string_view text) { write(as_bytes(text)); }
};

/// Collects into a string.
class StringSink : public ByteSink {
 public:
  using ByteSink::write;
  void write(std::span<const std::byte> bytes) override { text_ += as_text(bytes); }
  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// Writes `path` by way of a new file beside it, which takes the place of `path` in commit(), with the
/// permissions of the old file, if any. Without a commit() the old file stays as it was. The new file has no
/// name before it is complete, where the system can do that: nothing is left when the program is killed. A
/// symbolic link stays one, and what it points to is written. Not flushed to the disk: after a power failure
/// the file may be gone, but a reader never sees half of it.
class AtomicFile : public ByteSink {
 public:
  /// Throws LoadError when the folder is missing or may not be written, or when `path` exists and is not a
  /// regular file (a device or a folder is never replaced) or may not be written.
  explicit AtomicFile(std::string path);
  ~AtomicFile() override;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  using ByteSink::write;
  /// Throws LoadError, for example when the disk is full.
  void write(std::span<const std::byte> bytes) override;
  uint64_t position() const { return position_; }
  /// Ends the writing: `path` is now the new file. At most once.
  void commit();

 private:
  void write_out(std::span<const std::byte> bytes);
  void open_temporary();
  void name_temporary();
  void discard() noexcept;

  std::string path_;       ///< as it was given, for messages
  std::string target_;     ///< where it leads to
  std::string temporary_;  ///< empty while the new file has no name
  std::string buffer_;
  uint64_t position_ = 0;
  int descriptor_ = -1;
};

/// Writes `bytes` as the whole content of `path`, as AtomicFile does.
void write_file(const std::string& path, std::span<const std::byte> bytes);

}  // namespace calque
