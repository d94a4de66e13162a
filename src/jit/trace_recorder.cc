#include "jit/trace_recorder.h"

#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "ops/operator.h"

namespace calque::jit {

/// A module call under way.
struct TraceRecorder::Frame {
  const nn::Module* module;
  std::string path;  ///< from the root, dotted
  std::unique_ptr<Graph> graph = std::make_unique<Graph>();
  Value* self = nullptr;
  Node* last_attribute = nullptr;  ///< attributes are read at the head of the graph
  std::map<Key, Value*> values;
  std::map<std::vector<std::string>, Value*> attributes;
  std::vector<Value*> handed_down;  ///< values of the outer frame, in the order of the arguments after self
};

TraceRecorder::TraceRecorder(const nn::Module& root, Options options)
    : classes_(root), options_(std::move(options)) {
  push_frame(root, "");
}

TraceRecorder::~TraceRecorder() = default;

TraceRecorder::Key TraceRecorder::key_of(const void* object) {
  return {false, reinterpret_cast<uintptr_t>(object)};
}

TraceRecorder::Key TraceRecorder::key_of(const nn::Operand& operand) {
  return operand.token != 0 ? Key{true, operand.token} : key_of(operand.value.tensor_impl());
}

void TraceRecorder::push_frame(const nn::Module& module, std::string path) {
  auto frame = std::make_unique<Frame>();
  frame->module = &module;
  frame->path = std::move(path);
  frame->self = frame->graph->add_input(classes_.class_of(module), "self");
  frame->attributes.emplace(std::vector<std::string>(), frame->self);
  frames_.push_back(std::move(frame));
}

void TraceRecorder::add_input(const std::string& name, const Tensor& value) {
  check(frames_.size() == 1, "inputs are declared before the recording starts");
  define(value, frame().graph->add_input(tensor_type(), name));
}

void TraceRecorder::add_constant(const Tensor& value) {
  constants_.insert(value.impl().get());
  kept_alive_.push_back(value);
}

// Values.

void TraceRecorder::define(const nn::Operand& result, Value* value) {
  frame().values[key_of(result)] = value;
  if (result.value.isTensor()) kept_alive_.push_back(result.value.toTensor());
}

Value* TraceRecorder::find(size_t depth, Key key) {
  Frame& frame = *frames_[depth];
  const auto known = frame.values.find(key);
  if (known != frame.values.end()) return known->second;
  if (depth == 0) return nullptr;
  Value* outer = find(depth - 1, key);
  if (outer == nullptr) return nullptr;
  frame.handed_down.push_back(outer);
  return add_argument(frame, *outer, key);
}

/// PyTorch's rule: the name that the value has outside, else argument_N.
Value* TraceRecorder::add_argument(Frame& frame, const Value& outer, Key key) {
  const std::vector<Value*>& inputs = frame.graph->inputs();
  const std::string wanted = outer.hint.empty() ? cat("argument_", inputs.size()) : outer.hint;
  std::set<std::string> taken;
  for (const Value* input : inputs) taken.insert(input->hint);
  std::string name = wanted;
  for (int suffix = 1; taken.contains(name); ++suffix) name = cat(wanted, suffix);
  return frame.values[key] = frame.graph->add_input(outer.type, name);
}

Value* TraceRecorder::attribute(Frame& frame, const std::vector<std::string>& path) {
  const auto known = frame.attributes.find(path);
  if (known != frame.attributes.end()) return known->second;
  Value* owner = attribute(frame, {path.begin(), path.end() - 1});
  const auto& type = static_cast<const ClassType&>(*owner->type);
  const std::string& name = path.back();
  Node* node = frame.graph->create("prim::GetAttr", {owner});
  node->name = name;
  node->scope = frame.path;
  const bool is_identifier = name.find_first_not_of("0123456789") != std::string::npos;
  Value* value = node->add_output(type.attributes[*type.find_attribute(name)].type,
                                  is_identifier ? name : std::string());
  if (frame.last_attribute == nullptr) {
    frame.graph->block().prepend(node);
  } else {
    node->insert_after(frame.last_attribute);
  }
  frame.last_attribute = node;
  return frame.attributes[path] = value;
}

Value* TraceRecorder::member(size_t depth, const void* object) {
  Frame& frame = *frames_[depth];
  if (const auto path = path_to(*frame.module, object)) return attribute(frame, *path);
  const auto known = frame.values.find(key_of(object));
  if (known != frame.values.end()) return known->second;
  check(depth > 0, "parameters and modules are below the root");
  Value* outer = member(depth - 1, object);
  frame.handed_down.push_back(outer);
  return add_argument(frame, *outer, key_of(object));
}

Value* TraceRecorder::tensor_value(const Tensor& tensor) {
  const size_t depth = frames_.size() - 1;
  if (Value* known = find(depth, key_of(tensor.impl().get()))) return known;
  if (const nn::Parameter* parameter = classes_.parameter_of(tensor.impl().get())) {
    return member(depth, parameter);
  }
  if (!constants_.contains(tensor.impl().get())) {
    warn(
        "torch.tensor results are registered as constants in the trace. You can safely ignore this warning "
        "if "
        "you use this function to create tensors out of constant variables that would be the same every time "
        "you call this function. In any other case, this might cause the trace to be incorrect.");
  }
  return constant(tensor);
}

// Nodes.

Value* TraceRecorder::append(const char* kind, const std::vector<Value*>& inputs, TypePtr type) {
  Node* node = frame().graph->create(kind, inputs);
  node->scope = frame().path;
  frame().graph->block().append(node);
  return node->add_output(std::move(type));
}

Value* TraceRecorder::constant(IValue value) {
  Node* node = frame().graph->create_constant(std::move(value));
  node->scope = frame().path;
  frame().graph->block().append(node);
  return node->output();
}

Value* TraceRecorder::list(const std::vector<Value*>& elements, const TypePtr& type) {
  const TypePtr& bare = type->kind() == TypeKind::Optional ? type->contained()[0] : type;
  return append("prim::ListConstruct", elements, bare);
}

Value* TraceRecorder::default_value(const Argument& argument) {
  check(argument.default_value.has_value(), "an argument that is left out has a default");
  const IValue& value = *argument.default_value;
  if (!value.isList()) return constant(value);
  std::vector<Value*> elements;
  for (const IValue& element : value.toListVector()) elements.push_back(constant(element));
  return list(elements, argument.type);
}

Value* TraceRecorder::operand_value(const nn::Operand& operand, const Argument& argument) {
  if (operand.token != 0) {
    Value* known = find(frames_.size() - 1, key_of(operand));
    check(known != nullptr, "a computed number is used inside the recording that made it");
    return known;
  }
  if (operand.value.isTensor()) return tensor_value(operand.value.toTensor());
  if (!operand.value.isList()) return constant(operand.value);
  std::vector<Value*> elements;
  elements.reserve(operand.elements.size());
  for (const nn::Operand& element : operand.elements) elements.push_back(operand_value(element, argument));
  return list(elements, argument.type);
}

void TraceRecorder::record(const Operator& op, const std::vector<nn::Operand>& arguments,
                           const std::vector<nn::Operand>& results) {
  const FunctionSchema& schema = op.schema();
  std::vector<Value*> inputs;
  inputs.reserve(schema.arguments.size());
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    inputs.push_back(i < arguments.size() ? operand_value(arguments[i], schema.arguments[i])
                                          : default_value(schema.arguments[i]));
  }
  Node* node = frame().graph->create(schema.name, inputs);
  node->op = &op;
  node->scope = frame().path;
  frame().graph->block().append(node);
  for (size_t i = 0; i < results.size(); ++i) {
    Value* output = node->add_output(schema.returns[i].type);
    if (results[i].elements.empty()) {
      define(results[i], output);
      continue;
    }
    Node* unpack = frame().graph->create("prim::ListUnpack", {output});
    unpack->scope = frame().path;
    frame().graph->block().append(unpack);
    for (const nn::Operand& element : results[i].elements) define(element, unpack->add_output(tensor_type()));
  }
}

