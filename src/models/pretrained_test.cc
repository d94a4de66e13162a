#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calque/transformers.h"
#include "models/registry.h"
#include "tensor/testing.h"

namespace calque::transformers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

BertConfig tiny() {
  return {.vocab_size = 20,
          .hidden_size = 8,
          .num_hidden_layers = 2,
          .num_attention_heads = 2,
          .intermediate_size = 12,
          .max_position_embeddings = 16};
}

TEST(BertModelTest, RandomWeightsRunAndDependOnTheSeedOnly) {
  BertModel a(tiny()), b(tiny()), c(tiny(), 1);
  for (BertModel* model : {&a, &b, &c}) model->eval();
  const Tensor ids = tensor(std::vector<std::vector<int64_t>>{{1, 2, 3}, {4, 5, 6}});
  const auto outputs = a({ids}).toTuple()->elements();
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_THAT(outputs[0].toTensor().sizes(), ElementsAre(2, 3, 8));
  EXPECT_THAT(outputs[1].toTensor().sizes(), ElementsAre(2, 8));
  EXPECT_TRUE(equal(outputs[0].toTensor(), b({ids}).toTuple()->elements()[0].toTensor()));
  EXPECT_FALSE(equal(outputs[0].toTensor(), c({ids}).toTuple()->elements()[0].toTensor()));
}

TEST(BertModelTest, StartsInTrainingModeAsInTransformers) {
  BertModel model(tiny());
  EXPECT_TRUE(model.is_training());
  const Tensor ids = zeros({1, 2}, kLong);
  EXPECT_THAT(message_of<Error>([&] { model({ids}); }), HasSubstr("eval()"));
  model.eval();
  EXPECT_NO_THROW(model({ids}));
}

TEST(BertModelTest, InputsGoByPositionAndByName) {
  BertModel model(tiny());
  model.eval();
  EXPECT_THAT(model.input_names(),
              ElementsAre("input_ids", "attention_mask", "token_type_ids", "position_ids"));
  EXPECT_THAT(model.main_input_names(), ElementsAre("input_ids", "attention_mask", "token_type_ids"));
  const Tensor ids = tensor(std::vector<std::vector<int64_t>>{{1, 2, 3}});
  const Tensor mask = tensor(std::vector<std::vector<int64_t>>{{1, 1, 0}});
  const Tensor types = tensor(std::vector<std::vector<int64_t>>{{0, 1, 1}});
  const auto first = [](const IValue& outputs) { return outputs.toTuple()->elements()[0].toTensor(); };
  const Tensor all = first(model({ids, mask, types}));
  EXPECT_TRUE(equal(all, first(model({ids}, {{"token_type_ids", types}, {"attention_mask", mask}}))));
  EXPECT_TRUE(equal(first(model({ids, Tensor(), types})), first(model({ids}, {{"token_type_ids", types}}))));
  EXPECT_FALSE(equal(all, first(model({ids, mask}))));
  EXPECT_THAT(message_of<TypeError>([&] { model({ids}, {{"input_ids", ids}}); }),
              HasSubstr("multiple values"));
  EXPECT_THAT(message_of<TypeError>([&] { model({ids}, {{"labels", ids}}); }),
              HasSubstr("unexpected keyword"));
  EXPECT_THAT(message_of<TypeError>([&] { model({ids, ids, ids, ids, ids}); }), HasSubstr("at most 4"));
  EXPECT_THAT(message_of<ValueError>([&] { model({Tensor(), mask}); }), HasSubstr("input_ids"));
}

TEST(BertModelTest, OlderNameOfTheVocabularySize) {
  BertConfig config = tiny();
  config.vocab_size_or_config_json_file = 30;
  const BertModel model(config);
  EXPECT_THAT(model.state_dict()[0].second.sizes(), ElementsAre(30, 8));
}

