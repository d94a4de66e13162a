#include <cmath>
#include <limits>

#include "writer/class_builder.h"
#include "writer/writer_modules.h"

namespace calque {

namespace {

Tensor floats(std::initializer_list<float> values) { return tensor(std::vector<float>(values)); }

Tensor view(const Tensor& base, int64_t offset, const Dims& sizes, const Dims& strides) {
  return from_storage(base.storage(), offset, sizes, strides, base.dtype());
}

}  // namespace

Ref<ObjectImpl> make_weights(CompilationUnit& unit) {
  ClassBuilder m("__torch__.handmade.Weights");
  const Tensor base = floats({1, 2, 3, 4, 5, 6});
  m.parameter("weight", base);
  m.parameter("tied", base);
  m.buffer("odd", view(base, 1, {3}, {2}));
  m.buffer("transposed", view(base, 0, {3, 2}, {1, 3}));
  m.buffer("expanded", view(base, 2, {4, 3}, {0, 1}));
  m.buffer("scalar", full({}, 2.5, kDouble));
  m.buffer("empty", empty({0, 3}));
  for (const ScalarType dtype :
       {kUInt8, kInt8, kInt16, kInt32, kInt64, kFloat16, kBFloat16, kFloat64, kBool}) {
    m.buffer("as_" + std::string(dtype_name(dtype)), full(Dims{2}, 1, dtype));
  }
  m.add("training", bool_type(), false);
  auto [b, self] = m.method("forward");
  Value* x = b.argument("x", tensor_type());
  Value* weight = b.get(self, "weight", tensor_type());
  Value* tied = b.get(self, "tied", tensor_type());
  m.add_method(unit, b.finish(b.mul(b.add(x, weight), tied)));
  return m.object;
}

Ref<ObjectImpl> make_values(CompilationUnit& unit) {
  ClassBuilder m("__torch__.handmade.Values");
  const auto color = std::make_shared<EnumType>(
      "__torch__.handmade.Color", string_type(),
      std::vector<std::pair<std::string, IValue>>{{"RED", "r\"ed"}, {"BLUE", "blue"}});
  auto red = make_ref<EnumImpl>();
  red->type = color;
  red->name = "RED";
  red->value = "r\"ed";
  const auto pair =
      std::make_shared<const TupleType>("__torch__.handmade.Pair", std::vector<std::string>{"a", "b"},
                                        std::vector<TypePtr>{int_type(), optional_type(int_type())});
  auto [b, self] = m.method("forward");
  const double inf = std::numeric_limits<double>::infinity();
  const std::string controls("\r\0\x01\t\n\\'\"\x7f", 9);
  std::vector<Value*> items;
  for (const double value :
       {inf, -inf, std::nan(""), 0.1, -0.0, 1e10, 12345678901.0, 1e16, 1e17, 1e22, 5e-324}) {
    items.push_back(b.constant(value));
  }
  for (const int64_t value :
       {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(), int64_t{-1}}) {
    items.push_back(b.constant(value));
  }
  for (const std::string& value : {controls, std::string("żółw"), std::string(60, 'x'), std::string()}) {
    items.push_back(b.constant(value));
  }
  items.push_back(b.constant(std::complex<double>(1.5, -2)));
  items.push_back(b.constant(std::complex<double>(-0.0, inf)));
  items.push_back(b.constant(Device::parse("cpu")));
  Value* chosen = b.constant_of_type(IValue(red), color);
  items.push_back(b.node("prim::EnumName", {chosen}, {string_type()})->output());
  items.push_back(b.node("prim::EnumValue", {chosen}, {string_type()})->output());
  Value* one = b.constant(1);
  Value* none = b.constant({});
  items.push_back(b.node("prim::TupleConstruct", {one, none}, {pair})->output());
  items.push_back(b.constant_of_type(std::vector<int64_t>{}, list_type(int_type())));
  items.push_back(b.constant_of_type(std::vector<double>{1, 2.5}, list_type(float_type())));
  items.push_back(b.constant_of_type(std::vector<std::string>{"a", "ü"}, list_type(string_type())));
  items.push_back(b.list(optional_type(int_type()), {one, none}));
  items.push_back(b.node("prim::DictConstruct", {}, {dict_type(string_type(), int_type())})->output());
  items.push_back(b.constant(floats({1, 2})));
  items.push_back(b.constant(floats({1, 2})));
  items.push_back(b.constant(full({}, 7, kInt64)));
  items.push_back(b.constant(true));
  items.push_back(none);
  items.push_back(b.tuple({one}));
  items.push_back(b.tuple({}));
  m.add_method(unit, b.finish(b.tuple(items)));
  return m.object;
}

Ref<ObjectImpl> make_objects(CompilationUnit& unit) {
  ClassBuilder counter("__torch__.handmade.Counter", false);
  counter.add("n", int_type(), 5);
  {
    auto [b, self] = counter.method("step");
    Value* by = b.argument("by", int_type(), IValue(1));
    Value* now = b.add_int(b.get(self, "n", int_type()), by);
    b.node("prim::SetAttr", {self, now}, {})->name = "n";
    counter.add_method(unit, b.finish(now));
  }
  ClassBuilder hidden("__torch__.handmade.hidden.Hidden", false);
  hidden.child("counter", counter);

  ClassBuilder m("__torch__.handmade.Objects");
  m.child("counter", counter);
  m.child("same", counter);
  m.add("any", any_type(), IValue(hidden.object));
  m.add("ints", list_type(int_type()), std::vector<int64_t>{1, 300, 70000, int64_t{1} << 40, -3});
  m.add("flags", list_type(bool_type()), std::vector<bool>{true, false});
  m.add("words", list_type(string_type()), std::vector<std::string>{"a", "ż"});
  auto table = make_ref<DictImpl>();
  table->key_type = string_type();
  table->value_type = list_type(float_type());
  table->insert_or_assign("x", std::vector<double>{1.5});
  m.add("table", dict_type(table->key_type, table->value_type), IValue(table));
  m.add("device", device_type(), Device::parse("cuda:1"));
  m.add("nothing", none_type(), {});

  auto [b, self] = m.method("forward");
  Value* held = b.get(self, "counter", counter.type);
  Value* first = b.call(held, "step", {b.constant(2)}, int_type());
  Value* same = b.get(self, "same", counter.type);
  Value* second = b.call(same, "step", {b.constant(10)}, int_type());
  ClassBuilder constant("__torch__.handmade.constant.Constant", false);
  constant.add("value", float_type(), 2.5);
  Value* object = b.constant_of_type(IValue(constant.object), constant.type);
  Value* value = b.get(object, "value", float_type());
  m.add_method(unit, b.finish(b.tuple({first, second, value})));
  return m.object;
}

}  // namespace calque
