// Sentence embeddings without Python: text -> tokens -> archive -> mean of the token vectors -> cosine.
//
//   03_sentence_similarity MODEL.pt MODEL_DIR
//
// MODEL.pt was written by `calque export MODEL_DIR -o MODEL.pt`; MODEL_DIR is a checkpoint of a
// sentence-transformers model with mean pooling, for example all-MiniLM-L6-v2.
#include <calque/jit.h>
#include <calque/tokenizers.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Embedding = std::vector<double>;

const std::vector<std::string> kSentences = {
    "Who was Jim Henson?",         "Jim Henson was a puppeteer.",    "The Muppets were created by Henson.",
    "How do I reset my password?", "I forgot my login credentials.", "It is raining in London today.",
};

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// The call that Transformers would make: ids, mask, segments, each of shape (batch, length).
calque::Tensor last_hidden_state(const calque::jit::Module& model,
                                 const std::vector<calque::Encoding>& batch) {
  std::vector<std::vector<int64_t>> ids, mask, segments;
  for (const calque::Encoding& encoding : batch) {
    ids.push_back(encoding.input_ids);
    mask.push_back(encoding.attention_mask);
    segments.push_back(encoding.token_type_ids);
  }
  const calque::IValue output =
      model.forward({calque::tensor(ids), calque::tensor(mask), calque::tensor(segments)});
  return output.toTuple()->elements()[0].toTensor();
}

/// Mean of the vectors of real tokens, scaled to length 1, for row `row` of (batch, length, hidden).
Embedding embed(const calque::Tensor& hidden, const calque::Encoding& encoding, int64_t row) {
  const calque::Tensor vectors = hidden[row].contiguous();
  const auto* data = vectors.data_ptr<float>();
  const auto width = static_cast<size_t>(vectors.size(1));
  Embedding mean(width);
  for (size_t token = 0; token < encoding.size(); ++token) {
    if (encoding.attention_mask[token] == 0) continue;
    for (size_t i = 0; i < width; ++i) mean[i] += data[token * width + i];
  }
  double norm = 0;
  for (const double value : mean) norm += value * value;
  for (double& value : mean) value /= std::sqrt(norm);
  return mean;
}

double cosine(const Embedding& a, const Embedding& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void print_table(const std::vector<Embedding>& embeddings) {
  std::printf("\nCosine similarity\n%34s", "");
  for (size_t i = 0; i < kSentences.size(); ++i) std::printf("%7zu", i + 1);
  std::printf("\n");
  for (size_t i = 0; i < kSentences.size(); ++i) {
    std::printf("%2zu  %-30s", i + 1, kSentences[i].substr(0, 29).c_str());
    for (const Embedding& other : embeddings) std::printf("%7.3f", cosine(embeddings[i], other));
    std::printf("\n");
  }
}

void run(const std::string& archive, const std::string& directory) {
  auto start = Clock::now();
  const calque::jit::Module model = calque::jit::load(archive);
  const double load = milliseconds_since(start);
  start = Clock::now();
  const auto tokenizer = calque::Tokenizer::from_pretrained(directory);
  std::printf("load: archive %.1f ms, tokenizer %.1f ms\n", load, milliseconds_since(start));

  // The guide's sentence brings its own special tokens.
  calque::EncodeOptions as_it_stands;
  as_it_stands.add_special_tokens = false;
  const std::string text = "[CLS] Who was Jim Henson ? [SEP] Jim Henson was a puppeteer [SEP]";
  const std::vector<calque::Encoding> guide = {tokenizer.encode(text, as_it_stands)};
  start = Clock::now();
  const calque::Tensor hidden = last_hidden_state(model, guide);
  std::printf("\n\"%s\"\n%zu tokens -> last_hidden_state (%lld, %lld, %lld)\n", text.c_str(), guide[0].size(),
              static_cast<long long>(hidden.size(0)), static_cast<long long>(hidden.size(1)),
              static_cast<long long>(hidden.size(2)));
  std::printf("first call %.2f ms", milliseconds_since(start));
  constexpr int kCalls = 50;
  start = Clock::now();
  for (int i = 0; i < kCalls; ++i) last_hidden_state(model, guide);
  std::printf(", then %.2f ms a call\n", milliseconds_since(start) / kCalls);

  calque::EncodeOptions padded;
  padded.padding = calque::PaddingStrategy::kLongest;
  const std::vector<calque::Encoding> batch = tokenizer.encode_batch(kSentences, padded);
  start = Clock::now();
  const calque::Tensor all = last_hidden_state(model, batch);
  std::printf("%zu sentences in one call of a new shape: %.2f ms\n", batch.size(), milliseconds_since(start));
  std::vector<Embedding> embeddings;
  for (size_t i = 0; i < batch.size(); ++i)
    embeddings.push_back(embed(all, batch[i], static_cast<int64_t>(i)));
  print_table(embeddings);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL.pt MODEL_DIR\n", argv[0]);
    return 2;
  }
  try {
    run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
