// Hostile archives, class by class: Zip, Pkl and Code of the list of bugs that loaders of this kind have had.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "base/text.h"
#include "calque/error.h"
#include "formats/hostile_testing.h"
#include "torchscript/reader_testing.h"

namespace calque::torchscript {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using testing_support::FakeArchive;
using testing_support::FakeTensor;
using testing_support::load_bytes;
using testing_support::pickled_int;
using testing_support::pickled_object;
using testing_support::pickled_text;
using testing_support::small_archive;

/// The message of the typed error that loading ends in; empty when it succeeds.
std::string error_of(const FakeArchive& archive, const jit::LoadOptions& options = {}) {
  try {
    load_bytes(archive.bytes(), options);
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

FakeArchive with_tensor(const FakeTensor& tensor) {
  FakeArchive archive = small_archive();
  archive.data_pickle = pickled_object("M", {{"w", tensor.pickle()}, {"training", "\x89"}});
  return archive;
}

FakeArchive with_value(const std::string& pickle) {
  FakeArchive archive = small_archive();
  archive.data_pickle = pickled_object("M", {{"w", pickle}, {"training", "\x89"}});
  return archive;
}

std::string repeated(std::string_view piece, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += piece;
  return out;
}

TEST(Hostile, Zip1RecordsShorterThanTheirTensors) {
  FakeTensor tensor;
  tensor.numel = pickled_int(5);
  EXPECT_THAT(error_of(with_tensor(tensor)),
              HasSubstr("holds 16 bytes, but 5 elements of float32 were expected"));
  tensor.numel = pickled_int(int64_t{1} << 40);
  EXPECT_THAT(error_of(with_tensor(tensor)), HasSubstr("holds 16 bytes"));
}

TEST(Hostile, Zip5MissingRecords) {
  FakeArchive archive = small_archive();
  archive.records.clear();
  EXPECT_THAT(error_of(archive), HasSubstr("locating file data/0: file not found"));
  archive = small_archive();
  archive.sources.clear();
  EXPECT_THAT(error_of(archive), HasSubstr("__torch__.M"));
}

TEST(Hostile, Zip5RecordNamesAreNeverPaths) {
  FakeTensor tensor;
  tensor.key = "../../../../etc/passwd";
  EXPECT_THAT(error_of(with_tensor(tensor)), HasSubstr("file not found"));
  FakeArchive archive = small_archive();
  archive.data_pickle = "c..//..//etc\nX\n)\x81}b";
  EXPECT_THAT(error_of(archive), HasSubstr("not among the names"));
}

TEST(Hostile, Pkl1CallsOfAnythingElse) {
  for (const char* name :
       {"os\nsystem", "posix\nsystem", "builtins\neval", "__builtin__\nexec", "subprocess\nPopen",
        "torch\nload", "torch.jit._pickle\nbuild_tensor_from_id", "collections\nOrderedDict",
        "torch._utils\n_rebuild_device_tensor_from_numpy", "__torch__\nNoSuchClass"}) {
    EXPECT_THAT(error_of(with_value(cat("c", name, "\n(X\x02", std::string(3, '\0'), "lstR"))),
                AnyOf(HasSubstr("not among the names"), HasSubstr("expected Tensor")))
        << name;
  }
  EXPECT_THAT(error_of(with_value("cos\nsystem\n")), HasSubstr("stands where a value belongs"));
  EXPECT_THAT(error_of(with_value("cos\nsystem\n)\x81}b")), HasSubstr("not among the names"));
}

TEST(Hostile, Pkl1QuantisedSparseAndForeignStorages) {
  EXPECT_THAT(error_of(with_value("ctorch._utils\n_rebuild_qtensor\n)R")),
              HasSubstr("_rebuild_qtensor takes"));
  EXPECT_THAT(error_of(with_value("ctorch._utils\n_rebuild_sparse_tensor\n)R")), HasSubstr("sparse"));
  for (const char* storage :
       {"QUInt4x2Storage", "ComplexFloatStorage", "UntypedStorage", "Float8_e4m3fnStorage"}) {
    FakeTensor tensor;
    tensor.storage = storage;
    EXPECT_THAT(error_of(with_tensor(tensor)), HasSubstr(storage));
  }
  FakeTensor tensor;
  tensor.storage = "QInt8Storage";
  EXPECT_THAT(error_of(with_tensor(tensor)), HasSubstr("without its scale"));
  tensor.storage = "load";
  EXPECT_THAT(error_of(with_tensor(tensor)), HasSubstr("not among the names"));
}

TEST(Hostile, Pkl2WrongKindsOfArguments) {
  const std::string good = FakeTensor{}.pickle();
  for (const char* bad : {"N", "K\1", "]", "}", ")", "X\1\0\0\0x"}) {
    const std::string value = bad[0] == 'X' ? pickled_text("x") : bad;
    for (const auto field :
         {&FakeTensor::numel, &FakeTensor::offset, &FakeTensor::sizes, &FakeTensor::strides}) {
      FakeTensor tensor;
      if (tensor.*field == value) continue;
      tensor.*field = value;
      error_of(with_tensor(tensor));  // any outcome but a crash: a size of () is fine for some
    }
    EXPECT_NE(error_of(with_value("ctorch._utils\n_rebuild_tensor_v2\n" + value + "R")), "") << bad;
    EXPECT_NE(error_of(with_value("ctorch.jit._pickle\nbuild_intlist\n" + value + "\x85R")), "") << bad;
    EXPECT_NE(error_of(with_value("ctorch.jit._pickle\nrestore_type_tag\n" + value + value + "\x86R")), "")
        << bad;
    EXPECT_NE(error_of(with_value("ctorch\ndevice\n" + value + "\x85R")), "") << bad;
    EXPECT_NE(error_of(with_value("cbuiltins\ncomplex\n" + value + value + "\x86R")), "") << bad;
    EXPECT_NE(error_of(with_value("c__torch__\nM\n)\x81" + value + "b")), "") << bad;
  }
}

TEST(Hostile, Pkl2TypeTagsThatAreNoTypes) {
  for (const std::string& tag :
       std::vector<std::string>{"", "List[", "List[int", "__import__('os')", "Dict[int]", "List[no.Such]",
                                "Tensor", "x y", std::string("List\0[int]", 10), repeated("List[", 100'000),
                                repeated("List[", 300) + "int" + repeated("]", 300)}) {
    const std::string value = "ctorch.jit._pickle\nrestore_type_tag\n]" + pickled_text(tag) + "\x86R";
    EXPECT_NE(error_of(with_value(value)), "") << tag.substr(0, 40);
  }
}

TEST(Hostile, Pkl4NumelThatWraps) {
  FakeTensor tensor;
  for (const int64_t numel :
       {int64_t{0x4000000000000001}, INT64_MAX, int64_t{-1}, INT64_MIN, INT64_MAX / 4 + 1}) {
    tensor.numel = pickled_int(numel);
    EXPECT_NE(error_of(with_tensor(tensor)), "") << numel;
  }
}

TEST(Hostile, Pkl5ViewsOutsideTheStorage) {
  const auto refused = [](const std::string& offset, const std::string& sizes, const std::string& strides) {
    FakeTensor tensor;
    tensor.offset = offset;
    tensor.sizes = sizes;
    tensor.strides = strides;
    return error_of(with_tensor(tensor));
  };
  const auto dims = [](std::initializer_list<int64_t> values) {
    std::string out = "(";
    for (const int64_t value : values) out += pickled_int(value);
    return out + "t";
  };
  const std::string zero = pickled_int(0);
  EXPECT_THAT(refused(pickled_int(1), dims({4}), dims({1})), HasSubstr("does not lie inside its storage"));
  EXPECT_THAT(refused(pickled_int(-1), dims({1}), dims({1})), HasSubstr("does not lie inside"));
  EXPECT_THAT(refused(pickled_int(INT64_MAX), dims({1}), dims({1})), HasSubstr("does not lie inside"));
  EXPECT_THAT(refused(zero, dims({4}), dims({-1})), HasSubstr("does not lie inside"));
  EXPECT_THAT(refused(zero, dims({-4}), dims({1})), HasSubstr("does not lie inside"));
  EXPECT_THAT(refused(zero, dims({2, 2}), dims({1})), HasSubstr("does not lie inside"));
  EXPECT_THAT(refused(zero, dims({5}), dims({1})), HasSubstr("does not lie inside"));
  EXPECT_THAT(refused(zero, dims({2}), dims({INT64_MAX})), HasSubstr("does not lie inside"));
  EXPECT_THAT(refused(zero, dims({3, 3}), dims({INT64_MAX / 2, INT64_MAX / 2})),
              HasSubstr("does not lie inside"));
  EXPECT_THAT(refused(zero, dims({INT64_MAX, INT64_MAX}), dims({0, 0})), HasSubstr("does not lie inside"));
  EXPECT_THAT(refused(zero, "(" + repeated("K\1", 1000) + "t", "(" + repeated("K\1", 1000) + "t"),
              HasSubstr("more than 64 dimensions"));
  EXPECT_EQ(refused(zero, dims({0, 7}), dims({7, 1})), "");
  EXPECT_EQ(refused(zero, dims({1000, 4}), dims({0, 1})), "");
}

TEST(Hostile, Pkl6HalfMadeCalls) {
  EXPECT_NE(error_of(with_value("ctorch._utils\n_rebuild_from_type_v2\n)R")), "");
  EXPECT_NE(error_of(with_value("ctorch._utils\n_rebuild_parameter\n)R")), "");
  EXPECT_NE(error_of(with_value("c__torch__\nM\n)\x81")), "");
  FakeArchive archive = small_archive();
  archive.data_pickle = "";
  EXPECT_NE(error_of(archive), "");
  archive.data_pickle = "N";
  EXPECT_NE(error_of(archive), "");
}

TEST(Hostile, Pkl7DeepAndSharedValues) {
  EXPECT_NE(error_of(with_value(repeated("(", 100'000) + repeated("t", 100'000))), "");
  EXPECT_NE(error_of(with_value(repeated("](", 5'000) + repeated("e", 5'000))), "");
  EXPECT_NE(error_of(with_value("]q\1h\1a")), "");
  // Each tuple holds the one before twice: sixty of them stand for 2^60 values.
  std::string doubled = ")q\1";
  for (char i = 1; i < 60; ++i)
    doubled += std::string("h") + i + "h" + i + "\x86q" + static_cast<char>(i + 1) + "0";
  EXPECT_NE(error_of(with_value(doubled + "h\x3b")), "");
  std::string shared = ")q\1";
  for (char i = 1; i < 60; ++i) shared += std::string("h") + i + "\x86q" + static_cast<char>(i + 1);
  EXPECT_NE(error_of(with_value(shared)), "");
}

TEST(Hostile, Code1SetstateNeverRuns) {
  FakeArchive archive = small_archive();
  archive.sources[0].second =
      "class M(Module):\n  inner : __torch__.Evil\n"
      "class Evil(Module):\n  def __setstate__(self: __torch__.Evil, state: int) -> NoneType:\n    return "
      "None\n";
  archive.data_pickle = pickled_object("M", {{"inner", "c__torch__\nEvil\n)\x81K\1b"}});
  try {
    load_bytes(archive.bytes());
    FAIL();
  } catch (const NotImplementedError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("attribute inner: the class __torch__.Evil has a __setstate__ method"));
  }
}

TEST(Hostile, Code2OperatorsThatReachMemoryOrFilesAreAbsent) {
  for (const char* call : {"torch.from_file(\"/etc/passwd\", False, 16)", "torch.save(x, \"/tmp/x\")",
                           "ops.inductor._reinterpret_tensor(x, [4], [1], 0)", "torch.load(\"x\")"}) {
    EXPECT_THAT(error_of(small_archive(cat("  return ", call, "\n"))), HasSubstr("Unknown builtin op"))
        << call;
  }
}

TEST(Hostile, Code2CustomClassesAreRefusedByName) {
  FakeArchive archive = small_archive();
  archive.sources[0].second =
      "class M(Module):\n  p : __torch__.torch.classes.quantized.Conv2dPackedParamsBase\n";
  archive.data_pickle = pickled_object("M", {{"p", "N"}});
  EXPECT_THAT(error_of(archive), HasSubstr("__torch__.torch.classes.quantized.Conv2dPackedParamsBase"));
}

TEST(Hostile, Code2PackedParametersWithAnyState) {
  FakeArchive archive = small_archive();
  archive.sources[0].second =
      "class M(Module):\n  p : __torch__.torch.classes.quantized.LinearPackedParamsBase\n";
  archive.data_pickle = pickled_object("M", {{"p", "N"}});
  EXPECT_THAT(error_of(archive), HasSubstr("LinearPackedParamsBase"));
  const std::string object = "c__torch__.torch.classes.quantized\nLinearPackedParamsBase\n)\x81";
  for (const std::string state : {"}b", "Nb", ")b",
                                  "K\1\x85"
                                  "b",
                                  "K\1K\1\x86"
                                  "b",
                                  "NN\x86"
                                  "b"}) {
    archive.data_pickle = pickled_object("M", {{"p", object + state}});
    EXPECT_THAT(error_of(archive), HasSubstr("attribute p")) << state;
  }
}

TEST(Hostile, Code3BadText) {
  EXPECT_THAT(error_of(small_archive(std::string("  return x\0\n", 12))), HasSubstr("NUL"));
  EXPECT_THAT(error_of(small_archive("  return " + std::string(100'000, '9') + "\n")), HasSubstr("64 bits"));
  EXPECT_NE(error_of(small_archive("  return 1e" + std::string(100'000, '9') + "\n")), "");
  EXPECT_THAT(error_of(small_archive("  return " + std::string(100'000, '(') + "x\n")),
              HasSubstr("levels deep"));
  EXPECT_NE(error_of(small_archive("  return \"" + std::string(100'000, 'a') + "\n")), "");
  EXPECT_NE(error_of(small_archive("  return \xff\xfe\n")), "");
}

TEST(Hostile, Code3DeepPrograms) {
  // Every statement leaves the function early, so each nests in the one before.
  std::string exits;
  for (int i = 0; i < 20'000; ++i) exits += "  if bool(x):\n    return x\n";
  EXPECT_THAT(error_of(small_archive(exits + "  return x\n")), HasSubstr("levels deep"));
  FakeArchive chain = small_archive();
  chain.sources[0].second = "class M(Module):\n  a : __torch__.C0\n";
  for (int i = 0; i < 20'000; ++i)
    chain.sources[0].second += cat("class C", i, ":\n  a : __torch__.C", i + 1, "\n");
  EXPECT_THAT(error_of(chain), HasSubstr("levels deep"));
  FakeArchive calls = small_archive("  return __torch__.f0(x)\n");
  for (int i = 0; i < 20'000; ++i)
    calls.sources[0].second += cat("def f", i, "(x):\n  return __torch__.f", i + 1, "(x)\n");
  EXPECT_THAT(error_of(calls), HasSubstr("levels deep"));
}

TEST(Hostile, Code3Recursion) {
  EXPECT_THAT(error_of(small_archive("  return self.forward(x)\n")), HasSubstr("called recursively"));
  FakeArchive archive = small_archive("  return __torch__.f(x)\n");
  archive.sources[0].second +=
      "def f(x: Tensor) -> Tensor:\n  return __torch__.g(x)\ndef g(x: Tensor) -> Tensor:\n  return "
      "__torch__.f(x)\n";
  EXPECT_THAT(error_of(archive), HasSubstr("called recursively"));
  archive.sources[0].second += "def h(x):\n  return __torch__.h(x)\n";
  archive.sources[0].second.replace(archive.sources[0].second.find("__torch__.f(x)"), 14, "__torch__.h(x)");
  EXPECT_THAT(error_of(archive), HasSubstr("called recursively"));
}

TEST(Hostile, Code3EndlessLoopsLoad) {
  EXPECT_EQ(error_of(small_archive("  while True:\n    x = torch.add(x, 1)\n  return x\n")), "");
}

TEST(Hostile, Code3LongNamesAndManyNames) {
  const std::string path = "__torch__" + repeated(".a", 5'000);
  EXPECT_NE(error_of(small_archive("  return " + path + ".f(x)\n")), "");
  FakeArchive archive = small_archive();
  std::string attributes;
  for (int i = 0; i < 30'000; ++i) attributes += cat("  a", i, " : int\n");
  archive.sources[0].second = "class M(Module):\n" + attributes;
  EXPECT_THAT(error_of(archive), HasSubstr("attributes"));
}

TEST(Hostile, Code3SourcesThatGrow) {
  std::string calls;
  for (int i = 0; i < 20'000; ++i) calls += "  x = torch.add(x, [1, 1, 1, 1][0])\n";
  jit::LoadOptions options;
  options.max_memory = 4 << 20;
  EXPECT_THAT(error_of(small_archive(calls + "  return x\n"), options), HasSubstr("max_memory"));
}

TEST(Hostile, DamagedArchives) {
  FakeArchive archive = small_archive(
      "  y = torch.add(x, CONSTANTS.c0)\n"
      "  for i in range(torch.len([1, 2])):\n"
      "    if bool(torch.gt(torch.size(y, 0), i)):\n"
      "      y = torch.mul(y, 2.5)\n"
      "    else:\n"
      "      pass\n"
      "  return y[0, :, None]\n");
  archive.constants_pickle = FakeTensor{}.pickle() + "\x85";
  archive.records.emplace_back("constants/0", std::string(16, '\0'));
  const std::string good = archive.bytes();
  load_bytes(good);
  const auto read = [](std::string_view bytes) {
    try {
      load_bytes(std::string(bytes));
    } catch (const NotImplementedError& error) {
      throw LoadError(error.msg());
    } catch (const LimitError& error) {
      throw LoadError(error.msg());
    }
  };
  constexpr size_t kFlips = 4'000;
  EXPECT_GT(calque::testing_support::expect_survives_damage(good, kFlips, read), 1'000u);
}

}  // namespace
}  // namespace calque::torchscript
