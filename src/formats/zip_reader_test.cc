#include "formats/zip_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "calque/error.h"
#include "formats/archive_kind.h"
#include "formats/hostile_testing.h"
#include "formats/zip_testing.h"

namespace calque {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::deflated_record;
using testing_support::fake_zip;
using testing_support::FakeRecord;
using testing_support::stored;

ZipReader open(std::string_view archive) { return ZipReader(as_bytes(archive), "x.pt"); }

void expect_refused(const std::string& archive, const std::string& part) {
  EXPECT_THAT([&] { open(archive); },
              ThrowsMessage<LoadError>(testing::AllOf(HasSubstr("x.pt"), HasSubstr(part))));
}

FakeRecord changed(void (*change)(FakeRecord&)) {
  FakeRecord record = stored("a/b", "hello");
  change(record);
  return record;
}

TEST(ZipReader, ReadsStoredWithoutCopyAndDeflated) {
  const std::string text(10'000, 'q');
  const std::string archive =
      fake_zip({stored("m/a", "hello"), deflated_record("m/b", text), stored("m/dir/", "")});
  const ZipReader zip = open(archive);
  ASSERT_EQ(zip.entries().size(), 3u);
  const ZipRecord record = zip.read(zip.at("m/a"));
  EXPECT_EQ(record.text(), "hello");
  EXPECT_EQ(record.text().data(), archive.data() + zip.at("m/a").data_offset);
  EXPECT_EQ(zip.read(zip.at("m/b")).text(), text);
  EXPECT_EQ(as_text(zip.stored_bytes(zip.at("m/a"))), "hello");
  EXPECT_TRUE(zip.at("m/dir/").is_folder());
  EXPECT_EQ(zip.find("m/c"), nullptr);
  EXPECT_THAT([&] { zip.at("m/c"); }, ThrowsMessage<LoadError>(HasSubstr("\"m/c\"")));
  EXPECT_THAT([&] { zip.stored_bytes(zip.at("m/b")); }, ThrowsMessage<LoadError>(HasSubstr("compressed")));
}

TEST(ZipReader, InflatedRecordSurvivesAMove) {
  const std::string archive = fake_zip({deflated_record("a", "hello hello hello")});
  const ZipReader zip = open(archive);
  ZipRecord first = zip.read(zip.at("a"));
  const ZipRecord second = std::move(first);
  EXPECT_EQ(second.text(), "hello hello hello");
}

TEST(ZipReader, EmptyArchiveAndEmptyRecords) {
  EXPECT_TRUE(open(fake_zip({})).entries().empty());
  const std::string archive = fake_zip({stored("a", ""), deflated_record("b", "")});
  const ZipReader zip = open(archive);
  EXPECT_EQ(zip.read(zip.at("a")).text(), "");
  EXPECT_EQ(zip.read(zip.at("b")).text(), "");
}

TEST(ZipReader, BytesBeforeAndAfter) {
  const std::string archive =
      fake_zip({stored("a", "hello")}, {.after = std::string(65'535, 'z')}, "GIF89a junk");
  EXPECT_EQ(open(archive).read(open(archive).at("a")).text(), "hello");
  expect_refused(fake_zip({stored("a", "hello")}, {.after = std::string(70'000, 'z')}), "no end record");
  expect_refused("GIF89a junk" + fake_zip({stored("a", "hello")}), "no directory record");
}

TEST(ZipReader, WrongCrcIsFoundWhereItIsAsked) {
  const std::string archive = fake_zip({changed([](FakeRecord& r) { r.crc = 7; })});
  const ZipReader zip = open(archive);
  EXPECT_EQ(as_text(zip.stored_bytes(zip.at("a/b"))), "hello");
  EXPECT_THAT([&] { zip.check_crc(zip.at("a/b")); }, ThrowsMessage<LoadError>(HasSubstr("CRC")));
  EXPECT_THAT([&] { zip.read(zip.at("a/b")); }, ThrowsMessage<LoadError>(HasSubstr("CRC")));
}

TEST(ZipReader, RefusesDamagedDeflateStreams) {
  for (const auto change :
       {+[](FakeRecord& r) { r.data.pop_back(); }, +[](FakeRecord& r) { r.data += 'x'; },
        +[](FakeRecord& r) { r.size = *r.size + 1; }, +[](FakeRecord& r) { r.size = *r.size - 1; },
        +[](FakeRecord& r) { r.data[0] = '\xff'; }, +[](FakeRecord& r) { r.crc = 1; }}) {
    FakeRecord record = deflated_record("a", "hello hello hello");
    change(record);
    const std::string archive = fake_zip({record});
    const ZipReader zip = open(archive);
    EXPECT_THROW(zip.read(zip.at("a")), LoadError);
  }
}

TEST(ZipReader, RefusesHeadersThatDisagree) {
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.local_name = "a/c"; })}), "calls it \"a/c\"");
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.local_method = 8; })}), "different compression");
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.local_size = 4; })}), "disagree about its size");
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.local_size = 0; })}), "disagree about its size");
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.local_flags = 1; })}), "encrypted");
}

