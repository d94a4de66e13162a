#include "tokenizers/encoding_builder.h"

#include <algorithm>

#include "base/text.h"
#include "tokenizers/sequence_plan.h"

namespace calque {

namespace {

constexpr size_t kMaxPaddedLength = size_t{1} << 31;

// Fills the vectors of one encoding from its plan.
class Filler {
 public:
  Filler(const TokenizedInput& input, const ResolvedOptions& options, const TokenizerParts& parts)
      : input_(input), resolved_(options), options_(options.options), parts_(parts) {}

  Encoding fill(const SequencePlan& plan, size_t padded_length) {
    encoding_ = Encoding();
    const size_t length = plan.length();
    const size_t padding = padded_length > length ? padded_length - length : 0;
    reserve(length + padding);
    if (resolved_.padding_side == Side::kLeft) pad(padding);
    for (const PlannedPiece& piece : plan.pieces) {
      if (piece.special != nullptr) {
        put_special(*piece.special, piece.type_id);
      } else {
        put_text(piece);
      }
    }
    if (resolved_.padding_side == Side::kRight) pad(padding);
    return std::move(encoding_);
  }

 private:
  void reserve(size_t length) {
    encoding_.input_ids.reserve(length);
    if (options_.return_token_type_ids) encoding_.token_type_ids.reserve(length);
    if (options_.return_attention_mask) encoding_.attention_mask.reserve(length);
    if (options_.return_special_tokens_mask) encoding_.special_tokens_mask.reserve(length);
    if (options_.return_tokens) encoding_.tokens.reserve(length);
    if (options_.return_offsets_mapping) encoding_.offset_mapping.reserve(length);
    if (options_.return_word_ids) encoding_.word_ids.reserve(length);
    if (options_.return_sequence_ids) encoding_.sequence_ids.reserve(length);
  }

  // What is the same for `count` tokens that are not of a text.
  void put_outside(size_t count, int64_t type_id, int64_t attention) {
    const auto repeat = [count](auto& values, const auto& value) {
      values.insert(values.end(), count, value);
    };
    if (options_.return_token_type_ids) repeat(encoding_.token_type_ids, type_id);
    if (options_.return_attention_mask) repeat(encoding_.attention_mask, attention);
    if (options_.return_special_tokens_mask) repeat(encoding_.special_tokens_mask, int64_t{1});
    if (options_.return_offsets_mapping) repeat(encoding_.offset_mapping, std::pair<int64_t, int64_t>(0, 0));
    if (options_.return_word_ids) repeat(encoding_.word_ids, std::optional<int64_t>());
    if (options_.return_sequence_ids) repeat(encoding_.sequence_ids, std::optional<int64_t>());
  }

  void pad(size_t count) {
    encoding_.input_ids.insert(encoding_.input_ids.end(), count, resolved_.pad_id);
    if (options_.return_tokens) encoding_.tokens.insert(encoding_.tokens.end(), count, resolved_.pad_token);
    put_outside(count, 0, 0);
  }

  void put_special(const TemplatePiece& piece, int64_t type_id) {
    for (const TemplateToken& token : piece.tokens) {
      encoding_.input_ids.push_back(token.id);
      if (options_.return_tokens) encoding_.tokens.push_back(token.token);
    }
    put_outside(piece.tokens.size(), type_id, 1);
  }

  void put_text(const PlannedPiece& piece) {
    const TextTokens& text = piece.is_second ? *input_.second : input_.first;
    const size_t count = piece.range.end - piece.range.begin;
    const std::span<const TextToken> tokens = std::span(text.tokens).subspan(piece.range.begin, count);
    for (const TextToken& token : tokens) encoding_.input_ids.push_back(token.id);
    const auto repeat = [count](auto& values, const auto& value) {
      values.insert(values.end(), count, value);
    };
    if (options_.return_token_type_ids) repeat(encoding_.token_type_ids, int64_t{piece.type_id});
    if (options_.return_attention_mask) repeat(encoding_.attention_mask, int64_t{1});
    if (options_.return_special_tokens_mask) repeat(encoding_.special_tokens_mask, int64_t{0});
    if (options_.return_sequence_ids) {
      repeat(encoding_.sequence_ids, std::optional<int64_t>(piece.is_second ? 1 : 0));
    }
    if (options_.return_tokens) {
      for (const TextToken& token : tokens) encoding_.tokens.emplace_back(spelling(token, text));
    }
    if (options_.return_offsets_mapping) {
      for (const TextToken& token : tokens) encoding_.offset_mapping.emplace_back(token.begin, token.end);
    }
    if (options_.return_word_ids) {
      for (const TextToken& token : tokens) encoding_.word_ids.emplace_back(token.word);
    }
  }

  std::string_view spelling(const TextToken& token, const TextTokens& text) const {
    if (token.index != TextToken::kNone) return parts_.model->vocab().token(token.index);
    if (token.spelling != TextToken::kNone) return text.spellings[token.spelling];
    return parts_.added.find_id(token.id)->content;
  }

