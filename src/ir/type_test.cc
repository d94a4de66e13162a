#include "ir/type.h"

#include <gtest/gtest.h>

#include <sstream>

#include "calque/error.h"

namespace calque {
namespace {

TEST(Type, PrintsBothForms) {
  const TypePtr type = dict_type(string_type(), list_type(optional_type(tensor_type())));
  EXPECT_EQ(type->annotation(), "Dict[str, List[Optional[Tensor]]]");
  EXPECT_EQ(type->str(), "Dict(str, Tensor?[])");
  EXPECT_EQ(tuple_type({})->annotation(), "Tuple[()]");
}

TEST(Type, Subtyping) {
  EXPECT_TRUE(is_subtype(*tensor_type(), *optional_type(tensor_type())));
  EXPECT_TRUE(is_subtype(*none_type(), *optional_type(int_type())));
  EXPECT_TRUE(is_subtype(*int_type(), *number_type()));
  EXPECT_FALSE(is_subtype(*int_type(), *float_type()));
  EXPECT_FALSE(is_subtype(*list_type(int_type()), *list_type(number_type())));
  EXPECT_TRUE(is_subtype(*tuple_type({int_type()}), *tuple_type({number_type()})));
  EXPECT_TRUE(is_subtype(*optional_type(int_type()), *any_type()));
}

TEST(Type, UnionsNormalise) {
  EXPECT_EQ(union_type({int_type(), none_type()})->annotation(), "Optional[int]");
  EXPECT_EQ(union_type({int_type(), int_type()})->annotation(), "int");
  EXPECT_EQ(union_type({int_type(), string_type(), int_type()})->annotation(), "Union[int, str]");
}

TEST(Type, Unify) {
  EXPECT_EQ(unify_types(int_type(), none_type())->annotation(), "Optional[int]");
  EXPECT_EQ(unify_types(int_type(), string_type()), nullptr);
}

TEST(IValue, AccessorsCheckTheTag) {
  EXPECT_EQ(IValue(3).toInt(), 3);
  EXPECT_THROW(IValue(3).toTensor(), TypeError);
  EXPECT_THROW(IValue("x").toInt(), TypeError);
  EXPECT_EQ(IValue(std::vector<int64_t>{1, 2}).toIntVector(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(IValue::tuple({1, 2.5}).toTuple()->elements().size(), 2U);
}

TEST(IValue, EqualityIsPythons) {
  EXPECT_EQ(IValue(1), IValue(1.0));
  EXPECT_EQ(IValue(true), IValue(1));
  EXPECT_FALSE(IValue("1") == IValue(1));
  EXPECT_EQ(IValue::tuple({1, "a"}), IValue::tuple({1, "a"}));
}

TEST(IValue, DictKeepsOrderAndFindsKeys) {
  DictImpl dict;
  dict.insert_or_assign("b", 1);
  dict.insert_or_assign("a", 2);
  dict.insert_or_assign("b", 3);
  ASSERT_EQ(dict.entries.size(), 2U);
  EXPECT_EQ(dict.entries[0].second.toInt(), 3);
  EXPECT_TRUE(dict.erase("b"));
  EXPECT_FALSE(dict.erase("b"));
  EXPECT_EQ(dict.find("a")->toInt(), 2);
  EXPECT_THROW(dict.find(IValue(std::vector<int64_t>{1})), TypeError);
}

TEST(IValue, DeepNestingIsFreedWithoutRecursion) {
  IValue value = IValue::tuple({});
  for (int i = 0; i < 1000000; ++i) value = IValue::tuple({std::move(value)});
  value = IValue();
  EXPECT_TRUE(value.isNone());
}

TEST(IValue, ValuesWithoutEndAreNotWalked) {
  const auto itself = make_ref<ListImpl>();
  itself->element_type = any_type();
  itself->items.emplace_back(itself);
  const auto alike = make_ref<ListImpl>();
  alike->element_type = any_type();
  alike->items.emplace_back(alike);
  std::ostringstream out;
  EXPECT_THROW(out << IValue(itself), LimitError);
  EXPECT_THROW((void)(IValue(itself) == IValue(alike)), LimitError);
  itself->items.clear();
  alike->items.clear();
  IValue doubled = IValue::tuple({1});
  for (int i = 0; i < 60; ++i) doubled = IValue::tuple({doubled, doubled});
  EXPECT_THROW(out << doubled, LimitError);
  EXPECT_THROW(hash_value(doubled), LimitError);
  EXPECT_THROW(type_of(doubled), LimitError);
  out << IValue::tuple({1, 2});
}

TEST(Type, PartsAreCountedAndBounded) {
  EXPECT_EQ(dict_type(string_type(), list_type(int_type()))->parts(), 4U);
  TypePtr doubled = tensor_type();
  EXPECT_THROW(
      {
        for (int i = 0; i < 60; ++i) doubled = tuple_type({doubled, doubled});
      },
      LimitError);
  EXPECT_LE(doubled->parts(), Type::kMostParts);
}

TEST(Device, ParsesAndPrints) {
  EXPECT_EQ(Device::parse("cuda:1").str(), "cuda:1");
  EXPECT_EQ(Device::parse("cpu").str(), "cpu");
  EXPECT_THROW(Device::parse("fpga"), ValueError);
  EXPECT_THROW(Device::parse("cuda:"), ValueError);
  EXPECT_THROW(Device::parse("cuda:999"), ValueError);
}

}  // namespace
}  // namespace calque
