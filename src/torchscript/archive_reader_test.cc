#include "torchscript/archive_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/text.h"
#include "calque/error.h"
#include "torchscript/reader_testing.h"

namespace calque::torchscript {
namespace {

using ::testing::HasSubstr;
using testing_support::FakeArchive;
using testing_support::FakeTensor;
using testing_support::load_bytes;
using testing_support::pickled_int;
using testing_support::pickled_object;
using testing_support::pickled_text;
using testing_support::small_archive;

std::string error_of(const FakeArchive& archive, const jit::LoadOptions& options = {}) {
  try {
    load_bytes(archive.bytes(), options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string floats(std::initializer_list<float> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(float)};
}

Tensor weight(const LoadedArchive& archive, size_t slot = 0) { return archive.root->slots[slot].toTensor(); }

TEST(ArchiveReader, LoadsAModule) {
  FakeArchive archive = small_archive();
  archive.records[0].second = floats({1, 2, 3, 4});
  const LoadedArchive loaded = load_bytes(archive.bytes());
  EXPECT_EQ(loaded.version, 10);
  EXPECT_EQ(loaded.root->type->name, "__torch__.M");
  EXPECT_TRUE(loaded.root->type->attributes[0].is_parameter);
  EXPECT_EQ(weight(loaded)[2].item<float>(), 3.0f);
  const Function* forward = loaded.root->type->find_method("forward");
  ASSERT_NE(forward, nullptr);
  EXPECT_EQ(forward->schema.str(), "forward(__torch__.M self, Tensor x) -> Tensor");
  verify(*forward->graph);
  EXPECT_THAT(to_string(*forward->graph), HasSubstr("aten::add"));
}

TEST(ArchiveReader, UsesAlignedRecordsInPlaceAndCopiesOthers) {
  // The place of data/0 depends on the length of the names before it.
  bool in_place = false;
  bool copied = false;
  for (size_t i = 0; i < 4; ++i) {
    FakeArchive archive = small_archive();
    archive.root = "a" + std::string(i, 'b') + "/";
    archive.records[0].second = floats({1, 2, 3, 4});
    const auto bytes = std::make_shared<const std::string>(archive.bytes());
    const LoadedArchive loaded = read_archive(as_bytes(*bytes), bytes, "m.pt");
    const auto* data = static_cast<const char*>(weight(loaded).raw_data());
    const bool inside = data >= bytes->data() && data < bytes->data() + bytes->size();
    (inside ? in_place : copied) = true;
    EXPECT_EQ(weight(loaded)[3].item<float>(), 4.0f);
  }
  EXPECT_TRUE(in_place);
  EXPECT_TRUE(copied);
}

TEST(ArchiveReader, TensorsOutliveTheArchive) {
  Tensor kept;
  {
    FakeArchive archive = small_archive();
    archive.records[0].second = floats({1, 2, 3, 4});
    kept = weight(load_bytes(archive.bytes()));
  }
  EXPECT_EQ(kept[1].item<float>(), 2.0f);
}

TEST(ArchiveReader, KeepsViewsAndSharing) {
  FakeArchive archive = small_archive();
  FakeTensor view;
  view.offset = pickled_int(1);
  view.sizes = "(K\x02K\x02t";
  view.strides = "(K\x01K\x00t";
  view.strides = std::string("(K\x01K\0t", 6);
  const std::string whole = FakeTensor{}.pickle();
  // The tensor w, memoised, then again as v; u is a view of a storage of its own.
  archive.data_pickle = pickled_object("M", {{"w", whole + "q\x05"}, {"v", "h\x05"}, {"u", view.pickle()}});
  archive.sources[0].second =
      "class M(Module):\n  __parameters__ = [\"w\", \"v\", ]\n  w : Tensor\n  v : Tensor\n  u : Tensor\n";
  archive.records[0].second = floats({1, 2, 3, 4});
  const LoadedArchive loaded = load_bytes(archive.bytes());
  EXPECT_TRUE(weight(loaded, 0).is_same(weight(loaded, 1)));
  EXPECT_EQ(weight(loaded, 2)[1][1].item<float>(), 3.0f);
  EXPECT_NE(weight(loaded, 2).storage()->data(), weight(loaded, 0).storage()->data());
}

TEST(ArchiveReader, ConvertsParametersToADtype) {
  FakeArchive archive = small_archive();
  archive.records[0].second = floats({1, 2, 3, 4});
  const LoadedArchive loaded = load_bytes(archive.bytes(), {.dtype = kBFloat16});
  EXPECT_EQ(weight(loaded).dtype(), kBFloat16);
  EXPECT_EQ(weight(loaded).to(kFloat)[2].item<float>(), 3.0f);
}

TEST(ArchiveReader, SwapsTheBytesOfBigEndianFiles) {
  FakeArchive archive = small_archive();
  archive.records[0].second = std::string("\x3f\x80\0\0\x40\0\0\0\x40\x40\0\0\x40\x80\0\0", 16);
  archive.records.emplace_back("byteorder", "big");
  const LoadedArchive loaded = load_bytes(archive.bytes());
  EXPECT_EQ(weight(loaded)[0].item<float>(), 1.0f);
  EXPECT_EQ(weight(loaded)[3].item<float>(), 4.0f);
}

TEST(ArchiveReader, VersionRulesArePyTorchs) {
  const auto version_of = [](const std::string& text) {
    FakeArchive archive = small_archive();
    archive.version = text;
    return load_bytes(archive.bytes()).version;
  };
  EXPECT_EQ(version_of("3"), 3);
  EXPECT_EQ(version_of(" 10 trailing"), 10);
  EXPECT_THROW(version_of("0\n"), LoadError);
  FakeArchive archive = small_archive();
  archive.version = "11\n";
  EXPECT_THAT(error_of(archive), HasSubstr("maximum supported version for reading is 10"));
  archive.version = "-1\n";
  EXPECT_THAT(error_of(archive), HasSubstr("minimum supported version for reading is 1"));
  archive.version = "ten\n";
  EXPECT_THAT(error_of(archive), HasSubstr("Couldn't parse the version"));
  archive.version = "";
  EXPECT_THAT(error_of(archive), HasSubstr("Expected hasRecord(\"version\") to be true"));
  archive.records.emplace_back("version", "4\n");
  EXPECT_EQ(load_bytes(archive.bytes()).version, 4);
  archive.records.emplace_back(".data/version", "7\n");
  EXPECT_EQ(load_bytes(archive.bytes()).version, 7);
}

TEST(ArchiveReader, GivesExtraFiles) {
  FakeArchive archive = small_archive();
  archive.records.emplace_back("extra/notes.txt", "hello");
  archive.records.emplace_back("extra/a/b", "");
  const LoadedArchive loaded = load_bytes(archive.bytes());
  EXPECT_THAT(loaded.extra_names(), ::testing::ElementsAre("notes.txt", "a/b"));
  EXPECT_EQ(loaded.extra("notes.txt"), "hello");
  EXPECT_EQ(loaded.extra("absent"), std::nullopt);
}

TEST(ArchiveReader, RemarksOnDevicesOnce) {
  FakeArchive archive = small_archive();
  FakeTensor tensor;
  tensor.device = "cuda:0";
  archive.data_pickle =
      pickled_object("M", {{"w", tensor.pickle()}, {"v", tensor.pickle()}, {"training", "\x89"}});
  std::vector<std::string> notes;
  load_bytes(archive.bytes(), {.on_note = [&](const std::string& note) { notes.push_back(note); }});
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0], HasSubstr("cuda:0"));
}

TEST(ArchiveReader, AttributesHaveTheTypesOfTheirClass) {
  FakeArchive archive = small_archive();
  archive.data_pickle = pickled_object("M", {{"w", pickled_int(3)}, {"training", "\x89"}});
  EXPECT_THAT(error_of(archive), HasSubstr("attribute w: expected Tensor, found int"));
  archive.data_pickle = pickled_object("M", {{"w", FakeTensor{}.pickle()}});
  EXPECT_THAT(error_of(archive), HasSubstr("attribute training: missing in the file"));
  archive.sources[0].second = "class M(Module):\n  n : List[int]\n";
  archive.data_pickle = pickled_object("M", {{"n",
                                              "ctorch.jit._pickle\nbuild_intlist\n](K\x01\x88"
                                              "e\x85R"}});
  EXPECT_THAT(error_of(archive), HasSubstr("attribute n.item: expected int, found bool"));
  archive.sources[0].second = "class M(Module):\n  n : Optional[List[int]]\n";
  EXPECT_THAT(error_of(archive), HasSubstr("attribute n.item: expected int, found bool"));
}

TEST(ArchiveReader, OldFilesHaveContainersWithoutTags) {
  FakeArchive archive = small_archive();
  archive.version = "2\n";
  archive.sources[0].second = "class M(Module):\n  n : List[Optional[int]]\n  d : Dict[str, List[float]]\n";
  archive.data_pickle = pickled_object("M", {{"n", "](K\x01Ne"}, {"d", "}(" + pickled_text("a") + "]u"}});
  const LoadedArchive loaded = load_bytes(archive.bytes());
  EXPECT_EQ(loaded.root->slots[0].type_name(), "List[Optional[int]]");
  EXPECT_EQ(loaded.root->slots[1].type_name(), "Dict[str, List[float]]");
}

TEST(ArchiveReader, NumbersOfATraceAreMarked) {
  FakeArchive archive = small_archive("  return torch.mul(x, CONSTANTS.c0)\n");
  FakeTensor scalar;
  scalar.storage = "DoubleStorage";
  scalar.numel = pickled_int(1);
  scalar.sizes = scalar.strides = "(t";
  archive.constants_pickle = scalar.pickle() + "\x85";
  archive.records.emplace_back("constants/0", std::string(8, '\0'));
  const LoadedArchive loaded = load_bytes(archive.bytes());
  const Graph& graph = *loaded.root->type->find_method("forward")->graph;
  const Node* constant = graph.block().first();
  while (!constant->is("prim::Constant") || !constant->value.isTensor()) constant = constant->next;
  EXPECT_TRUE(constant->value.tensor_impl()->wrapped_number);
  EXPECT_FALSE(weight(loaded).impl()->wrapped_number);
}

TEST(ArchiveReader, ClassesMayNameEachOther) {
  FakeArchive archive = small_archive();
  archive.sources[0].second =
      "class M(Module):\n  a : __torch__.A\n"
      "class A:\n  b : Optional[__torch__.B]\n  def f(self: __torch__.A, b: __torch__.B) -> int:\n    return "
      "b.n\n"
      "class B:\n  a : Optional[__torch__.A]\n  n : int\n";
  archive.data_pickle = pickled_object("M", {{"a", pickled_object("A", {{"b", "N"}})}});
  const LoadedArchive loaded = load_bytes(archive.bytes());
  EXPECT_NE(loaded.unit->find_class("__torch__.B"), nullptr);
}

TEST(ArchiveReader, SourcesThatNothingNamesAreNotRead) {
  FakeArchive archive = small_archive();
  archive.sources.emplace_back("__torch__/other", "this is no program (((");
  EXPECT_EQ(error_of(archive), "");
}

TEST(ArchiveReader, OldDivisionTruncates) {
  FakeArchive archive = small_archive("  return torch.div(x, self.w)\n");
  const auto graph_of = [&](const std::string& version) {
    archive.version = version;
    const LoadedArchive loaded = load_bytes(archive.bytes());
    const Graph& graph = *loaded.root->type->find_method("forward")->graph;
    verify(graph);
    return to_string(graph);
  };
  EXPECT_THAT(graph_of("3"), HasSubstr("\"trunc\""));
  EXPECT_THAT(graph_of("4"), ::testing::Not(HasSubstr("trunc")));
}

TEST(ArchiveReader, NamesEveryMissingOperatorAtOnce) {
  const FakeArchive archive = small_archive(
      "  y = torch.no_such_operator(x)\n"
      "  z = ops.other.thing(y, torch.also_missing(x))\n"
      "  return z\n");
  try {
    load_bytes(archive.bytes());
    FAIL();
  } catch (const NotImplementedError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("aten::no_such_operator in __torch__.M.forward (code/__torch__.py line 8)"));
    EXPECT_THAT(error.what(), HasSubstr("other::thing"));
    EXPECT_THAT(error.what(), HasSubstr("aten::also_missing"));
  }
}

TEST(ArchiveReader, SaysWhatAFileIsWhenItIsNoArchive) {
  const auto error = [](const std::string& bytes) {
    try {
      load_bytes(bytes);
    } catch (const LoadError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(error("\x80\x02}q."), HasSubstr("not a TorchScript archive"));
  EXPECT_THAT(error("PYTORCH1xxxxxxxxxxxxxxxx"), HasSubstr("not a TorchScript archive"));
  EXPECT_THAT(error("\x89HDF\r\n\x1a\n"), HasSubstr("HDF5"));
  EXPECT_NE(error(""), "");
  using calque::testing_support::fake_zip;
  using calque::testing_support::stored;
  EXPECT_THAT(error(fake_zip({stored("a/data.pkl", "\x80\x02N."), stored("a/version", "3")})),
              HasSubstr("torch.save"));
  EXPECT_THAT(error(fake_zip({stored("a/model.json", "{}")})), HasSubstr("model.json"));
  EXPECT_THAT(error(fake_zip({stored("a/bytecode.pkl", "x"), stored("a/data.pkl", "x")})), HasSubstr(".ptl"));
}

TEST(ArchiveReader, PlacesAreThoseOfTheOriginalSourceWhenTheFileHasThem) {
  FakeArchive archive = small_archive();
  const std::string& text = archive.sources[0].second;
  // (format, strings, ((offset, (source, start, end), tag), ...)); a source is (pieces, file, first line).
  const std::string strings = "(" + pickled_text("def forward(self, x):\n") +
                              pickled_text("  return x + self.w\n") + pickled_text("model.py") +
                              pickled_text("trace.py(88): forward\nmain.py(3): <module>\n") +
                              pickled_text("") + "t";
  const auto range = [](std::initializer_list<int> pieces, int file, int first_line, int start) {
    std::string out = "((](";
    for (const int piece : pieces) out += pickled_int(piece);
    return out + "e" + pickled_int(file) + pickled_int(first_line) + "t" + pickled_int(start) +
           pickled_int(start + 1) + "t";
  };
  const std::string scripted = range({0, 1}, 2, 40, 25);
  const std::string traced = range({3}, 4, 1, 0);
  const auto debug = [&](const std::string& source) {
    return "\x80\x02(" + pickled_text("FORMAT_WITH_STRING_TABLE") + strings + "(" + "(" +
           pickled_int(static_cast<int64_t>(text.find("return"))) + source + pickled_int(0) + "ttt.";
  };
  const auto place_of = [&](const std::string& record) {
    FakeArchive copy = archive;
    copy.records.emplace_back("code/__torch__.py.debug_pkl", record);
    const LoadedArchive loaded = load_bytes(copy.bytes());
    const Node* node = loaded.root->type->find_method("forward")->graph->block().first();
    while (!node->is("aten::add")) node = node->next;
    return cat(*node->range.file, ":", node->range.line);
  };
  EXPECT_EQ(place_of(debug(scripted)), "model.py:41");
  EXPECT_EQ(place_of(debug(traced)), "trace.py:88");
  EXPECT_EQ(place_of("no pickle"), "code/__torch__.py:8");
}

TEST(ArchiveReader, RootIsAModule) {
  FakeArchive archive = small_archive();
  archive.data_pickle = pickled_int(3);
  EXPECT_THAT(error_of(archive), HasSubstr("an archive holds a module"));
  archive.data_pickle = pickled_object("C", {});
  archive.sources[0].second = "class C:\n  pass\n";
  EXPECT_THAT(error_of(archive), HasSubstr("class that is no module"));
  archive = small_archive();
  archive.constants_pickle = "]";
  EXPECT_THAT(error_of(archive), HasSubstr("expected a tuple"));
}

}  // namespace
}  // namespace calque::torchscript
