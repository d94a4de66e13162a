// What the subcommands share: each is one file that adds itself to the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "calque/error.h"

namespace calque::app {

/// The command line asks for something that makes no sense: exit code 2. Failures of the work itself are
/// calque::Error.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// The work failed and has said so on standard output: exit code 1 without a message.
struct ReportedFailure {};

// Each adds one subcommand, whose callback does the work.
void add_export(CLI::App& app);
void add_run(CLI::App& app);
void add_inspect(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_convert(CLI::App& app);
void add_bench(CLI::App& app);
void add_check(CLI::App& app);
void add_quantize(CLI::App& app);
void add_script(CLI::App& app);

}  // namespace calque::app
