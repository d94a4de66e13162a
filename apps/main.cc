// The `calque` command. Exit codes: 0 done, 1 the work failed, 2 the command line was wrong.
#include <fmt/format.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "command.h"
#include "terminal.h"

namespace calque::app {

namespace {

constexpr int kFailed = 1, kUsage = 2;

constexpr std::array kCommands = {add_export, add_run,    add_inspect, add_tokenize, add_convert,
                                  add_bench,  add_script, add_check,   add_quantize};

int fail(int code, const std::string& message) {
  std::fflush(stdout);
  print_remark("error: " + message);
  return code;
}

/// `calque run`, for the hint that stands behind a wrong command line.
std::string spelled(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? "calque" : "calque " + chosen.front()->get_name();
}

/// The name of a command that there is not, for an error that says so.
void check_command(const CLI::App& app, const std::string& name) {
  if (name.starts_with('-')) return;
  std::string names;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_name() == name) return;
    names += (names.empty() ? "" : ", ") + command->get_name();
  }
  throw UsageError(fmt::format("there is no command '{}'; the commands are {}", name, names));
}

int run(CLI::App& app, int argc, char** argv) {
  try {
    check_command(app, argv[1]);
    app.parse(argc, argv);
  } catch (const CLI::Success& request) {
    app.exit(request);
  } catch (const CLI::ParseError& error) {
    return fail(kUsage, fmt::format("{} ({} --help shows what it takes)", error.what(), spelled(app)));
  } catch (const UsageError& error) {
    return fail(kUsage, fmt::format("{} ({} --help shows what it takes)", error.what(), spelled(app)));
  } catch (const ReportedFailure&) {
    std::fflush(stdout);
    return kFailed;
  } catch (const std::bad_alloc&) {
    return fail(kFailed, "out of memory");
  } catch (const std::exception& error) {
    return fail(kFailed, error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return fail(kFailed, "cannot write to standard output");
  return 0;
}

int start(int argc, char** argv) {
  CLI::App app{
      "Calque turns Hugging Face checkpoints into TorchScript archives, and runs TorchScript archives.",
      "calque"};
  app.set_version_flag("--version", "calque " CALQUE_VERSION);
  app.require_subcommand(1);
  app.fallthrough(false);
  app.footer(
      "Start here:\n"
      "  calque export MODEL_DIR -o model.pt        trace a checkpoint and save the archive\n"
      "  calque tokenize MODEL_DIR \"Hello\" -o in.npz\n"
      "  calque run model.pt --input in.npz --output out.npz\n"
      "`calque COMMAND --help` explains a command, with examples.\n"
      "Exit codes: 0 done, 1 the work failed, 2 the command line was wrong.");
  for (const auto add : kCommands) add(app);
  if (argc < 2) {
    std::fputs(app.help().c_str(), stderr);
    return kUsage;
  }
  return run(app, argc, argv);
}

}  // namespace

}  // namespace calque::app

int main(int argc, char** argv) {
  // A file that grows past a limit is an error like a full disk, not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return calque::app::start(argc, argv);
  } catch (const std::exception& error) {
    return calque::app::fail(calque::app::kFailed, error.what());
  }
}
