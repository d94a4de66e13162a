#include "tokenizers/bert_pre_tokenizer.h"

#include "tokenizers/unicode.h"
#include "tokenizers/utf8.h"

namespace calque {

void BertPreTokenizer::pre_tokenize(const NormalizedText& text, TextRange piece,
                                    std::vector<TextRange>& words) const {
  const UnicodeTables& unicode = UnicodeTables::get();
  const char* const data = text.text.data();
  uint32_t start = piece.begin;
  size_t length = 0;
  for (uint32_t i = piece.begin; i < piece.end; i += static_cast<uint32_t>(length)) {
    const uint16_t properties = unicode.properties(decode_utf8(data + i, length));
    if ((properties & (kCharWhitespace | kCharPunctuation)) == 0) continue;
    if (start < i) words.push_back({start, i});
    start = i + static_cast<uint32_t>(length);
    if ((properties & kCharPunctuation) != 0) words.push_back({i, start});
  }
  if (start < piece.end) words.push_back({start, piece.end});
}

}  // namespace calque
