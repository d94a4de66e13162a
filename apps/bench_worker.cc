#include "bench_worker.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calque/error.h"
#include "calque/io.h"
#include "calque/jit.h"
#include "json_text.h"
#include "options.h"
#include "signature.h"
#include "stopwatch.h"
#include "values.h"

namespace calque::app {

namespace {

/// One line of input: an object of texts and whole numbers.
class Request {
 public:
  explicit Request(std::string_view line) : fields_(io::tensors_from_json(line, "request")) {}

  std::string text(std::string_view name) const {
    const Tensor* const field = find(name);
    if (field == nullptr || field->dtype() != kByte) {
      throw ValueError(fmt::format("request: there is no text '{}'", name));
    }
    const auto* bytes = field->data_ptr<uint8_t>();
    return {bytes, bytes + field->numel()};
  }

  int64_t number(std::string_view name) const {
    const Tensor* const field = find(name);
    if (field == nullptr || field->dtype() != kLong || field->numel() != 1) {
      throw ValueError(fmt::format("request: there is no whole number '{}'", name));
    }
    return *field->data_ptr<int64_t>();
  }

 private:
  const Tensor* find(std::string_view name) const {
    for (const auto& [key, value] : fields_) {
      if (key == name) return &value;
    }
    return nullptr;
  }

  io::NamedTensors fields_;
};

class Worker {
 public:
  explicit Worker(const WorkerArguments& arguments) : arguments_(arguments) {}

  /// False when it was asked to end.
  bool answer(const Request& request, JsonText& json) {
    const std::string what = request.text("do");
    if (what == "load") {
      json.field("seconds", load());
    } else if (what == "run") {
      json.array("times", run(request));
    } else if (what == "output") {
      json.field("seconds", write_output(request));
    } else if (what == "quit") {
      json.field("bye", true);
      return false;
    } else {
      throw ValueError(fmt::format("request: '{}' is none of load, run, output, quit", what));
    }
    return true;
  }

 private:
  double load() {
    const auto start = Clock::now();
    module_ = load_module(arguments_.model, arguments_.dtype, false);
    method_ = module_->get_method(arguments_.method);
    return seconds_since(start);
  }

  Call call_of(const Request& request) const {
    if (!method_) throw ValueError("request: nothing is loaded");
    const std::string path = request.text("input");
    return bind_call(read_signature(method_->schema()), io::read_tensors(path), path);
  }

  IValue invoke(const Call& call) const {
    return (*method_)(call.inputs, call.kwargs, {.skip_padding = arguments_.skip_padding});
  }

  std::vector<double> run(const Request& request) const {
    const Call call = call_of(request);
    for (int64_t i = request.number("warmup"); i > 0; --i) invoke(call);
    std::vector<double> times;
    for (int64_t i = request.number("calls"); i > 0; --i) {
      const auto start = Clock::now();
      invoke(call);
      times.push_back(seconds_since(start));
    }
    return times;
  }

  double write_output(const Request& request) const {
    const Call call = call_of(request);
    const auto start = Clock::now();
    const IValue result = invoke(call);
    const double seconds = seconds_since(start);
    const std::vector<Output> outputs = flatten(result);
    if (outputs.empty()) throw ValueError("the method returns no tensor");
    io::write_tensors(request.text("to"), {{"output", outputs.front().value.to(kFloat)}});
    return seconds;
  }

  WorkerArguments arguments_;
  std::optional<jit::Module> module_;
  std::optional<jit::Method> method_;
};

void reply(const JsonText& json) {
  fmt::print("{}\n", json.text());
  std::fflush(stdout);
}

}  // namespace

void serve_bench(const WorkerArguments& arguments) {
  reply(JsonText().begin_object().field("ready", true).end_object());
  Worker worker(arguments);
  bool going_on = true;
  for (std::string line; going_on && std::getline(std::cin, line);) {
    JsonText json;
    json.begin_object();
    try {
      going_on = worker.answer(Request(line), json);
    } catch (const std::exception& error) {
      json = JsonText();
      json.begin_object().field("error", std::string(error.what()));
    }
    reply(json.end_object());
  }
}

}  // namespace calque::app
