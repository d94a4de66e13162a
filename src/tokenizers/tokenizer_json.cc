#include "tokenizers/tokenizer_json.h"

#include <memory>
#include <utility>

#include "base/text.h"
#include "calque/error.h"
#include "tokenizers/bert_pre_tokenizer.h"
#include "tokenizers/template_json.h"
#include "tokenizers/word_piece.h"
#include "tokenizers/word_piece_decoder.h"

namespace calque {

namespace {

[[noreturn]] void refuse(const JsonRef& json, const char* stage, const std::string& type,
                         const char* supported) {
  throw NotImplementedError(cat(calque::quoted(json.label(), 400), ": the ", stage, " ", calque::quoted(type),
                                " is not supported; supported: ", supported, "."));
}

uint32_t checked_id(const JsonRef& where, std::string_view token, int64_t id) {
  if (id < 0 || id > int64_t{UINT32_MAX}) {
    where.fail(
        cat("gives the token ", calque::quoted(token), " the id ", id, "; ids are 0 to ", UINT32_MAX, "."));
  }
  return static_cast<uint32_t>(id);
}

Vocab parse_vocab(const JsonRef& json) {
  Vocab vocab;
  const Json::Object& members = json.as_object();
  vocab.reserve(members.size());
  for (const JsonMember& member : members) {
    if (!member.value.is(Json::Kind::kInt)) {
      json.fail(cat("gives the token ", calque::quoted(member.key), " an id of type ",
                    json_kind_name(member.value.kind()), "; an integer is expected."));
    }
    vocab.add(member.key, checked_id(json, member.key, member.value.integer()));
  }
  vocab.finish();
  return vocab;
}

std::unique_ptr<Model> parse_model(const JsonRef& json) {
  // Files of the first versions have no type; such models are WordPiece when they have all of its settings.
  const bool looks_like_word_piece =
      json.has("continuing_subword_prefix") && json.has("max_input_chars_per_word");
  const std::string type = json.get_string_or("type", looks_like_word_piece ? "WordPiece" : "without a type");
  if (type != "WordPiece") refuse(json, "model", type, "WordPiece");
  WordPieceOptions options;
  options.unk_token = json.get_string("unk_token");
  options.continuing_subword_prefix = json.get_string("continuing_subword_prefix");
  const JsonRef max_chars = json.get("max_input_chars_per_word");
  if (max_chars.as_int() < 0) max_chars.fail("is negative.");
  options.max_input_chars_per_word = static_cast<uint64_t>(max_chars.as_int());
  return std::make_unique<WordPiece>(parse_vocab(json.get("vocab")), std::move(options));
}

BertNormalizerOptions parse_normalizer(const JsonRef& json) {
  const std::string type = json.get_string("type");
  if (type != "BertNormalizer") refuse(json, "normalizer", type, "BertNormalizer");
  BertNormalizerOptions options;
  options.clean_text = json.get_bool("clean_text");
  options.handle_chinese_chars = json.get_bool("handle_chinese_chars");
  options.lowercase = json.get_bool("lowercase");
  if (json.has("strip_accents")) options.strip_accents = json.get_bool("strip_accents");
  return options;
}

std::unique_ptr<PreTokenizer> parse_pre_tokenizer(const JsonRef& json) {
  const std::string type = json.get_string("type");
  if (type != "BertPreTokenizer") refuse(json, "pre-tokenizer", type, "BertPreTokenizer");
  return std::make_unique<BertPreTokenizer>();
}

std::unique_ptr<Decoder> parse_decoder(const JsonRef& json) {
  const std::string type = json.get_string("type");
  if (type != "WordPiece") refuse(json, "decoder", type, "WordPiece");
  return std::make_unique<WordPieceDecoder>(json.get_string("prefix"), json.get_bool("cleanup"));
}

TemplateProcessor parse_post_processor(const JsonRef& json) {
  const std::string type = json.get_string("type");
  if (type == "TemplateProcessing") return parse_template_processing(json);
  if (type == "BertProcessing") return parse_bert_processing(json);
  refuse(json, "post-processor", type, "TemplateProcessing, BertProcessing");
}

std::optional<Side> parse_direction(const JsonRef& json) {
  const std::string direction = json.get_string_or("direction", "Right");
  if (direction == "Right") return Side::kRight;
  if (direction == "Left") return Side::kLeft;
  json.get("direction").fail(cat("is ", calque::quoted(direction), "; \"Right\" or \"Left\" is expected."));
}

bool flag_or(const Json& json, const char* name, bool fallback, const JsonRef& parent) {
  const Json* value = json.find(name);
  if (value == nullptr || value->is_null()) return fallback;
  if (!value->is(Json::Kind::kBool)) {
    parent.fail(cat("holds an added token whose ", calque::quoted(name), " is of type ",
                    json_kind_name(value->kind()), "; a bool is expected."));
  }
  return value->boolean();
}

void parse_added_tokens(const JsonRef& json, TokenizerJson& out) {
  std::vector<AddedToken> tokens;
  for (const Json& item : json.as_array()) {
    tokens.push_back(parse_added_token(item, json));
    const Json* id = item.find("id");
    if (id == nullptr || !id->is(Json::Kind::kInt)) {
      json.fail(cat("holds the added token ", calque::quoted(tokens.back().content),
                    " without an integer \"id\"."));
    }
    out.added_tokens.emplace_back(checked_id(json, tokens.back().content, id->integer()), tokens.back());
  }
  out.parts.added.add(tokens, out.parts.model->vocab());
}

}  // namespace

AddedToken parse_added_token(const Json& json, const JsonRef& parent) {
  const Json* content = json.find("content");
  if (content == nullptr || !content->is(Json::Kind::kString)) {
    parent.fail("holds an added token that is no object with a string \"content\".");
  }
  AddedToken token;
  token.content = content->string();
  token.single_word = flag_or(json, "single_word", false, parent);
  token.lstrip = flag_or(json, "lstrip", false, parent);
  token.rstrip = flag_or(json, "rstrip", false, parent);
  token.special = flag_or(json, "special", false, parent);
  token.normalized = flag_or(json, "normalized", !token.special, parent);
  return token;
}

TokenizerJson parse_tokenizer_json(std::string_view text, const std::string& label) {
  const JsonRef json = parse_json(text, label);
  json.as_object();
  const std::string version = json.get_string_or("version", "1.0");
  if (version != "1.0") {
    throw NotImplementedError(cat(calque::quoted(label, 400), ": version ", calque::quoted(version),
                                  " is not supported, only \"1.0\"."));
  }
  TokenizerJson out;
  out.parts.model = parse_model(json.get("model"));
  if (const auto part = json.find("normalizer")) out.normalizer = parse_normalizer(*part);
  if (const auto part = json.find("pre_tokenizer")) out.parts.pre_tokenizer = parse_pre_tokenizer(*part);
  if (const auto part = json.find("post_processor")) out.parts.post_processor = parse_post_processor(*part);
  if (const auto part = json.find("decoder")) out.parts.decoder = parse_decoder(*part);
  if (const auto part = json.find("added_tokens")) parse_added_tokens(*part, out);
  if (const auto part = json.find("truncation")) out.truncation_side = parse_direction(*part);
  if (const auto part = json.find("padding")) {
    out.padding_side = parse_direction(*part);
    out.pad_token = part->get_string("pad_token");
  }
  return out;
}

}  // namespace calque