// Calls.

void TraceRecorder::enter(const nn::Module& module) {
  const auto path = path_to(*frame().module, &module);
  const std::string local = path.has_value() ? join(*path, ".") : std::string(module.class_name());
  push_frame(module, frame().path.empty() ? local : cat(frame().path, ".", local));
}

void TraceRecorder::leave(const std::vector<Tensor>& results) {
  std::vector<Value*> returned;
  std::vector<Tensor> distinct;
  std::set<const Value*> seen;
  for (const Tensor& result : results) {
    Value* value = tensor_value(result);
    if (!seen.insert(value).second) continue;
    returned.push_back(value);
    distinct.push_back(result);
  }
  check(!returned.empty(), "a module that is called returns a tensor");
  const std::vector<TypePtr> types(returned.size(), tensor_type());
  frame().graph->add_output(
      returned.size() == 1 ? returned[0] : append("prim::TupleConstruct", returned, tuple_type(types)));
  const std::unique_ptr<Frame> done = std::move(frames_.back());
  frames_.pop_back();
  const TypePtr type = done->graph->outputs()[0]->type;
  const std::string method = classes_.add_method(*done->module, std::move(done->graph));

  std::vector<Value*> inputs{member(frames_.size() - 1, done->module)};
  inputs.insert(inputs.end(), done->handed_down.begin(), done->handed_down.end());
  Value* output = append("prim::CallMethod", inputs, type);
  output->node->name = method;
  if (distinct.size() == 1) return define(distinct[0], output);
  Node* unpack = frame().graph->create("prim::TupleUnpack", {output});
  unpack->scope = frame().path;
  frame().graph->block().append(unpack);
  for (const Tensor& result : distinct) define(result, unpack->add_output(tensor_type()));
}

