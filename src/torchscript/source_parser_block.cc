// Statements that hold blocks, and assignments.
#include <algorithm>

#include "base/text.h"
#include "torchscript/depth_guard.h"
#include "torchscript/source_parser.h"

namespace calque::torchscript {

namespace {

bool is_augmented(const Token& token) {
  return token.is(TokenKind::kOperator) && token.text.size() >= 2 && token.text.back() == '=' &&
         token.text != "==" && token.text != "!=" && token.text != "<=" && token.text != ">=";
}

}  // namespace

const Stmt* SourceParser::expression_statement() {
  Stmt stmt{};
  stmt.where = token_.where;
  const Expr* first = expression_list();
  if (is_augmented(token_)) {
    check_target(*first);
    if (first->is(ExprKind::kTuple) || first->is(ExprKind::kList)) {
      fail("an augmented assignment has one target");
    }
    stmt.kind = StmtKind::kAugAssign;
    stmt.text = token_.text;
    advance();
    stmt.targets = keep(std::vector<const Expr*>{first});
    stmt.value = expression_list();
    end_of_line();
    return make(stmt);
  }
  if (accept(":")) {
    check_target(*first);
    stmt.annotation = expression();
    if (!token_.is("=")) {
      stmt.kind = StmtKind::kAnnotate;
      stmt.targets = keep(std::vector<const Expr*>{first});
      end_of_line();
      return make(stmt);
    }
  }
  if (token_.is("=")) return assignment(stmt, first);
  stmt.kind = StmtKind::kExpr;
  stmt.value = first;
  end_of_line();
  return make(stmt);
}

const Stmt* SourceParser::assignment(Stmt stmt, const Expr* target) {
  stmt.kind = StmtKind::kAssign;
  std::vector<const Expr*> targets{target};
  check_target(*target);
  while (accept("=")) {
    stmt.value = expression_list();
    if (token_.is("=")) {
      check_target(*stmt.value);
      targets.push_back(stmt.value);
    }
  }
  stmt.targets = keep(targets);
  const std::string_view comment = token_.type_comment;
  if (!comment.empty() && token_.is(TokenKind::kNewline) && stmt.annotation == nullptr) {
    const auto begin = static_cast<uint32_t>(comment.data() - tree_.source_.text.data());
    stmt.annotation = fragment(begin, begin + static_cast<uint32_t>(comment.size()));
  }
  end_of_line();
  return make(stmt);
}

void SourceParser::check_target(const Expr& target) const {
  switch (target.kind) {
    case ExprKind::kName:
    case ExprKind::kAttribute:
    case ExprKind::kSubscript:
      return;
    case ExprKind::kStarred:
      check_target(*target.items[0]);
      return;
    case ExprKind::kTuple:
    case ExprKind::kList:
      for (const Expr* item : target.items) check_target(*item);
      return;
    default:
      fail_at(tree_.source_, target.where,
              "this cannot be assigned to; a name, an attribute, an element or a tuple of these can");
  }
}

const Stmt* SourceParser::if_statement() {
  const DepthGuard guard(depth_, limits_.max_depth, tree_.source_, token_.where);
  Stmt stmt{};
  stmt.kind = StmtKind::kIf;
  stmt.where = token_.where;
  advance();
  stmt.value = expression();
  stmt.body = block();
  if (token_.is("elif")) {
    stmt.otherwise = keep(std::vector<const Stmt*>{if_statement()});
  } else if (accept("else")) {
    stmt.otherwise = block();
  }
  return make(stmt);
}

const Stmt* SourceParser::while_statement() {
  Stmt stmt{};
  stmt.kind = StmtKind::kWhile;
  stmt.where = token_.where;
  advance();
  stmt.value = expression();
  stmt.body = block();
  if (token_.is("else")) fail("'else' after a loop is not part of TorchScript");
  return make(stmt);
}

const Stmt* SourceParser::for_statement() {
  Stmt stmt{};
  stmt.kind = StmtKind::kFor;
  stmt.where = token_.where;
  advance();
  const Expr* target = target_list();
  check_target(*target);
  stmt.targets = keep(std::vector<const Expr*>{target});
  expect("in", "after the loop variable");
  stmt.value = expression_list();
  stmt.body = block();
  if (token_.is("else")) fail("'else' after a loop is not part of TorchScript");
  return make(stmt);
}

const Stmt* SourceParser::with_statement() {
  Stmt stmt{};
  stmt.kind = StmtKind::kWith;
  stmt.where = token_.where;
  advance();
  std::vector<WithItem> items;
  do {
    WithItem item{.value = expression(), .target = nullptr};
    if (accept("as")) {
      item.target = postfix();
      check_target(*item.target);
    }
    items.push_back(item);
  } while (accept(","));
  stmt.with_items = keep(items);
  stmt.body = block();
  return make(stmt);
}

std::vector<const Expr*> SourceParser::decorators() {
  std::vector<const Expr*> out;
  while (token_.is("@")) {
    if (tree_.source_.dialect == Dialect::kArchive) fail("a decorator; archives hold none");
    advance();
    out.push_back(expression());
    end_of_line();
  }
  return out;
}

const Stmt* SourceParser::definition() {
  const std::vector<const Expr*> marks = decorators();
  Stmt stmt{};
  stmt.decorators = keep(marks);
  stmt.where = token_.where;
  if (accept("class")) {
    stmt.kind = StmtKind::kClass;
    stmt.text = expect_name("the name of the class");
    std::vector<const Expr*> bases;
    if (accept("(")) {
      while (!token_.is(")")) {
        bases.push_back(expression());
        if (!accept(",")) break;
      }
      expect(")", "after the base classes");
    }
    stmt.targets = keep(bases);
    stmt.body = block();
    stmt.doc = docstring(stmt.body);
    return make(stmt);
  }
  if (!accept("def")) fail(cat("expected 'def' or 'class' after a decorator, found ", found()));
  stmt.kind = StmtKind::kDef;
  stmt.text = expect_name("the name of the function");
  std::vector<Param> params = parameters();
  if (accept("->")) stmt.annotation = expression();
  std::string_view comment;
  if (token_.is(":")) {
    Lexer ahead = lexer_;
    const Token end = ahead.next();
    if (end.is(TokenKind::kNewline))
      comment = end.type_comment.empty() ? ahead.next().type_comment : end.type_comment;
  }
  if (!comment.empty()) apply_type_comment(comment, stmt, params);
  stmt.params = keep(params);
  stmt.body = block();
  stmt.doc = docstring(stmt.body);
  return make(stmt);
}

/// Takes the docstring off a body; archives hold none, and there it is refused.
std::string_view SourceParser::docstring(std::span<const Stmt* const>& body) {
  if (body.empty() || body[0]->kind != StmtKind::kExpr || !body[0]->value->is(ExprKind::kString)) return {};
  if (tree_.source_.dialect == Dialect::kArchive) return {};
  const std::string_view text = body[0]->value->text;
  if (body.size() == 1) {
    Stmt pass{};
    pass.kind = StmtKind::kPass;
    pass.where = body[0]->where;
    body = keep(std::vector<const Stmt*>{make(pass)});
  } else {
    body = body.subspan(1);
  }
  return text;
}

std::vector<Param> SourceParser::parameters() {
  std::vector<Param> params;
  bool keyword_only = false;
  expect("(", "after the name of the function");
  while (!token_.is(")")) {
    if (accept("*")) {
      if (token_.is(TokenKind::kName)) fail("'*args' is not part of TorchScript; name every argument");
      keyword_only = true;
    } else if (token_.is("**")) {
      fail("'**kwargs' is not part of TorchScript; name every argument");
    } else {
      Param param{.name = {},
                  .where = token_.where,
                  .annotation = nullptr,
                  .default_value = nullptr,
                  .keyword_only = keyword_only};
      param.name = expect_name("the name of an argument");
      if (accept(":")) param.annotation = expression();
      if (accept("=")) param.default_value = expression();
      params.push_back(param);
    }
    if (!accept(",")) break;
  }
  expect(")", "after the arguments");
  return params;
}

/// `(int, Tensor) -> Tensor`; self is not listed.
void SourceParser::apply_type_comment(std::string_view comment, Stmt& def, std::vector<Param>& params) {
  const size_t arrow = comment.rfind("->");
  const auto begin = static_cast<uint32_t>(comment.data() - tree_.source_.text.data());
  if (arrow == std::string_view::npos) fail("a type comment reads '# type: (T, ...) -> T'");
  const Expr* list = fragment(begin, begin + static_cast<uint32_t>(arrow));
  def.annotation =
      fragment(begin + static_cast<uint32_t>(arrow) + 2, begin + static_cast<uint32_t>(comment.size()));
  std::vector<const Expr*> types(list->items.begin(), list->items.end());
  if (!list->is(ExprKind::kTuple)) types = {list};
  const size_t skip = params.size() == types.size() + 1 && params[0].name == "self" ? 1 : 0;
  if (params.size() != types.size() + skip) {
    fail(cat("the type comment lists ", types.size(), " types for ", params.size(), " arguments"));
  }
  for (size_t i = 0; i < types.size(); ++i) params[i + skip].annotation = types[i];
  def.has_type_comment = true;
}

}  // namespace calque::torchscript
