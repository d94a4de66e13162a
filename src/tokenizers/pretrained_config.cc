#include "tokenizers/pretrained_config.h"

#include <charconv>
#include <limits>
#include <map>
#include <set>

#include "base/text.h"
#include "calque/error.h"
#include "formats/json.h"
#include "tokenizers/tokenizer_json.h"

namespace calque {

namespace {

constexpr double kInt64Limit = 9223372036854775808.0;

SpecialTokenValue parse_special_token(const Json& json, bool force_special, const JsonRef& parent) {
  if (json.is(Json::Kind::kString)) return {AddedToken{.content = json.string()}, false};
  AddedToken token = parse_added_token(json, parent);
  if (force_special && !token.special) {
    token.special = true;
    const Json* normalized = json.find("normalized");
    if (normalized == nullptr || normalized->is_null()) token.normalized = false;
  }
  return {token, true};
}

// Reads the special tokens that `json` names. In special_tokens_map.json all of them are special.
void parse_special_tokens(const JsonRef& json, bool is_map, PretrainedConfig& out) {
  for (size_t i = 0; i < kSpecialTokenCount; ++i) {
    if (json.json().find(kSpecialTokenNames[i]) == nullptr) continue;
    out.special_tokens[i].emplace();
    if (!json.has(kSpecialTokenNames[i])) continue;
    const JsonRef value = json.get(kSpecialTokenNames[i]);
    if (!value.is(Json::Kind::kString) && !value.is(Json::Kind::kObject)) {
      value.fail("is neither a string nor an AddedToken object.");
    }
    out.special_tokens[i] = parse_special_token(value.json(), is_map, value);
  }
  const std::optional<JsonRef> additional = json.find("additional_special_tokens");
  if (!additional) return;
  for (const Json& item : additional->as_array()) {
    out.additional_special_tokens.push_back(parse_special_token(item, is_map, *additional));
  }
}

void parse_extra_special_tokens(const JsonRef& json, PretrainedConfig& out) {
  const std::optional<JsonRef> extra = json.find("extra_special_tokens");
  if (!extra || !extra->is(Json::Kind::kObject)) return;
  for (const JsonMember& member : extra->as_object()) {
    out.additional_special_tokens.push_back(parse_special_token(member.value, false, *extra));
  }
}

std::optional<Side> parse_side(const JsonRef& json, const char* key) {
  const std::optional<JsonRef> value = json.find(key);
  if (!value) return std::nullopt;
  if (value->as_string() == "right") return Side::kRight;
  if (value->as_string() == "left") return Side::kLeft;
  value->fail(cat("is ", quoted(value->as_string()), "; \"right\" or \"left\" is expected."));
}

std::optional<int64_t> parse_max_length(const JsonRef& json) {
  std::optional<JsonRef> value = json.find("model_max_length");
  if (!value) value = json.find("max_len");
  if (!value) return std::nullopt;
  // Transformers writes 1e30 for "no limit".
  const double length = value->as_double();
  if (length < 0) value->fail("is negative.");
  if (length >= kInt64Limit) return std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(length);
}

int64_t parse_id(const JsonRef& where, const std::string& text) {
  int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0) {
    where.fail(cat("has the key ", quoted(text), ", which is not the id of a token."));
  }
  return id;
}

void parse_settings(const JsonRef& json, PretrainedConfig& out) {
  out.tokenizer_class = json.get_string_or("tokenizer_class", "");
  out.do_lower_case = json.get_bool_or("do_lower_case", true);
  out.tokenize_chinese_chars = json.get_bool_or("tokenize_chinese_chars", true);
  if (json.has("strip_accents")) out.strip_accents = json.get_bool("strip_accents");
  out.model_max_length = parse_max_length(json);
  out.padding_side = parse_side(json, "padding_side");
  out.truncation_side = parse_side(json, "truncation_side");
  if (json.has("clean_up_tokenization_spaces")) {
    out.clean_up_tokenization_spaces = json.get_bool("clean_up_tokenization_spaces");
  }
  out.split_special_tokens = json.get_bool_or("split_special_tokens", false);
}

void parse_added_tokens_decoder(const JsonRef& json, PretrainedConfig& out) {
  for (const JsonMember& member : json.as_object()) {
    out.added_tokens.emplace_back(parse_id(json, member.key), parse_added_token(member.value, json));
  }
}

std::set<std::string> special_contents(const PretrainedConfig& config) {
  std::set<std::string> out;
  for (const auto& value : config.special_tokens) {
    if (value && *value) out.insert((*value)->token.content);
  }
  for (const SpecialTokenValue& value : config.additional_special_tokens) out.insert(value.token.content);
  return out;
}

void parse_added_tokens_file(const TokenizerFiles& files, PretrainedConfig& out) {
  const JsonRef json = parse_json(*files.added_tokens_json, files.label("added_tokens.json"));
  const std::set<std::string> specials = special_contents(out);
  for (const JsonMember& member : json.as_object()) {
    if (!member.value.is(Json::Kind::kInt)) {
      json.fail(cat("gives the token ", quoted(member.key), " an id of type ",
                    json_kind_name(member.value.kind()), "; an integer is expected."));
    }
    const bool special = specials.contains(member.key);
    const AddedToken token = {.content = member.key, .normalized = !special, .special = special};
    out.added_tokens.emplace_back(member.value.integer(), token);
  }
}

// A special token that is also an added token takes the flags of the latter.
void take_flags(const std::vector<std::pair<int64_t, AddedToken>>& added_tokens, PretrainedConfig& out) {
  std::map<std::string_view, const AddedToken*> by_content;
  for (const auto& [id, token] : added_tokens) by_content[token.content] = &token;
  for (auto& value : out.special_tokens) {
    if (!value || !*value) continue;
    const auto found = by_content.find((*value)->token.content);
    if (found != by_content.end()) *value = SpecialTokenValue{*found->second, true};
  }
}

}  // namespace

PretrainedConfig parse_pretrained_config(
    const TokenizerFiles& files, const std::vector<std::pair<int64_t, AddedToken>>& json_added_tokens) {
  PretrainedConfig out;
  std::vector<std::pair<int64_t, AddedToken>> flagged;
  bool lists_added_tokens = false;
  std::optional<JsonRef> config;
  if (files.tokenizer_config_json) {
    config = parse_json(*files.tokenizer_config_json, files.label("tokenizer_config.json"));
    config->as_object();
    parse_settings(*config, out);
    parse_special_tokens(*config, false, out);
    if (const std::optional<JsonRef> decoder = config->find("added_tokens_decoder")) {
      lists_added_tokens = true;
      parse_added_tokens_decoder(*decoder, out);
      flagged = out.added_tokens;
    }
  }
  if (!lists_added_tokens) {
    if (files.special_tokens_map_json) {
      const JsonRef map = parse_json(*files.special_tokens_map_json, files.label("special_tokens_map.json"));
      map.as_object();
      parse_special_tokens(map, true, out);
    }
    if (files.added_tokens_json) parse_added_tokens_file(files, out);
    out.added_tokens.insert(out.added_tokens.end(), json_added_tokens.begin(), json_added_tokens.end());
    flagged = json_added_tokens;
  }
  take_flags(flagged, out);
  if (config) parse_extra_special_tokens(*config, out);
  return out;
}

}  // namespace calque
