// Expressions.
#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "torchscript/depth_guard.h"
#include "torchscript/source_parser.h"

namespace calque::torchscript {

namespace {

/// Binding strength of a binary operator; 0 for anything else.
int strength(const Token& token) {
  if (!token.is(TokenKind::kOperator)) return 0;
  const std::string_view text = token.text;
  if (text == "|") return 1;
  if (text == "^") return 2;
  if (text == "&") return 3;
  if (text == "<<" || text == ">>") return 4;
  if (text == "+" || text == "-") return 5;
  if (text == "*" || text == "/" || text == "//" || text == "%" || text == "@") return 6;
  return 0;
}

bool ends_list(const Token& token) {
  return token.is(TokenKind::kNewline) || token.is(TokenKind::kEnd) || token.is("=") || token.is(":") ||
         token.is(")") || token.is("]") || token.is("}") || token.is("in");
}

}  // namespace

/// One expression, or a tuple without parentheses: `a, b`, `a, `.
const Expr* SourceParser::expression_list() {
  const Position where = token_.where;
  const auto item = [&]() -> const Expr* {
    if (!token_.is("*")) return expression();
    const Position star = token_.where;
    advance();
    return make({.kind = ExprKind::kStarred, .where = star, .items = {binary(1)}});
  };
  const Expr* first = item();
  if (!token_.is(",")) return first;
  std::vector<const Expr*> items{first};
  while (accept(",")) {
    if (ends_list(token_)) break;
    items.push_back(item());
  }
  return make({.kind = ExprKind::kTuple, .where = where, .items = std::move(items)});
}

/// Loop variables: as expression_list, but `in` ends it.
const Expr* SourceParser::target_list() {
  const Position where = token_.where;
  const Expr* first = binary(1);
  if (!token_.is(",")) return first;
  std::vector<const Expr*> items{first};
  while (accept(",")) {
    if (ends_list(token_)) break;
    items.push_back(binary(1));
  }
  return make({.kind = ExprKind::kTuple, .where = where, .items = std::move(items)});
}

const Expr* SourceParser::expression() {
  const DepthGuard guard(depth_, limits_.max_depth, tree_.source_, token_.where);
  const Position where = token_.where;
  if (token_.is(TokenKind::kName) && token_.text == "lambda") {
    fail("'lambda' is not part of TorchScript; write a function with a name, outside this one");
  }
  const Expr* value = or_expression();
  if (!accept("if")) return value;
  const Expr* condition = or_expression();
  expect("else", "in a conditional expression");
  const Expr* otherwise = expression();
  return make({.kind = ExprKind::kConditional, .where = where, .items = {condition, value, otherwise}});
}

const Expr* SourceParser::or_expression() {
  const Expr* left = and_expression();
  while (token_.is("or")) {
    const Position where = token_.where;
    advance();
    left = make({.kind = ExprKind::kOr, .where = where, .items = {left, and_expression()}});
  }
  return left;
}

const Expr* SourceParser::and_expression() {
  const Expr* left = not_expression();
  while (token_.is("and")) {
    const Position where = token_.where;
    advance();
    left = make({.kind = ExprKind::kAnd, .where = where, .items = {left, not_expression()}});
  }
  return left;
}

const Expr* SourceParser::not_expression() {
  if (!token_.is("not")) return comparison();
  const DepthGuard guard(depth_, limits_.max_depth, tree_.source_, token_.where);
  const Position where = token_.where;
  advance();
  return make({.kind = ExprKind::kUnary, .where = where, .text = "not", .items = {not_expression()}});
}

/// The comparison operator at the token, taken; empty when there is none.
std::string_view SourceParser::comparison_operator() {
  static constexpr std::array<std::string_view, 6> kOperators = {"<", ">", "<=", ">=", "==", "!="};
  for (const std::string_view text : kOperators) {
    if (accept(text)) return text;
  }
  if (accept("in")) return "in";
  if (accept("is")) return accept("not") ? "is not" : "is";
  if (!token_.is("not")) return {};
  advance();
  expect("in", "after 'not'");
  return "not in";
}

/// A chain `a < b < c` is `a < b and b < c`.
const Expr* SourceParser::comparison() {
  const Expr* left = binary(1);
  const Expr* chain = nullptr;
  for (;;) {
    const Position where = token_.where;
    const std::string_view text = comparison_operator();
    if (text.empty()) return chain == nullptr ? left : chain;
    const Expr* right = binary(1);
    const Expr* link =
        make({.kind = ExprKind::kCompare, .where = where, .text = text, .items = {left, right}});
    chain = chain == nullptr ? link : make({.kind = ExprKind::kAnd, .where = where, .items = {chain, link}});
    left = right;
  }
}

/// Operators at least as strong as `level`, by precedence climbing.
const Expr* SourceParser::binary(int level) {
  const Expr* left = unary();
  for (;;) {
    const int found_level = strength(token_);
    if (found_level < level || found_level == 0) return left;
    const Position where = token_.where;
    const std::string_view text = token_.text;
    advance();
    const DepthGuard guard(depth_, limits_.max_depth, tree_.source_, where);
    left = make(
        {.kind = ExprKind::kBinary, .where = where, .text = text, .items = {left, binary(found_level + 1)}});
  }
}

const Expr* SourceParser::unary() {
  if (!token_.is("-") && !token_.is("+") && !token_.is("~")) return power();
  const DepthGuard guard(depth_, limits_.max_depth, tree_.source_, token_.where);
  const Position where = token_.where;
  const std::string_view text = token_.text;
  advance();
  return make({.kind = ExprKind::kUnary, .where = where, .text = text, .items = {unary()}});
}

const Expr* SourceParser::power() {
  const Expr* base = postfix();
  if (!token_.is("**")) return base;
  const DepthGuard guard(depth_, limits_.max_depth, tree_.source_, token_.where);
  const Position where = token_.where;
  advance();
  return make({.kind = ExprKind::kBinary, .where = where, .text = "**", .items = {base, unary()}});
}

const Expr* SourceParser::postfix() {
  const Expr* value = atom();
  for (;;) {
    const Position where = token_.where;
    if (accept(".")) {
      // PyTorch prints attributes under any name, so keywords are names here.
      if (!token_.is(TokenKind::kName) && !token_.is(TokenKind::kKeyword)) {
        fail(cat("expected a name after '.', found ", found()));
      }
      const std::string_view name = token_.text;
      advance();
      value = make({.kind = ExprKind::kAttribute, .where = where, .text = name, .items = {value}});
    } else if (token_.is("(")) {
      value = call(value);
    } else if (token_.is("[")) {
      value = subscript(value);
    } else {
      return value;
    }
  }
}

const Expr* SourceParser::call(const Expr* callee) {
  ExprParts parts{.kind = ExprKind::kCall, .where = callee->where, .items = {callee}};
  expect("(", "before arguments");
  while (!token_.is(")")) {
    const Position where = token_.where;
    if (token_.is("**")) fail("'**' in a call is not part of TorchScript; name the arguments");
    if (accept("*")) {
      parts.items.push_back(make({.kind = ExprKind::kStarred, .where = where, .items = {expression()}}));
    } else {
      const Expr* value = expression();
      if (value->is(ExprKind::kName) && accept("=")) {
        parts.keywords.push_back({.name = value->text, .where = where, .value = expression()});
      } else if (token_.is("for")) {
        parts.items.push_back(comprehension(ExprKind::kListComp, where, {value}));
      } else {
        if (!parts.keywords.empty())
          fail_at(tree_.source_, where, "an argument without a name after one with a name");
        parts.items.push_back(value);
      }
    }
    if (!accept(",")) break;
  }
  expect(")", "after the arguments");
  return make(parts);
}

const Expr* SourceParser::subscript(const Expr* value) {
  ExprParts parts{.kind = ExprKind::kSubscript, .where = value->where, .items = {value}};
  expect("[", "before an index");
  while (!token_.is("]")) {
    parts.items.push_back(subscript_item());
    if (!accept(",")) break;
    // `x[i, ]` has a tuple as its index.
    if (token_.is("]") && parts.items.size() == 2 && !parts.items[1]->is(ExprKind::kSlice)) {
      parts.items[1] =
          make({.kind = ExprKind::kTuple, .where = parts.items[1]->where, .items = {parts.items[1]}});
    }
  }
  if (parts.items.size() == 1) fail("an index between '[' and ']' is missing");
  expect("]", "after the index");
  return make(parts);
}

const Expr* SourceParser::subscript_item() {
  const Position where = token_.where;
  const Expr* start = token_.is(":") ? nullptr : expression();
  if (!accept(":")) return start;
  const auto bound = [&]() -> const Expr* {
    return token_.is(":") || token_.is(",") || token_.is("]") ? nullptr : expression();
  };
  const Expr* stop = bound();
  const Expr* step = accept(":") ? bound() : nullptr;
  return make({.kind = ExprKind::kSlice, .where = where, .items = {start, stop, step}});
}

const Expr* SourceParser::atom() {
  if (token_.is("(")) return parenthesised();
  if (token_.is("[")) return list_display();
  if (token_.is("{")) return dict_display();
  if (token_.is(TokenKind::kString)) return strings();
  if (token_.is(TokenKind::kName)) {
    const Expr* name = make({.kind = ExprKind::kName, .where = token_.where, .text = token_.text});
    advance();
    return name;
  }
  return literal();
}

const Expr* SourceParser::literal() {
  std::optional<ExprKind> kind;
  if (token_.is("True")) kind = ExprKind::kTrue;
  if (token_.is("False")) kind = ExprKind::kFalse;
  if (token_.is("None")) kind = ExprKind::kNone;
  if (token_.is("...")) kind = ExprKind::kEllipsis;
  if (token_.is(TokenKind::kInteger)) kind = ExprKind::kInteger;
  if (token_.is(TokenKind::kFloat)) kind = ExprKind::kFloat;
  if (token_.is(TokenKind::kImaginary)) kind = ExprKind::kImaginary;
  if (!kind.has_value()) fail(cat("expected an expression, found ", found()));
  Expr* expr = const_cast<Expr*>(make({.kind = *kind, .where = token_.where}));
  if (*kind == ExprKind::kInteger) expr->integer = token_.integer;
  if (*kind == ExprKind::kFloat || *kind == ExprKind::kImaginary) expr->real = token_.real;
  advance();
  return expr;
}

const Expr* SourceParser::parenthesised() {
  const DepthGuard guard(depth_, limits_.max_depth, tree_.source_, token_.where);
  const Position where = token_.where;
  expect("(", "here");
  if (accept(")")) return make({.kind = ExprKind::kTuple, .where = where});
  const Expr* inner = expression_list();
  if (token_.is("for")) inner = comprehension(ExprKind::kListComp, where, {inner});
  expect(")", "to close the parenthesis");
  return inner;
}

const Expr* SourceParser::list_display() {
  const DepthGuard guard(depth_, limits_.max_depth, tree_.source_, token_.where);
  const Position where = token_.where;
  expect("[", "here");
  std::vector<const Expr*> items;
  while (!token_.is("]")) {
    items.push_back(expression());
    if (items.size() == 1 && token_.is("for")) {
      const Expr* out = comprehension(ExprKind::kListComp, where, std::move(items));
      expect("]", "after the comprehension");
      return out;
    }
    if (!accept(",")) break;
  }
  expect("]", "to close the list");
  return make({.kind = ExprKind::kList, .where = where, .items = std::move(items)});
}

const Expr* SourceParser::dict_display() {
  const DepthGuard guard(depth_, limits_.max_depth, tree_.source_, token_.where);
  const Position where = token_.where;
  expect("{", "here");
  std::vector<const Expr*> items;
  while (!token_.is("}")) {
    items.push_back(expression());
    expect(":", "between a key and its value; sets are not part of TorchScript");
    items.push_back(expression());
    if (items.size() == 2 && token_.is("for")) {
      const Expr* out = comprehension(ExprKind::kDictComp, where, std::move(items));
      expect("}", "after the comprehension");
      return out;
    }
    if (!accept(",")) break;
  }
  expect("}", "to close the dict");
  return make({.kind = ExprKind::kDict, .where = where, .items = std::move(items)});
}

const Expr* SourceParser::comprehension(ExprKind kind, Position where, std::vector<const Expr*> items) {
  expect("for", "in a comprehension");
  const Expr* target = target_list();
  check_target(*target);
  expect("in", "in a comprehension");
  items.push_back(target);
  items.push_back(or_expression());
  items.push_back(accept("if") ? or_expression() : nullptr);
  if (token_.is("if") || token_.is("for")) fail("a comprehension has one 'for' and at most one 'if'");
  return make({.kind = kind, .where = where, .items = std::move(items)});
}

}  // namespace calque::torchscript
