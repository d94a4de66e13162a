#include "tokenizers/tokenizer_impl.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "tokenizers/clean_up.h"

namespace calque {

TokenizerImpl::TokenizerImpl(TokenizerParts parts) : parts_(std::move(parts)) {
  parts_.added.finish(parts_.model->vocab(), parts_.normalizer.get());
}

std::vector<Encoding> TokenizerImpl::encode(size_t count, const EncodeOptions& options,
                                            const Reader& read) const {
  const ResolvedOptions resolved = resolve_options(options, parts_);
  TextEncoder encoder(parts_, options.offset_unit,
                      options.split_special_tokens.value_or(parts_.settings.split_special_tokens));
  std::vector<TokenizedInput> inputs(count);
  for (size_t i = 0; i < count; ++i) read(i, encoder, inputs[i]);
  return build_encodings(inputs, resolved, parts_);
}

std::optional<int64_t> TokenizerImpl::token_to_id(std::string_view token) const {
  if (const std::optional<uint32_t> id = parts_.added.token_to_id(token)) return int64_t{*id};
  if (const std::optional<uint32_t> id = parts_.model->vocab().token_to_id(token)) return int64_t{*id};
  return std::nullopt;
}

std::optional<std::string_view> TokenizerImpl::id_to_token(int64_t id) const {
  if (id < 0 || id > int64_t{UINT32_MAX}) return std::nullopt;
  const auto id32 = static_cast<uint32_t>(id);
  if (const AddedToken* added = parts_.added.find_id(id32)) return added->content;
  const uint32_t index = parts_.model->vocab().find_id(id32);
  if (index == Vocab::kNone) return std::nullopt;
  return parts_.model->vocab().token(index);
}

int64_t TokenizerImpl::convert_token(std::string_view token) const {
  std::optional<int64_t> id = token_to_id(token);
  const std::optional<std::string>& unknown = parts_.settings.special(SpecialToken::kUnk);
  if (!id && unknown) id = token_to_id(*unknown);
  if (!id) {
    throw ValueError(
        cat("The token ", quoted(token),
            " is not in the vocabulary, and the tokenizer has no unknown token to stand for it."));
  }
  return *id;
}

std::string TokenizerImpl::decode(std::span<const int64_t> ids, const DecodeOptions& options) const {
  std::vector<std::string_view> tokens;
  tokens.reserve(ids.size());
  for (const int64_t id : ids) {
    const std::optional<std::string_view> token = id_to_token(id);
    if (!token || (options.skip_special_tokens && parts_.added.is_special(*token))) continue;
    tokens.push_back(*token);
  }
  std::string text;
  if (parts_.decoder != nullptr) {
    text = parts_.decoder->decode(tokens);
  } else {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0) text += ' ';
      text += tokens[i];
    }
  }
  const bool clean_up =
      options.clean_up_tokenization_spaces.value_or(parts_.settings.clean_up_tokenization_spaces);
  return clean_up ? clean_up_tokenization(text) : text;
}

std::vector<std::string> TokenizerImpl::all_special_tokens() const {
  std::vector<std::string> out;
  const auto push = [&out](const std::string& token) {
    if (std::find(out.begin(), out.end(), token) == out.end()) out.push_back(token);
  };
  for (const std::optional<std::string>& token : parts_.settings.special_tokens) {
    if (token) push(*token);
  }
  for (const std::string& token : parts_.settings.additional_special_tokens) push(token);
  return out;
}

}  // namespace calque
