#include "formats/zip_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calque/error.h"

namespace calque {
namespace {

using namespace std::string_literals;

/// Keeps the last bytes only, so that archives of more than 4 GiB can be tried.
class TailSink : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override {
    size += bytes.size();
    tail += as_text(bytes.last(std::min<size_t>(bytes.size(), kKept)));
    if (tail.size() > kKept) tail.erase(0, tail.size() - kKept);
  }
  static constexpr size_t kKept = 4096;
  uint64_t size = 0;
  std::string tail;
};

TEST(ZipWriter, BytesAreThoseOfPytorch) {
  StringSink sink;
  ZipWriter writer(sink);
  writer.add("m/data.pkl", "abcd");
  writer.add("m/empty", "");
  writer.finish();
  EXPECT_EQ(
      sink.text(),
      "PK\3\4\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0a\0\x18\0m/"
      "data.pklFB\x14\0ZZZZZZZZZZZZZZZZZZZZabcd"
      "PK\7\x08\x11\xcd\x82\xed\4\0\0\0\4\0\0\0"
      "PK\3\4\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\7\0\x07\0m/emptyFB\3\0ZZZ"
      "PK\1\2\0\0\0\0\x08\x08\0\0\0\0\0\0\x11\xcd\x82\xed\4\0\0\0\4\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "\0m/data.pkl"
      "PK\1\2\0\0\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\0\0\x54\0\0\0m/empty"
      "PK\6\6\x2c\0\0\0\0\0\0\0\x1e\3\x2d\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\x6d\0\0\0\0\0\0\0"
      "\x80\0\0\0\0\0\0\0"
      "PK\6\7\0\0\0\0\xed\0\0\0\0\0\0\0\1\0\0\0"
      "PK\5\6\0\0\0\0\2\0\2\0\x6d\0\0\0\x80\0\0\0\0\0"s);
}

TEST(ZipWriter, ReadsBackAligned) {
  StringSink sink;
  ZipWriter writer(sink);
  const std::string text(5000, 'q');
  writer.add("m/a", "hello");
  writer.add("m/code/__torch__.py", text, ZipMethod::kDeflated);
  writer.add("m/tiny", "abc", ZipMethod::kDeflated);
  writer.begin("m/data/0", 6);
  writer.write(as_bytes("12"));
  writer.write(as_bytes(""));
  writer.write(as_bytes("3456"));
  writer.end();
  writer.finish();
  EXPECT_EQ(writer.position(), sink.text().size());
  const ZipReader reader(as_bytes(sink.text()), "x");
  ASSERT_EQ(reader.entries().size(), 4u);
  for (const ZipEntry& entry : reader.entries()) EXPECT_EQ(entry.data_offset % 64, 0u);
  EXPECT_EQ(reader.read(reader.at("m/code/__torch__.py")).text(), text);
  EXPECT_LT(reader.at("m/code/__torch__.py").compressed_size, 100u);
  EXPECT_EQ(reader.at("m/tiny").method, ZipMethod::kStored);
  EXPECT_EQ(reader.read(reader.at("m/data/0")).text(), "123456");
}

TEST(ZipWriter, EveryNameLengthIsAligned) {
  StringSink sink;
  ZipWriter writer(sink);
  for (size_t length = 1; length < 200; ++length)
    writer.add(std::string(length, 'n'), std::string(length, 'x'));
  writer.finish();
  const ZipReader reader(as_bytes(sink.text()), "x");
  for (const ZipEntry& entry : reader.entries()) {
    EXPECT_EQ(entry.data_offset % 64, 0u);
    EXPECT_EQ(reader.read(entry).bytes().size(), entry.name.size());
  }
}

TEST(ZipWriter, EmptyArchive) {
  StringSink sink;
  ZipWriter writer(sink);
  writer.finish();
  EXPECT_TRUE(ZipReader(as_bytes(sink.text()), "x").entries().empty());
}

TEST(ZipWriter, Zip64LayoutIsThatOfPytorch) {
  TailSink sink;
  ZipWriter writer(sink);
  const uint64_t size = (uint64_t{1} << 32) + 100;
  const std::string zeros(1 << 24, '\0');
  writer.add("big/small", "abcd");
  writer.begin("big/data/0", size);
  for (int i = 0; i < 256; ++i) writer.write(as_bytes(zeros));
  writer.write(as_bytes(zeros).first(100));
  writer.end();
  writer.add("big/after", "hello world");
  writer.finish();
  EXPECT_EQ(sink.size, writer.position());
  const std::string expected =
      "PK\7\x08\xe5L*\xa9\x64\0\0\0\1\0\0\0\x64\0\0\0\1\0\0\0"
      "PK\3\4\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\t\0\x1d\0big/after\1\0\x08\0<\1\0\0\1\0\0\0"
      "FB\x0d\0ZZZZZZZZZZZZZhello world"
      "PK\7\x08\x85\x11J\r\x0b\0\0\0\0\0\0\0\x0b\0\0\0\0\0\0\0"
      "PK\1\2\0\0\0\0\x08\x08\0\0\0\0\0\0\x11\xcd\x82\xed\4\0\0\0\4\0\0\0\t\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "big/small"
      "PK\1\2\0\0\0\0\x08\x08\0\0\0\0\0\0\xe5L*"
      "\xa9\xff\xff\xff\xff\xff\xff\xff\xff\x0a\0\x14\0\0\0\0\0\0\0\0\0\0\0T\0\0\0"
      "big/data/0\1\0\x10\0\x64\0\0\0\1\0\0\0\x64\0\0\0\1\0\0\0"
      "PK\1\2\0\0\0\0\x08\x08\0\0\0\0\0\0\x85\x11J\r\x0b\0\0\0\x0b\0\0\0\t\0\x0c\0\0\0\0\0\0\0\0\0\0\0\xff"
      "\xff\xff\xff"
      "big/after\1\0\x08\0<\1\0\0\1\0\0\0"s;
  EXPECT_NE(sink.tail.find(expected), std::string::npos);
}

TEST(ZipWriter, RefusesBadNamesAndMisuse) {
  StringSink sink;
  ZipWriter writer(sink);
  writer.add("a", "");
  EXPECT_THROW(writer.add("a", ""), ValueError);
  EXPECT_THROW(writer.add("../a", ""), ValueError);
  EXPECT_THROW(writer.add("", ""), ValueError);
  EXPECT_THROW(writer.add(std::string(70'000, 'x'), ""), ValueError);
  EXPECT_THROW(writer.end(), InternalError);
  writer.begin("b", 1);
  EXPECT_THROW(writer.write(as_bytes("xx")), InternalError);
  EXPECT_THROW(writer.end(), InternalError);
  EXPECT_THROW(writer.finish(), InternalError);
  writer.write(as_bytes("x"));
  writer.end();
  writer.finish();
  EXPECT_THROW(writer.add("c", ""), InternalError);
}

}  // namespace
}  // namespace calque
