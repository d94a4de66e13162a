#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "calque/error.h"
#include "calque/io.h"

namespace calque::io {
namespace {

class TensorFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("calque_io_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::filesystem::path folder_;
};

NamedTensors one_of_each(const std::string& ending) {
  NamedTensors tensors;
  for (const ScalarType dtype : {kFloat, kDouble, kHalf, kLong, kInt, kShort, kChar, kByte, kBool}) {
    const Tensor x = tensor(std::vector<int64_t>{0, 1, 1, 0, 1, 1}).to(dtype).reshape(Dims{2, 3});
    tensors.emplace_back(std::string(dtype_name(dtype)), x.transpose(0, 1));
  }
  if (ending == "safetensors") tensors.emplace_back("bfloat16", ones({2}, kBFloat16));
  tensors.emplace_back("scalar", full(Dims{}, 7, kLong));
  tensors.emplace_back("empty", zeros({2, 0, 3}));
  return tensors;
}

TEST_F(TensorFiles, EveryEndingReadsWhatItWrote) {
  for (const std::string ending : {"npz", "safetensors", "json"}) {
    const NamedTensors tensors = one_of_each(ending);
    write_tensors(path("x." + ending), tensors);
    NamedTensors back = read_tensors(path("x." + ending));
    ASSERT_EQ(back.size(), tensors.size());
    for (const auto& [name, value] : tensors) {
      bool found = false;
      for (const auto& [other, read] : back) {
        if (other != name) continue;
        found = true;
        EXPECT_EQ(read.dtype(), value.dtype()) << ending << " " << name;
        EXPECT_TRUE(equal(read, value)) << ending << " " << name;
      }
      EXPECT_TRUE(found) << ending << " " << name;
    }
  }
}

TEST_F(TensorFiles, NpyHoldsOneTensorNamedAfterTheFile) {
  write_tensors(path("mask.npy"), {{"x", ones({2, 3}, kLong)}});
  const NamedTensors back = read_tensors(path("mask.npy"));
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].first, "mask");
  EXPECT_TRUE(equal(back[0].second, ones({2, 3}, kLong)));
  EXPECT_THROW(write_tensors(path("x.npy"), {}), ValueError);
}

TEST_F(TensorFiles, NumpyHasNoBfloat16) {
  EXPECT_THROW(write_tensors(path("x.npz"), {{"x", ones({2}, kBFloat16)}}), ValueError);
  EXPECT_FALSE(std::filesystem::exists(path("x.npz")));
}

TEST_F(TensorFiles, UnknownEndingIsNamed) {
  for (const char* name : {"x.txt", "x", "folder.json/x"}) {
    try {
      read_tensors(path(name));
      FAIL() << name;
    } catch (const ValueError& error) {
      EXPECT_NE(std::string(error.what()).find(".safetensors"), std::string::npos);
    }
  }
}

TEST_F(TensorFiles, BrokenFilesAreLoadErrors) {
  for (const std::string name : {"x.npz", "x.npy", "x.safetensors", "x.json"}) {
    EXPECT_THROW(read_tensors(path(name)), LoadError) << name;
    write_file(path(name), as_bytes("no tensors here"));
    EXPECT_THROW(read_tensors(path(name)), LoadError) << name;
  }
}

TEST_F(TensorFiles, TensorsOfAFileMayBeWrittenTo) {
  write_tensors(path("x.safetensors"), {{"x", ones({3})}});
  const Tensor x = read_tensors(path("x.safetensors")).at(0).second;
  x.fill_(2);
  EXPECT_EQ(x[0].item().to_double(), 2);
}

TEST_F(TensorFiles, RecordsOfNoArchive) {
  write_file(path("x.pt"), as_bytes("no archive"));
  EXPECT_THROW(list_records(path("x.pt")), LoadError);
  EXPECT_THROW(read_record(path("x.pt"), "version"), LoadError);
}

}  // namespace
}  // namespace calque::io