TEST(BertForMaskedLMTest, TiedWeightsAreOneTensor) {
  const auto find = [](const PreTrainedModel& model, const std::string& wanted) {
    for (const auto& [name, value] : model.state_dict()) {
      if (name == wanted) return value;
    }
    return Tensor();
  };
  const BertForMaskedLM tied(tiny());
  EXPECT_TRUE(find(tied, "cls.predictions.decoder.weight")
                  .is_same(find(tied, "bert.embeddings.word_embeddings.weight")));
  EXPECT_TRUE(find(tied, "cls.predictions.decoder.bias").is_same(find(tied, "cls.predictions.bias")));
  BertConfig config = tiny();
  config.tie_word_embeddings = false;
  const BertForMaskedLM untied(config);
  EXPECT_FALSE(find(untied, "cls.predictions.decoder.weight")
                   .is_same(find(untied, "bert.embeddings.word_embeddings.weight")));
}

TEST(BertConfigTest, DefaultsAreTransformers) {
  const BertConfig config = BertConfig::from_json("{}");
  EXPECT_EQ(config.vocab_size, 30522);
  EXPECT_EQ(config.layer_norm_eps, 1e-12);
  EXPECT_EQ(config.pad_token_id, 0);
  EXPECT_EQ(config.num_labels, 2);
  EXPECT_EQ(BertConfig::from_json(R"({"id2label": {"0": "a", "1": "b", "2": "c"}})").num_labels, 3);
  EXPECT_EQ(BertConfig::from_json(R"({"pad_token_id": null})").pad_token_id, std::nullopt);
  EXPECT_THAT(message_of<LoadError>([] { BertConfig::from_json(R"({"hidden_size": "big"})", "c.json"); }),
              HasSubstr("c.json"));
}

TEST(BertConfigTest, ModelsCheckIt) {
  BertConfig config = tiny();
  config.num_attention_heads = 3;
  EXPECT_THAT(message_of<ValueError>([&] { const BertModel model(config); }),
              HasSubstr("The hidden size (8) is not a multiple of the number of attention heads (3)"));
  config = tiny();
  config.hidden_act = "relu3";
  EXPECT_THAT(message_of<NotImplementedError>([&] { const BertModel model(config); }), HasSubstr("gelu_new"));
}

TEST(PreTrainedModelTest, IsMadeFromAConfiguration) {
  const std::string json =
      R"({"model_type": "bert", "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 16})";
  PreTrainedModel generic = PreTrainedModel::from_config(json, {.seed = 4});
  BertModel named(tiny(), 4);
  EXPECT_EQ(generic.class_name(), "BertModel");
  EXPECT_TRUE(generic.is_training());
  generic.eval();
  named.eval();
  const Tensor ids = tensor(std::vector<std::vector<int64_t>>{{1, 2, 3}});
  EXPECT_TRUE(equal(generic({ids}).toTuple()->elements()[0].toTensor(),
                    named({ids}).toTuple()->elements()[0].toTensor()));
  EXPECT_THAT(message_of<ValueError>([] {
                PreTrainedModel::from_config(R"({"model_type": "x", "architectures": ["BertModel"]})");
              }),
              HasSubstr("needs one of type bert"));
}

TEST(Registry, ListsEveryClass) {
  const std::vector<Architecture> all = architectures();
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all[0].class_name, "BertModel");
  for (const Architecture& row : all)
    EXPECT_EQ(models::find_model(row.class_name).model_type, row.model_type);
}

TEST(Registry, FindsClassesAndPlainModels) {
  EXPECT_EQ(models::find_model("BertForMaskedLM").model_type, "bert");
  EXPECT_EQ(models::plain_model("bert").class_name, "BertModel");
  EXPECT_THAT(message_of<NotImplementedError>([] { models::find_model("GPT2Model"); }),
              HasSubstr("BertModel"));
  EXPECT_THAT(message_of<NotImplementedError>([] { models::plain_model("gpt2"); }), HasSubstr("bert"));
}

}  // namespace
}  // namespace calque::transformers
