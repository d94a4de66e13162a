#include "tokenizers/clean_up.h"

#include <span>
#include <utility>

namespace calque {

namespace {

using Replacement = std::pair<std::string_view, std::string_view>;

// Applied one after the other.
constexpr Replacement kTransformers[] = {{" .", "."},     {" ?", "?"},     {" !", "!"},   {" ,", ","},
                                         {" ' ", "'"},    {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"},
                                         {" 've", "'ve"}, {" 're", "'re"}};
constexpr Replacement kWordPiece[] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                                      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                                      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};

void replace_all(std::string& text, const Replacement& replacement) {
  size_t found = text.find(replacement.first);
  if (found == std::string::npos) return;
  std::string out;
  size_t done = 0;
  while (found != std::string::npos) {
    out.append(text, done, found - done);
    out += replacement.second;
    done = found + replacement.first.size();
    found = text.find(replacement.first, done);
  }
  out.append(text, done);
  text = std::move(out);
}

std::string replaced(std::string_view text, std::span<const Replacement> replacements) {
  std::string out(text);
  for (const Replacement& replacement : replacements) replace_all(out, replacement);
  return out;
}

}  // namespace

std::string clean_up_tokenization(std::string_view text) { return replaced(text, kTransformers); }

std::string clean_up_word_piece(std::string_view text) { return replaced(text, kWordPiece); }

}  // namespace calque
