// The syntax tree of one source. Nodes lie in an arena and hold views of the source text; nothing is resolved
// yet.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>

#include "torchscript/lexer.h"

namespace calque::torchscript {

enum class ExprKind : uint8_t {
  kName,       ///< text
  kInteger,    ///< integer; 2^63 only below a minus
  kFloat,      ///< real
  kImaginary,  ///< real
  kString,     ///< text, escapes resolved
  kTrue,
  kFalse,
  kNone,
  kEllipsis,
  kAttribute,  ///< items[0] . text
  kCall,       ///< items[0] ( items[1..], keywords )
  kSubscript,  ///< items[0] [ items[1..] ]
  kSlice,      ///< items[0] : items[1] : items[2]; each may be null; only in a subscript
  kTuple,      ///< items
  kList,       ///< items
  kDict,       ///< items: key, value, key, value, ...
  kListComp,   ///< [items[0] for items[1] in items[2] if items[3]]; items[3] may be null
  kDictComp,   ///< {items[0]: items[1] for items[2] in items[3] if items[4]}; items[4] may be null
  kUnary,      ///< text: "-", "+", "~", "not"
  kBinary,     ///< text: an arithmetic or bit operator
  kCompare,    ///< text: "<", ..., "is", "is not", "in", "not in"; items[0], items[1]
  kAnd,
  kOr,
  kConditional,  ///< items[1] if items[0] else items[2]
  kStarred,      ///< *items[0]; in targets and arguments
  kFormat,       ///< f-string: items are kString or any expression
};

struct Expr;

struct Keyword {
  std::string_view name;
  Position where;
  const Expr* value;
};

struct Expr {
  ExprKind kind;
  uint32_t depth;  ///< nesting below this node
  Position where;
  std::string_view text;
  union {
    uint64_t integer;
    double real;
  };
  std::span<const Expr* const> items;
  std::span<const Keyword> keywords;

  bool is(ExprKind wanted) const { return kind == wanted; }
  bool is_name(std::string_view wanted) const { return kind == ExprKind::kName && text == wanted; }
};

/// Where the text of `a.b(c)` and its like begins; `where` of such an expression is that of its last step.
inline Position start_of(const Expr& expr) {
  const Expr* at = &expr;
  while (at->is(ExprKind::kAttribute) || at->is(ExprKind::kCall) || at->is(ExprKind::kSubscript))
    at = at->items[0];
  return at->where;
}

enum class StmtKind : uint8_t {
  kExpr,       ///< value
  kAssign,     ///< targets = value, with an optional annotation
  kAnnotate,   ///< targets[0] : annotation
  kAugAssign,  ///< targets[0] text value; text is "+=", ...
  kReturn,     ///< value, may be null
  kRaise,      ///< value, may be null
  kAssert,     ///< value, second (may be null)
  kDelete,     ///< targets
  kIf,         ///< value, body, otherwise
  kWhile,      ///< value, body
  kFor,        ///< targets[0] in value, body
  kWith,       ///< with_items, body
  kBreak,
  kContinue,
  kPass,
  kImport,  ///< imports; only at the top of a source
  kDef,
  kClass,
};

struct Param {
  std::string_view name;
  Position where;
  const Expr* annotation;     ///< may be null
  const Expr* default_value;  ///< may be null
  bool keyword_only;
};

struct WithItem {
  const Expr* value;
  const Expr* target;  ///< may be null
};

/// What an import binds: `import a.b as c` c to a.b, `import a.b` a to a, `from m import n` n to m.n.
struct ImportedName {
  std::string_view name;
  std::string_view path;
  Position where;
};

struct Stmt {
  StmtKind kind;
  bool has_type_comment;  ///< kDef: annotations came from a comment
  Position where;
  std::string_view text;  ///< kAugAssign: see there; kDef, kClass: the name
  std::string_view doc;   ///< kDef, kClass of scripts: the docstring
  const Expr* value;
  const Expr* second;
  const Expr* annotation;                ///< kAssign, kAnnotate; kDef: the return type; may be null
  std::span<const Expr* const> targets;  ///< kClass: base classes
  std::span<const Stmt* const> body;
  std::span<const Stmt* const> otherwise;
  std::span<const Param> params;
  std::span<const WithItem> with_items;
  std::span<const Expr* const> decorators;
  std::span<const ImportedName> imports;
};

/// A parsed source. Immutable; shared by everything that keeps nodes.
class SyntaxTree {
 public:
  explicit SyntaxTree(Source source) : source_(std::move(source)) {}
  SyntaxTree(const SyntaxTree&) = delete;
  SyntaxTree& operator=(const SyntaxTree&) = delete;

  const Source& source() const { return source_; }
  std::span<const Stmt* const> statements() const { return statements_; }

 private:
  friend class SourceParser;
  Source source_;
  std::pmr::monotonic_buffer_resource arena_;
  std::span<const Stmt* const> statements_;
};

}  // namespace calque::torchscript
