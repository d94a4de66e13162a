#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "base/text.h"
#include "calque/error.h"

namespace calque {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

class FileTest : public testing::Test {
 protected:
  FileTest() : folder_(fs::path(testing::TempDir()) / cat("calque_file_test_", ::getpid())) {
    fs::create_directories(folder_);
  }
  ~FileTest() override { fs::remove_all(folder_); }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(at(name), std::ios::binary) << text;
  }
  size_t count() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(FileTest, MapsAndReadsTheSameBytes) {
  put("a", std::string("hello\0world", 11));
  const auto mapped = MappedFile::open(at("a"));
  const auto read = MappedFile::open(at("a"), {.use_mmap = false});
  EXPECT_TRUE(mapped->is_mapped());
  EXPECT_FALSE(read->is_mapped());
  EXPECT_EQ(mapped->text(), std::string_view("hello\0world", 11));
  EXPECT_EQ(mapped->text(), read->text());
  EXPECT_EQ(mapped->size(), 11u);
}

TEST_F(FileTest, MappingOutlivesTheName) {
  put("a", "hello");
  const auto file = MappedFile::open(at("a"));
  fs::remove(at("a"));
  EXPECT_EQ(file->text(), "hello");
}

/// Bytes of mapped files in this process's memory; nullopt where the system does not tell.
std::optional<int64_t> resident_file_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  int64_t kilobytes = 0;
  while (status >> word) {
    if (word == "RssFile:" && status >> kilobytes) return kilobytes * 1024;
  }
  return std::nullopt;
}

TEST_F(FileTest, CleanPagesLeaveMemoryAndWrittenOnesStay) {
  constexpr size_t kSize = size_t{32} << 20;
  std::string text(kSize, '\0');
  for (size_t i = 0; i < kSize; ++i) text[i] = static_cast<char>(i * 7 + i / 4096);
  put("a", text);
  const auto file = MappedFile::open(at("a"));
  ASSERT_EQ(file->text(), text);
  auto* const bytes = const_cast<std::byte*>(file->bytes().data());
  for (const size_t i : {size_t{0}, size_t{4095}, size_t{8192}, kSize / 2 + 5, kSize - 1}) {
    text[i] = static_cast<char>(text[i] + 1);
    bytes[i] = static_cast<std::byte>(text[i]);
  }
  const std::optional<int64_t> before = resident_file_bytes();
  drop_clean_pages(bytes, kSize);
  const std::optional<int64_t> after = resident_file_bytes();
  if (before) {
    EXPECT_LT(*after, *before - static_cast<int64_t>(kSize) * 3 / 4);
  }
  EXPECT_EQ(file->text(), text);
  drop_clean_pages(bytes + 1, kSize - 2);
  EXPECT_EQ(file->text(), text);
}

TEST_F(FileTest, MemoryThatIsNoFileStays) {
  std::string text(size_t{1} << 20, 'x');
  const std::string copy = text;
  drop_clean_pages(text.data(), text.size());
  EXPECT_EQ(text, copy);
}

TEST_F(FileTest, RefusesWhatIsNoFile) {
  put("empty", "");
  EXPECT_THAT([&] { MappedFile::open(at("none")); }, ThrowsMessage<LoadError>(HasSubstr("No such file")));
  EXPECT_THAT([&] { MappedFile::open(at("none")); }, ThrowsMessage<LoadError>(HasSubstr(at("none"))));
  EXPECT_THAT([&] { MappedFile::open(folder_.string()); }, ThrowsMessage<LoadError>(HasSubstr("folder")));
  EXPECT_THAT([&] { MappedFile::open(at("empty")); }, ThrowsMessage<LoadError>(HasSubstr("empty")));
  EXPECT_THAT([&] { MappedFile::open("/dev/zero"); }, ThrowsMessage<LoadError>(HasSubstr("not a regular")));
  EXPECT_THAT([&] { MappedFile::open(std::string("a\0b", 3)); }, ThrowsMessage<LoadError>(HasSubstr("NUL")));
}

