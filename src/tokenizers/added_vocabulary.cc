#include "tokenizers/added_vocabulary.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "calque/error.h"
#include "tokenizers/unicode.h"
#include "tokenizers/utf8.h"

namespace calque {

namespace {

// Bytes that the tokens of one text may share beyond its length: only white space tokens that strip white
// space come near.
constexpr size_t kMaxOverlapFactor = 16;
constexpr size_t kMaxOverlapBase = 65536;

// Text that is the same for equal tokens, and for these only.
std::string identity_of(const AddedToken& token) {
  std::string out;
  for (const bool flag : {token.single_word, token.lstrip, token.rstrip, token.normalized, token.special}) {
    out += flag ? '1' : '0';
  }
  return out + token.content;
}

size_t last_character(std::string_view text) {
  size_t i = text.size() - 1;
  while (i > 0 && is_utf8_continuation(text[i])) --i;
  return i;
}

bool has(std::string_view character, CharFlag flag) {
  size_t length = 0;
  return UnicodeTables::get().has(decode_utf8(character.data(), length), flag);
}

bool is_single_word(std::string_view text, const LongestMatcher::Match& match) {
  const std::string_view before = text.substr(0, match.begin);
  const std::string_view after = text.substr(match.end);
  if (!before.empty() && has(before.substr(last_character(before)), kCharWord)) return false;
  return after.empty() || !has(after, kCharWord);
}

// Start of the white space at the end of `text`, not before `from`.
size_t strip_end(std::string_view text, size_t from) {
  while (text.size() > from) {
    const size_t last = last_character(text);
    if (!has(text.substr(last), kCharWhitespace)) break;
    text = text.substr(0, last);
  }
  return std::max(text.size(), from);
}

// End of the white space that starts at `from`.
size_t strip_start(std::string_view text, size_t from) {
  while (from < text.size() && has(text.substr(from), kCharWhitespace)) from += utf8_length(text[from]);
  return from;
}

}  // namespace

uint32_t AddedVocabulary::next_id(const Vocab& vocab) const {
  const auto size = static_cast<uint32_t>(vocab.size());
  if (token_of_.empty()) return size;
  uint32_t max_id = 0;
  for (const auto& [id, token] : token_of_) max_id = std::max(max_id, id);
  if (max_id < size && size != 0) return size;
  if (max_id == UINT32_MAX) throw LoadError("The added tokens use up all ids: the largest is 4294967295.");
  return max_id + 1;
}

void AddedVocabulary::add(const std::vector<AddedToken>& tokens, const Vocab& vocab) {
  if (tokens.empty()) return;
  for (const AddedToken& token : tokens) {
    if (!token.special || token.content.empty()) continue;
    if (special_contents_.insert(token.content).second) special_tokens_.push_back(token);
  }
  std::unordered_set<std::string> known;
  for (const auto& [id, token] : token_of_) known.insert(identity_of(token));
  uint32_t next = next_id(vocab);
  for (const AddedToken& token : tokens) {
    if (token.content.empty() || !known.insert(identity_of(token)).second) continue;
    std::optional<uint32_t> id = token_to_id(token.content);
    if (!id) id = vocab.token_to_id(token.content);
    if (!id) {
      if (next == UINT32_MAX) throw LoadError("The added tokens use up all ids: the largest is 4294967295.");
      id = next++;
    }
    id_of_[token.content] = *id;
    token_of_[*id] = token;
    if (!special_contents_.contains(token.content)) other_tokens_.push_back(token);
  }
}

void AddedVocabulary::finish(const Vocab& vocab, const Normalizer* normalizer) {
  std::vector<const AddedToken*> before;
  std::vector<const AddedToken*> after;
  for (const std::vector<AddedToken>* tokens : {&special_tokens_, &other_tokens_}) {
    for (const AddedToken& token : *tokens) (token.normalized ? after : before).push_back(&token);
  }
  before_normalization_ = make_search(before, vocab, nullptr);
  after_normalization_ = make_search(after, vocab, normalizer);
}

AddedVocabulary::Search AddedVocabulary::make_search(const std::vector<const AddedToken*>& tokens,
                                                     const Vocab& vocab, const Normalizer* normalizer) const {
  Search search;
  std::vector<std::string> contents;
  contents.reserve(tokens.size());
  for (const AddedToken* token : tokens) {
    NormalizedText content;
    content.text = token->content;
    if (normalizer != nullptr) normalizer->normalize(content);
    contents.push_back(std::move(content.text));
    std::optional<uint32_t> id = token_to_id(token->content);
    if (!id) id = vocab.token_to_id(token->content);
    check(id.has_value(), "an added token has no id");
    search.ids.push_back(*id);
  }
  const std::vector<std::string_view> patterns(contents.begin(), contents.end());
  search.matcher = std::make_unique<LongestMatcher>(patterns);
  return search;
}

void AddedVocabulary::split(std::string_view text, bool normalized, bool split_special_tokens,
                            AddedSplitScratch& scratch, std::vector<AddedSplit>& splits) const {
  const Search& search = normalized ? after_normalization_ : before_normalization_;
  search.matcher->find_leftmost(text, scratch.matches);
  const auto push = [&splits](size_t begin, size_t end, std::optional<uint32_t> id) {
    if (begin < end) splits.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end), id});
  };
  size_t done = 0;
  size_t overlap = 0;
  for (const LongestMatcher::Match& match : scratch.matches) {
    const uint32_t id = search.ids[match.pattern];
    const AddedToken& token = token_of_.at(id);
    if (split_special_tokens && special_contents_.contains(token.content)) continue;
    if (token.single_word && !is_single_word(text, match)) continue;
    const size_t begin = token.lstrip ? strip_end(text.substr(0, match.begin), done) : match.begin;
    const size_t end = token.rstrip ? strip_start(text, match.end) : match.end;
    if (begin < done) overlap += done - begin;
    if (overlap > kMaxOverlapFactor * text.size() + kMaxOverlapBase) {
      throw LimitError(cat("The added token ", quoted(token.content),
                           " strips white space that is itself added tokens, too often in one text of ",
                           text.size(), " bytes. Turn off its lstrip and rstrip."));
    }
    push(done, begin, std::nullopt);
    push(begin, end, id);
    done = end;
  }
  push(done, text.size(), std::nullopt);
}

std::optional<uint32_t> AddedVocabulary::token_to_id(std::string_view content) const {
  const auto found = id_of_.find(std::string(content));
  if (found == id_of_.end()) return std::nullopt;
  return found->second;
}

const AddedToken* AddedVocabulary::find_id(uint32_t id) const {
  const auto found = token_of_.find(id);
  return found == token_of_.end() ? nullptr : &found->second;
}

bool AddedVocabulary::contains(const AddedToken& token) const {
  const std::optional<uint32_t> id = token_to_id(token.content);
  return id && token_of_.at(*id) == token;
}

size_t AddedVocabulary::count_outside(const Vocab& vocab) const {
  size_t count = 0;
  for (const auto& [content, id] : id_of_) count += vocab.find(content) == Vocab::kNone ? 1 : 0;
  return count;
}

}  // namespace calque
