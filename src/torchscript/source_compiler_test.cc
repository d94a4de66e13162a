#include "torchscript/source_compiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calque/error.h"

namespace calque::torchscript {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// The graph of the last function of a source, verified.
std::string graph_of(const std::string& text) {
  CompilationUnit unit;
  const std::vector<Function*> functions = compile_source(unit, "m.py", text);
  for (const auto& function : unit.functions()) verify(*function->graph);
  return functions.back()->schema.str() + "\n" + to_string(*functions.back()->graph);
}

std::string error_of(const std::string& text) {
  try {
    graph_of(text);
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// `body` as the body of a function of a tensor and an int.
std::string in_f(const std::string& body) { return "def f(x: Tensor, n: int):\n" + body; }

TEST(SourceCompiler, InfersReturnTypes) {
  EXPECT_THAT(graph_of(in_f("  return n + 1\n")), HasSubstr("f(Tensor x, int n) -> int"));
  EXPECT_THAT(graph_of(in_f("  pass\n")), HasSubstr("-> NoneType"));
  EXPECT_THAT(graph_of(in_f("  if n > 1:\n    return x\n  return None\n")), HasSubstr("-> Tensor?"));
  EXPECT_THAT(graph_of(in_f("  for i in range(n):\n    return i\n  return -1\n")), HasSubstr("-> int"));
}

TEST(SourceCompiler, FillsDefaultsOfOperators) {
  const std::string graph = graph_of(in_f("  return torch.layer_norm(x, [4])\n"));
  EXPECT_THAT(graph, HasSubstr("prim::Constant[value=1e-05]"));
  EXPECT_THAT(graph_of(in_f("  return torch.add(x, n)\n")), HasSubstr("aten::add(%x, %n, "));
}

TEST(SourceCompiler, ConvertsArgumentsAsPyTorchDoes) {
  EXPECT_THAT(graph_of(in_f("  return x.view(-1, n)\n")), HasSubstr("int[] = prim::ListConstruct"));
  EXPECT_THAT(graph_of(in_f("  return x.permute((1, 0))\n")), HasSubstr("aten::permute"));
  EXPECT_THAT(graph_of(in_f("  return torch.arange(x[0])\n")), HasSubstr("aten::arange"));
  EXPECT_THAT(graph_of(in_f("  return torch.zeros([2], device=\"cpu\")\n")), HasSubstr("aten::device"));
  EXPECT_THAT(graph_of(in_f("  return torch.select(x, n, x[0])\n")), HasSubstr("aten::IntImplicit"));
  EXPECT_THAT(error_of(in_f("  return torch.dropout(x, n, False)\n")), HasSubstr("instead found type 'int'"));
  // PyTorch prints 1e10 as 10000000000, so a literal may stand for a float.
  EXPECT_EQ(error_of(in_f("  return torch.dropout(x, 0, False)\n")), "");
}

TEST(SourceCompiler, RefinesOptionals) {
  const std::string head = "def f(x: Optional[Tensor], n: Optional[int]) -> Tensor:\n";
  EXPECT_EQ(error_of(head + "  assert x is not None\n  return x + 1\n"), "");
  EXPECT_EQ(error_of(head + "  if x is None or n is None:\n    return torch.zeros(1)\n  return x + n\n"), "");
  EXPECT_EQ(
      error_of(head + "  if x is not None and n is not None:\n    return x + n\n  return torch.zeros(1)\n"),
      "");
  EXPECT_EQ(
      error_of(head +
               "  while x is None:\n    x = torch.zeros(1)\n  return torch.zeros(1) if x is None else x\n"),
      "");
  EXPECT_EQ(error_of(head + "  return torch.zeros(1) if x is None else x + (0 if n is None else n)\n"), "");
  EXPECT_THAT(error_of(head + "  return x.relu()\n"), HasSubstr("test it with 'is not None'"));
}

TEST(SourceCompiler, CompilesOnlyBranchesThatCanRun) {
  const std::string graph =
      graph_of(in_f("  if n is None:\n    return x.nothing_of_the_kind()\n  return x\n"));
  EXPECT_THAT(graph, Not(HasSubstr("prim::If")));
  EXPECT_EQ(error_of(in_f("  if isinstance(n, str):\n    return n.upper()\n  return x\n")), "");
  EXPECT_EQ(error_of(in_f("  if hasattr(x, \"no_such\"):\n    return x.no_such\n  return x.shape\n")), "");
}

TEST(SourceCompiler, EarlyReturnsNeedNoFlagsWhenABranchAlwaysLeaves) {
  const std::string graph = graph_of(in_f("  if n > 1:\n    return x\n  y = x + 1\n  return y * 2\n"));
  EXPECT_THAT(graph, Not(HasSubstr("Uninitialized")));
  EXPECT_THAT(graph, Not(HasSubstr("bool, ")));
}

TEST(SourceCompiler, LoopsCarryWhatTheyAssign) {
  const std::string graph =
      graph_of(in_f("  y = x\n  z = 1\n  for i in range(n):\n    y = y + i\n    w = y\n  return y\n"));
  EXPECT_THAT(graph, HasSubstr("prim::Loop(%n, %0, %x)"));
  EXPECT_THAT(error_of(in_f("  for i in range(n):\n    w = x\n  return w\n")),
              HasSubstr("undefined value w"));
}

TEST(SourceCompiler, VariablesKeepTheirTypesInBlocks) {
  EXPECT_THAT(
      error_of(in_f("  y = 1\n  if n > 1:\n    y = \"a\"\n  return y\n")),
      HasSubstr("Variable 'y' previously had type 'int' but is now being assigned to a value of type 'str'"));
  EXPECT_THAT(
      error_of(in_f("  if n > 1:\n    y = 1\n  else:\n    y = x\n  return y\n")),
      HasSubstr(
          "Type mismatch: y is set to type int in the true branch and type Tensor in the false branch"));
  EXPECT_THAT(error_of(in_f("  if n > 1:\n    y = 1\n  return y\n")),
              HasSubstr("y is not defined in the false branch"));
  EXPECT_EQ(error_of(in_f("  y = 1\n  y = x\n  return y\n")), "");
}

TEST(SourceCompiler, ErrorsPointAtThePlace) {
  EXPECT_EQ(error_of("def f(x: Tensor):\n  return x + undefined_name\n"),
            "m.py:2:14: in __torch__.f: undefined value undefined_name\n"
            "      return x + undefined_name\n"
            "                 ^");
  EXPECT_THAT(error_of("def f(x: Tensor) -> int:\n  return x, 1\n"),
              HasSubstr("expected a value of type 'int'"));
  EXPECT_THAT(error_of("def f(x: Tensor) -> int:\n  if x.dim() > 1:\n    return 1\n"),
              HasSubstr("does not return along all paths"));
  EXPECT_THAT(error_of("def f(x: Tensro):\n  return x\n"), HasSubstr("Unknown type name 'Tensro'"));
  EXPECT_THAT(error_of("def f(x: Tensor):\n  break\n"), HasSubstr("'break' outside a loop"));
  EXPECT_THAT(error_of("def f(x: Tensor):\n  return lambda y: y\n"),
              HasSubstr("'lambda' is not part of TorchScript"));
  EXPECT_THAT(error_of("def f(*xs):\n  return xs\n"), HasSubstr("'*args' is not part of TorchScript"));
  EXPECT_THAT(error_of("def f(x: Tensor):\n  a, b = (1, 2, 3)\n"), HasSubstr("need 2 but found 3"));
  EXPECT_THAT(error_of("def f(x: Tensor):\n  raise MyError(\"x\")\n"), HasSubstr("cannot raise MyError"));
  EXPECT_THAT(error_of("def f(x: List[int]):\n  if x:\n    return 1\n  return 2\n"),
              HasSubstr("test its len()"));
  EXPECT_THAT(error_of("print(1)\n"), HasSubstr("other statements stand inside functions"));
}

TEST(SourceCompiler, ListsTheVariantsOfACallThatFitsNone) {
  const std::string error = error_of(in_f("  return torch.bmm(x, \"a\")\n"));
  EXPECT_THAT(error, HasSubstr("Arguments for call are not valid: aten::bmm with (Tensor, str)"));
  EXPECT_THAT(error, HasSubstr("aten::bmm(Tensor self, Tensor mat2) -> Tensor"));
  EXPECT_THAT(
      error,
      HasSubstr("Expected a value of type 'Tensor' for argument 'mat2' but instead found type 'str'."));
}

TEST(SourceCompiler, FunctionsCallEachOtherInAnyOrder) {
  EXPECT_THAT(graph_of("def g(x: Tensor, n: int = 3):\n  return h(x) + n\ndef h(x: Tensor):\n  return x * 2\n"
                       "def f(x: Tensor):\n  return g(x, n=4)\n"),
              HasSubstr("prim::CallFunction"));
  EXPECT_THAT(error_of("def f(x: Tensor):\n  return f(x)\n"), HasSubstr("called recursively"));
  EXPECT_THAT(error_of("def g(x: Tensor):\n  return x\ndef f(x: Tensor):\n  return g(x, 1)\n"),
              HasSubstr("Expected at most 1 arguments but found 2 positional arguments."));
  EXPECT_THAT(error_of("def g(x: Tensor):\n  return x\ndef f(x: Tensor):\n  return g()\n"),
              HasSubstr("Argument x not provided."));
  EXPECT_THAT(error_of("def g(x: Tensor):\n  return x\ndef f(x: Tensor):\n  return g(x, y=1)\n"),
              HasSubstr("Unknown keyword argument 'y'."));
}

TEST(SourceCompiler, ClassesWithDeclaredAttributes) {
  const std::string text =
      "class Color(Enum):\n  RED = 1\n  BLUE = 2\n"
      "class Pair(NamedTuple):\n  a: Tensor\n  n: int = 4\n"
      "class Counter:\n  value: int\n"
      "  def __init__(self, value: int):\n    self.value = value\n"
      "  def __add__(self, other: int) -> int:\n    return self.value + other\n"
      "def f(x: Tensor) -> int:\n"
      "  c = Counter(3)\n"
      "  c.value += 1\n"
      "  p = Pair(x)\n"
      "  if Color.RED == Color.BLUE:\n    return p.n\n"
      "  return c + p.n\n";
  const std::string graph = graph_of(text);
  EXPECT_THAT(graph, HasSubstr("prim::CreateObject"));
  EXPECT_THAT(graph, HasSubstr("prim::SetAttr"));
  EXPECT_THAT(graph, HasSubstr("prim::CallMethod"));
}

TEST(SourceCompiler, ForkTakesWhatItUsesAsArguments) {
  const std::string graph = graph_of(
      "def g(x: Tensor, n: int):\n  return x + n\n"
      "def f(x: Tensor):\n  t = torch.jit.fork(g, x, 3)\n  return torch.jit.wait(t)\n");
  EXPECT_THAT(graph, HasSubstr("prim::fork"));
  EXPECT_THAT(graph, HasSubstr("Future(Tensor)"));
}

}  // namespace
}  // namespace calque::torchscript
