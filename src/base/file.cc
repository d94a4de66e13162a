#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "base/unnamed_file.h"
#include "calque/error.h"

namespace calque {

namespace {

constexpr size_t kBufferSize = 256 * 1024;
constexpr size_t kLargestTransfer = size_t{1} << 30;

std::string reason(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail(std::string_view verb, const std::string& path, std::string_view why) {
  throw LoadError(cat("cannot ", verb, " ", quoted(path, 1024), ": ", why));
}

/// Closes a descriptor at the end of a scope.
struct Descriptor {
  int number;
  explicit Descriptor(int value) : number(value) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

void refuse_nul(std::string_view verb, const std::string& path) {
  if (path.find('\0') != std::string::npos) fail(verb, path, "the path holds a NUL byte");
}

int open_for_reading(const std::string& path) {
  refuse_nul("open", path);
  // O_NONBLOCK: a named pipe without a writer would block here, before it can be refused.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail("open", path, reason(errno));
  return descriptor;
}

size_t regular_size(int descriptor, const std::string& path) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) fail("open", path, reason(errno));
  if (S_ISDIR(status.st_mode)) fail("open", path, "it is a folder; name a file inside it");
  if (!S_ISREG(status.st_mode))
    fail("open", path, "it is not a regular file; copy its content to a file first");
  if (status.st_size == 0)
    fail("open", path, "the file is empty (0 bytes); it may be an unfinished copy or download");
  return static_cast<size_t>(status.st_size);
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path, const MapOptions& options) {
  const Descriptor descriptor(open_for_reading(path));
  const size_t size = regular_size(descriptor.number, path);
  std::shared_ptr<MappedFile> file(new MappedFile(path));
  if (options.use_mmap) {
    file->map(descriptor.number, size);
  } else {
    file->read(descriptor.number, size);
  }
  return file;
}

MappedFile::~MappedFile() {
  if (mapping_ != nullptr) ::munmap(mapping_, bytes_.size());
}

void MappedFile::map(int descriptor, size_t size) {
  // Writable copy on write: in-place operators may write to weights, and must never reach the file.
  void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0);
  if (address == MAP_FAILED) fail("map", path_, reason(errno));
  mapping_ = address;
  bytes_ = {static_cast<const std::byte*>(address), size};
}

void MappedFile::read(int descriptor, size_t size) {
  memory_ = std::make_unique_for_overwrite<std::byte[]>(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(descriptor, memory_.get() + done, std::min(size - done, kLargestTransfer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read", path_, reason(errno));
    if (count == 0)
      fail("read", path_, cat("it ended after ", done, " of ", size, " bytes; it changed while it was read"));
    done += static_cast<size_t>(count);
  }
  bytes_ = {memory_.get(), size};
}

namespace {

/// The file that `path` leads to through symbolic links, there or not.
std::string followed(const std::string& path) {
  constexpr int kMostLinks = 40;
  std::filesystem::path at(path);
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code error;
    const std::filesystem::path next = std::filesystem::read_symlink(at, error);
    if (error) return at.string();
    at = at.parent_path() / next;
  }
  fail("write", path, reason(ELOOP));
}

std::string folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

std::string temporary_name(const std::string& target) {
  static std::atomic<uint64_t> counter{0};
  return cat(target, ".tmp.", static_cast<int64_t>(::getpid()), ".", counter.fetch_add(1));
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  refuse_nul("write", path_);
  target_ = followed(path_);
  struct stat status{};
  const bool exists = ::stat(target_.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    fail("write", path_,
         S_ISDIR(status.st_mode) ? "it is a folder; name a file" : "it is not a regular file");
  }
  if (exists && ::access(target_.c_str(), W_OK) != 0) fail("write", path_, reason(errno));
  open_temporary();
  try {
    if (exists && ::fchmod(descriptor_, status.st_mode & 07777) != 0) fail("write", path_, reason(errno));
    buffer_.reserve(kBufferSize);
  } catch (...) {
    discard();
    throw;
  }
}

void AtomicFile::open_temporary() {
  descriptor_ = open_unnamed_file(folder_of(target_));
  if (descriptor_ >= 0) return;
  do {
    temporary_ = temporary_name(target_);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) fail("write", path_, reason(errno));
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  descriptor_ = -1;
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  check(descriptor_ >= 0, "AtomicFile::write after commit");
  position_ += bytes.size();
  if (bytes.size() < kBufferSize - buffer_.size()) {
    buffer_ += as_text(bytes);
    return;
  }
  write_out(as_bytes(buffer_));
  buffer_.clear();
  if (bytes.size() < kBufferSize) {
    buffer_ += as_text(bytes);
  } else {
    write_out(bytes);
  }
}

void AtomicFile::write_out(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), std::min(bytes.size(), kLargestTransfer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write", path_, reason(errno));
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void AtomicFile::name_temporary() {
  if (!temporary_.empty()) return;
  std::string name;
  do {
    name = temporary_name(target_);
    if (name_file(descriptor_, name)) {
      temporary_ = name;
      return;
    }
  } while (errno == EEXIST);
  fail("write", path_, reason(errno));
}

void AtomicFile::commit() {
  check(descriptor_ >= 0, "AtomicFile::commit called twice");
  write_out(as_bytes(buffer_));
  name_temporary();
  const int closed = ::close(descriptor_);
  const int close_error = errno;
  descriptor_ = -1;
  if (closed != 0) {
    ::unlink(temporary_.c_str());
    fail("write", path_, reason(close_error));
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int rename_error = errno;
    ::unlink(temporary_.c_str());
    fail("write", path_, reason(rename_error));
  }
}

void write_file(const std::string& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace calque
