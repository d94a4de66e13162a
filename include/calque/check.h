// What an archive is and whether it would run here, before anything of it runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calque/jit.h"

namespace calque::jit {

/// How an operator of a program is served.
enum class Support : uint8_t {
  Fast,       ///< has code written for speed, at least for the usual dtypes
  Reference,  ///< right, not fast
  Missing,    ///< not implemented: the program does not load
  Trivial,    ///< computes no elements: sizes, views, numbers, containers
};

/// One operator of the inlined method, with the places that call it.
struct OperatorUse {
  std::string name{};  ///< `aten::add.Tensor`; without overload when missing
  Support support = Support::Reference;
  int64_t count = 0;                  ///< calls in the program's text, inlined
  std::vector<std::string> places{};  ///< module paths (or source lines when missing), without repetition, at
                                      ///< most CheckOptions::max_places
};

/// Something that the export has fixed although it should follow the input.
struct Finding {
  enum class Kind : uint8_t {
    ConstantSize,  ///< sizes in view, reshape, expand, arange … are numbers of the dummy input
    Device,        ///< a device other than the CPU is named
    Dtype,         ///< a cast to a dtype that the weights do not have
    UnrolledLoop,  ///< one copy of the loop's body for each element of the dummy input
    DummyShape,    ///< the shape of the dummy input that the sizes tell
  };
  Kind kind = Kind::ConstantSize;
  std::string what{};    ///< what was found
  std::string advice{};  ///< how to export it better
  int64_t count = 0;     ///< how often
  std::vector<std::string> places{};
};

/// What one call costs at a shape, measured by a run on made-up inputs.
struct ShapeCost {
  std::vector<int64_t> shape{};  ///< of each tensor input, for example {1, 128}
  bool ran = false;
  std::string error{};              ///< why it did not
  int64_t multiply_adds = 0;        ///< of matrix products and convolutions
  int64_t activation_bytes = 0;     ///< most memory that results held at one time
  int64_t operator_calls = 0;       ///< operators that ran
  double seconds = 0;               ///< of the measured run, which is the first at this shape
  std::vector<std::string> made{};  ///< the inputs: `input_ids: int64[1, 128]`
};

struct CheckOptions {
  LoadOptions load{};
  std::string method = "forward";
  /// Shapes to run the method at, all of its tensors alike. None: nothing runs.
  std::vector<std::vector<int64_t>> shapes{};
  /// Limits of these runs.
  RunOptions run{.max_seconds = 60};
  size_t max_places = 8;
};

struct CheckReport {
  std::string label{};       ///< the path, or the class of a module
  bool loads = false;        ///< the file is read, and every operator is here
  bool runs = false;         ///< it loads, has the method, and ran at every shape that was asked for
  std::string error{};       ///< why not, as load or the run says it; empty when it does
  std::string error_kind{};  ///< `LoadError`, `NotImplementedError`, `LimitError` …
  int64_t file_bytes = 0;    ///< 0 for a module
  int64_t version = 0;       ///< of the archive; 0 for a module
  bool is_trace = false;     ///< no control flow: what a tracer writes
  std::string schema{};      ///< of the method
  int64_t parameters = 0;    ///< elements, shared ones once
  int64_t buffers = 0;       ///< elements
  int64_t weight_bytes = 0;  ///< of parameters, buffers and tensor constants, shared ones once
  std::vector<OperatorUse> operators{};  ///< missing ones first, then by count
  std::vector<Finding> findings{};
  std::vector<std::string> notes{};  ///< remarks of the loader
  std::vector<ShapeCost> costs{};    ///< one for each shape

  int64_t count(Support support) const;  ///< calls of operators that are served so
};

/// Reports on a file. Never throws for what the file holds: a file that cannot be read is a report with its
/// error, and missing operators are all listed. ValueError for options that make no sense.
CheckReport check(const std::string& path, const CheckOptions& options = {});
/// Reports on a module that is loaded or traced already.
CheckReport check(const Module& module, const CheckOptions& options = {});

/// One page for people.
std::string to_text(const CheckReport& report);
/// The same as one JSON object; docs/check.md lists its keys.
std::string to_json(const CheckReport& report);

}  // namespace calque::jit
