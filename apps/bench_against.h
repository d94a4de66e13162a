// `calque bench --against`: hands the work to the comparison program of the source tree.
#pragma once

#include <string>
#include <vector>

namespace calque::app {

/// What of the command line the comparison needs; empty texts and zeros were not given.
struct Comparison {
  std::string model, against, dtype;
  std::vector<std::string> shapes;
  int threads = 0;
  bool json = false;
};

/// Replaces this process by Python with bench/compare.py, which is looked for in the source tree that the
/// command was built in and below the prefix that it is installed to. Returns never; throws RuntimeError when
/// there is no such file or no Python.
[[noreturn]] void run_comparison(const Comparison& comparison);

}  // namespace calque::app
