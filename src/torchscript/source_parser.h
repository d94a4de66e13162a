// Source text to syntax tree.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "torchscript/ast.h"
#include "torchscript/lexer.h"

namespace calque::torchscript {

struct ParseLimits {
  /// Deepest nesting of expressions and blocks. Chains such as `a + b + c` and `a.b.c` nest, too.
  int max_depth = 400;
};

/// Throws LoadError that names the place for text that is not TorchScript.
std::shared_ptr<const SyntaxTree> parse_source(Source source, const ParseLimits& limits = {});

/// One expression, for example the type string of a pickled container.
struct ParsedExpr {
  std::shared_ptr<const SyntaxTree> tree;  ///< owns the expression
  const Expr* expr;
};
ParsedExpr parse_expression(Source source, const ParseLimits& limits = {});

/// Recursive descent with one token of look-ahead. Use parse_source.
class SourceParser {
 public:
  SourceParser(SyntaxTree& tree, const ParseLimits& limits);

  void parse_file();
  const Expr* parse_whole_expression();

 private:
  struct ExprParts {
    ExprKind kind;
    Position where;
    std::string_view text{};
    std::vector<const Expr*> items{};
    std::vector<Keyword> keywords{};
  };

  // Tokens.
  void advance();
  bool accept(std::string_view text);
  void expect(std::string_view text, std::string_view after);
  std::string_view expect_name(std::string_view what);
  [[noreturn]] void fail(std::string_view message) const;
  std::string found() const;
  bool is_script() const { return tree_.source_.dialect == Dialect::kScript; }

  // Arena.
  template <class T>
  std::span<const T> keep(const std::vector<T>& values) {
    if (values.empty()) return {};
    T* memory = static_cast<T*>(tree_.arena_.allocate(values.size() * sizeof(T), alignof(T)));
    std::uninitialized_copy(values.begin(), values.end(), memory);
    return {memory, values.size()};
  }
  std::string_view keep_text(std::string_view text);
  const Expr* make(const ExprParts& parts);
  const Stmt* make(const Stmt& stmt);

  // Statements: source_parser.cc.
  std::span<const Stmt* const> block();
  void statement(std::vector<const Stmt*>& out);
  const Stmt* simple_statement();
  const Stmt* expression_statement();
  const Stmt* assignment(Stmt stmt, const Expr* target);
  const Stmt* if_statement();
  const Stmt* while_statement();
  const Stmt* for_statement();
  const Stmt* with_statement();
  const Stmt* definition();
  const Stmt* class_definition();
  const Stmt* import_statement();
  const Stmt* from_import_statement();
  const Stmt* raise_statement();
  void refuse_python_statement() const;
  const Stmt* assert_statement();
  const Stmt* delete_statement();
  std::vector<Param> parameters();
  void apply_type_comment(std::string_view comment, Stmt& def, std::vector<Param>& params);
  void end_of_line();
  std::vector<const Expr*> decorators();
  std::string_view docstring(std::span<const Stmt* const>& body);
  void check_target(const Expr& target) const;

  // Imports: source_parser_import.cc.
  std::string_view dotted_path(std::string_view what);
  std::string_view import_alias(std::string_view otherwise);

  // Expressions: source_parser_expr.cc.
  const Expr* expression_list();
  const Expr* target_list();
  const Expr* expression();
  const Expr* or_expression();
  const Expr* and_expression();
  const Expr* not_expression();
  const Expr* comparison();
  std::string_view comparison_operator();
  const Expr* binary(int level);
  const Expr* unary();
  const Expr* power();
  const Expr* postfix();
  const Expr* call(const Expr* callee);
  const Expr* subscript(const Expr* value);
  const Expr* subscript_item();
  const Expr* atom();
  const Expr* literal();
  const Expr* strings();
  void format_string(const Token& token, std::vector<const Expr*>& parts);
  const Expr* parenthesised();
  const Expr* list_display();
  const Expr* dict_display();
  const Expr* comprehension(ExprKind kind, Position where, std::vector<const Expr*> items);
  const Expr* fragment(uint32_t begin, uint32_t end);

  SyntaxTree& tree_;
  const ParseLimits limits_;
  Lexer lexer_;
  Token token_;
  int depth_ = 0;
};

}  // namespace calque::torchscript
