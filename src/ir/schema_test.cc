#include "ir/schema.h"

#include <gtest/gtest.h>

#include "calque/error.h"

namespace calque {
namespace {

TEST(Schema, ReadsAndPrintsPyTorchText) {
  for (const char* text : {
           "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
           "aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)",
           "aten::size.int(Tensor self, int dim) -> int",
           "aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, int? dtype=None) -> "
           "Tensor",
           "aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
           "aten::append.t(t[](a!) self, t(c) el) -> t[](a!)",
           "aten::keys.str(Dict(str, t) self) -> str[]",
           "aten::gelu(Tensor self, *, str approximate=\"none\") -> Tensor",
           "aten::view(Tensor(a) self, int[] size) -> Tensor(a)",
           "aten::format(str self, ...) -> str",
           "prim::TupleUnpack(Any tup) -> ...",
           "aten::layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, "
           "float eps=1e-05, bool cudnn_enable=True) -> Tensor",
       }) {
    const FunctionSchema schema = parse_schema(text);
    EXPECT_EQ(schema.str(), text);
    EXPECT_EQ(parse_schema(schema.str()).str(), text);
  }
}

TEST(Schema, KnowsWritesKeywordsAndBroadcastLists) {
  const FunctionSchema add =
      parse_schema("aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)");
  EXPECT_EQ(add.name, "aten::add_");
  EXPECT_EQ(add.overload, "Tensor");
  EXPECT_TRUE(add.has_side_effects());
  EXPECT_TRUE(add.arguments[2].keyword_only);
  EXPECT_EQ(add.arguments[2].default_value->toInt(), 1);
  const FunctionSchema sum = parse_schema("aten::sum.dim_IntList(Tensor self, int[1]? dim) -> Tensor");
  EXPECT_EQ(sum.arguments[1].broadcast_length, 1);
  EXPECT_EQ(sum.arguments[1].type->annotation(), "Optional[List[int]]");
  const FunctionSchema pad = parse_schema("aten::conv1d(Tensor input, int[1] stride=1) -> Tensor");
  EXPECT_EQ(pad.arguments[1].default_value->toIntVector(), std::vector<int64_t>{1});
}

TEST(Schema, BadTextIsAValueError) {
  for (const char* text : {"", "aten::add", "aten::add(", "aten::add(Tensor)", "aten::add(Tensor a) ->",
                           "aten::add(Wrong a) -> Tensor", "aten::add(Tensor a) -> Tensor extra)"}) {
    EXPECT_THROW(parse_schema(text), ValueError) << text;
  }
}

}  // namespace
}  // namespace calque
