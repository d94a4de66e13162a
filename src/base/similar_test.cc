#include "base/similar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace calque {
namespace {

using testing::ElementsAre;

TEST(Similar, TheFewestChangesComeFirst) {
  EXPECT_THAT(most_similar_first("fuse-linear", {"find_linears", "remove_padding", "fuse_linear"}),
              ElementsAre("fuse_linear", "find_linears", "remove_padding"));
  EXPECT_THAT(most_similar_first("layer.9", {"embeddings", "layer.10", "layer.0"}),
              ElementsAre("layer.0", "layer.10", "embeddings"));
}

TEST(Similar, EqualOnesStayInOrder) {
  EXPECT_THAT(most_similar_first("", {"bb", "a", "cc", "d"}), ElementsAre("a", "d", "bb", "cc"));
  EXPECT_THAT(most_similar_first("x", {}), ElementsAre());
}

TEST(Similar, LongTextsAreComparedInPart) {
  const std::string same(100'000, 'x');
  EXPECT_THAT(most_similar_first(same + "a", {"y", same + "b"}), ElementsAre(same + "b", "y"));
}

TEST(Similar, AListSaysHowManyItLeavesOut) {
  EXPECT_EQ(listed({"a", "b", "c"}, 3), "a, b, c");
  EXPECT_EQ(listed({"a", "b", "c"}, 1), "a, … (2 more)");
  EXPECT_EQ(listed({}, 1), "");
}

}  // namespace
}  // namespace calque
