// String literals that stand side by side, and f-strings.
#include <utility>

#include "base/text.h"
#include "torchscript/depth_guard.h"
#include "torchscript/source_parser.h"

namespace calque::torchscript {

namespace {

bool is_format(std::string_view literal) {
  for (const char c : literal) {
    if (c == 'f' || c == 'F') return true;
    if (c == '"' || c == '\'') return false;
  }
  return false;
}

}  // namespace

const Expr* SourceParser::strings() {
  const Position where = token_.where;
  std::vector<const Expr*> parts;
  std::string text;
  const auto flush = [&] {
    if (!text.empty())
      parts.push_back(make({.kind = ExprKind::kString, .where = where, .text = keep_text(text)}));
    text.clear();
  };
  bool formatted = false;
  while (token_.is(TokenKind::kString)) {
    if (is_format(token_.text)) {
      formatted = true;
      flush();
      format_string(token_, parts);
    } else {
      text += decode_string(tree_.source_, token_);
    }
    advance();
  }
  if (formatted) {
    flush();
    return make({.kind = ExprKind::kFormat, .where = where, .items = std::move(parts)});
  }
  return make({.kind = ExprKind::kString, .where = where, .text = keep_text(text)});
}

/// Splits `f"a{x}b"` into the text "a", the expression x and the text "b".
void SourceParser::format_string(const Token& token, std::vector<const Expr*>& parts) {
  std::string_view body = token.text;
  std::string prefix;
  while (body.front() != '"' && body.front() != '\'') {
    if (body.front() != 'f' && body.front() != 'F') prefix += body.front();
    body.remove_prefix(1);
  }
  const size_t fence = body.size() >= 6 && body[1] == body[0] && body[2] == body[0] ? 3 : 1;
  const std::string_view quote = body.substr(0, fence);
  body = body.substr(fence, body.size() - 2 * fence);
  std::string literal;
  const auto flush = [&] {
    if (literal.empty()) return;
    const std::string whole = cat(prefix, quote, literal, quote);
    Token piece = token;
    piece.text = whole;
    const std::string decoded = decode_string(tree_.source_, piece);
    parts.push_back(make({.kind = ExprKind::kString, .where = token.where, .text = keep_text(decoded)}));
    literal.clear();
  };
  for (size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if ((c == '{' || c == '}') && i + 1 < body.size() && body[i + 1] == c) {
      literal += c;
      ++i;
    } else if (c == '{') {
      flush();
      const size_t end = body.find('}', i);
      if (end == std::string_view::npos) fail("a '{' without '}' in an f-string");
      const std::string_view inside = body.substr(i + 1, end - i - 1);
      if (inside.find_first_of("!:=") != std::string_view::npos) {
        fail("f-strings take plain expressions; '!r', '=' and format widths are not part of TorchScript");
      }
      const auto begin = static_cast<uint32_t>(inside.data() - tree_.source_.text.data());
      parts.push_back(fragment(begin, begin + static_cast<uint32_t>(inside.size())));
      i = end;
    } else if (c == '}') {
      fail("a '}' without '{' in an f-string; write '}}' for the character");
    } else {
      literal += c;
      if (c == '\\' && i + 1 < body.size()) literal += body[++i];
    }
  }
  flush();
}

/// An expression that lies inside another token or a comment.
const Expr* SourceParser::fragment(uint32_t begin, uint32_t end) {
  const DepthGuard guard(depth_, limits_.max_depth, tree_.source_, token_.where);
  Lexer outer_lexer = std::exchange(lexer_, Lexer(tree_.source_, begin, end));
  const Token outer = token_;
  advance();
  const Expr* expr = expression_list();
  if (!token_.is(TokenKind::kEnd)) fail(cat("expected one expression, then found ", found()));
  lexer_ = std::move(outer_lexer);
  token_ = outer;
  return expr;
}

}  // namespace calque::torchscript
