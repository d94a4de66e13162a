// jit_tool describe FILE                 names, shapes and bytes of what torch.jit shows of a module, as JSON
// jit_tool freeze IN OUT [NAME,NAME]     freezes and saves; IN and OUT may be folders of archives
// jit_tool optimize IN OUT [NAME,NAME]   the same with optimize_for_inference
// jit_tool errors FILE                   texts of the errors that wrong use gives, one a line
// jit_tool untouched FILE                 freezing and running the result changes nothing of the module
// jit_tool copies FILE                   copy shares tensors, deepcopy does not, both run
// jit_tool reparse DIR                   graphs that --dump-phases wrote are read back and print alike
// jit_tool edit IN OUT                   setattr, to(float64) and extra files; saves
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "calque/jit.h"
#include "formats/json_writer.h"
#include "ir/graph_parse.h"

namespace calque::jit {

namespace {

std::string fingerprint(const Tensor& tensor) {
  const Tensor contiguous = tensor.contiguous();
  const auto* bytes = static_cast<const unsigned char*>(contiguous.raw_data());
  uint64_t hash = 14695981039346656037ULL;
  for (int64_t i = 0; i < contiguous.nbytes(); ++i) hash = (hash ^ bytes[i]) * 1099511628211ULL;
  return std::to_string(hash);
}

void write_tensors(JsonWriter& json, std::string_view key, const std::vector<NamedTensor>& tensors) {
  json.key(key);
  json.begin_array();
  for (const NamedTensor& named : tensors) {
    json.begin_array();
    json.string(named.name);
    json.string(dtype_name(named.value.dtype()));
    json.string(cat(named.value.sizes()));
    json.boolean(named.value.requires_grad());
    json.string(fingerprint(named.value));
    json.end_array();
  }
  json.end_array();
}

void write_modules(JsonWriter& json, std::string_view key,
                   const std::vector<std::pair<std::string, Module>>& modules) {
  json.key(key);
  json.begin_array();
  for (const auto& [name, module] : modules) {
    json.begin_array();
    json.string(name);
    json.string(module.original_name());
    json.boolean(module.is_training());
    json.end_array();
  }
  json.end_array();
}

std::string description(const Module& module) {
  JsonWriter json;
  json.begin_object();
  write_tensors(json, "parameters", module.named_parameters());
  write_tensors(json, "own_parameters", module.named_parameters(false));
  write_tensors(json, "buffers", module.named_buffers());
  write_tensors(json, "own_buffers", module.named_buffers(false));
  write_tensors(json, "state_dict", module.state_dict());
  write_modules(json, "modules", module.named_modules());
  write_modules(json, "children", module.named_children());
  json.key("attributes");
  json.begin_array();
  for (const auto& [name, value] : module.named_attributes()) json.string(name);
  json.end_array();
  json.key("methods");
  json.begin_array();
  for (const Method& method : module.get_methods()) json.string(method.name());
  json.end_array();
  json.end_object();
  return json.finish();
}

int describe(const std::string& path) {
  std::cout << description(load(path)) << "\n";
  return 0;
}

int untouched(const std::string& path) {
  const Module module = load(path);
  const std::string before = description(module) + module.graph();
  const Module frozen = freeze(module);
  frozen.run_method(frozen.get_methods()[0].name(), {ones({2})});
  std::cout << (before == description(module) + module.graph() ? "same" : "changed") << "\n";
  return 0;
}

using Rewrite = std::function<Module(const Module&, const std::vector<std::string>&)>;

int rewrite(const Rewrite& how, const std::filesystem::path& in, const std::filesystem::path& out,
            const std::vector<std::string>& names) {
  if (!std::filesystem::is_directory(in)) {
    how(load(in.string()), names).save(out.string());
    return 0;
  }
  int failures = 0;
  for (const auto& entry : std::filesystem::directory_iterator(in)) {
    if (entry.path().extension() != ".pt") continue;
    try {
      how(load(entry.path().string()), names).save((out / entry.path().filename()).string());
    } catch (const Error& error) {
      std::cout << entry.path().filename().string() << ": " << error.what() << "\n";
      ++failures;
    }
  }
  return failures == 0 ? 0 : 1;
}

void print_error(const std::function<void()>& call) {
  try {
    call();
    std::cout << "no error\n";
  } catch (const Error& error) {
    std::string text = error.what();
    std::cout << text.substr(0, text.find('\n')) << "\n";
  }
}

int errors(const std::string& path) {
  const Module module = load(path);
  print_error([&] { module.get_method("no_such_method"); });
  print_error([&] { module.attr("no_such_attribute"); });
  print_error([&] { module.setattr("no_such_attribute", 1); });
  print_error([&] { module.setattr("training", "yes"); });
  print_error([&] { module.forward({}); });
  print_error([&] { module.forward({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}); });
  print_error([&] { module.forward({}, {{"no_such_argument", 1}}); });
  print_error([&] { module.forward({"text"}); });
  print_error([&] { freeze(module, {"no_such_name"}); });
  print_error([&] { freeze(module, {"no.such.name"}); });
  print_error([&] {
    module.train();
    freeze(module);
  });
  print_error([] { Module().forward({}); });
  return 0;
}

int copies(const std::string& path) {
  const Module module = load(path);
  module.eval();
  const Module shallow = module.copy();
  const Module deep = module.deepcopy();
  for (size_t i = 0; i < module.parameters().size(); ++i) {
    const Tensor original = module.parameters()[i];
    if (!shallow.parameters()[i].is_same(original)) return 1;
    if (deep.parameters()[i].is_same(original)) return 2;
    if (fingerprint(deep.parameters()[i]) != fingerprint(original)) return 3;
    if (deep.parameters()[i].raw_data() == original.raw_data() && original.numel() > 0) return 4;
  }
  if (deep.named_modules().size() != module.named_modules().size()) return 5;
  deep.train();
  return module.is_training() || !deep.is_training() ? 6 : 0;
}

int edit(const std::string& in, const std::string& out) {
  ExtraFilesMap extra = {{"notes.txt", ""}, {"absent.txt", "x"}};
  const Module module = load(in, extra);
  if (module.hasattr("scale")) module.setattr("scale", 2.5);
  module.train();
  module.to(kFloat64);
  extra["notes.txt"] += " and more";
  extra["folder/other.bin"] = std::string("\0\1\2", 3);
  save(module, out, extra);
  return 0;
}

int reparse(const std::filesystem::path& folder) {
  int count = 0;
  CompilationUnit unit;
  const auto stub = [&unit](const std::string& name) {
    if (Function* known = unit.find_function(name)) return known;
    auto made = std::make_unique<Function>();
    made->qualified_name = name;
    return unit.add_function(std::move(made));
  };
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string text(MappedFile::open(entry.path().string())->text());
    if (to_string(*parse_graph(text, {.function = stub})) != text) {
      std::cout << entry.path().filename().string() << " prints otherwise\n";
      return 1;
    }
    ++count;
  }
  std::cout << count << "\n";
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  const size_t count = arguments.size();
  const std::vector<std::string> names = count > 3 ? split(arguments[3], ',') : std::vector<std::string>{};
  if (command == "describe" && count == 2) return describe(arguments[1]);
  if (command == "errors" && count == 2) return errors(arguments[1]);
  if (command == "untouched" && count == 2) return untouched(arguments[1]);
  if (command == "copies" && count == 2) return copies(arguments[1]);
  if (command == "reparse" && count == 2) return reparse(arguments[1]);
  if (command == "edit" && count == 3) return edit(arguments[1], arguments[2]);
  if (command == "freeze" && count >= 3) {
    return rewrite([](const Module& m, const std::vector<std::string>& kept) { return freeze(m, kept); },
                   arguments[1], arguments[2], names);
  }
  if (command == "optimize" && count >= 3)
    return rewrite(optimize_for_inference, arguments[1], arguments[2], names);
  std::cerr << "usage: jit_tool describe|untouched|errors|copies FILE | reparse DIR | freeze|optimize IN OUT "
               "[NAME,NAME] | "
               "edit IN OUT\n";
  return 2;
}

}  // namespace

}  // namespace calque::jit

int main(int argc, char** argv) {
  try {
    return calque::jit::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "jit_tool: " << error.what() << "\n";
    return 1;
  }
}
