#include "base/log.h"

#include <gtest/gtest.h>

#include <string>

namespace calque {
namespace {

std::string g_lines;

void collect(std::string_view topic, std::string_view message) {
  g_lines += std::string(topic) + "|" + std::string(message) + "\n";
}

TEST(Log, WritesOnlyWantedTopics) {
  g_lines.clear();
  set_log("dispatch,threads", collect);
  EXPECT_TRUE(log_on("dispatch"));
  EXPECT_FALSE(log_on("load"));
  log_line("dispatch", "one");
  log_line("load", "two");
  log_line("threads", "three");
  set_log("", nullptr);
  EXPECT_FALSE(log_on("dispatch"));
  EXPECT_EQ(g_lines, "dispatch|one\nthreads|three\n");
}

TEST(Log, AllMeansEveryTopic) {
  g_lines.clear();
  set_log("all", collect);
  log_line("anything", "x");
  set_log("", nullptr);
  EXPECT_EQ(g_lines, "anything|x\n");
}

}  // namespace
}  // namespace calque