TEST_F(FileTest, RefusesPipeWithoutWaiting) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_THAT([&] { MappedFile::open(at("pipe")); }, ThrowsMessage<LoadError>(HasSubstr("not a regular")));
}

TEST_F(FileTest, WritesWhenCommitted) {
  put("a", "old");
  AtomicFile file(at("a"));
  file.write("new ");
  EXPECT_EQ(MappedFile::open(at("a"))->text(), "old");
  file.write(std::string(1 << 20, 'x'));
  file.write("!");
  EXPECT_EQ(file.position(), 4u + (1u << 20) + 1u);
  file.commit();
  EXPECT_EQ(MappedFile::open(at("a"))->text(), "new " + std::string(1 << 20, 'x') + "!");
  EXPECT_EQ(count(), 1u);
}

TEST_F(FileTest, ManySmallWritesKeepTheirOrder) {
  std::string expected;
  AtomicFile file(at("a"));
  for (int i = 0; i < 200'000; ++i) {
    const std::string piece = cat(i, ",");
    expected += piece;
    file.write(piece);
  }
  file.commit();
  EXPECT_EQ(MappedFile::open(at("a"))->text(), expected);
}

TEST_F(FileTest, LeavesNothingWithoutCommit) {
  put("a", "old");
  {
    AtomicFile file(at("a"));
    file.write("new");
  }
  EXPECT_EQ(MappedFile::open(at("a"))->text(), "old");
  EXPECT_EQ(count(), 1u);
}

TEST_F(FileTest, HasNoNameBeforeItIsComplete) {
  AtomicFile file(at("a"));
  file.write(std::string(1 << 20, 'x'));
  if (std::filesystem::exists("/proc/self/fd")) {
    EXPECT_EQ(count(), 0u);
  }
  file.commit();
  EXPECT_EQ(count(), 1u);
}

TEST_F(FileTest, KeepsPermissionsAndLinks) {
  put("a", "old");
  std::filesystem::permissions(at("a"),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::create_symlink("a", at("link"));
  std::filesystem::create_symlink("new", at("dangling"));
  std::filesystem::create_symlink("loop", at("loop"));
  write_file(at("link"), as_bytes("new"));
  write_file(at("dangling"), as_bytes("other"));
  EXPECT_TRUE(std::filesystem::is_symlink(at("link")));
  EXPECT_EQ(MappedFile::open(at("a"))->text(), "new");
  EXPECT_EQ(MappedFile::open(at("new"))->text(), "other");
  EXPECT_EQ(std::filesystem::status(at("a")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_THAT([&] { AtomicFile file(at("loop")); }, ThrowsMessage<LoadError>(HasSubstr("symbolic links")));
}

TEST_F(FileTest, RefusesBadTargets) {
  EXPECT_THAT([&] { AtomicFile file(at("no/such")); }, ThrowsMessage<LoadError>(HasSubstr("No such file")));
  EXPECT_THAT([&] { AtomicFile file(folder_.string()); }, ThrowsMessage<LoadError>(HasSubstr("folder")));
  EXPECT_THAT([&] { AtomicFile file("/dev/null"); }, ThrowsMessage<LoadError>(HasSubstr("not a regular")));
}

TEST_F(FileTest, FailedWriteIsAnErrorAndLeavesTheOldFile) {
  put("a", "old");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1 << 20, before.rlim_max};
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto overfill = [&] {
    AtomicFile file(at("a"));
    for (int i = 0; i < 64; ++i) file.write(std::string(1 << 18, 'x'));
  };
  EXPECT_THAT(overfill, ThrowsMessage<LoadError>(HasSubstr("too large")));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(MappedFile::open(at("a"))->text(), "old");
  EXPECT_EQ(count(), 1u);
}

TEST_F(FileTest, WriteFileReplaces) {
  write_file(at("a"), as_bytes("one"));
  write_file(at("a"), as_bytes("two"));
  EXPECT_EQ(MappedFile::open(at("a"))->text(), "two");
}

}  // namespace
}  // namespace calque
