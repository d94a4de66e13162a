#include "tokenizers/template_json.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/text.h"

namespace calque {

namespace {

using SpecialTokens = std::map<std::string, std::vector<TemplateToken>>;
using Kind = TemplatePiece::Kind;

uint32_t as_id(const JsonRef& json) {
  const int64_t value = json.as_int();
  if (value < 0 || value > int64_t{UINT32_MAX}) {
    json.fail(cat("is ", value, "; an integer from 0 to ", UINT32_MAX, " is expected."));
  }
  return static_cast<uint32_t>(value);
}

std::vector<TemplateToken> parse_expansion(const JsonMember& member, const JsonRef& parent) {
  const Json* ids = member.value.find("ids");
  const Json* tokens = member.value.find("tokens");
  const auto is_array = [](const Json* json) { return json != nullptr && json->is(Json::Kind::kArray); };
  if (!is_array(ids) || !is_array(tokens) || ids->array().size() != tokens->array().size()) {
    parent.fail(
        cat("needs for ", quoted(member.key), " the arrays \"ids\" and \"tokens\", of the same length."));
  }
  std::vector<TemplateToken> out;
  for (size_t i = 0; i < ids->array().size(); ++i) {
    const Json& id = ids->array()[i];
    const Json& token = tokens->array()[i];
    const bool is_id = id.is(Json::Kind::kInt) && id.integer() >= 0 && id.integer() <= int64_t{UINT32_MAX};
    if (!is_id || !token.is(Json::Kind::kString)) {
      parent.fail(cat("has for ", quoted(member.key), " an id or a token of the wrong type or range."));
    }
    out.push_back({static_cast<uint32_t>(id.integer()), token.string()});
  }
  return out;
}

SpecialTokens parse_special_tokens(const JsonRef& json) {
  SpecialTokens out;
  for (const JsonMember& member : json.as_object()) out[member.key] = parse_expansion(member, json);
  return out;
}

TemplatePiece parse_piece(const JsonRef& json, const SpecialTokens& special_tokens) {
  TemplatePiece piece;
  if (const std::optional<JsonRef> sequence = json.find("Sequence")) {
    const std::string id = sequence->get_string("id");
    if (id != "A" && id != "B")
      sequence->fail(cat("names the text ", quoted(id), "; \"A\" or \"B\" is expected."));
    piece.kind = id == "A" ? Kind::kFirstText : Kind::kSecondText;
    piece.type_id = as_id(sequence->get("type_id"));
    return piece;
  }
  const JsonRef special = json.get("SpecialToken");
  const std::string id = special.get_string("id");
  const auto found = special_tokens.find(id);
  if (found == special_tokens.end()) {
    special.fail(cat("names the special token ", quoted(id), ", which is not in \"special_tokens\"."));
  }
  piece.type_id = as_id(special.get("type_id"));
  piece.tokens = found->second;
  return piece;
}

std::vector<TemplatePiece> parse_pieces(const JsonRef& json, const SpecialTokens& special_tokens) {
  std::vector<TemplatePiece> pieces;
  for (size_t i = 0; i < json.size(); ++i) pieces.push_back(parse_piece(json.at(i), special_tokens));
  return pieces;
}

bool uses(const std::vector<TemplatePiece>& pieces, Kind kind) {
  return std::any_of(pieces.begin(), pieces.end(),
                     [kind](const TemplatePiece& piece) { return piece.kind == kind; });
}

TemplateToken parse_token_pair(const JsonRef& json) {
  if (json.size() != 2) json.fail("is not a pair of a token and its id.");
  return {as_id(json.at(1)), json.at(0).as_string()};
}

}  // namespace

TemplateProcessor parse_template_processing(const JsonRef& json) {
  const SpecialTokens special_tokens = parse_special_tokens(json.get("special_tokens"));
  TemplateProcessor out;
  out.single = parse_pieces(json.get("single"), special_tokens);
  out.pair = parse_pieces(json.get("pair"), special_tokens);
  if (uses(out.single, Kind::kSecondText))
    json.get("single").fail("uses the text B, which a single text has not.");
  if (!uses(out.pair, Kind::kFirstText) || !uses(out.pair, Kind::kSecondText)) {
    json.get("pair").fail("does not use both texts A and B.");
  }
  return out;
}

TemplateProcessor parse_bert_processing(const JsonRef& json) {
  return bert_template(parse_token_pair(json.get("cls")), parse_token_pair(json.get("sep")));
}

TemplateProcessor bert_template(const TemplateToken& cls, const TemplateToken& sep) {
  const auto special = [](const TemplateToken& token, uint32_t type_id) {
    return TemplatePiece{Kind::kSpecialTokens, type_id, {token}};
  };
  TemplateProcessor out;
  out.single = {special(cls, 0), {Kind::kFirstText, 0, {}}, special(sep, 0)};
  out.pair = out.single;
  out.pair.push_back({Kind::kSecondText, 1, {}});
  out.pair.push_back(special(sep, 1));
  return out;
}

}  // namespace calque
