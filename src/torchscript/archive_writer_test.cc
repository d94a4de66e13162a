#include "torchscript/archive_writer.h"

#include <gtest/gtest.h>

#include "formats/pickle_reader.h"
#include "formats/zip_reader.h"
#include "ir/graph.h"
#include "torchscript/pickler.h"

namespace calque::torchscript {
namespace {

struct TestModule {
  std::shared_ptr<ClassType> type;
  Ref<ObjectImpl> object = make_ref<ObjectImpl>();

  explicit TestModule(const std::string& name, bool is_module = true)
      : type(std::make_shared<ClassType>(name, is_module)) {
    object->type = type;
  }

  void add(const std::string& name, const TypePtr& attribute_type, IValue value, bool parameter = false) {
    ClassType::Attribute attribute;
    attribute.name = name;
    attribute.type = attribute_type;
    attribute.is_parameter = parameter;
    type->add_attribute(std::move(attribute));
    object->slots.push_back(std::move(value));
  }
};

std::string archive_of(const Ref<ObjectImpl>& object, const WriteOptions& options = {}) {
  StringSink sink;
  write_archive(object, sink, options);
  return sink.take();
}

std::vector<std::string> names_in(const ZipReader& zip) {
  std::vector<std::string> names;
  for (const ZipEntry& entry : zip.entries()) names.emplace_back(entry.name);
  return names;
}

/// The storage number of the tensor that is the value of the `i`-th attribute in a pickled object.
const PickleValue& storage_of(const PickleValue& object, size_t i) {
  return object.state()->pairs()[i].second.argument().items()[0];
}

TestModule weights() {
  TestModule module("__torch__.M");
  const Tensor base = tensor(std::vector<float>{1, 2, 3, 4, 5, 6});
  const int64_t sizes[] = {3};
  const int64_t strides[] = {2};
  module.add("tied", tensor_type(), base, true);
  module.add("again", tensor_type(), base, true);
  module.add("odd", tensor_type(), from_storage(base.storage(), 1, sizes, strides, kFloat));
  module.add("ids", tensor_type(), tensor({7, 8}));
  return module;
}

TEST(ArchiveWriter, RecordsInPyTorchsOrder) {
  const TestModule module = weights();
  const std::string archive = archive_of(module.object, {.extra = {{"z.txt", "last"}, {"a.txt", "first"}}});
  const ZipReader zip(as_bytes(archive), "test");
  EXPECT_EQ(names_in(zip),
            (std::vector<std::string>{"archive/extra/a.txt", "archive/extra/z.txt", "archive/data/0",
                                      "archive/data/1", "archive/data.pkl", "archive/code/__torch__.py",
                                      "archive/constants.pkl", "archive/.data/version", "archive/byteorder",
                                      "archive/.data/serialization_id"}));
  EXPECT_EQ(zip.read(zip.at("archive/.data/version")).text(), "10\n");
  EXPECT_EQ(zip.read(zip.at("archive/.data/serialization_id")).text().size(), 40U);
  EXPECT_EQ(zip.read(zip.at("archive/constants.pkl")).text(), std::string_view("\x80\x02).", 4));
  EXPECT_EQ(zip.at("archive/data/0").size, 24U);
}

TEST(ArchiveWriter, SharingIsKept) {
  const TestModule module = weights();
  const std::string archive = archive_of(module.object);
  const ZipReader zip(as_bytes(archive), "test");
  const PickleValue root = read_pickle(zip.read(zip.at("archive/data.pkl")).bytes(), "data.pkl");
  const auto& pairs = root.state()->pairs();
  EXPECT_EQ(pairs[0].second.identity(), pairs[1].second.identity());
  EXPECT_NE(pairs[0].second.identity(), pairs[2].second.identity());
  EXPECT_EQ(storage_of(root, 0).identity(), storage_of(root, 2).identity());
  EXPECT_NE(storage_of(root, 0).identity(), storage_of(root, 3).identity());
  EXPECT_EQ(pairs[2].second.argument().items()[1].integer(), 1);
}

TEST(ArchiveWriter, SameModuleSameBytes) {
  const TestModule module = weights();
  const std::string first = archive_of(module.object);
  const IValue held(module.object);
  EXPECT_EQ(first, archive_of(module.object));
  EXPECT_EQ(first, archive_of(weights().object));
  module.object->slots[0].toTensor().fill_(9);
  EXPECT_NE(first, archive_of(module.object));
}

TEST(ArchiveWriter, OneStorageWithTwoDtypesIsWrittenTwice) {
  TestModule module("__torch__.M");
  const Tensor floats = tensor(std::vector<float>{1, 2});
  const int64_t sizes[] = {2};
  const int64_t strides[] = {1};
  module.add("a", tensor_type(), floats);
  module.add("b", tensor_type(), from_storage(floats.storage(), 0, sizes, strides, kInt));
  const std::string archive = archive_of(module.object);
  const ZipReader zip(as_bytes(archive), "test");
  EXPECT_NE(zip.find("archive/data/1"), nullptr);
}

TEST(ArchiveWriter, ClassesOfObjectsThatNoCodeMentions) {
  TestModule inner("__torch__.hidden.Inner", false);
  TestModule module("__torch__.M");
  module.add("any", any_type(), IValue(inner.object));
  const std::string archive = archive_of(module.object);
  const ZipReader zip(as_bytes(archive), "test");
  EXPECT_EQ(zip.read(zip.at("archive/code/__torch__/hidden.py")).text(), "class Inner:\n  pass\n");
}

TEST(ArchiveWriter, RefusesWhatArchivesCannotHold) {
  EXPECT_THROW(archive_of(nullptr), ValueError);
  EXPECT_THROW(archive_of(TestModule("__torch__.C", false).object), ValueError);

  TestModule future("__torch__.M");
  auto value = make_ref<FutureImpl>();
  value->element_type = int_type();
  future.add("f", future_type(int_type()), IValue(value));
  try {
    archive_of(future.object);
    FAIL();
  } catch (const NotImplementedError& error) {
    EXPECT_NE(error.msg().find("\"f\""), std::string::npos) << error.msg();
  }

  TestModule loop("__torch__.M");
  loop.add("me", any_type(), IValue(loop.object));
  EXPECT_THROW(archive_of(loop.object), ValueError);
  loop.object->slots.clear();

  EXPECT_THROW(archive_of(weights().object, {.extra = {{"../x", ""}}}), ValueError);
}

TEST(Pickler, ContainersCarryTheirTypes) {
  SourcePrinter names;
  const IValue ints(std::vector<int64_t>{1, 300, 70000, int64_t{1} << 40, -1});
  const IValue strings(std::vector<std::string>{"a", "a"});
  const Pickle pickle = write_pickle(IValue::tuple({ints, strings, ints, 2.5, true, {}}), names);
  const PickleValue tuple = read_pickle(as_bytes(pickle.bytes), "test");
  ASSERT_EQ(tuple.items().size(), 6U);
  EXPECT_EQ(tuple.items()[0].callable().qualified_name(), "torch.jit._pickle.build_intlist");
  EXPECT_EQ(tuple.items()[0].argument().items()[0].items()[3].integer(), int64_t{1} << 40);
  EXPECT_EQ(tuple.items()[1].callable().qualified_name(), "torch.jit._pickle.restore_type_tag");
  EXPECT_EQ(tuple.items()[1].argument().items()[1].string(), "List[str]");
  EXPECT_EQ(tuple.items()[0].identity(), tuple.items()[2].identity());
}

}  // namespace
}  // namespace calque::torchscript
