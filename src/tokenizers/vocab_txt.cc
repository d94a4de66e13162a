#include "tokenizers/vocab_txt.h"

#include <algorithm>

#include "base/text.h"
#include "calque/error.h"
#include "tokenizers/utf8.h"

namespace calque {

Vocab parse_vocab_txt(std::string_view text, const std::string& label) {
  const size_t valid = valid_utf8_prefix(text);
  if (valid < text.size()) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(valid), '\n');
    throw LoadError(cat(quoted(label, 400), ": line ", line, " is not UTF-8 (byte ", valid,
                        " of the file). A vocabulary is UTF-8 text with one token a line."));
  }
  if (text.empty()) {
    throw LoadError(cat(quoted(label, 400), " is empty. A vocabulary is UTF-8 text with one token a line."));
  }
  Vocab vocab;
  vocab.reserve(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  uint32_t line = 0;
  for (size_t start = 0; start < text.size(); ++line) {
    const size_t end = std::min(text.find_first_of("\r\n", start), text.size());
    vocab.add(text.substr(start, end - start), line);
    const bool is_pair = text.substr(end).starts_with("\r\n");
    start = end + (is_pair ? 2 : 1);
  }
  vocab.finish();
  return vocab;
}

}  // namespace calque
