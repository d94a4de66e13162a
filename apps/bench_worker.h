// `calque bench --worker`: the command as one engine among others, driven by lines of JSON.
#pragma once

#include <string>

namespace calque::app {

struct WorkerArguments {
  std::string model, method, dtype;
  bool skip_padding = false;
};

/// Reads one request a line from standard input and answers with one line of JSON each, until `quit` or the
/// end of the input. The first line that it writes is `{"ready": true}`. A request that fails is answered
/// with `{"error": …}`.
///
///     {"do": "load"}                                            {"seconds": s}
///     {"do": "run", "input": FILE, "warmup": n, "calls": n}     {"times": [s, …]} without the warm-up
///     {"do": "output", "input": FILE, "to": FILE}               {"seconds": s}; its first result is written
///     {"do": "quit"}                                            {"bye": true}
void serve_bench(const WorkerArguments& arguments);

}  // namespace calque::app
