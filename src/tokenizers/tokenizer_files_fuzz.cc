// Any bytes as tokenizer.json, as vocab.txt and as the files beside it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "calque/tokenizers.h"

namespace {

void use(const calque::Tokenizer& tokenizer) {
  const calque::Encoding encoding =
      tokenizer.encode("The caf\u00e9, [MASK] \u6f22 x\u0301!", "a \xff b",
                       {.truncation = calque::TruncationStrategy::kLongestFirst, .max_length = 8});
  tokenizer.decode(encoding.input_ids, {.skip_special_tokens = true});
}

template <class Load>
void attempt(const Load& load) {
  try {
    use(load());
  } catch (const calque::InternalError&) {
    throw;
  } catch (const calque::Error&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n##s\n";
  switch (data[0] % 5) {
    case 0:
      attempt([&] { return calque::Tokenizer::from_json(text); });
      break;
    case 1:
      attempt([&] { return calque::Tokenizer::from_files({{"vocab.txt", text}}); });
      break;
    case 2:
      attempt([&] {
        return calque::Tokenizer::from_files({{"vocab.txt", vocab}, {"tokenizer_config.json", text}});
      });
      break;
    case 3:
      attempt([&] {
        return calque::Tokenizer::from_files({{"vocab.txt", vocab}, {"special_tokens_map.json", text}});
      });
      break;
    default:
      attempt([&] {
        return calque::Tokenizer::from_files({{"tokenizer.json", text}, {"added_tokens.json", "{}"}});
      });
  }
  return 0;
}