  const TokenizedInput& input_;
  const ResolvedOptions& resolved_;
  const EncodeOptions& options_;
  const TokenizerParts& parts_;
  Encoding encoding_;
};

size_t round_up(size_t length, size_t multiple) { return (length + multiple - 1) / multiple * multiple; }

size_t padded_length(const std::vector<std::vector<SequencePlan>>& plans, const ResolvedOptions& options) {
  if (options.padding == PaddingStrategy::kDoNotPad) return 0;
  size_t length = options.padded_length;
  if (options.padding == PaddingStrategy::kLongest) {
    length = 0;
    for (const std::vector<SequencePlan>& plan : plans) length = std::max(length, plan.front().length());
  }
  return round_up(length, options.pad_to_multiple_of);
}

TruncationOptions without_special_tokens(const ResolvedOptions& options, size_t special_tokens) {
  TruncationOptions truncation = options.truncation;
  if (truncation.strategy == TruncationStrategy::kDoNotTruncate) return truncation;
  if (truncation.max_length < special_tokens) {
    throw ValueError(cat("max_length is ", truncation.max_length, ", which leaves no room for the ",
                         special_tokens,
                         " special tokens. Use a larger max_length, or add_special_tokens = false."));
  }
  truncation.max_length -= special_tokens;
  return truncation;
}

}  // namespace

std::vector<Encoding> build_encodings(std::span<const TokenizedInput> inputs, const ResolvedOptions& options,
                                      const TokenizerParts& parts) {
  std::vector<std::vector<SequencePlan>> plans;
  plans.reserve(inputs.size());
  for (const TokenizedInput& input : inputs) {
    const bool is_pair = input.second.has_value();
    const bool add_special_tokens = options.options.add_special_tokens;
    const size_t special_tokens = add_special_tokens ? parts.post_processor.added_tokens(is_pair) : 0;
    const TruncatedTexts texts = truncate(input.first.tokens.size(),
                                          is_pair ? std::optional(input.second->tokens.size()) : std::nullopt,
                                          without_special_tokens(options, special_tokens));
    plans.push_back(plan_sequences(parts.post_processor.pieces(is_pair), texts, add_special_tokens));
  }
  const size_t length = padded_length(plans, options);
  std::vector<Encoding> encodings;
  encodings.reserve(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    Filler filler(inputs[i], options, parts);
    encodings.push_back(filler.fill(plans[i].front(), length));
    for (size_t k = 1; k < plans[i].size(); ++k) {
      encodings.back().overflowing.push_back(filler.fill(plans[i][k], length));
    }
  }
  return encodings;
}

namespace {

size_t as_size(int64_t value, const char* name) {
  if (value < 0 || static_cast<uint64_t>(value) > kMaxPaddedLength) {
    throw ValueError(cat(name, " is ", value, "; expected 0 to ", kMaxPaddedLength, "."));
  }
  return static_cast<size_t>(value);
}

void resolve_padding_token(const TokenizerParts& parts, ResolvedOptions& out) {
  const std::optional<std::string>& pad_token = parts.settings.special(SpecialToken::kPad);
  std::optional<uint32_t> id;
  if (pad_token) id = parts.added.token_to_id(*pad_token);
  if (pad_token && !id) id = parts.model->vocab().token_to_id(*pad_token);
  if (!id) {
    throw ValueError(
        "Asking to pad but the tokenizer does not have a padding token. Name one as `pad_token` in "
        "tokenizer_config.json.");
  }
  out.pad_id = *id;
  out.pad_token = *pad_token;
}

// The same rule and words as `tokenizers`, whatever the texts: special tokens of a single text count.
void check_stride(const TruncationOptions& truncation, const TokenizerParts& parts) {
  const size_t special_tokens = parts.post_processor.added_tokens(false);
  const size_t left = truncation.max_length - std::min(special_tokens, truncation.max_length);
  if (truncation.stride <= left) return;
  throw ValueError(cat("tokenizer stride set to ", truncation.stride,
                       ", which is greater than or equal to its effective max length of ", left,
                       " (= ", truncation.max_length, " original max length - ", special_tokens,
                       " added special tokens). Use a smaller stride or a larger max_length."));
}

}  // namespace

ResolvedOptions resolve_options(const EncodeOptions& options, const TokenizerParts& parts) {
  const TokenizerSettings& settings = parts.settings;
  ResolvedOptions out;
  out.options = options;
  out.padding = options.padding;
  out.truncation.strategy = options.truncation;
  out.truncation.with_overflow = options.return_overflowing_tokens;
  out.truncation.stride = as_size(options.stride, "stride");
  out.truncation.side = options.truncation_side.value_or(settings.truncation_side);
  out.padding_side = options.padding_side.value_or(settings.padding_side);
  std::optional<int64_t> max_length = options.max_length;
  if (!max_length) {
    // As in Transformers: a tokenizer that does not say how much its model takes neither cuts nor pads.
    const bool is_limited = settings.model_max_length <= static_cast<int64_t>(kMaxPaddedLength);
    if (is_limited) max_length = settings.model_max_length;
    if (!is_limited) out.truncation.strategy = TruncationStrategy::kDoNotTruncate;
    if (!is_limited && out.padding == PaddingStrategy::kMaxLength) out.padding = PaddingStrategy::kDoNotPad;
  }
  const bool truncates = out.truncation.strategy != TruncationStrategy::kDoNotTruncate;
  const bool pads = out.padding != PaddingStrategy::kDoNotPad;
  if (truncates) {
    out.truncation.max_length = as_size(*max_length, "max_length");
    check_stride(out.truncation, parts);
  }
  if (!pads) return out;
  resolve_padding_token(parts, out);
  if (out.padding == PaddingStrategy::kMaxLength) out.padded_length = as_size(*max_length, "max_length");
  const size_t multiple = as_size(options.pad_to_multiple_of.value_or(0), "pad_to_multiple_of");
  out.pad_to_multiple_of = std::max<size_t>(multiple, 1);
  if (truncates && out.truncation.max_length % out.pad_to_multiple_of != 0) {
    throw ValueError(cat("Truncation and padding are both activated but truncation length (",
                         out.truncation.max_length, ") is not a multiple of pad_to_multiple_of (", multiple,
                         ")."));
  }
  return out;
}

}  // namespace calque
