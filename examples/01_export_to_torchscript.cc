// The program of Hugging Face's guide "Export to TorchScript", step by step.
//
//   01_export_to_torchscript MODEL_DIR [traced_bert.pt]
//
// MODEL_DIR holds a BERT checkpoint: config.json, model.safetensors and the tokenizer's files.
#include <calque/jit.h>
#include <calque/trace.h>
#include <calque/transformers.h>

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

using calque::transformers::BertConfig;
using calque::transformers::BertModel;
using calque::transformers::BertTokenizer;
using Rows = std::vector<std::vector<int64_t>>;

int main(int argc, const char* argv[]) try {
  if (argc < 2) {
    std::cerr << "usage: 01_export_to_torchscript MODEL_DIR [traced_bert.pt]\n";
    return 2;
  }
  const std::string directory = argv[1];
  const std::string archive = argc > 2 ? argv[2] : "traced_bert.pt";

  const BertTokenizer enc = BertTokenizer::from_pretrained(directory);

  // Tokenize the text.
  const std::string text = "[CLS] Who was Jim Henson ? [SEP] Jim Henson was a puppeteer [SEP]";
  std::vector<std::string> tokenized_text = enc.tokenize(text);

  // Mask one of the tokens.
  const size_t masked_index = 8;
  tokenized_text[masked_index] = "[MASK]";
  const std::vector<int64_t> indexed_tokens = enc.convert_tokens_to_ids(tokenized_text);
  const std::vector<int64_t> segments_ids = {0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1};

  // Make a dummy input. Inputs go by position in Transformers' order: input_ids, attention_mask,
  // token_type_ids. So the guide's segment ids, in the second place, act as the attention mask.
  const calque::Tensor tokens_tensor = calque::tensor(Rows{indexed_tokens});
  const calque::Tensor segments_tensors = calque::tensor(Rows{segments_ids});
  const std::vector<calque::IValue> dummy_input = {tokens_tensor, segments_tensors};

  // A model from a configuration, with random weights. The flag makes no difference for a model without a
  // language modelling head; it is set all the same.
  const BertConfig config{
      .vocab_size_or_config_json_file = 32000,
      .hidden_size = 768,
      .num_hidden_layers = 12,
      .num_attention_heads = 12,
      .intermediate_size = 3072,
      .torchscript = true,
  };
  BertModel model(config);

  // A trace is made in evaluation mode.
  model.eval();

  // A checkpoint takes the flag as well, and comes in evaluation mode.
  model = BertModel::from_pretrained(directory, {.torchscript = true});

  // Trace and save.
  const calque::jit::Module traced_model = calque::jit::trace(model, {tokens_tensor, segments_tensors});
  calque::jit::save(traced_model, archive);

  // Load and run. Any batch size and any length may follow.
  const calque::jit::Module loaded_model = calque::jit::load(archive);
  loaded_model.eval();

  const auto outputs = loaded_model(dummy_input).toTuple()->elements();
  const calque::Tensor all_encoder_layers = outputs[0].toTensor();
  const calque::Tensor pooled_output = outputs[1].toTensor();

  std::cout << "all_encoder_layers: " << all_encoder_layers.size(0) << " x " << all_encoder_layers.size(1)
            << " x " << all_encoder_layers.size(2) << "\n"
            << "pooled_output:\n"
            << pooled_output.slice(/*dim=*/1, /*start=*/0, /*end=*/5) << "\n";
  return 0;
} catch (const calque::Error& error) {
  std::cerr << "error: " << error.what() << "\n";
  return 1;
}
