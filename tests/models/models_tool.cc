// Drives models and the tracer for the Python suite:
//
//   models_tool forward DIR IN.safetensors OUT.safetensors [options]   eager outputs, output.0, output.1, …
//   models_tool trace DIR IN.safetensors OUT.pt [options]              IN holds the example inputs by name
//   models_tool run ARCHIVE IN.safetensors OUT.safetensors             inputs by name
//   models_tool info DIR [options]                                     loading report, as JSON
//
// Failures: one line `Kind: message` on stderr, exit code 1.
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <typeinfo>
#include <vector>

#include "calque/io.h"
#include "calque/jit.h"
#include "calque/trace.h"
#include "calque/transformers.h"
#include "formats/json_writer.h"

namespace calque {
namespace {

using transformers::FromPretrainedOptions;
using transformers::PreTrainedModel;

struct Arguments {
  std::vector<std::string> plain;
  FromPretrainedOptions model;
  jit::TraceOptions trace;
  bool automatic = false;
  std::vector<std::string> warnings;
};

void read_option(const std::string& name, Arguments& arguments) {
  const auto value_of = [&](std::string_view option) -> std::optional<std::string> {
    if (!name.starts_with(option)) return std::nullopt;
    return name.substr(option.size());
  };
  if (auto value = value_of("--class=")) {
    arguments.model.architecture = *value;
  } else if (auto dtype = value_of("--dtype=")) {
    arguments.model.dtype = dtype_from_name(*dtype);
  } else if (auto attention = value_of("--attention=")) {
    arguments.model.attn_implementation = *attention;
  } else if (auto labels = value_of("--num-labels=")) {
    arguments.model.num_labels = std::stoll(*labels);
  } else if (name == "--hidden-states") {
    arguments.model.output_hidden_states = true;
  } else if (name == "--attentions") {
    arguments.model.output_attentions = true;
  } else if (name == "--ignore-mismatched") {
    arguments.model.ignore_mismatched_sizes = true;
  } else if (name == "--auto") {
    arguments.automatic = true;
  } else if (name == "--no-mmap") {
    arguments.model.use_mmap = false;
  } else if (name == "--dict") {
    arguments.trace.strict = false;
    arguments.model.torchscript = false;
  } else if (name == "--static") {
    arguments.trace.static_shapes = true;
  } else {
    throw ValueError("unknown option " + name);
  }
}

PreTrainedModel load(Arguments& arguments) {
  arguments.model.on_warning = [&](const std::string& text) { arguments.warnings.push_back(text); };
  const std::string& directory = arguments.plain.at(1);
  return arguments.automatic ? transformers::AutoModel::from_pretrained(directory, arguments.model)
                             : PreTrainedModel::from_pretrained(directory, arguments.model);
}

void flatten(const IValue& value, io::NamedTensors& into) {
  if (value.isTensor())
    into.emplace_back("output." + std::to_string(into.size()), value.toTensor().contiguous());
  if (value.isTuple()) {
    for (const IValue& element : value.toTuple()->elements()) flatten(element, into);
  }
  if (value.isGenericDict()) {
    for (const auto& [key, element] : value.toGenericDict()->entries) flatten(element, into);
  }
}

void write_outputs(const IValue& outputs, const std::string& path) {
  io::NamedTensors tensors;
  flatten(outputs, tensors);
  io::write_tensors(path, tensors);
}

void forward(Arguments& arguments) {
  const PreTrainedModel model = load(arguments);
  write_outputs(model({}, io::read_tensors(arguments.plain.at(2))), arguments.plain.at(3));
}

void trace(Arguments& arguments) {
  const PreTrainedModel model = load(arguments);
  arguments.trace.on_warning = [](const std::string& text) { std::cerr << text << "\n"; };
  const jit::Module traced = jit::trace(model, io::read_tensors(arguments.plain.at(2)), arguments.trace);
  jit::save(traced, arguments.plain.at(3));
}

void run(Arguments& arguments) {
  const jit::Module module = jit::load(arguments.plain.at(1));
  jit::Kwargs inputs;
  for (const auto& [name, tensor] : io::read_tensors(arguments.plain.at(2))) inputs.emplace(name, tensor);
  write_outputs(module.forward({}, inputs), arguments.plain.at(3));
}

void list(JsonWriter& json, std::string_view key, const std::vector<std::string>& values) {
  json.key(key);
  json.begin_array();
  for (const std::string& value : values) json.string(value);
  json.end_array();
}

void shape(JsonWriter& json, IntArrayRef sizes) {
  json.begin_array();
  for (const int64_t size : sizes) json.integer(size);
  json.end_array();
}

void info(Arguments& arguments) {
  const PreTrainedModel model = load(arguments);
  const transformers::LoadingInfo& found = model.loading_info();
  JsonWriter json;
  json.begin_object();
  json.key("class");
  json.string(model.class_name());
  list(json, "outputs", model.output_names());
  list(json, "missing", found.missing_keys);
  list(json, "unexpected", found.unexpected_keys);
  list(json, "warnings", arguments.warnings);
  json.key("mismatched");
  json.begin_array();
  for (const transformers::MismatchedKey& key : found.mismatched_keys) {
    json.begin_array();
    json.string(key.name);
    shape(json, key.checkpoint_shape);
    shape(json, key.model_shape);
    json.end_array();
  }
  json.end_array();
  json.key("state");
  json.begin_array();
  for (const auto& [name, tensor] : model.state_dict()) {
    json.begin_array();
    json.string(name);
    shape(json, tensor.sizes());
    json.string(dtype_name(tensor.dtype()));
    json.end_array();
  }
  json.end_array();
  json.end_object();
  std::cout << json.finish() << "\n";
}

int main_of(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string value = values[i];
    if (value.starts_with("--")) {
      read_option(value, arguments);
    } else {
      arguments.plain.push_back(value);
    }
  }
  const std::string command = arguments.plain.empty() ? "" : arguments.plain[0];
  if (command == "forward") {
    forward(arguments);
  } else if (command == "trace") {
    trace(arguments);
  } else if (command == "run") {
    run(arguments);
  } else if (command == "info") {
    info(arguments);
  } else {
    throw ValueError("unknown command " + command);
  }
  return 0;
}

/// The class of an error, as Python's tests name it.
std::string kind_of(const std::exception& error) {
  if (dynamic_cast<const LoadError*>(&error)) return "LoadError";
  if (dynamic_cast<const RuntimeError*>(&error)) return "RuntimeError";
  if (dynamic_cast<const ValueError*>(&error)) return "ValueError";
  if (dynamic_cast<const TypeError*>(&error)) return "TypeError";
  if (dynamic_cast<const IndexError*>(&error)) return "IndexError";
  if (dynamic_cast<const NotImplementedError*>(&error)) return "NotImplementedError";
  return typeid(error).name();
}

}  // namespace
}  // namespace calque

int main(int count, char** values) {
  try {
    return calque::main_of(count, values);
  } catch (const std::exception& error) {
    std::cerr << calque::kind_of(error) << ": " << error.what() << "\n";
    return 1;
  }
}
