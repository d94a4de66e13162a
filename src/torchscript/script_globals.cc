// Modules that sources in Python's spelling use: torch, torch.jit, math.
#include <array>
#include <limits>
#include <numbers>

#include "base/text.h"
#include "torchscript/operator_match.h"
#include "torchscript/script_library.h"
#include "torchscript/source_compiler.h"
#include "torchscript/sugared_names.h"

namespace calque::torchscript {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class ConstantValue final : public SugaredValue {
 public:
  ConstantValue(std::string_view name, IValue value) : name_(name), value_(std::move(value)) {}
  std::string describe() const override { return name_; }
  Value* as_value(Emitter& emitter, Position where) override { return emitter.constant(where, value_); }

 private:
  const std::string name_;
  const IValue value_;
};

Sugared constant(std::string_view name, IValue value) {
  return std::make_shared<ConstantValue>(name, std::move(value));
}

class AnswerValue final : public SugaredValue {
 public:
  explicit AnswerValue(bool answer) : answer_(answer) {}
  std::string describe() const override { return "a question to the compiler"; }
  Sugared call(Emitter& emitter, Position where, const Arguments&) override {
    return simple(emitter.constant(where, answer_));
  }

 private:
  const bool answer_;
};

Sugared answer(bool yes) { return std::make_shared<AnswerValue>(yes); }

/// `torch.jit`
class JitModule final : public SugaredValue {
 public:
  std::string describe() const override { return "module torch.jit"; }

  Sugared attribute(Emitter& emitter, Position where, std::string_view name) override {
    if (name == "annotate") return special_form(SpecialForm::kAnnotate, name);
    if (name == "fork" || name == "_fork") return special_form(SpecialForm::kFork, name);
    if (name == "wait" || name == "_wait") return builtin_function("aten::wait");
    if (name == "isinstance") return special_form(SpecialForm::kIsinstance, name);
    if (name == "_unwrap_optional") return builtin_function("prim::unchecked_unwrap_optional");
    if (name == "is_scripting") return answer(true);
    if (name == "is_tracing") return answer(false);
    return SugaredValue::attribute(emitter, where, name);
  }
};

/// `torch.nn` and `torch.nn.functional`.
class NnModule final : public SugaredValue {
 public:
  explicit NnModule(std::string_view path) : path_(path) {}
  std::string describe() const override { return cat("module ", path_); }

  Sugared attribute(Emitter& emitter, Position where, std::string_view name) override {
    if (path_ == "torch.nn" && name == "functional") return std::make_shared<NnModule>("torch.nn.functional");
    if (Sugared found = library_value(emitter.program(), cat(path_, ".", name))) return found;
    if (path_ == "torch.nn") {
      emitter.fail(where, cat("torch.nn.", name,
                              " is a module: an object with weights, which Python makes. Use "
                              "the functions of torch.nn.functional, with the weights as arguments"));
    }
    return SugaredValue::attribute(emitter, where, name);
  }

 private:
  const std::string path_;
};

/// `torch.cuda`, `torch.backends` and their like: nothing of the kind is available.
class DeviceModule final : public SugaredValue {
 public:
  explicit DeviceModule(std::string_view path) : path_(path) {}
  std::string describe() const override { return cat("module ", path_); }

  Sugared attribute(Emitter& emitter, Position where, std::string_view name) override {
    if (name == "is_available") return answer(false);
    return SugaredValue::attribute(emitter, where, name);
  }

 private:
  const std::string path_;
};

/// `torch`, `torch.linalg`: operators, dtypes and constants.
class TorchModule final : public SugaredValue {
 public:
  explicit TorchModule(std::string_view name, std::string_view operator_prefix)
      : name_(name), operator_prefix_(operator_prefix) {}
  std::string describe() const override { return cat("module ", name_); }

  Sugared attribute(Emitter& emitter, Position, std::string_view name) override {
    const std::string builtin = cat("aten::", operator_prefix_, name);
    if (!operator_prefix_.empty()) return builtin_function(builtin);
    if (is_builtin(builtin)) return builtin_function(builtin);
    if (const auto dtype = dtype_from_name(dtype_alias(name))) {
      return constant(name, static_cast<int64_t>(*dtype));
    }
    if (name == "strided") return constant(name, int64_t{0});
    if (name == "contiguous_format") return constant(name, int64_t{0});
    if (name == "preserve_format") return constant(name, int64_t{1});
    if (name == "channels_last") return constant(name, int64_t{2});
    if (name == "inf") return constant(name, kInf);
    if (name == "nan") return constant(name, kNan);
    if (name == "pi") return constant(name, std::numbers::pi);
    if (name == "e") return constant(name, std::numbers::e);
    if (name == "jit") return std::make_shared<JitModule>();
    if (name == "nn") return std::make_shared<NnModule>("torch.nn");
    if (name == "no_grad") return library_value(emitter.program(), "torch.autograd.grad_mode.no_grad");
    if (name == "cuda" || name == "mps") return std::make_shared<DeviceModule>(cat("torch.", name));
    if (name == "ops") return ops_namespace();
    if (name == "linalg") return std::make_shared<TorchModule>("torch.linalg", "linalg_");
    if (name == "special") return std::make_shared<TorchModule>("torch.special", "special_");
    if (name == "fft") return std::make_shared<TorchModule>("torch.fft", "fft_");
    if (name == "_C" || name == "_VF" || name == "autograd")
      return std::make_shared<TorchModule>(cat(name_, ".", name), "");
    return builtin_function(builtin);
  }

 private:
  static std::string_view dtype_alias(std::string_view name) {
    if (name == "float") return "float32";
    if (name == "double") return "float64";
    if (name == "half") return "float16";
    if (name == "long") return "int64";
    if (name == "int") return "int32";
    if (name == "short") return "int16";
    return name;
  }

  const std::string name_;
  const std::string operator_prefix_;
};

/// `math`
class MathModule final : public SugaredValue {
 public:
  std::string describe() const override { return "module math"; }

  Sugared attribute(Emitter& emitter, Position where, std::string_view name) override {
    if (name == "inf") return constant(name, kInf);
    if (name == "nan") return constant(name, kNan);
    if (name == "pi") return constant(name, std::numbers::pi);
    if (name == "e") return constant(name, std::numbers::e);
    if (name == "tau") return constant(name, 2 * std::numbers::pi);
    const std::string builtin = cat("aten::", name);
    if (!is_builtin(builtin)) return SugaredValue::attribute(emitter, where, name);
    return builtin_function(builtin);
  }
};

}  // namespace

Sugared script_global(std::string_view name) {
  if (name == "torch") return std::make_shared<TorchModule>("torch", "");
  if (name == "math") return std::make_shared<MathModule>();
  if (name == "annotate") return special_form(SpecialForm::kAnnotate, name);
  if (name == "is_scripting") return answer(true);
  return nullptr;
}

Sugared script_import(std::string_view path, Emitter& emitter, Position where) {
  const std::vector<std::string> parts = split(path, '.');
  Sugared found = script_global(parts[0] == "warnings" ? "torch" : parts[0]);
  if (found == nullptr) {
    emitter.fail(where, cat("this is ", path,
                            ", which TorchScript has no part of; of Python's modules it has "
                            "torch and math. Write it with these, or pass the value as an argument"));
  }
  for (size_t i = 1; i < parts.size(); ++i) found = found->attribute(emitter, where, parts[i]);
  return found;
}

}  // namespace calque::torchscript
