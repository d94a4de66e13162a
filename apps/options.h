// Options that several subcommands have, and what they mean.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "calque/jit.h"

namespace calque::app {

/// An option that names a file or folder: required ones and optional ones alike are refused when they are
/// empty, as an unset variable of a script makes them.
CLI::Option* add_path_option(CLI::App& command, const std::string& name, std::string& path,
                             const std::string& description);
/// The same for a file of tensors, whose ending tells the format.
CLI::Option* add_tensors_option(CLI::App& command, const std::string& name, std::string& path,
                                const std::string& description);
/// Accepts names that end in one of these, such as `.npz`, whatever the case of the letters.
CLI::Validator ends_in(std::vector<std::string> endings);
/// Endings of files of tensors.
std::vector<std::string> tensor_endings();
/// --verify-checksums.
void add_checksums_option(CLI::App& command, bool& verify);
/// --dtype, one of the floating-point dtypes. `dtype` stays empty when it is not given.
void add_dtype_option(CLI::App& command, std::string& dtype, const std::string& description);
/// --padding: `exact` or `zero`.
void add_padding_option(CLI::App& command, std::string& padding);
/// --batch-invariant.
void add_batch_invariant_option(CLI::App& command, bool& wanted);
/// --dtype of commands that run a model: `bf16` and `int8`, too, which load_module() understands.
void add_run_dtype_option(CLI::App& command, std::string& dtype);
/// --threads and --affinity: what the library computes with.
struct ThreadArguments {
  int threads = 0;  ///< 0 when it is not given
  std::string affinity;
};
void add_thread_options(CLI::App& command, ThreadArguments& arguments);
/// Makes them so, this thread included. UsageError for processors that are not there.
void use_threads(const ThreadArguments& arguments);

/// What happens to graphs before they run.
struct PassOptions {
  std::vector<std::string> disable_pass;
  bool time_passes = false;
  std::string dump_phases;
};
/// --disable-pass, --time-passes and --dump-phases.
void add_pass_options(CLI::App& command, PassOptions& passes);
/// With --time-passes: a table of what the passes took until now.
void print_pass_times(const jit::Module& module, const PassOptions& passes);

/// LoadOptions::on_note: prints remarks on an archive to stderr.
std::function<void(const std::string&)> note_printer(std::string path);
/// Loads an archive; remarks of the loader go to stderr.
jit::Module load_module(const std::string& path, const std::string& dtype, bool verify_checksums,
                        bool to_run = true, const PassOptions& passes = {});

/// `8x128` as sizes. UsageError for another text.
std::vector<int64_t> read_shape(const std::string& text);

/// Middle of the sorted values, the mean of the two middle ones when their number is even. `values` is not
/// empty.
double median(std::vector<double> values);
/// The value below which `share` (0 … 1) of the values lie.
double quantile(std::vector<double> values, double share);

}  // namespace calque::app
