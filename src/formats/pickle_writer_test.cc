#include "formats/pickle_writer.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/pickle_reader.h"

namespace calque {
namespace {

using namespace std::string_literals;

PickleValue read(const std::string& bytes) { return read_pickle(as_bytes(bytes), "data.pkl"); }

std::string of_integer(int64_t value) {
  PickleWriter writer;
  writer.integer(value);
  return writer.finish();
}

TEST(PickleWriter, IntegersTakeTheShortestOpcode) {
  EXPECT_EQ(of_integer(0), "\x80\2K\0."s);
  EXPECT_EQ(of_integer(255), "\x80\2K\xff."s);
  EXPECT_EQ(of_integer(256), "\x80\2M\0\1."s);
  EXPECT_EQ(of_integer(65535), "\x80\2M\xff\xff."s);
  EXPECT_EQ(of_integer(65536), "\x80\2J\0\0\1\0."s);
  EXPECT_EQ(of_integer(-1), "\x80\2J\xff\xff\xff\xff."s);
  EXPECT_EQ(of_integer(INT32_MAX), "\x80\2J\xff\xff\xff\x7f."s);
  EXPECT_EQ(of_integer(int64_t{INT32_MAX} + 1), "\x80\2\x8a\x08\0\0\0\x80\0\0\0\0."s);
  EXPECT_EQ(of_integer(INT64_MIN), "\x80\2\x8a\x08\0\0\0\0\0\0\0\x80."s);
  for (const int64_t value : {int64_t{0}, int64_t{-300}, int64_t{70'000}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(read(of_integer(value)).integer(), value);
  }
}

TEST(PickleWriter, StringsAndGlobalsAreMemoized) {
  PickleWriter writer;
  writer.mark();
  writer.string("a");
  writer.global("m", "n");
  writer.string("a");
  writer.global("m", "n");
  writer.tuple();
  const std::string bytes = writer.finish();
  EXPECT_EQ(bytes, "\x80\2(X\1\0\0\0aq\0cm\nn\nq\1h\0h\1t."s);
  const PickleValue value = read(bytes);
  EXPECT_EQ(value.items()[0].identity(), value.items()[2].identity());
}

TEST(PickleWriter, MemoNumbersAbove255AreLong) {
  PickleWriter writer;
  writer.mark();
  for (int i = 0; i < 300; ++i) writer.string(cat("s", i));
  for (int i = 0; i < 300; ++i) writer.string(cat("s", i));
  writer.tuple();
  const std::string bytes = writer.finish();
  const PickleValue value = read(bytes);
  ASSERT_EQ(value.items().size(), 600u);
  for (size_t i = 0; i < 300; ++i) EXPECT_EQ(value.items()[i].identity(), value.items()[i + 300].identity());
  EXPECT_NE(bytes.find("q\xff"s), std::string::npos);
  EXPECT_NE(bytes.find("r\0\1\0\0"s), std::string::npos);
  EXPECT_NE(bytes.find("j\0\1\0\0"s), std::string::npos);
  EXPECT_EQ(write_pickle(value), bytes);
}

TEST(PickleWriter, ModuleWithTensor) {
  PickleWriter writer;
  writer.global("__torch__", "M");
  writer.empty_tuple();
  writer.new_object();
  writer.empty_dict();
  writer.mark();
  writer.string("weight");
  writer.global("torch._utils", "_rebuild_tensor_v2");
  writer.mark();
  writer.mark();
  writer.string("storage");
  writer.global("torch", "FloatStorage");
  writer.string("0");
  writer.string("cpu");
  writer.integer(12);
  writer.tuple();
  writer.persistent_id();
  writer.put();
  writer.integer(0);
  writer.mark();
  writer.integer(4);
  writer.integer(3);
  writer.tuple();
  writer.mark();
  writer.integer(3);
  writer.integer(1);
  writer.tuple();
  writer.boolean(true);
  writer.global("collections", "OrderedDict");
  writer.empty_tuple();
  writer.reduce();
  writer.tuple();
  writer.reduce();
  writer.put();
  writer.set_items();
  writer.build();
  writer.put();
  const std::string bytes = writer.finish();
  const PickleValue module = read(bytes);
  EXPECT_EQ(module.callable().qualified_name(), "__torch__.M");
  const PickleValue& tensor = module.state()->pairs()[0].second;
  EXPECT_EQ(tensor.callable().name(), "_rebuild_tensor_v2");
  EXPECT_EQ(tensor.argument().items()[2].items()[1].integer(), 3);
  EXPECT_EQ(write_pickle(module), bytes);
}

TEST(PickleWriter, ValuesGiveTheirBytesAgain) {
  for (const std::string& body :
       {"N"s, "\x88"s, "G\x3f\xf8\0\0\0\0\0\0"s, ")"s, "(t"s, "K\1\x85"s, "(K\1t"s, "K\1K\2K\3\x87"s, "](e"s,
        "}"s, "}(K\1K\2u"s, "ccollections\nOrderedDict\n)R(K\1K\2u}b"s, "](K\1eq\0h\0\x86"s}) {
    const std::string bytes = "\x80\2" + body + ".";
    EXPECT_EQ(write_pickle(read(bytes)), bytes) << quoted(bytes);
  }
}

TEST(PickleWriter, SharedNodesAreWrittenOnce) {
  const auto list = std::make_shared<PickleNode>();
  list->kind = PickleKind::kList;
  const auto pair = std::make_shared<PickleNode>();
  pair->links = {PickleValue(list), PickleValue(list)};
  EXPECT_EQ(write_pickle(PickleValue(pair)), "\x80\2]q\0h\0\x86."s);
}

TEST(PickleWriter, MisuseIsAnInternalError) {
  PickleWriter writer;
  EXPECT_THROW(writer.get(0), InternalError);
  EXPECT_THROW(writer.short_tuple(4), InternalError);
  EXPECT_THROW(writer.global("a\nb", "c"), InternalError);
}

}  // namespace
}  // namespace calque
