#include <limits>

#include "writer/class_builder.h"
#include "writer/writer_modules.h"

namespace calque {

namespace {

struct Loop {
  Node* node;
  Block* body;
  Value* index;
  std::vector<Value*> carried;
};

Loop make_loop(GraphBuilder& b, Value* limit, Value* condition, const std::vector<Value*>& first) {
  std::vector<Value*> inputs = {limit, condition};
  std::vector<TypePtr> types;
  for (Value* value : first) {
    inputs.push_back(value);
    types.push_back(value->type);
  }
  Node* node = b.node("prim::Loop", inputs, types);
  Loop loop{.node = node, .body = node->add_block(), .index = nullptr, .carried = {}};
  loop.index = loop.body->add_input(int_type(), "i");
  for (const TypePtr& type : types) loop.carried.push_back(loop.body->add_input(type));
  return loop;
}

/// Swaps a and b `n` times, adding the index to a.
Node* swapping_for(GraphBuilder& b, Value* n, Value* x, Value* y) {
  Value* yes = b.constant(true);
  Loop loop = make_loop(b, n, yes, {x, y});
  Block* outer = b.enter(loop.body);
  Value* number = b.node("prim::NumToTensor", {loop.index}, {tensor_type()})->output();
  Value* sum = b.add(loop.carried[0], number);
  loop.body->add_output(yes);
  loop.body->add_output(loop.carried[1]);
  loop.body->add_output(sum);
  b.enter(outer);
  return loop.node;
}

/// `for i in range(n)` that stops when k is 3.
Node* leaving_for(GraphBuilder& b, Value* n) {
  Value* three = b.constant(3);
  Loop loop = make_loop(b, n, b.constant(true), {n});
  Block* outer = b.enter(loop.body);
  loop.body->add_output(b.lt(loop.index, three));
  loop.body->add_output(b.add_int(loop.index, loop.index));
  b.enter(outer);
  return loop.node;
}

/// Doubles n while it is below 100.
Node* doubling_while(GraphBuilder& b, Value* n) {
  Value* hundred = b.constant(100);
  Value* endless = b.constant(std::numeric_limits<int64_t>::max());
  Loop loop = make_loop(b, endless, b.lt(n, hundred), {n});
  Block* outer = b.enter(loop.body);
  Value* twice = b.add_int(loop.carried[0], loop.carried[0]);
  loop.body->add_output(b.lt(twice, hundred));
  loop.body->add_output(twice);
  b.enter(outer);
  return loop.node;
}

Node* branch(GraphBuilder& b, Value* flag, Value* x) {
  Node* node = b.node("prim::If", {flag}, {tensor_type(), optional_type(tensor_type())});
  Block* outer = b.enter(node->add_block());
  node->blocks[0]->add_output(b.neg(x));
  node->blocks[0]->add_output(x);
  b.enter(node->add_block());
  Value* written = b.neg(x);
  b.add_(written, written);
  node->blocks[1]->add_output(written);
  node->blocks[1]->add_output(b.constant({}));
  b.enter(outer);
  return node;
}

std::unique_ptr<Function> scaled(const std::string& name, const std::string& prefix) {
  GraphBuilder b(name, prefix);
  Value* x = b.argument("x", tensor_type());
  Value* k = b.argument("k", float_type(), IValue(2.0));
  return b.finish(b.op("aten::mul.Scalar(Tensor self, Scalar other) -> Tensor", {x, k})->output());
}

Value* call_function(GraphBuilder& b, Function* function, const std::vector<Value*>& arguments) {
  Node* node = b.node("prim::CallFunction", arguments, {tensor_type()});
  node->function = function;
  return node->output();
}

}  // namespace

Ref<ObjectImpl> make_control(CompilationUnit& unit) {
  ClassBuilder m("__torch__.handmade.Control");
  auto [b, self] = m.method("forward");
  Value* x = b.argument("x", tensor_type());
  Value* n = b.argument("n", int_type());
  Value* flag = b.argument("flag", bool_type(), IValue(true));
  Value* before = b.neg(x);
  Node* swapped = swapping_for(b, n, x, before);
  Node* left = leaving_for(b, n);
  Node* doubled = doubling_while(b, n);
  Node* chosen = branch(b, flag, x);
  m.add_method(unit, b.finish(b.tuple({before, swapped->output(0), swapped->output(1), left->output(),
                                       doubled->output(), chosen->output(0), chosen->output(1)})));
  return m.object;
}

Ref<ObjectImpl> make_calls(CompilationUnit& unit) {
  Function* local = unit.add_function(scaled("scale", "__torch__.handmade"));
  Function* far = unit.add_function(scaled("scale", "__torch__.some.other.module.with.a.long.name"));
  Function* fixed = unit.add_function(scaled("of_class", "__torch__.handmade.Calls"));

  ClassBuilder child("__torch__.handmade.Child");
  {
    auto [b, self] = child.method("forward");
    Value* x = b.argument("x", tensor_type());
    child.add_method(unit, b.finish(b.neg(x)));
  }
  {
    auto [b, self] = child.method("after");
    b.argument("inputs", tuple_type({tensor_type()}));
    Value* output = b.argument("output", tensor_type());
    child.add_method(unit, b.finish(b.add(output, b.constant(full({}, 100.0, kFloat)))));
    child.type->forward_hooks = {"after"};
  }
  const auto interface = std::make_shared<InterfaceType>("__torch__.handmade.Layer", true);
  auto schema = std::make_shared<FunctionSchema>();
  schema->name = "forward";
  schema->arguments = {make_argument("self", interface), make_argument("x", tensor_type())};
  schema->returns = {make_argument("", tensor_type())};
  interface->methods.push_back(schema);

  ClassBuilder m("__torch__.handmade.Calls");
  m.child("child", child);
  m.add("layer", interface, IValue(child.object));
  m.type->static_methods.push_back(fixed);
  auto [b, self] = m.method("forward");
  Value* x = b.argument("x", tensor_type());
  Value* three = b.constant(3.0);
  Value* a = call_function(b, local, {x, three});
  Value* c = call_function(b, far, {a, three});
  Value* d = call_function(b, fixed, {c, three});
  Value* e = b.call(b.get(self, "child", child.type), "forward", {d}, tensor_type());
  Value* f = b.call(b.get(self, "layer", interface), "forward", {x}, tensor_type());
  Node* fork = b.node("prim::fork", {}, {future_type(tensor_type())});
  Block* outer = b.enter(fork->add_block());
  Value* inside = call_function(b, far, {f, three});
  fork->blocks[0]->add_output(inside);
  b.enter(outer);
  Value* waited = b.op("aten::wait(Future(t) self) -> t", {fork->output()})->output();
  waited->type = tensor_type();
  m.add_method(unit, b.finish(b.tuple({a, c, d, e, f, waited})));
  return m.object;
}

Ref<ObjectImpl> make_names(CompilationUnit& unit) {
  ClassBuilder first("__torch__.handmade.Same", false);
  first.add("n", int_type(), 1);
  ClassBuilder second("__torch__.handmade.Same", false);
  second.add("n", int_type(), 2);
  ClassBuilder m("Names");
  m.child("0", first);
  m.child("1", second);
  const char* odd[] = {"if", "a b", "q\"t", "ż", "back\\slash", "from", "self"};
  for (int i = 0; i < 7; ++i) m.add(odd[i], int_type(), 10 + i);
  auto [b, self] = m.method("forward");
  std::vector<Value*> results = {b.get(b.get(self, "0", first.type), "n", int_type()),
                                 b.get(b.get(self, "1", second.type), "n", int_type())};
  for (const char* name : odd) results.push_back(b.get(self, name, int_type()));
  Value* x = b.argument("x", tensor_type());
  for (const char* hint : {"torch", "int", "CONSTANTS", "while", "x", "9lives", "a.b", "ops", "range", "_"}) {
    Value* named = b.neg(x, hint);
    results.push_back(b.add(named, named));
    results.push_back(b.node("aten::Int", {b.add(named, named)}, {int_type()})->output());
  }
  m.add_method(unit, b.finish(b.tuple(results)));
  return m.object;
}

}  // namespace calque
