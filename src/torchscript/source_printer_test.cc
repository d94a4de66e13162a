#include "torchscript/source_printer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "torchscript/source_printer_text.h"
#include "writer/graph_builder.h"

namespace calque::torchscript {
namespace {

using Builder = GraphBuilder;

std::string print(Builder& builder, Value* result) { return function_source(*builder.finish(result)); }

TEST(SourceText, FloatsAlwaysReadBackAsFloats) {
  EXPECT_EQ(float_text(1.0), "1.");
  EXPECT_EQ(float_text(-0.0), "-0.");
  EXPECT_EQ(float_text(0.1), "0.10000000000000001");
  EXPECT_EQ(float_text(1e10), "10000000000.");
  EXPECT_EQ(float_text(1e16), "10000000000000000.");
  EXPECT_EQ(float_text(1e22), "1e+22");
  EXPECT_EQ(float_text(1e-12), "9.9999999999999998e-13");
  EXPECT_EQ(float_text(-std::numeric_limits<float>::max()), "-3.4028234663852886e+38");
  EXPECT_EQ(float_text(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(float_text(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(float_text(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(SourceText, ComplexOnlyWhenExact) {
  EXPECT_EQ(complex_text({3, -4.5}), "3.-4.5j");
  EXPECT_EQ(complex_text({0, INFINITY}), std::nullopt);
  EXPECT_EQ(complex_text({-0.0, 1}), std::nullopt);
}

TEST(SourceText, StringsEscapeWhatReadersCannotTake) {
  EXPECT_EQ(string_text("a\"b'c\\"), R"("a\"b\'c\\")");
  EXPECT_EQ(string_text(std::string_view("\r\0\n\t\x7f", 5)), R"("\015\000\n\t\177")");
}

TEST(SourceText, Identifiers) {
  EXPECT_TRUE(is_identifier("from"));
  EXPECT_FALSE(is_identifier("0"));
  EXPECT_FALSE(is_identifier("if"));
  EXPECT_FALSE(is_identifier("a b"));
  EXPECT_EQ(to_identifier("0.weight"), "_0_weight");
}

TEST(SourcePrinter, NestsSingleUsesAndNamesTheRest) {
  Builder b;
  Value* x = b.argument("x", tensor_type());
  Value* y = b.add(b.neg(x), x, "y");
  EXPECT_EQ(print(b, b.add(y, y)),
            "def f(x) -> Tensor:\n"
            "  y = torch.add(torch.neg(x), x)\n"
            "  return torch.add(y, y)\n");
}

TEST(SourcePrinter, LongExpressionsGetLines) {
  Builder b;
  Value* x = b.argument("x", tensor_type());
  Value* first = b.neg(x);
  Value* second = b.neg(x);
  Value* left = b.add(first, second);
  Value* right = b.neg(x);
  EXPECT_EQ(print(b, b.add(left, right)),
            "def f(x) -> Tensor:\n"
            "  _0 = torch.add(torch.add(torch.neg(x), torch.neg(x)), torch.neg(x))\n"
            "  return _0\n");
}

TEST(SourcePrinter, NothingMovesAcrossAWrite) {
  Builder b;
  Value* x = b.argument("x", tensor_type());
  Value* before = b.neg(x);
  b.add_(x, x);
  EXPECT_EQ(print(b, b.add(before, x)),
            "def f(x) -> Tensor:\n"
            "  _0 = torch.neg(x)\n"
            "  _1 = torch.add_(x, x)\n"
            "  return torch.add(_0, x)\n");
}

TEST(SourcePrinter, SplittingALongLineKeepsWritesInPlace) {
  Builder b;
  Value* x = b.argument("x", tensor_type());
  Value* written = b.add_(x, x);
  Value* first = b.neg(x);
  Value* second = b.neg(x);
  Value* late = b.neg(b.add(first, second));
  EXPECT_EQ(print(b, b.add(written, late)),
            "def f(x) -> Tensor:\n"
            "  _0 = torch.add_(x, x)\n"
            "  _1 = torch.neg(torch.add(torch.neg(x), torch.neg(x)))\n"
            "  return torch.add(_0, _1)\n");
}

TEST(SourcePrinter, DropsTrailingDefaultsAndNamesKeywords) {
  Builder b;
  Value* x = b.argument("x", tensor_type());
  Value* two = b.constant(2.0);
  Value* r =
      b.op("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", {x, x, two})->output();
  Value* none = b.constant({});
  Value* z = b.op("aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
                  "device=None, "
                  "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
                  {r, b.constant(6), none, b.constant(Device{}), none, none})
                 ->output();
  EXPECT_EQ(print(b, z),
            "def f(x) -> Tensor:\n"
            "  _0 = torch.ones_like(torch.add(x, x, alpha=2.), dtype=6, layout=None, "
            "device=torch.device(\"cpu\"))\n"
            "  return _0\n");
}

TEST(SourcePrinter, IfAssignsInBothArms) {
  Builder b;
  Value* x = b.argument("x", tensor_type());
  Value* flag = b.argument("flag", bool_type(), IValue(true));
  Node* branch = b.node("prim::If", {flag}, {optional_type(tensor_type())}, "y");
  Block* top = b.enter(branch->add_block());
  branch->blocks[0]->add_output(b.neg(x));
  b.enter(branch->add_block());
  branch->blocks[1]->add_output(b.constant({}));
  b.enter(top);
  EXPECT_EQ(print(b, branch->output()),
            "def f(x,\n"
            "    flag: bool=True) -> Optional[Tensor]:\n"
            "  if flag:\n"
            "    y : Optional[Tensor] = torch.neg(x)\n"
            "  else:\n"
            "    y = None\n"
            "  return y\n");
}

TEST(SourcePrinter, ForLoop) {
  Builder b;
  Value* x = b.argument("x", tensor_type());
  Value* n = b.argument("n", int_type());
  Value* yes = b.constant(true);
  Node* loop = b.node("prim::Loop", {n, yes, x}, {tensor_type()}, "acc");
  Block* body = loop->add_block();
  body->add_input(int_type(), "i");
  Value* acc = body->add_input(tensor_type(), "acc");
  Block* top = b.enter(body);
  body->add_output(yes);
  body->add_output(b.neg(acc));
  b.enter(top);
  EXPECT_EQ(print(b, loop->output()),
            "def f(x,\n"
            "    n: int) -> Tensor:\n"
            "  acc = x\n"
            "  for i in range(n):\n"
            "    acc = torch.neg(acc)\n"
            "  return acc\n");
}

TEST(SourcePrinter, WhileLoop) {
  Builder b;
  Value* n = b.argument("n", int_type());
  Value* ten = b.constant(10);
  Value* endless = b.constant(std::numeric_limits<int64_t>::max());
  Node* loop = b.node("prim::Loop", {endless, b.lt(n, ten), n}, {int_type()}, "k");
  Block* body = loop->add_block();
  body->add_input(int_type());
  Value* k = body->add_input(int_type(), "k");
  Block* top = b.enter(body);
  Value* more = b.op("aten::add.int(int a, int b) -> int", {k, b.constant(1)}, "more")->output();
  body->add_output(b.lt(more, ten));
  body->add_output(more);
  b.enter(top);
  EXPECT_EQ(print(b, loop->output()),
            "def f(n) -> int:\n"
            "  k = n\n"
            "  _0 = torch.lt(n, 10)\n"
            "  while _0:\n"
            "    more = torch.add(k, 1)\n"
            "    _0, k = torch.lt(more, 10), more\n"
            "  return k\n");
}

TEST(SourcePrinter, CountedLoopWithAnExitIsAWhile) {
  Builder b;
  Value* n = b.argument("n", int_type());
  Value* yes = b.constant(true);
  Node* loop = b.node("prim::Loop", {n, yes, n}, {int_type()}, "k");
  Block* body = loop->add_block();
  Value* i = body->add_input(int_type(), "i");
  Value* k = body->add_input(int_type(), "k");
  Block* top = b.enter(body);
  body->add_output(b.lt(k, i));
  body->add_output(i);
  b.enter(top);
  EXPECT_EQ(print(b, loop->output()),
            "def f(n) -> int:\n"
            "  k = n\n"
            "  i = 0\n"
            "  _0 = torch.gt(n, 0)\n"
            "  while _0:\n"
            "    _1 = torch.add(i, 1)\n"
            "    _2 = torch.__and__(torch.lt(_1, n), torch.lt(k, i))\n"
            "    _0, i, k = _2, _1, i\n"
            "  return k\n");
}

TEST(SourcePrinter, ContainersCastsAndReservedNames) {
  Builder b;
  Value* x = b.argument("x", tensor_type());
  Value* empty = b.node("prim::ListConstruct", {}, {list_type(int_type())}, "torch")->output();
  Value* n = b.node("aten::IntImplicit", {x}, {int_type()}, "if")->output();
  Value* none = b.constant({});
  Value* index =
      b.node("prim::ListConstruct", {none, x}, {list_type(optional_type(tensor_type()))})->output();
  Value* key = b.constant("é");
  Value* table = b.node("prim::DictConstruct", {key, n}, {dict_type(string_type(), int_type())})->output();
  Value* all = b.node("prim::TupleConstruct", {empty, index, table, n},
                      {tuple_type({empty->type, index->type, table->type, int_type()})})
                   ->output();
  EXPECT_EQ(print(b, all),
            "def f(x) -> Tuple[List[int], List[Optional[Tensor]], Dict[str, int], int]:\n"
            "  torch0 = annotate(List[int], [])\n"
            "  if0 = annotate(int, x)\n"
            "  _0 = annotate(List[Optional[Tensor]], [None, x])\n"
            "  _1 = (torch0, _0, {CONSTANTS.c0: if0}, if0)\n"
            "  return _1\n");
}

TEST(SourcePrinter, UnpackAndSeveralResults) {
  Builder b;
  Value* x = b.argument("x", tensor_type());
  Node* top =
      b.op("aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
           {x, b.constant(0), b.constant(false)});
  Value* pair =
      b.node("prim::ListConstruct", {top->output(0), top->output(1)}, {list_type(tensor_type())})->output();
  Node* parts = b.node("prim::ListUnpack", {pair}, {tensor_type(), tensor_type()}, "part");
  EXPECT_EQ(print(b, b.add(parts->output(0), parts->output(1))),
            "def f(x) -> Tensor:\n"
            "  _0, _1 = torch.max(x, 0)\n"
            "  part, part0, = [_0, _1]\n"
            "  return torch.add(part, part0)\n");
}

TEST(SourcePrinter, ClassesInOrderOfNeedWithTheirFiles) {
  CompilationUnit unit;
  auto inner = std::make_shared<ClassType>("__torch__.a.___torch_mangle_0.Inner", true);
  inner->add_attribute({.name = "weight", .type = tensor_type(), .is_parameter = true});
  auto outer = std::make_shared<ClassType>("__torch__.a.Outer", true);
  outer->add_attribute({.name = "0", .type = inner});
  outer->add_attribute({.name = "buffer", .type = tensor_type(), .is_buffer = true});
  outer->constants.push_back({.name = "eps", .type = float_type(), .value = 1e-5});

  auto method = std::make_unique<Function>();
  method->name = "forward";
  method->qualified_name = "__torch__.a.Outer.forward";
  method->schema.arguments = {make_argument("self", outer)};
  method->schema.returns = {make_argument("", tensor_type())};
  method->graph = std::make_unique<Graph>();
  Value* self = method->graph->add_input(outer, "self");
  Node* child = method->graph->create("prim::GetAttr", {self});
  child->name = "0";
  child->add_output(inner);
  method->graph->block().append(child);
  Node* weight = method->graph->create("prim::GetAttr", {child->output()});
  weight->name = "weight";
  weight->add_output(tensor_type());
  method->graph->block().append(weight);
  method->graph->add_output(weight->output());
  outer->methods.push_back(unit.add_function(std::move(method)));

  SourcePrinter printer;
  printer.add(*outer);
  const std::vector<SourceFile> files = printer.files();
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].path, "__torch__/a.py");
  EXPECT_EQ(files[0].text,
            "class Outer(Module):\n"
            "  __parameters__ = []\n"
            "  __buffers__ = [\"buffer\", ]\n"
            "  __annotations__ = []\n"
            "  __annotations__[\"0\"] = __torch__.a.___torch_mangle_0.Inner\n"
            "  buffer : Tensor\n"
            "  eps : Final[float] = 1.0000000000000001e-05\n"
            "  def forward(self: __torch__.a.Outer) -> Tensor:\n"
            "    _0 = getattr(self, \"0\")\n"
            "    return _0.weight\n");
  EXPECT_EQ(files[1].path, "__torch__/a/___torch_mangle_0.py");
}

TEST(SourcePrinter, TwoClassesOfOneNameAreBothWritten) {
  auto first = std::make_shared<ClassType>("__torch__.A", false);
  auto second = std::make_shared<ClassType>("__torch__.A", false);
  SourcePrinter printer;
  EXPECT_EQ(printer.name(*first), "__torch__.A");
  EXPECT_EQ(printer.name(*second), "__torch__.___torch_mangle_0.A");
  EXPECT_EQ(printer.files()[0].text, "class A:\n  pass\n");
}

TEST(SourcePrinter, OptimisedProgramsAreRefused) {
  Builder b;
  Value* x = b.argument("x", tensor_type());
  Value* fused = b.node("calque::fused", {x}, {tensor_type()})->output();
  EXPECT_THROW(print(b, fused), NotImplementedError);
}

}  // namespace
}  // namespace calque::torchscript
