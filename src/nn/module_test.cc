#include "nn/module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/activation.h"
#include "nn/functional.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/testing.h"

namespace calque::nn {
namespace {

using testing::ElementsAre;

class Block final : public Module {
 public:
  Block() : Module("a.b.Block") {
    list_ = register_module<ModuleList>("layer");
    first_ = list_->append<Linear>(3, 4);
    second_ = list_->append<Linear>(4, 2, false);
    scale_ = register_parameter("scale", {2}, {Init::Kind::kOnes});
  }
  Tensor forward(const Tensor& x) const { return mul(call(*second_, call(*first_, x)), scale_->value); }

 private:
  ModuleList* list_;
  Linear *first_, *second_;
  ParameterPtr scale_;
};

std::vector<std::string> names(const Module& module) {
  std::vector<std::string> result;
  for (const auto& [name, parameter] : module.named_parameters()) result.push_back(name);
  return result;
}

TEST(Module, NamesParametersAsPyTorchDoes) {
  const Block block;
  EXPECT_THAT(names(block), ElementsAre("scale", "layer.0.weight", "layer.0.bias", "layer.1.weight"));
  EXPECT_EQ(block.class_name(), "Block");
}

TEST(Module, TrainReachesEveryChild) {
  Block block;
  EXPECT_TRUE(block.training());
  block.train(false);
  EXPECT_FALSE(block.children()[0].second->children()[1].second->training());
}

TEST(Module, TellsTheRecorderOfCallsAndOperators) {
  const Block block;
  initialize(block, {});
  ListingRecorder recorder;
  const RecordingScope scope(&recorder);
  const Tensor y = call(block, ones({5, 3}));
  EXPECT_THAT(y.sizes(), ElementsAre(5, 2));
  EXPECT_THAT(recorder.lines, ElementsAre("enter Block", "enter Linear", "aten::linear", "leave 1",
                                          "enter Linear", "aten::linear", "leave 1", "aten::mul", "leave 1"));
}

TEST(Initialize, HasTheDistributionAndIsSeeded) {
  const Linear a(300, 200), b(300, 200);
  initialize(a, {.std = 0.02, .seed = 1});
  initialize(b, {.std = 0.02, .seed = 1});
  const Tensor weight = a.own_parameters()[0].second->value;
  EXPECT_TRUE(equal(weight, b.own_parameters()[0].second->value));
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < weight.numel(); ++i) {
    const double value = weight.data_ptr<float>()[i];
    sum += value;
    squares += value * value;
  }
  const double count = static_cast<double>(weight.numel());
  EXPECT_NEAR(sum / count, 0, 5e-4);
  EXPECT_NEAR(std::sqrt(squares / count), 0.02, 5e-4);
  EXPECT_TRUE(equal(a.own_parameters()[1].second->value, zeros({200})));
  const Linear c(300, 200);
  initialize(c, {.std = 0.02, .seed = 2});
  EXPECT_FALSE(equal(weight, c.own_parameters()[0].second->value));
}

TEST(Initialize, KeepsThePaddingRowZero) {
  const Embedding embedding(5, 3, 2);
  initialize(embedding, {.dtype = kBFloat16});
  const Tensor weight = embedding.weight()->value;
  EXPECT_EQ(weight.dtype(), kBFloat16);
  EXPECT_TRUE(equal(weight.select(0, 2), zeros({3}, kBFloat16)));
  EXPECT_FALSE(equal(weight.select(0, 1), zeros({3}, kBFloat16)));
}

TEST(Functional, GivesEveryResultAnIdentityOfItsOwn) {
  ListingRecorder recorder;
  const RecordingScope scope(&recorder);
  const Tensor x = ones({2, 2});
  EXPECT_FALSE(contiguous(x).is_same(x));
  EXPECT_FALSE(dropout(x, 0.5, false).is_same(x));
  EXPECT_FALSE(to(x, kFloat).is_same(x));
}

TEST(Functional, SizesCarryIdentityUnlessTheRecordingIsStatic) {
  const Tensor x = ones({2, 3});
  EXPECT_EQ(size(x, 1).token(), 0u);
  ListingRecorder recorder;
  const RecordingScope scope(&recorder);
  const Int a = size(x, 1), b = size(x, 1);
  EXPECT_NE(a.token(), 0u);
  EXPECT_NE(a.token(), b.token());
  view(x, {a, -1});
  EXPECT_EQ(recorder.last_arguments[1].elements[0].token, a.token());
  EXPECT_EQ(recorder.last_arguments[1].elements[1].token, 0u);
  recorder.is_static = true;
  EXPECT_EQ(size(x, 1).token(), 0u);
  EXPECT_NE(true_size(x, 1).token(), 0u);
}

TEST(Functional, TellsWhenAValueEscapes) {
  const Tensor x = ones({2, 3});
  ListingRecorder recorder;
  const RecordingScope scope(&recorder);
  EXPECT_EQ(Int(3).to_cpp(), 3);
  EXPECT_TRUE(recorder.escapes.empty());
  EXPECT_EQ(size(x, 1).to_cpp(), 3);
  EXPECT_TRUE(to_bool(tensor(true)));
  EXPECT_EQ(to_double(tensor(2.5)), 2.5);
  EXPECT_THAT(recorder.escapes, ElementsAre(Escape::kInteger, Escape::kBoolean, Escape::kFloat));
}

TEST(Recording, CanBeSuspended) {
  ListingRecorder recorder;
  const RecordingScope scope(&recorder);
  {
    const RecordingScope suspended(nullptr);
    relu(ones({2}));
  }
  EXPECT_TRUE(recorder.lines.empty());
  relu(ones({2}));
  EXPECT_THAT(recorder.lines, ElementsAre("aten::relu"));
}

TEST(ActivationTest, KnowsTheNamesOfConfigurations) {
  EXPECT_EQ(activation("gelu").python_class, "transformers.activations.GELUActivation");
  EXPECT_THROW(activation("prelu"), NotImplementedError);
}

}  // namespace
}  // namespace calque::nn
