#include "tokenizers/load_pretrained.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "formats/json.h"
#include "tokenizers/bert_normalizer.h"
#include "tokenizers/bert_pre_tokenizer.h"
#include "tokenizers/pretrained_config.h"
#include "tokenizers/template_json.h"
#include "tokenizers/tokenizer_json.h"
#include "tokenizers/vocab_txt.h"
#include "tokenizers/word_piece.h"
#include "tokenizers/word_piece_decoder.h"

namespace calque {

namespace {

// Model types whose tokenizer class is BERT's under another name.
constexpr std::string_view kBertTypes[] = {"bert",     "convbert", "distilbert", "dpr",       "electra",
                                           "layoutlm", "lxmert",   "mobilebert", "retribert", "squeezebert"};
constexpr std::string_view kBertClasses[] = {
    "BertTokenizer",    "ConvBertTokenizer",          "DistilBertTokenizer",         "DPRReaderTokenizer",
    "ElectraTokenizer", "DPRContextEncoderTokenizer", "DPRQuestionEncoderTokenizer", "LayoutLMTokenizer",
    "LxmertTokenizer",  "MobileBertTokenizer",        "RetriBertTokenizer",          "SqueezeBertTokenizer"};

constexpr std::array<const char*, kSpecialTokenCount> kBertDefaults = {nullptr, nullptr, "[UNK]", "[SEP]",
                                                                       "[PAD]", "[CLS]", "[MASK]"};

template <class Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

TokenizerClass class_of(const TokenizerFiles& files, std::string name) {
  std::string model_type;
  if (name.empty() && files.config_json) {
    const JsonRef config = parse_json(*files.config_json, files.label("config.json"));
    config.as_object();
    name = config.get_string_or("tokenizer_class", "");
    model_type = config.get_string_or("model_type", "");
  }
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  if (contains(kBertClasses, name)) return TokenizerClass::kBert;
  if (name.empty() && contains(kBertTypes, model_type)) return TokenizerClass::kBert;
  if (files.tokenizer_json) return TokenizerClass::kGeneric;
  if (name.empty()) return TokenizerClass::kBert;
  throw NotImplementedError(cat(quoted(files.label("tokenizer_config.json"), 400), " names the tokenizer ",
                                quoted(name), ", which is supported with a tokenizer.json only."));
}

void apply_special_tokens(const PretrainedConfig& config, bool is_bert, TokenizerSettings& settings) {
  for (size_t i = 0; i < kSpecialTokenCount; ++i) {
    const auto& value = config.special_tokens[i];
    if (value) {
      settings.special_tokens[i] = *value ? std::optional((*value)->token.content) : std::nullopt;
    } else if (is_bert && kBertDefaults[i] != nullptr) {
      settings.special_tokens[i] = kBertDefaults[i];
    }
  }
  for (const SpecialTokenValue& value : config.additional_special_tokens) {
    settings.additional_special_tokens.push_back(value.token.content);
  }
}

SpecialTokenValue plain_token(const std::string& content) { return {AddedToken{.content = content}, false}; }

// The special tokens, named ones first, each once.
std::vector<SpecialTokenValue> special_values(const PretrainedConfig& config,
                                              const TokenizerSettings& settings) {
  std::vector<SpecialTokenValue> out;
  std::set<std::string> seen;
  for (size_t i = 0; i < kSpecialTokenCount; ++i) {
    const std::optional<std::string>& content = settings.special_tokens[i];
    if (!content || !seen.insert(*content).second) continue;
    const auto& value = config.special_tokens[i];
    out.push_back(value && *value ? **value : plain_token(*content));
  }
  for (const SpecialTokenValue& value : config.additional_special_tokens) {
    if (seen.insert(value.token.content).second) out.push_back(value);
  }
  return out;
}

// Adds the tokens that the configuration names and the tokenizer does not have, or has with other flags.
void add_missing_tokens(const PretrainedConfig& config, TokenizerParts& parts) {
  std::map<int64_t, AddedToken> by_id;
  for (const auto& [id, token] : config.added_tokens) by_id[id] = token;
  std::vector<AddedToken> tokens;
  std::set<std::string> contents;
  for (const auto& [id, token] : by_id) {
    if (!parts.added.contains(token)) tokens.push_back(token);
    contents.insert(token.content);
  }
  const std::vector<SpecialTokenValue> specials = special_values(config, parts.settings);
  std::set<std::string> special_contents;
  for (const SpecialTokenValue& value : specials) special_contents.insert(value.token.content);
  for (const SpecialTokenValue& value : specials) {
    const bool known = value.has_flags ? std::find(tokens.begin(), tokens.end(), value.token) != tokens.end()
                                       : contents.contains(value.token.content) ||
                                             parts.added.token_to_id(value.token.content).has_value();
    if (known) continue;
    tokens.push_back(value.token);
    if (!value.has_flags) tokens.back().normalized = false;
  }
  for (AddedToken& token : tokens) token.special = token.special || special_contents.contains(token.content);
  parts.added.add(tokens, parts.model->vocab());
}

void apply_settings(const PretrainedConfig& config, const TokenizerJson& json, TokenizerSettings& settings) {
  settings.model_max_length = config.model_max_length.value_or(settings.model_max_length);
  settings.padding_side = config.padding_side.value_or(json.padding_side.value_or(Side::kRight));
  settings.truncation_side = config.truncation_side.value_or(json.truncation_side.value_or(Side::kRight));
  settings.split_special_tokens = config.split_special_tokens;
}

TokenizerJson from_vocab_txt(const TokenizerFiles& files, const PretrainedConfig& config) {
  TokenizerJson out;
  WordPieceOptions options;
  const auto& unk = config.special_tokens[static_cast<size_t>(SpecialToken::kUnk)];
  if (unk && *unk) options.unk_token = (*unk)->token.content;
  out.parts.model =
      std::make_unique<WordPiece>(parse_vocab_txt(*files.vocab_txt, files.label("vocab.txt")), options);
  out.parts.pre_tokenizer = std::make_unique<BertPreTokenizer>();
  out.parts.decoder = std::make_unique<WordPieceDecoder>("##", true);
  out.normalizer = BertNormalizerOptions();
  return out;
}

TemplateToken template_token(const TokenizerParts& parts, SpecialToken token, const TokenizerFiles& files) {
  const std::optional<std::string>& content = parts.settings.special(token);
  if (!content) {
    throw LoadError(cat(quoted(files.label("tokenizer_config.json"), 400), " switches off ",
                        kSpecialTokenNames[static_cast<size_t>(token)],
                        ", which BERT puts around each text."));
  }
  std::optional<uint32_t> id = parts.added.token_to_id(*content);
  if (!id) id = parts.model->vocab().token_to_id(*content);
  if (!id) throw LoadError(cat("The special token ", quoted(*content), " is empty."));
  return {*id, *content};
}

[[noreturn]] void refuse_missing_files(const TokenizerFiles& files) {
  throw LoadError(
      cat(quoted(files.where, 400),
          " holds neither tokenizer.json nor vocab.txt. Save the tokenizer of the checkpoint there "
          "(tokenizer.save_pretrained)."));
}

std::shared_ptr<const TokenizerImpl> assemble(const TokenizerFiles& files, TokenizerJson json,
                                              const PretrainedConfig& config, bool is_bert) {
  TokenizerParts& parts = json.parts;
  parts.settings.special(SpecialToken::kPad) = json.pad_token;
  apply_settings(config, json, parts.settings);
  apply_special_tokens(config, is_bert, parts.settings);
  // Transformers turns the clean-up on where it converts a vocab.txt.
  parts.settings.clean_up_tokenization_spaces =
      config.clean_up_tokenization_spaces.value_or(!files.tokenizer_json.has_value());
  if (json.normalizer && is_bert) {
    json.normalizer->lowercase = config.do_lower_case;
    json.normalizer->strip_accents = config.strip_accents;
    json.normalizer->handle_chinese_chars = config.tokenize_chinese_chars;
  }
  if (json.normalizer) parts.normalizer = std::make_unique<BertNormalizer>(*json.normalizer);
  add_missing_tokens(config, parts);
  if (!files.tokenizer_json) {
    parts.post_processor = bert_template(template_token(parts, SpecialToken::kCls, files),
                                         template_token(parts, SpecialToken::kSep, files));
  }
  return std::make_shared<const TokenizerImpl>(std::move(parts));
}

}  // namespace

std::shared_ptr<const TokenizerImpl> load_pretrained(const TokenizerFiles& files,
                                                     TokenizerClass tokenizer_class) {
  if (!files.tokenizer_json && !files.vocab_txt) refuse_missing_files(files);
  TokenizerJson json;
  if (files.tokenizer_json) json = parse_tokenizer_json(*files.tokenizer_json, files.label("tokenizer.json"));
  const PretrainedConfig config = parse_pretrained_config(files, json.added_tokens);
  if (tokenizer_class == TokenizerClass::kAuto) tokenizer_class = class_of(files, config.tokenizer_class);
  if (!files.tokenizer_json) json = from_vocab_txt(files, config);
  return assemble(files, std::move(json), config, tokenizer_class == TokenizerClass::kBert);
}

std::shared_ptr<const TokenizerImpl> load_tokenizer_json(std::string_view text) {
  TokenizerJson json = parse_tokenizer_json(text, "tokenizer.json");
  apply_settings(PretrainedConfig(), json, json.parts.settings);
  json.parts.settings.special(SpecialToken::kPad) = json.pad_token;
  if (json.normalizer) json.parts.normalizer = std::make_unique<BertNormalizer>(*json.normalizer);
  return std::make_shared<const TokenizerImpl>(std::move(json.parts));
}

std::shared_ptr<const TokenizerImpl> load_bert_vocab(const std::string& vocab_file,
                                                     const BertTokenizerOptions& options) {
  TokenizerFiles files;
  files.vocab_txt = std::string(MappedFile::open(vocab_file, {.use_mmap = false})->text());
  files.where = vocab_file;
  PretrainedConfig config;
  const auto name = [&config](SpecialToken token, const std::string& content) {
    config.special_tokens[static_cast<size_t>(token)] = plain_token(content);
  };
  name(SpecialToken::kUnk, options.unk_token);
  name(SpecialToken::kSep, options.sep_token);
  name(SpecialToken::kPad, options.pad_token);
  name(SpecialToken::kCls, options.cls_token);
  name(SpecialToken::kMask, options.mask_token);
  config.do_lower_case = options.do_lower_case;
  config.tokenize_chinese_chars = options.tokenize_chinese_chars;
  config.strip_accents = options.strip_accents;
  TokenizerJson json = from_vocab_txt(files, config);
  return assemble(files, std::move(json), config, true);
}

}  // namespace calque