void TraceRecorder::name(const nn::Operand& value, std::string_view name) {
  const auto known = frame().values.find(key_of(value));
  if (known == frame().values.end()) return;
  const bool is_argument = known->second->node == frame().graph->block().param_node();
  if (!is_argument) known->second->hint = name;
}

Value* TraceRecorder::output_value(const IValue& output) {
  if (output.isTensor()) return tensor_value(output.toTensor());
  std::vector<Value*> parts;
  std::vector<TypePtr> types;
  if (output.isGenericDict()) {
    for (const auto& [key, value] : output.toGenericDict()->entries) {
      parts.push_back(constant(key));
      parts.push_back(output_value(value));
    }
    return append("prim::DictConstruct", parts, dict_type(string_type(), tensor_type()));
  }
  check(output.isTuple(), "outputs are tensors, tuples and dicts");
  for (const IValue& element : output.toTuple()->elements()) {
    parts.push_back(output_value(element));
    types.push_back(parts.back()->type);
  }
  return append("prim::TupleConstruct", parts, tuple_type(types));
}

Module TraceRecorder::finish(const IValue& outputs) {
  check(frames_.size() == 1, "every call has ended");
  frame().graph->add_output(output_value(outputs));
  classes_.add_method(*frame().module, std::move(frame().graph));
  return Module(classes_.make_objects());
}

// Warnings.

void TraceRecorder::escaped(nn::Escape kind) {
  const char* what = kind == nn::Escape::kBoolean   ? "boolean"
                     : kind == nn::Escape::kInteger ? "integer"
                                                    : "float";
  warn(
      cat("Converting a tensor to a Python ", what,
          " might cause the trace to be incorrect. We can't record the data flow of Python values, so this "
          "value will be treated as a constant in the future. This means that the trace might not generalize "
          "to other inputs!"));
}

/// Once per text and module.
void TraceRecorder::warn(const std::string& text) {
  const std::string where = frame().path.empty() ? std::string("the model itself") : frame().path;
  const std::string message = cat("TracerWarning: ", text, " (in ", where, ")");
  if (options_.on_warning && warned_.insert(message).second) options_.on_warning(message);
}

}  // namespace calque::jit
