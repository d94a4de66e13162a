// calque convert: loads an archive and saves it again, in another dtype if asked.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "calque/io.h"
#include "calque/jit.h"
#include "command.h"
#include "options.h"

namespace calque::app {

namespace {

struct ConvertArguments {
  std::string model, output, dtype;
};

constexpr std::string_view kExtra = "extra/";

void convert(const ConvertArguments& arguments) {
  jit::ExtraFilesMap extra_files;
  for (const io::Record& record : io::list_records(arguments.model)) {
    if (record.name.starts_with(kExtra)) {
      extra_files.emplace(record.name.substr(kExtra.size()), io::read_record(arguments.model, record.name));
    }
  }
  jit::save(load_module(arguments.model, arguments.dtype, true, false), arguments.output, extra_files);
}

}  // namespace

void add_convert(CLI::App& app) {
  const auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* command =
      app.add_subcommand("convert", "Load an archive and save it again, in another dtype if asked");
  add_path_option(*command, "model", arguments->model, "TorchScript archive (.pt)")->required();
  add_path_option(*command, "-o,--output", arguments->output, "The new archive")->required();
  add_dtype_option(*command, arguments->dtype, "Dtype of the floating-point weights in the new archive");
  command->footer(
      "Every checksum of the old archive is verified. The new archive holds the code that PyTorch 1.13 … "
      "2.13 reads, no source paths, and the extra files "
      "of the old.\n"
      "\n"
      "Examples:\n"
      "  calque convert old.pt -o new.pt\n"
      "  calque convert model.pt -o small.pt --dtype bfloat16");
  command->callback([arguments] { convert(*arguments); });
}

}  // namespace calque::app