TEST(ZipReader, DataDescriptorAllowsZeroSizesOnly) {
  const auto with_size = [](uint32_t size) {
    FakeRecord record = stored("a", "hello");
    record.flags = 8;
    record.local_size = size;
    return fake_zip({record});
  };
  EXPECT_NO_THROW(open(with_size(0)));
  EXPECT_NO_THROW(open(with_size(5)));
  expect_refused(with_size(6), "disagree about its size");
}

TEST(ZipReader, RefusesLies) {
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.compressed_size = 4; })}),
                 "says that 4 bytes hold 5");
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.size = r.compressed_size = 2'200'000'000; })}),
                 "whole file");
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.size = r.compressed_size = 0xffffffff; })}),
                 "whole file");
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.size = r.compressed_size = 100; })}),
                 "reach past the end");
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.size = r.compressed_size = 30; })}),
                 "overlaps with the");
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.offset = 1u << 30; })}), "outside the file");
  expect_refused(fake_zip({changed([](FakeRecord& r) { r.offset = 3; })}), "no header there");
  expect_refused(fake_zip({stored("a", "1"), stored("b", "2")}, {.count = uint16_t{1}}), "goes on after");
  expect_refused(fake_zip({stored("a", "1")}, {.count = uint16_t{2}}), "cannot hold as many");
  expect_refused(fake_zip({stored("a", "1")}, {.count = uint16_t{0xffff}}), "cannot hold as many");
  expect_refused(fake_zip({stored("a", "1")}, {.directory_size = 0xfffffff0}), "does not end before");
  expect_refused(fake_zip({stored("a", "1")}, {.directory_offset = 0xfffffff0}), "does not end before");
  expect_refused(fake_zip({stored("a", "1")}, {.disk = 1}), "several disks");
}

TEST(ZipReader, RefusesOverlaps) {
  FakeRecord second = stored("a", "hello");
  second.offset = 0;
  expect_refused(fake_zip({stored("a", "hello"), second}), "overlaps with");
}

TEST(ZipReader, RefusesEncryptionAndOtherMethods) {
  for (const int flag : {1, 1 << 5, 1 << 6, 1 << 13}) {
    FakeRecord record = stored("a", "hello");
    record.flags = static_cast<uint16_t>(flag);
    expect_refused(fake_zip({record}), "encrypted");
  }
  for (const int method : {1, 9, 12, 14, 99}) {
    FakeRecord record = stored("a", "hello");
    record.method = static_cast<uint16_t>(method);
    expect_refused(fake_zip({record}), "method");
  }
}

TEST(ZipReader, RefusesNamesThatAreNoKeys) {
  for (const char* name : {"/etc/passwd", "\\x", "..", "../x", "a/..", "a/../b", "a\\..\\b", ""}) {
    expect_refused(fake_zip({stored(name, "x")}), "its name");
  }
  expect_refused(fake_zip({stored(std::string("a\0b", 3), "x")}), "NUL");
  EXPECT_NO_THROW(open(fake_zip({stored("a/..b/c..d/...", "x"), stored(".data/version", "x")})));
}

TEST(ZipReader, DuplicateNamesMustAgree) {
  const std::string same = fake_zip({stored("a", "x"), stored("b", ""), stored("a", "x")});
  EXPECT_EQ(open(same).read(open(same).at("a")).text(), "x");
  const std::string different = fake_zip({stored("a", "x"), stored("b", "2"), stored("a", "y")});
  const ZipReader zip = open(different);
  EXPECT_EQ(zip.read(zip.at("b")).text(), "2");
  EXPECT_THAT([&] { zip.find("a"); }, ThrowsMessage<LoadError>(HasSubstr("several records of this name")));
}

