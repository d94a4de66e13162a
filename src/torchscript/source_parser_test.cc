#include "torchscript/source_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "calque/error.h"

namespace calque::torchscript {
namespace {

using ::testing::HasSubstr;

Source source(std::string text, Dialect dialect = Dialect::kArchive) {
  return {.name = std::make_shared<const std::string>("m.py"), .text = std::move(text), .dialect = dialect};
}

/// An S-expression, so that a test can read the tree.
std::string show(const Expr* expr) {
  if (expr == nullptr) return "_";
  std::string head;
  switch (expr->kind) {
    case ExprKind::kName:
      return std::string(expr->text);
    case ExprKind::kInteger:
      return cat(expr->integer);
    case ExprKind::kFloat:
      return cat(expr->real, "f");
    case ExprKind::kImaginary:
      return cat(expr->real, "j");
    case ExprKind::kString:
      return quoted(expr->text);
    case ExprKind::kTrue:
      return "True";
    case ExprKind::kFalse:
      return "False";
    case ExprKind::kNone:
      return "None";
    case ExprKind::kEllipsis:
      return "...";
    case ExprKind::kAttribute:
      return cat(show(expr->items[0]), ".", expr->text);
    case ExprKind::kCall:
      head = "call";
      break;
    case ExprKind::kSubscript:
      head = "index";
      break;
    case ExprKind::kSlice:
      head = "slice";
      break;
    case ExprKind::kTuple:
      head = "tuple";
      break;
    case ExprKind::kList:
      head = "list";
      break;
    case ExprKind::kDict:
      head = "dict";
      break;
    case ExprKind::kListComp:
      head = "listcomp";
      break;
    case ExprKind::kDictComp:
      head = "dictcomp";
      break;
    case ExprKind::kAnd:
      head = "and";
      break;
    case ExprKind::kOr:
      head = "or";
      break;
    case ExprKind::kConditional:
      head = "if";
      break;
    case ExprKind::kStarred:
      head = "star";
      break;
    case ExprKind::kFormat:
      head = "format";
      break;
    default:
      head = expr->text;
  }
  std::string out = cat("(", head);
  for (const Expr* item : expr->items) out += cat(" ", show(item));
  for (const Keyword& keyword : expr->keywords) out += cat(" ", keyword.name, "=", show(keyword.value));
  return out + ")";
}

std::string parsed(const std::string& text, Dialect dialect = Dialect::kArchive) {
  return show(parse_expression(source(text, dialect)).expr);
}

std::string error_of(const std::string& text, Dialect dialect = Dialect::kArchive) {
  try {
    parse_source(source(text, dialect));
  } catch (const LoadError& error) {
    return error.what();
  }
  return "";
}

TEST(SourceParser, Literals) {
  EXPECT_EQ(parsed("010"), "8");
  EXPECT_EQ(parsed("0x1F"), "31");
  EXPECT_EQ(parsed("007.5"), "7.5f");
  EXPECT_EQ(parsed("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(parsed(".5"), "0.5f");
  EXPECT_EQ(parsed("1.e-3"), "0.001f");
  EXPECT_EQ(parsed("1e400"), "inff");
  EXPECT_EQ(parsed("3.+4.j"), "(+ 3f 4j)");
  EXPECT_EQ(parsed("(None, True, False, ...)"), "(tuple None True False ...)");
  EXPECT_THAT(error_of("x = 18446744073709551616\n"), HasSubstr("does not fit 64 bits"));
  EXPECT_THAT(error_of("x = 1_000\n"), HasSubstr("runs into a name"));
  EXPECT_EQ(parsed("1_000", Dialect::kScript), "1000");
}

TEST(SourceParser, Strings) {
  EXPECT_EQ(parsed(R"("a\n\t\\\"\015\x41")"), quoted("a\n\t\\\"\rA"));
  EXPECT_EQ(parsed(R"("a" 'b')"), "\"ab\"");
  EXPECT_EQ(parsed("'''x\ny'''"), quoted("x\ny"));
  EXPECT_THAT(error_of("x = \"a\n"), HasSubstr("m.py:1:5: a string that does not end on its line"));
  EXPECT_THAT(error_of("x = \"\\q\"\n"), HasSubstr("unknown escape"));
  EXPECT_THAT(error_of(std::string("x = \"a\0\"\n", 9)), HasSubstr("NUL byte"));
}

TEST(SourceParser, FormatStrings) {
  EXPECT_EQ(parsed("f\"a{x + 1}b{{\"", Dialect::kScript), "(format \"a\" (+ x 1) \"b{\")");
  EXPECT_THAT(error_of("x = f\"{a!r}\"\n", Dialect::kScript), HasSubstr("plain expressions"));
  EXPECT_THAT(error_of("x = f\"{a +}\"\n", Dialect::kScript), HasSubstr("expected an expression"));
}

TEST(SourceParser, Precedence) {
  EXPECT_EQ(parsed("-2 ** 2"), "(- (** 2 2))");
  EXPECT_EQ(parsed("2 ** 3 ** 2"), "(** 2 (** 3 2))");
  EXPECT_EQ(parsed("a + b * c - d"), "(- (+ a (* b c)) d)");
  EXPECT_EQ(parsed("a | b ^ c & d << 1 + 2"), "(| a (^ b (& c (<< d (+ 1 2)))))");
  EXPECT_EQ(parsed("not a == b and c or d"), "(or (and (not (== a b)) c) d)");
  EXPECT_EQ(parsed("a < b < c"), "(and (< a b) (< b c))");
  EXPECT_EQ(parsed("x is not None"), "(is not x None)");
  EXPECT_EQ(parsed("k not in d"), "(not in k d)");
  EXPECT_EQ(parsed("a if c else b if d else e"), "(if c a (if d b e))");
}

TEST(SourceParser, CallsAndSubscripts) {
  EXPECT_EQ(parsed("(l).forward(x, )"), "(call l.forward x)");
  EXPECT_EQ(parsed("torch.to(x, dtype=4)"), "(call torch.to x dtype=4)");
  EXPECT_EQ(parsed("x[0, :, None, 1:2:3, ...]"), "(index x 0 (slice _ _ _) None (slice 1 2 3) ...)");
  EXPECT_EQ(parsed("Tuple[()]"), "(index Tuple (tuple))");
  EXPECT_EQ(parsed("[i for i in range(3) if i]"), "(listcomp i i (call range 3) i)");
  EXPECT_EQ(parsed("{k: v for k, v in x}"), "(dictcomp k v (tuple k v) x _)");
  EXPECT_EQ(parsed("{\"a\": 1, }"), "(dict \"a\" 1)");
}

TEST(SourceParser, Statements) {
  const auto tree =
      parse_source(source("class M(Module):\r\n"
                          "\t__parameters__ = [\"w\", ]\r\n"
                          "\tw : Tensor\r\n"
                          "\tk : Final[int] = 3\r\n"
                          "\t# comment\r\n"
                          "\tdef forward(self: M,\r\n"
                          "\t    x: Tensor, n: int=3, *, k: int=0) -> Tensor:\r\n"
                          "\t\tif x:\r\n"
                          "\t\t\ta, b, = x\r\n"
                          "\t\telif y:\r\n"
                          "\t\t\tpass\r\n"
                          "\t\telse:\r\n"
                          "\t\t\twith c as d: e += 1\r\n"
                          "\t\treturn a\r\n"));
  ASSERT_EQ(tree->statements().size(), 1u);
  const Stmt& cls = *tree->statements()[0];
  EXPECT_EQ(cls.text, "M");
  ASSERT_EQ(cls.body.size(), 4u);
  const Stmt& def = *cls.body[3];
  ASSERT_EQ(def.params.size(), 4u);
  EXPECT_TRUE(def.params[3].keyword_only);
  EXPECT_EQ(show(def.annotation), "Tensor");
  const Stmt& branch = *def.body[0];
  EXPECT_EQ(show(branch.body[0]->targets[0]), "(tuple a b)");
  EXPECT_EQ(branch.otherwise[0]->otherwise[0]->kind, StmtKind::kWith);
}

TEST(SourceParser, TypeComments) {
  const auto tree = parse_source(source(
      "def f(x, n):\n  # type: (Tensor, List[int]) -> Tensor\n  y = []  # type: List[int]\n  return x\n"));
  const Stmt& def = *tree->statements()[0];
  EXPECT_EQ(show(def.params[1].annotation), "(index List int)");
  EXPECT_EQ(show(def.annotation), "Tensor");
  EXPECT_EQ(show(def.body[0]->annotation), "(index List int)");
}

TEST(SourceParser, ScriptOnlyForms) {
  const std::string text = "@torch.jit.script\ndef f(x):\n  \"\"\"doc\"\"\"\n  return x";
  EXPECT_EQ(parse_source(source(text, Dialect::kScript))->statements()[0]->doc, "doc");
  EXPECT_THAT(error_of(text), HasSubstr("decorator"));
  EXPECT_THAT(error_of("def f(x):\n  return x"), HasSubstr("without a newline"));
}

TEST(SourceParser, RefusesWithThePlace) {
  EXPECT_THAT(error_of("def f(x):\n  return (x\n"), HasSubstr("m.py"));
  EXPECT_EQ(error_of("def f(x):\n  y = = x\n"),
            "m.py:2:7: expected an expression, found \"=\"\n      y = = x\n          ^");
  EXPECT_THAT(error_of("def f(x):\nreturn x\n"), HasSubstr("expected an indented block"));
  EXPECT_THAT(error_of("def f(x):\n    if x:\n      pass\n   y\n"), HasSubstr("indented less"));
  EXPECT_THAT(error_of("x = 1; y = 2\n"), HasSubstr("';' is not part of TorchScript"));
  EXPECT_THAT(error_of("\xEF\xBB\xBFx = 1\n"), HasSubstr("byte-order mark"));
  EXPECT_THAT(error_of("1 = x\n"), HasSubstr("cannot be assigned to"));
  EXPECT_THAT(error_of("f(a=1, 2)\n"), HasSubstr("without a name after"));
  EXPECT_THAT(error_of(")\n"), HasSubstr("without its opening bracket"));
}

TEST(SourceParser, BoundsNesting) {
  const size_t n = 100'000;
  EXPECT_THAT(error_of("x = " + std::string(n, '(') + "1" + std::string(n, ')') + "\n"),
              HasSubstr("levels deep"));
  EXPECT_THAT(error_of("x = " + std::string(n, '-') + "1\n"), HasSubstr("levels deep"));
  EXPECT_THAT(error_of("x = " + std::string(n, '[') + "\n"), HasSubstr("levels deep"));
  const auto repeated = [&](std::string_view piece) {
    std::string out;
    for (size_t i = 0; i < n; ++i) out += piece;
    return out;
  };
  EXPECT_THAT(error_of("x = a" + repeated(" + a") + "\n"), HasSubstr("levels deep"));
  EXPECT_THAT(error_of("x = a" + repeated(".a") + "\n"), HasSubstr("levels deep"));
  EXPECT_THAT(error_of("x = " + repeated("not ") + "a\n"), HasSubstr("levels deep"));
  EXPECT_THAT(error_of("x = " + repeated("a ** ") + "a\n"), HasSubstr("levels deep"));
  EXPECT_THAT(error_of("x = " + repeated("a if b else ") + "a\n"), HasSubstr("levels deep"));
  EXPECT_THAT(error_of(repeated("if a: pass\nel") + "if a: pass\n"), HasSubstr("levels deep"));
  std::string blocks;
  for (size_t i = 0; i < 2000; ++i) blocks += std::string(i, ' ') + "if a:\n";
  EXPECT_THAT(error_of(blocks), HasSubstr("levels deep"));
  EXPECT_EQ(error_of("x = " + std::string(100, '(') + "1" + std::string(100, ')') + "\n"), "");
}

}  // namespace
}  // namespace calque::torchscript
