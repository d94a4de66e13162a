#include "torchscript/source_parser.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "calque/error.h"
#include "torchscript/depth_guard.h"

namespace calque::torchscript {

std::string too_deep(int max_depth) {
  return cat("nested more than ", max_depth,
             " levels deep; raise LoadOptions::max_depth when this is no accident");
}

std::shared_ptr<const SyntaxTree> parse_source(Source source, const ParseLimits& limits) {
  auto tree = std::make_shared<SyntaxTree>(std::move(source));
  SourceParser(*tree, limits).parse_file();
  return tree;
}

ParsedExpr parse_expression(Source source, const ParseLimits& limits) {
  source.text += '\n';
  auto tree = std::make_shared<SyntaxTree>(std::move(source));
  const Expr* expr = SourceParser(*tree, limits).parse_whole_expression();
  return {std::move(tree), expr};
}

SourceParser::SourceParser(SyntaxTree& tree, const ParseLimits& limits)
    : tree_(tree), limits_(limits), lexer_(tree.source_) {
  advance();
}

void SourceParser::parse_file() {
  std::vector<const Stmt*> statements;
  while (!token_.is(TokenKind::kEnd)) {
    if (token_.is(TokenKind::kIndent)) fail("this line is indented, but no block begins here");
    statement(statements);
  }
  tree_.statements_ = keep(statements);
}

const Expr* SourceParser::parse_whole_expression() {
  const Expr* expr = expression_list();
  while (token_.is(TokenKind::kNewline)) advance();
  if (!token_.is(TokenKind::kEnd)) fail(cat("expected one expression, then found ", found()));
  return expr;
}

void SourceParser::advance() { token_ = lexer_.next(); }

bool SourceParser::accept(std::string_view text) {
  if (!token_.is(text)) return false;
  advance();
  return true;
}

void SourceParser::expect(std::string_view text, std::string_view after) {
  if (!accept(text)) fail(cat("expected '", text, "' ", after, ", found ", found()));
}

std::string_view SourceParser::expect_name(std::string_view what) {
  if (!token_.is(TokenKind::kName)) fail(cat("expected ", what, ", found ", found()));
  const std::string_view name = token_.text;
  advance();
  return name;
}

void SourceParser::fail(std::string_view message) const { fail_at(tree_.source_, token_.where, message); }

std::string SourceParser::found() const {
  switch (token_.kind) {
    case TokenKind::kEnd:
      return "the end of the text";
    case TokenKind::kNewline:
      return "the end of the line";
    case TokenKind::kIndent:
      return "a deeper indentation";
    case TokenKind::kDedent:
      return "the end of the block";
    default:
      return quoted(token_.text, 40);
  }
}

std::string_view SourceParser::keep_text(std::string_view text) {
  if (text.empty()) return {};
  char* memory = static_cast<char*>(tree_.arena_.allocate(text.size(), 1));
  std::memcpy(memory, text.data(), text.size());
  return {memory, text.size()};
}

const Expr* SourceParser::make(const ExprParts& parts) {
  uint32_t depth = 0;
  for (const Expr* item : parts.items) depth = std::max(depth, item == nullptr ? 0 : item->depth + 1);
  for (const Keyword& keyword : parts.keywords) depth = std::max(depth, keyword.value->depth + 1);
  if (depth > static_cast<uint32_t>(limits_.max_depth)) {
    fail_at(tree_.source_, parts.where, too_deep(limits_.max_depth));
  }
  void* memory = tree_.arena_.allocate(sizeof(Expr), alignof(Expr));
  return new (memory) Expr{.kind = parts.kind,
                           .depth = depth,
                           .where = parts.where,
                           .text = parts.text,
                           .integer = 0,
                           .items = keep(parts.items),
                           .keywords = keep(parts.keywords)};
}

const Stmt* SourceParser::make(const Stmt& stmt) {
  void* memory = tree_.arena_.allocate(sizeof(Stmt), alignof(Stmt));
  return new (memory) Stmt(stmt);
}

std::span<const Stmt* const> SourceParser::block() {
  const DepthGuard guard(depth_, limits_.max_depth, tree_.source_, token_.where);
  expect(":", "before a block");
  std::vector<const Stmt*> statements;
  if (!token_.is(TokenKind::kNewline)) {
    statements.push_back(simple_statement());
    return keep(statements);
  }
  advance();
  if (!token_.is(TokenKind::kIndent)) fail(cat("expected an indented block, found ", found()));
  advance();
  while (!token_.is(TokenKind::kDedent) && !token_.is(TokenKind::kEnd)) {
    if (token_.is(TokenKind::kIndent)) fail("this line is indented more than its block");
    statement(statements);
  }
  if (token_.is(TokenKind::kDedent)) advance();
  return keep(statements);
}

void SourceParser::statement(std::vector<const Stmt*>& out) {
  if (token_.is("if")) {
    out.push_back(if_statement());
  } else if (token_.is("while")) {
    out.push_back(while_statement());
  } else if (token_.is("for")) {
    out.push_back(for_statement());
  } else if (token_.is("with")) {
    out.push_back(with_statement());
  } else if (token_.is("def") || token_.is("class") || token_.is("@")) {
    out.push_back(definition());
  } else {
    out.push_back(simple_statement());
  }
}

const Stmt* SourceParser::simple_statement() {
  Stmt stmt{};
  stmt.where = token_.where;
  const auto word = [&](StmtKind kind) {
    stmt.kind = kind;
    advance();
  };
  if (token_.is("pass")) {
    word(StmtKind::kPass);
  } else if (token_.is("break")) {
    word(StmtKind::kBreak);
  } else if (token_.is("continue")) {
    word(StmtKind::kContinue);
  } else if (token_.is("return")) {
    word(StmtKind::kReturn);
    if (!token_.is(TokenKind::kNewline)) stmt.value = expression_list();
  } else if (token_.is("raise")) {
    return raise_statement();
  } else if (token_.is("assert")) {
    return assert_statement();
  } else if (token_.is("del")) {
    return delete_statement();
  } else if (token_.is("import")) {
    return import_statement();
  } else if (is_script() && token_.is(TokenKind::kName) && token_.text == "from") {
    return from_import_statement();
  } else if (token_.is("global")) {
    fail("'global' is not part of TorchScript; pass the value as an argument or keep it in an attribute");
  } else {
    if (is_script()) refuse_python_statement();
    return expression_statement();
  }
  end_of_line();
  return make(stmt);
}

/// Statements of Python that begin with a word that TorchScript reads as a name.
void SourceParser::refuse_python_statement() const {
  struct Row {
    std::string_view word, advice;
  };
  constexpr Row kRows[] = {
      {"try", "exceptions cannot be caught; test for the condition with 'if' before it fails"},
      {"yield", "collect the values in a list and return it"},
      {"async", "use torch.jit.fork and torch.jit.wait"},
      {"await", "use torch.jit.fork and torch.jit.wait"},
      {"nonlocal", "pass the value as an argument and return the new one"},
  };
  for (const Row& row : kRows) {
    if (token_.is(TokenKind::kName) && token_.text == row.word) {
      fail(cat("'", row.word, "' is not part of TorchScript; ", row.advice));
    }
  }
}

void SourceParser::end_of_line() {
  if (!token_.is(TokenKind::kNewline)) fail(cat("expected the end of the line, found ", found()));
  advance();
}

const Stmt* SourceParser::raise_statement() {
  Stmt stmt{};
  stmt.kind = StmtKind::kRaise;
  stmt.where = token_.where;
  advance();
  if (!token_.is(TokenKind::kNewline)) stmt.value = expression();
  if (token_.is(TokenKind::kName) && token_.text == "from") {
    fail("'raise ... from ...' is not part of TorchScript; leave the cause out");
  }
  end_of_line();
  return make(stmt);
}

const Stmt* SourceParser::assert_statement() {
  Stmt stmt{};
  stmt.kind = StmtKind::kAssert;
  stmt.where = token_.where;
  advance();
  stmt.value = expression();
  if (accept(",")) stmt.second = expression();
  end_of_line();
  return make(stmt);
}

const Stmt* SourceParser::delete_statement() {
  Stmt stmt{};
  stmt.kind = StmtKind::kDelete;
  stmt.where = token_.where;
  advance();
  std::vector<const Expr*> targets;
  do {
    targets.push_back(postfix());
  } while (accept(",") && !token_.is(TokenKind::kNewline));
  stmt.targets = keep(targets);
  end_of_line();
  return make(stmt);
}

}  // namespace calque::torchscript
