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
  std::string model, output, dtype, pack;
};

constexpr std::string_view kExtra = "extra/";

void convert(const ConvertArguments& arguments) {
  jit::ExtraFilesMap extra_files;
  for (const io::Record& record : io::list_records(arguments.model)) {
    if (record.name.starts_with(kExtra)) {
      extra_files.emplace(record.name.substr(kExtra.size()), io::read_record(arguments.model, record.name));
    }
  }
  if (arguments.pack.empty()) {
    jit::save(load_module(arguments.model, arguments.dtype, true, false), arguments.output, extra_files);
    return;
  }
  jit::LoadOptions options;
  options.verify_checksums = true;
  options.on_note = note_printer(arguments.model);
  options.precision = jit::precision_from_name(arguments.pack);
  if (!arguments.dtype.empty()) options.dtype = dtype_from_name(arguments.dtype);
  jit::save_packed(jit::load(arguments.model, options), arguments.output, extra_files);
}

}  // namespace

void add_convert(CLI::App& app) {
  const auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* command =
      app.add_subcommand("convert", "Load an archive and save it again, in another dtype if asked");
  add_path_option(*command, "model", arguments->model, "TorchScript archive (.pt)")->required();
  add_path_option(*command, "-o,--output", arguments->output, "The new archive")->required();
  add_dtype_option(*command, arguments->dtype, "Dtype of the floating-point weights in the new archive");
  command
      ->add_option(
          "--pack", arguments->pack,
          "Keep the weights once more as this processor multiplies by them in this precision, so that "
          "a load has nothing to pack")
      ->check(CLI::IsMember({"float32", "bf16", "int8", "int8-weights", "int4-weights"}));
  command->footer(
      "Every checksum of the old archive is verified. The new archive holds the code that PyTorch 1.13 … "
      "2.13 reads, no source paths, and the extra files "
      "of the old. What --pack adds is used on processors with the same instruction set and at the same "
      "--dtype of `run`, and ignored by others, PyTorch among them.\n"
      "\n"
      "Examples:\n"
      "  calque convert old.pt -o new.pt\n"
      "  calque convert model.pt -o small.pt --dtype bfloat16\n"
      "  calque convert model.pt -o quick.pt --pack float32");
  command->callback([arguments] { convert(*arguments); });
}

}  // namespace calque::app
