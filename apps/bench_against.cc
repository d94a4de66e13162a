#include "bench_against.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "calque/error.h"

namespace calque::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kDriver = "bench/compare.py";
constexpr const char* kPeers = "build/bench/venv/bin/python";

fs::path this_program() {
  std::error_code error;
  fs::path path = fs::read_symlink("/proc/self/exe", error);
  if (error) throw RuntimeError("cannot find the path of this program: " + error.message());
  return path;
}

/// The folder that holds bench/compare.py: the source tree two folders above build/PRESET/calque, or
/// PREFIX/share/calque.
fs::path driver_folder(const fs::path& program) {
  const fs::path above = program.parent_path().parent_path();
  const fs::path tree = above.parent_path(), installed = above / "share/calque";
  std::error_code error;
  for (const fs::path& folder : {tree, installed}) {
    if (fs::is_regular_file(folder / kDriver, error)) return folder;
  }
  throw RuntimeError(
      fmt::format("--against needs the comparison program {0}, which is neither in {1} nor in {2}: use the "
                  "command of a build "
                  "in the source tree (make bench-peers; build/release/calque bench …)",
                  kDriver, tree.string(), installed.string()));
}

/// CALQUE_BENCH_PYTHON, or the environment that `make bench-peers` made, or python3.
std::string python(const fs::path& folder) {
  if (const char* chosen = std::getenv("CALQUE_BENCH_PYTHON"); chosen != nullptr && *chosen != '\0')
    return chosen;
  std::error_code error;
  const fs::path peers = folder / kPeers;
  return fs::exists(peers, error) ? peers.string() : "python3";
}

}  // namespace

void run_comparison(const Comparison& comparison) {
  const fs::path program = this_program();
  const fs::path folder = driver_folder(program);
  std::vector<std::string> words = {python(folder), (folder / kDriver).string(), "--calque",
                                    program.string()};
  const auto option = [&words](const std::string& name, const std::string& value) {
    if (value.empty()) return;
    words.push_back(name);
    words.push_back(value);
  };
  option("--model", comparison.model);
  option("--against", comparison.against);
  option("--dtype", comparison.dtype);
  option("--shapes", fmt::format("{}", fmt::join(comparison.shapes, ",")));
  option("--threads", comparison.threads > 0 ? std::to_string(comparison.threads) : "");
  if (comparison.json) words.emplace_back("--print-json");

  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp(argv.front(), argv.data());
  throw RuntimeError(fmt::format("cannot start {}: {} (CALQUE_BENCH_PYTHON names another Python)",
                                 words.front(), std::generic_category().message(errno)));
}

}  // namespace calque::app