TEST(ZipReader, RefusesBombs) {
  const std::string zeros(1 << 20, '\0');
  const std::string archive = fake_zip({deflated_record("a", zeros), deflated_record("b", zeros)});
  EXPECT_NO_THROW(open(archive));
  const ZipLimits tight{.inflated_floor = 3 << 19, .inflated_factor = 16};
  EXPECT_THAT([&] { ZipReader(as_bytes(archive), "x.pt", tight); },
              ThrowsMessage<LoadError>(testing::AllOf(HasSubstr("\"b\""), HasSubstr("grow beyond"))));
  FakeRecord liar = deflated_record("a", "x");
  liar.size = 50'000'000;
  expect_refused(fake_zip({liar}), "no deflate stream");
}

TEST(ZipReader, ManyRecords) {
  std::vector<FakeRecord> records(60'000, stored("", "x"));
  for (size_t i = 0; i < records.size(); ++i) records[i].name = "a/" + std::to_string(i);
  const std::string archive = fake_zip(records);
  const ZipReader zip = open(archive);
  EXPECT_EQ(zip.entries().size(), 60'000u);
  EXPECT_EQ(zip.read(zip.at("a/59999")).text(), "x");
}

TEST(ZipReader, Zip64FieldsAreRead) {
  FakeRecord record = stored("a", "hello");
  append_le<uint16_t>(record.central_extra, 0xcafe);
  append_le<uint16_t>(record.central_extra, 0);
  append_le<uint16_t>(record.central_extra, 1);
  append_le<uint16_t>(record.central_extra, 24);
  for (const uint64_t value : {5, 5, 0}) append_le<uint64_t>(record.central_extra, value);
  record.local_extra = record.central_extra.substr(4);
  record.local_extra[2] = 16;
  record.local_extra.resize(20);
  record.size = record.compressed_size = record.offset = 0xffffffff;
  EXPECT_EQ(open(fake_zip({record})).entries()[0].size, 5u);
  record.central_extra[8] = 6;
  record.central_extra[16] = 6;
  expect_refused(fake_zip({record}), "disagree about its size");
  record.central_extra.resize(12);
  record.central_extra[6] = 4;
  expect_refused(fake_zip({record}), "too short");
}

TEST(ZipReader, OtherFilesAreNamed) {
  expect_refused("\x80\x02}q", "Python pickle");
  expect_refused("", "empty");
  expect_refused("PYTORCH1xxxx", "before 1.0");
  expect_refused("\x89HDF\r\n\x1a\n", "HDF5");
  expect_refused("GGUF\3", "GGUF");
  expect_refused("\x1f\x8b\x08", "compressed");
  expect_refused("7z\xbc\xaf\x27\x1c", "7z");
  expect_refused(std::string(257, '\0') + "ustar", "tar");
  expect_refused("\x10" + std::string(7, '\0') + "{\"a\":", "safetensors");
  expect_refused("version https://git-lfs.github.com/spec/v1", "git lfs pull");
  expect_refused("\n<!DOCTYPE HTML>", "web page");
  expect_refused("PK\x03\x04 cut", "cut short");
  expect_refused("\x80\x02" + fake_zip({stored("a", "x")}), "Python pickle");
  expect_refused("what?", "no format");
}

TEST(ZipReader, SurvivesDamage) {
  const std::string archive =
      fake_zip({stored("m/a", std::string(300, 'x')), deflated_record("m/b", "hello hello"),
                deflated_record("m/version", "3\n")});
  const size_t refused = testing_support::expect_survives_damage(archive, 20'000, [](std::string_view bytes) {
    const ZipReader zip = open(bytes);
    for (const ZipEntry& entry : zip.entries()) {
      zip.find(entry.name);
      zip.read(entry);
    }
  });
  EXPECT_GT(refused, 10'000u);
}

TEST(ArchiveKind, IsToldByNames) {
  const auto kind = [](const std::vector<std::string>& names) {
    std::vector<FakeRecord> records;
    records.reserve(names.size());
    for (const std::string& name : names) records.push_back(stored(name, ""));
    const std::string archive = fake_zip(records);
    return archive_kind(open(archive));
  };
  EXPECT_EQ(kind({"m/data.pkl", "m/constants.pkl", "m/version"}), ArchiveKind::kTorchScript);
  EXPECT_EQ(kind({"m/data.pkl", "m/version"}), ArchiveKind::kTorchSave);
  EXPECT_EQ(kind({"m/version", "m/model.json"}), ArchiveKind::kLegacyTorchScript);
  EXPECT_EQ(kind({"arr_0.npy"}), ArchiveKind::kNpz);
  EXPECT_EQ(kind({"word/document.xml"}), ArchiveKind::kOther);
  EXPECT_EQ(kind({}), ArchiveKind::kOther);
}

}  // namespace
}  // namespace calque
