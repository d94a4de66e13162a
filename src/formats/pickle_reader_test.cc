#include "formats/pickle_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "calque/error.h"
#include "formats/hostile_testing.h"

namespace calque {
namespace {

using namespace std::string_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

PickleValue read(std::string_view bytes, const PickleLimits& limits = {}) {
  return read_pickle(as_bytes(bytes), "\"x.pt\": record \"data.pkl\"", limits);
}

/// `body` between PROTO 2 and STOP.
std::string pickle(const std::string& body) { return "\x80\x02" + body + "."; }

std::string text(const std::string& value) {
  return "X"s + static_cast<char>(value.size()) + "\0\0\0"s + value;
}

void expect_refused(const std::string& bytes, const std::string& part) {
  EXPECT_THAT([&] { read(bytes); }, ThrowsMessage<LoadError>(AllOf(HasSubstr("data.pkl"), HasSubstr(part))));
}

TEST(PickleReader, Scalars) {
  EXPECT_TRUE(read(pickle("N")).is_none());
  EXPECT_TRUE(read(pickle("\x88")).boolean());
  EXPECT_FALSE(read(pickle("\x89")).boolean());
  EXPECT_EQ(read(pickle("K\xff")).integer(), 255);
  EXPECT_EQ(read(pickle("M\xff\xff")).integer(), 65535);
  EXPECT_EQ(read(pickle("J\xfb\xff\xff\xff")).integer(), -5);
  EXPECT_EQ(read(pickle("G\x3f\xf8\0\0\0\0\0\0"s)).real(), 1.5);
  EXPECT_EQ(read(pickle(text("h\xc3\xa9"))).string(), "h\xc3\xa9");
  EXPECT_EQ(read(pickle("U\x02hi")).string(), "hi");
}

TEST(PickleReader, Long1OfEveryLength) {
  EXPECT_EQ(read(pickle("\x8a\0"s)).integer(), 0);
  EXPECT_EQ(read(pickle("\x8a\x01\xff")).integer(), -1);
  EXPECT_EQ(read(pickle("\x8a\x02\xff\0"s)).integer(), 255);
  EXPECT_EQ(read(pickle("\x8a\x08\0\0\0\0\0\0\0\x80"s)).integer(), INT64_MIN);
  EXPECT_EQ(read(pickle("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f")).integer(), INT64_MAX);
  expect_refused(pickle("\x8a\x09\0\0\0\0\0\0\0\0\0"s), "64 bits");
}

TEST(PickleReader, Containers) {
  EXPECT_TRUE(read(pickle(")")).items().empty());
  EXPECT_EQ(read(pickle("K\1K\2K\3\x87")).items()[2].integer(), 3);
  EXPECT_EQ(read(pickle("(K\1K\2K\3K\4t")).items().size(), 4u);
  EXPECT_EQ(read(pickle("](K\1K\2e")).items().size(), 2u);
  EXPECT_EQ(read(pickle("]K\1aK\2a")).items().size(), 2u);
  EXPECT_EQ(read(pickle("(K\1K\2l")).items().size(), 2u);
  const PickleValue dict = read(pickle("}" + text("k") + "K\7s(" + text("m") + "K\x08u"));
  ASSERT_EQ(dict.pairs().size(), 2u);
  EXPECT_EQ(dict.pairs()[1].first.string(), "m");
  EXPECT_EQ(dict.pairs()[1].second.integer(), 8);
  EXPECT_EQ(read(pickle("(K\1K\2d")).pairs().size(), 1u);
}

TEST(PickleReader, ObjectsCallsAndPersistentIds) {
  const PickleValue object = read(pickle("c__torch__\nM\n)\x81}(" + text("training") + "\x88ub"));
  EXPECT_EQ(object.kind(), PickleKind::kObject);
  EXPECT_EQ(object.callable().qualified_name(), "__torch__.M");
  ASSERT_NE(object.state(), nullptr);
  EXPECT_EQ(object.state()->pairs()[0].first.string(), "training");
  const PickleValue call = read(pickle("ctorch._utils\n_rebuild_tensor_v2\n(" + text("id") + "QK\1tR"));
  EXPECT_EQ(call.kind(), PickleKind::kReduce);
  EXPECT_EQ(call.argument().items()[0].kind(), PickleKind::kPersistentId);
  EXPECT_EQ(call.argument().items()[0].argument().string(), "id");
  EXPECT_EQ(call.state(), nullptr);
}

TEST(PickleReader, OrderedDictIsFilledAndGetsAState) {
  const PickleValue dict = read(pickle("ccollections\nOrderedDict\n)R(" + text("w") + "K\1u}b"));
  EXPECT_EQ(dict.pairs()[0].first.string(), "w");
  EXPECT_TRUE(dict.state()->pairs().empty());
  expect_refused(pickle("ccollections\nCounter\n)R(" + text("w") + "K\1u"), "no dict");
}

TEST(PickleReader, MemoKeepsIdentity) {
  const PickleValue pair = read(pickle("]q\5h\5\x86"));
  EXPECT_NE(pair.items()[0].identity(), nullptr);
  EXPECT_EQ(pair.items()[0].identity(), pair.items()[1].identity());
  EXPECT_TRUE(pair.items()[0].node()->memoized);
  const PickleValue far = read(pickle("K\1r\xff\xff\xff\xffj\xff\xff\xff\xff\x86"));
  EXPECT_EQ(far.items()[1].integer(), 1);
  EXPECT_EQ(far.items()[1].identity(), nullptr);
  const PickleValue separate = read(pickle("]]\x86"));
  EXPECT_NE(separate.items()[0].identity(), separate.items()[1].identity());
}

TEST(PickleReader, IgnoresWhatFollowsStop) { EXPECT_EQ(read(pickle("K\1") + "garbage").integer(), 1); }

TEST(PickleReader, RefusesOtherProtocolsAndOpcodes) {
  expect_refused("", "cut short");
  expect_refused("K\1.", "begins with PROTO");
  expect_refused("\x80\x04K\1.", "protocol 4");
  expect_refused(pickle("\x80\x02K\1"), "in the middle");
  for (const auto& [body, name] : std::initializer_list<std::pair<std::string, std::string>>{
           {"K\1"
            "0",
            "POP"},
           {"I1\n", "INT"},
           {"B\1\0\0\0x"s, "BINBYTES"},
           {"\x8c\1x", "SHORT_BINUNICODE"},
           {"\x95\xff\xff\xff\xff\xff\xff\xff\xff", "FRAME"},
           {"K\1\x94", "MEMOIZE"},
           {"\x93", "STACK_GLOBAL"},
           {"\x8f", "EMPTY_SET"},
           {"\x8b\xff\xff\xff\x7f", "LONG4"},
           {"\x8d", "BINUNICODE8"},
           {"\x8e", "BINBYTES8"},
           {"ios\nsystem\n", "INST"},
           {"\x82\1", "EXT1"},
           {"\x97", "NEXT_BUFFER"},
           {"K\1"
            "2",
            "DUP"}}) {
    expect_refused(pickle(body), "opcode " + name + ":");
  }
  expect_refused(pickle("\xfe"), "opcode 254: there is no such opcode");
}

TEST(PickleReader, RefusesShortBytes) {
  for (const std::string& body : {"K"s, "M\1"s, "J\1\1\1"s, "G\1"s, "X\1\0\0"s, "X\xff\xff\xff\xffx"s,
                                  "U\5x"s, "\x8a\x08\1"s, "q"s, "r\1"s, "h"s}) {
    expect_refused("\x80\x02" + body, "bytes, and");
  }
  expect_refused(
      "\x80\x02"
      "cos",
      "does not end");
  expect_refused(
      "\x80\x02"
      "cos\nsystem",
      "does not end");
  expect_refused("\x80", "bytes, and");
  expect_refused("\x80\x02K\1", "cut short");
}

TEST(PickleReader, RefusesStackErrors) {
  expect_refused(pickle(""), "0 values are left");
  expect_refused(pickle("K\1K\2"), "2 values are left");
  expect_refused(pickle("(K\1"), "MARK is left over");
  for (const char* body : {"\x85", "K\1\x86", "K\1K\2\x87", "a", "]a", "s", "K\1s", "}K\1s", "R", ")R",
                           "\x81", "b", "}b", "Q", "q\1"}) {
    expect_refused(pickle(body), "on the stack");
  }
  for (const char* body : {"t", "e", "u", "l", "d", "]e", "}u"}) expect_refused(pickle(body), "no MARK");
  expect_refused(pickle("K\1K\2(\x86"), "on the stack");
  expect_refused(pickle("K\1(q\1"), "on the stack");
  expect_refused(pickle("](\x85K\1e"), "on the stack");
}

TEST(PickleReader, MembersOfEnumsAreCallsWithABareValue) {
  const PickleValue member = read(pickle("c__torch__\nMode\nK\2R"));
  EXPECT_EQ(member.kind(), PickleKind::kReduce);
  EXPECT_EQ(member.argument().integer(), 2);
  expect_refused(pickle("cm\nn\nNR"), "tuple of arguments");
  expect_refused(pickle("cm\nn\n]R"), "tuple of arguments");
  expect_refused(pickle("ccollections\nOrderedDict\nK\2R" + text("k") + "K\1s"), "no dict");
}

TEST(PickleReader, RefusesWrongTargets) {
  for (const char* target : {"N", "\x88", "K\1", ")", "X\1\0\0\0x", "cm\nn\n"}) {
    const std::string value = target[0] == 'X' ? text("x") : target;
    expect_refused(pickle(value + "(K\1K\2u"), "no dict");
    expect_refused(pickle(value + "K\1K\2s"), "no dict");
    expect_refused(pickle(value + "(K\1e"), "appended to a");
    expect_refused(pickle(value + "}b"), "no object");
    if (target[0] != 'c') expect_refused(pickle(value + ")R"), "global name should be called");
    if (target[0] != 'c') expect_refused(pickle(value + ")\x81"), "global name should be called");
    if (target[0] != ')') expect_refused(pickle("cm\nn\n" + value + "\x81"), "tuple of arguments");
  }
  expect_refused(pickle("](K\1K\2u"), "no dict");
  expect_refused(pickle("}(K\1e"), "appended to a dict");
  expect_refused(pickle("}(K\1K\2K\3u"), "3 values");
  expect_refused(pickle("(K\1d"), "1 values");
  expect_refused(pickle("cm\nn\n)\x81}b}b"), "state twice");
  expect_refused(pickle("h\1"), "never set");
  expect_refused(pickle("j\0\0\0\x80"s), "never set");
}

TEST(PickleReader, RefusesValuesThatContainThemselves) {
  expect_refused(pickle("]q\1h\1a"), "contains itself");
  expect_refused(pickle("}q\1" + text("k") + "h\1s"), "contains itself");
  expect_refused(pickle("cm\nn\n)\x81q\1h\1b"), "contains itself");
  expect_refused(pickle("]q\1(h\1\x85\x85"
                        "e"),
                 "contains itself");
  expect_refused(pickle("]q\1h\1aK\1"), "2 values are left");
}

std::string nested(size_t levels) {
  std::string body = ")";
  for (size_t i = 1; i < levels; ++i) body += "\x85";
  return pickle(body);
}

TEST(PickleReader, LimitsDepth) {
  EXPECT_NO_THROW(read(nested(1000)));
  expect_refused(nested(1001), "1000 deep");
  expect_refused(nested(1'000'000), "1000 deep");
  EXPECT_NO_THROW(read(pickle(std::string(1000, ']') + text("x") + std::string(1000, 'a'))));
}

TEST(PickleReader, LimitsDepthThatGrowsThroughSharing) {
  // A list deep inside tuples takes, by way of the memo, another one: each step alone is shallow.
  expect_refused(
      pickle("]q\1" + std::string(900, '\x85') + "]q\2" + std::string(900, '\x85') + "q\3\x86h\1h\3a\x86"),
      "1000 deep");
}

TEST(PickleReader, LimitsUnfolding) {
  std::string body = ")q\1";
  for (int i = 0; i < 60; ++i) body += "h\1\x86q\1";
  expect_refused(pickle(body), "unfold");
}

TEST(PickleReader, LimitsMemory) {
  const PickleLimits tight{.memory_floor = 1 << 20};
  EXPECT_THAT([&] { read(pickle("(" + std::string(100'000, ']') + "t"), tight); },
              ThrowsMessage<LoadError>(HasSubstr("far more memory")));
  EXPECT_NO_THROW(read(pickle("(" + std::string(1'000, ']') + "t"), tight));
}

TEST(PickleReader, SurvivesDamage) {
  const std::string good =
      pickle("c__torch__\nM\nq\0)\x81}("s + text("training") + "q\1\x88" + text("names") + "](" + text("a") +
             text("b") + "e" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\nq\2((" + text("storage") +
             "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K\x0ctQK\0(K\4K\3t(K\3K\1t\x88"s +
             "ccollections\nOrderedDict\n)RtRh\1\x8a\x08\1\2\3\4\5\6\7\x08ub");
  EXPECT_NO_THROW(read(good));
  testing_support::expect_survives_damage(good, 50'000, [](std::string_view bytes) { read(bytes); });
}

}  // namespace
}  // namespace calque
