#include "torchscript/source_printer.h"

#include <map>

#include "base/text.h"
#include "torchscript/source_printer_class.h"
#include "torchscript/source_printer_function.h"

namespace calque::torchscript {

namespace {

/// One file: its text so far, and the numbering of its temporaries.
struct OpenFile {
  std::string path;
  std::string text;
  LocalNames names;
};

std::string path_of(std::string_view module) {
  std::string path = join(split(module, '.'), "/");
  return path + ".py";
}

}  // namespace

struct SourcePrinter::Impl {
  PrintState state;
  std::deque<OpenFile> files;
  std::map<std::string, OpenFile*, std::less<>> by_module;
  size_t printed = 0;

  OpenFile& file_of(std::string_view module) {
    if (const auto it = by_module.find(module); it != by_module.end()) return *it->second;
    files.push_back({.path = path_of(module), .text = {}, .names = {}});
    by_module.emplace(std::string(module), &files.back());
    return files.back();
  }

  void print(const Definitions::Item& item) {
    const auto [module, name] = split_qualified(item.name);
    OpenFile& file = file_of(module);
    if (item.type != nullptr) return print_type(*item.type, name, state, file.names, file.text);
    FunctionPrinter(state, file.names, file.text, 0).print(*item.function, name, true);
  }
};

SourcePrinter::SourcePrinter() : impl_(std::make_unique<Impl>()) {}
SourcePrinter::~SourcePrinter() = default;
SourcePrinter::SourcePrinter(SourcePrinter&&) noexcept = default;
SourcePrinter& SourcePrinter::operator=(SourcePrinter&&) noexcept = default;

void SourcePrinter::add(const Type& named) { impl_->state.definitions.name(named); }

const std::string& SourcePrinter::name(const Type& named) { return impl_->state.definitions.name(named); }

std::string SourcePrinter::annotation(const Type& type) { return impl_->state.definitions.annotation(type); }

std::vector<SourceFile> SourcePrinter::files() {
  const std::deque<Definitions::Item>& items = impl_->state.definitions.items();
  while (impl_->printed < items.size()) impl_->print(items[impl_->printed++]);
  std::vector<SourceFile> out;
  for (const OpenFile& file : impl_->files) out.push_back({.path = file.path, .text = file.text});
  return out;
}

const std::vector<IValue>& SourcePrinter::constants() const { return impl_->state.constants.values(); }

std::string function_source(const Function& function) {
  PrintState state;
  LocalNames names;
  std::string text;
  FunctionPrinter(state, names, text, 0).print(function, function.name, false);
  return text;
}

}  // namespace calque::torchscript
