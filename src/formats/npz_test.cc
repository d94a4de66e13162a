#include "formats/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calque/error.h"
#include "formats/hostile_testing.h"
#include "formats/little_endian.h"
#include "formats/zip_testing.h"

namespace calque {
namespace {

using namespace std::string_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string npy(const std::string& header, const std::string& data, char version = 1) {
  std::string out = "\x93NUMPY";
  out += version;
  out += '\0';
  if (version == 1) {
    append_le<uint16_t>(out, static_cast<uint16_t>(header.size()));
  } else {
    append_le<uint32_t>(out, static_cast<uint32_t>(header.size()));
  }
  return out + header + data;
}

std::string bytes_array(const std::string& shape, const std::string& data,
                        const std::string& order = "False") {
  return npy("{'descr': '|u1', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n", data);
}

NpyArray read(std::string_view bytes) { return read_npy(as_bytes(bytes), "x.npy"); }

void expect_refused(const std::string& bytes, const std::string& part) {
  EXPECT_THAT([&] { read(bytes); }, ThrowsMessage<LoadError>(AllOf(HasSubstr("x.npy"), HasSubstr(part))));
}

NpyArray array_of(std::string name, std::string descr, std::vector<int64_t> shape, std::string_view data) {
  const auto bytes = as_bytes(data);
  return {std::move(name), std::move(descr), std::move(shape), {bytes.begin(), bytes.end()}};
}

TEST(Npy, ReadsEveryVersion) {
  const std::string header = "{\"shape\":(2,),'fortran_order':False,'descr':'<i2'}";
  for (const char version : {'\1', '\2', '\3'}) {
    const NpyArray array = read(npy(header, "abcd", version));
    EXPECT_EQ(array.descr, "<i2");
    EXPECT_EQ(array.shape, std::vector<int64_t>{2});
    EXPECT_EQ(as_text(array.data), "abcd");
  }
  EXPECT_TRUE(read(bytes_array("()", "x")).shape.empty());
  EXPECT_TRUE(read(bytes_array("(0, 5)", "")).data.empty());
}

TEST(Npy, ReordersColumnMajorData) {
  EXPECT_EQ(as_text(read(bytes_array("(2, 3)", "adbecf", "True")).data), "abcdef");
  EXPECT_EQ(as_text(read(bytes_array("(2, 1, 2)", "acbd", "True")).data), "abcd");
  EXPECT_EQ(as_text(read(bytes_array("(3,)", "abc", "True")).data), "abc");
  EXPECT_TRUE(read(bytes_array("(0, 3)", "", "True")).data.empty());
}

TEST(Npy, Refuses) {
  expect_refused("", "empty");
  expect_refused("\x93NUM", "no format");
  expect_refused("\x80\x02", "pickle");
  expect_refused(npy("{}", "", 4), "version");
  expect_refused("\x93NUMPY\1\0\xff"s, "cut short");
  expect_refused("\x93NUMPY\1\0\xff\xff"s, "65535 bytes");
  expect_refused("\x93NUMPY\2\0\xff\xff\xff\xff"s, "4294967295 bytes");
  expect_refused(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "12345678"),
                 "Python objects");
  expect_refused(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "1234"), "big-endian");
  expect_refused(npy("{'descr': '<U4', 'fortran_order': False, 'shape': (1,), }", "1234"), "not read");
  expect_refused(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234"),
                 "structured");
  expect_refused(bytes_array("(2,)", "x"), "do not agree");
  expect_refused(bytes_array("(2,)", "xxx"), "do not agree");
  expect_refused(bytes_array("(4611686018427387904, 4)", "x"), "do not agree");
  expect_refused(bytes_array("(-1,)", "x"), "size from 0");
  expect_refused(bytes_array("(9223372036854775808,)", "x"), "size from 0");
  expect_refused(bytes_array("(1)", "x"), "needs a comma");
  expect_refused(bytes_array("(1,", "x"), "expected");
  expect_refused(bytes_array("[1]", "x"), "'(' is expected");
  expect_refused(bytes_array(
                     "(" +
                         [] {
                           std::string ones;
                           for (int i = 0; i < 65; ++i) ones += "1,";
                           return ones;
                         }() +
                         ")",
                     "x"),
                 "64 dimensions");
  expect_refused(npy("{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}", "x"), "True or False");
  expect_refused(npy("{'descr': '|u1', 'shape': (1,)}", "x"), "all needed");
  expect_refused(npy("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", "x"),
                 "twice");
  expect_refused(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'x': 1}", "x"), "unknown");
  expect_refused(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} + f()", "x"), "more text");
  expect_refused(npy("{'descr': '|u1", "x"), "does not end");
  expect_refused(npy("", "x"), "'{' is expected");
}

TEST(Npz, RoundTrip) {
  const std::vector<NpyArray> arrays = {array_of("ids", "<i8", {1, 1}, "12345678"),
                                        array_of("a/b", "|b1", {3}, "\0\1\0"s),
                                        array_of("none", "<f4", {0}, "")};
  StringSink sink;
  write_npz(sink, arrays);
  const std::vector<NpyArray> again = read_npz(as_bytes(sink.text()), "x.npz");
  ASSERT_EQ(again.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(again[i].name, arrays[i].name);
    EXPECT_EQ(again[i].descr, arrays[i].descr);
    EXPECT_EQ(again[i].shape, arrays[i].shape);
    EXPECT_EQ(again[i].data, arrays[i].data);
  }
}

TEST(Npz, RefusesOtherRecords) {
  const std::string other = testing_support::fake_zip({testing_support::stored("m/data.pkl", "x")});
  EXPECT_THAT([&] { read_npz(as_bytes(other), "x.npz"); }, ThrowsMessage<LoadError>(HasSubstr("data.pkl")));
}

TEST(Npz, RefusesToWriteNonsense) {
  StringSink sink;
  EXPECT_THROW(write_npy(sink, array_of("a", "<f4", {2}, "1234")), ValueError);
  EXPECT_THROW(write_npy(sink, array_of("a", "<f4", {-1}, "1234")), ValueError);
  EXPECT_THROW(write_npy(sink, array_of("a", "|O", {1}, "12345678")), ValueError);
  EXPECT_THROW(write_npz(sink, std::vector{array_of("a", "|u1", {1}, "1"), array_of("a", "|u1", {1}, "1")}),
               ValueError);
}

TEST(Npz, SurvivesDamage) {
  const std::string column = bytes_array("(2, 3)", "adbecf", "True");
  testing_support::expect_survives_damage(column, 30'000, [](std::string_view bytes) { read(bytes); });
  StringSink sink;
  write_npz(sink, std::vector{array_of("ids", "<i2", {1, 2}, "1234")});
  testing_support::expect_survives_damage(sink.text(), 10'000,
                                          [](std::string_view bytes) { read_npz(as_bytes(bytes), "x.npz"); });
}

}  // namespace
}  // namespace calque
