#include "jit/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/graph.h"
#include "nn/functional.h"
#include "nn/init.h"
#include "nn/layers.h"

namespace calque::jit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Traces `model` on `inputs` named x0, x1, ….
template <class M>
Module trace_of(const M& model, const std::vector<Tensor>& inputs, const TraceOptions& options = {}) {
  TraceTarget target{model, {}, {}};
  for (size_t i = 0; i < inputs.size(); ++i) target.input_names.push_back("x" + std::to_string(i));
  target.forward = [&model](const std::vector<Tensor>& tensors) { return IValue(model.forward(tensors)); };
  return trace_target(target, inputs, options);
}

const ClassType& class_of(const Module& module) { return *module._ivalue()->type; }

std::vector<std::string> argument_names(const Function& method) {
  std::vector<std::string> names;
  for (const Argument& argument : method.schema.arguments) names.push_back(argument.name);
  return names;
}

/// Calls one layer twice, the second time on its own output.
class Twice final : public nn::Module {
 public:
  Twice() : Module("m.Twice"), layer_(register_module<nn::Linear>("layer", 4, 4)) {}
  Tensor forward(const std::vector<Tensor>& x) const { return nn::call(*layer_, nn::call(*layer_, x[0])); }

 private:
  nn::Linear* layer_;
};

TEST(Trace, SecondCallIsASecondMethod) {
  const Twice model;
  nn::initialize(model, {.std = 1});
  const Module traced = trace_of(model, {ones({2, 4})});
  const auto layer = traced.attr("layer").toObject();
  ASSERT_EQ(layer->type->methods.size(), 2u);
  EXPECT_EQ(layer->type->methods[0]->name, "forward");
  EXPECT_EQ(layer->type->methods[1]->name, "forward1");
  const Tensor x = ones({3, 4});
  EXPECT_TRUE(allclose(traced.forward({x}).toTensor(), model.forward({x})));
}

/// Uses a number and a tensor that two frames above made.
class Inner final : public nn::Module {
 public:
  Inner() : Module("m.Inner") {}
  Tensor forward(const Tensor& x, const nn::Int& rows, const Tensor& bias) const {
    return nn::add(nn::view(x, {rows, -1}), bias);
  }
};

class Middle final : public nn::Module {
 public:
  Middle() : Module("m.Middle"), inner_(register_module<Inner>("inner")) {}
  Tensor forward(const Tensor& x, const nn::Int& rows, const Tensor& bias) const {
    return nn::call(*inner_, x, rows, bias);
  }

 private:
  Inner* inner_;
};

class Outer final : public nn::Module {
 public:
  Outer() : Module("m.Outer"), middle_(register_module<Middle>("middle")) {}
  Tensor forward(const std::vector<Tensor>& x) const {
    const nn::Int rows = nn::named("rows", nn::size(x[0], 0));
    return nn::call(*middle_, nn::relu(x[0]), rows, x[1]);
  }

 private:
  Middle* middle_;
};

TEST(Trace, HandsValuesDownThroughTheFrames) {
  const Outer model;
  const Module traced = trace_of(model, {ones({2, 6}), ones({6})});
  const auto middle = traced.attr("middle").toObject();
  const auto inner = middle->slots[*middle->type->find_attribute("inner")].toObject();
  EXPECT_THAT(argument_names(*middle->type->methods[0]), ElementsAre("self", "argument_1", "rows", "x1"));
  EXPECT_THAT(argument_names(*inner->type->methods[0]), ElementsAre("self", "argument_1", "rows", "x1"));
  EXPECT_EQ(inner->type->methods[0]->schema.arguments[2].type->kind(), TypeKind::Int);
  const Tensor x = ones({5, 6});
  EXPECT_THAT(traced.forward({x, ones({6})}).toTensor().sizes(), ElementsAre(5, 6));
  for (const auto& function : traced._ivalue()->unit->functions()) verify(*function->graph);
}

/// Calls a module and uses a parameter that are elsewhere in the tree.
class Borrower final : public nn::Module {
 public:
  Borrower(const nn::Linear* lent, nn::ParameterPtr weight)
      : Module("m.Borrower"), lent_(lent), weight_(std::move(weight)) {}
  Tensor forward(const Tensor& x) const { return nn::mul(nn::call(*lent_, x), weight_->value); }

 private:
  const nn::Linear* lent_;
  nn::ParameterPtr weight_;
};

class Lender final : public nn::Module {
 public:
  Lender()
      : Module("m.Lender"),
        own_(register_module<nn::Linear>("own", 4, 4)),
        scale_(register_parameter("scale", {4}, {nn::Init::Kind::kOnes})),
        borrower_(register_module<Borrower>("borrower", own_, scale_)) {}
  Tensor forward(const std::vector<Tensor>& x) const { return nn::call(*borrower_, nn::call(*own_, x[0])); }

 private:
  nn::Linear* own_;
  nn::ParameterPtr scale_;
  Borrower* borrower_;
};

TEST(Trace, HandsDownModulesAndParametersThatAreElsewhere) {
  const Lender model;
  nn::initialize(model, {.std = 1});
  const Module traced = trace_of(model, {ones({2, 4})});
  const Function& method = *traced.attr("borrower").toObject()->type->methods[0];
  EXPECT_THAT(argument_names(method), ElementsAre("self", "argument_1", "own", "scale"));
  EXPECT_EQ(method.schema.arguments[2].type->annotation(), "__torch__.torch.nn.modules.linear.Linear");
  const Tensor x = ones({3, 4});
  EXPECT_TRUE(allclose(traced.forward({x}).toTensor(), model.forward({x})));
}

/// A weight under two names.
class Tied final : public nn::Module {
 public:
  Tied()
      : Module("m.Tied"),
        embedding_(register_module<nn::Embedding>("embedding", 7, 3)),
        decoder_(register_module<nn::Linear>("decoder", embedding_->weight(), nullptr)) {}
  Tensor forward(const std::vector<Tensor>& x) const {
    return nn::call(*decoder_, nn::call(*embedding_, x[0]));
  }

 private:
  nn::Embedding* embedding_;
  nn::Linear* decoder_;
};

TEST(Trace, KeepsTiedWeightsTied) {
  const Tied model;
  nn::initialize(model, {.std = 1});
  const Module traced = trace_of(model, {zeros({1, 2}, kLong)});
  const auto state = traced.state_dict();
  ASSERT_EQ(state.size(), 2u);
  EXPECT_EQ(state[1].name, "decoder.weight");
  EXPECT_TRUE(state[0].value.is_same(state[1].value));
  EXPECT_THAT(argument_names(*traced.attr("decoder").toObject()->type->methods[0]),
              ElementsAre("self", "argument_1"));
}

/// Gives back what it got, and two results at once.
class Pass final : public nn::Module {
 public:
  Pass() : Module("m.Pass") {}
  std::pair<Tensor, Tensor> forward(const Tensor& x) const { return {x, nn::relu(x)}; }
};

class PassTwice final : public nn::Module {
 public:
  PassTwice() : Module("m.PassTwice"), pass_(register_module<Pass>("pass")) {}
  Tensor forward(const std::vector<Tensor>& x) const {
    const auto [same, positive] = nn::call(*pass_, x[0]);
    return nn::sub(positive, same);
  }

 private:
  Pass* pass_;
};

TEST(Trace, ReturnsTuplesAndArguments) {
  const PassTwice model;
  const Module traced = trace_of(model, {ones({2, 2})});
  EXPECT_EQ(traced.attr("pass").toObject()->type->methods[0]->schema.returns[0].type->annotation(),
            "Tuple[Tensor, Tensor]");
  const Tensor x = full({{2, 2}}, -3.0, kFloat);
  EXPECT_TRUE(equal(traced.forward({x}).toTensor(), full({{2, 2}}, 3.0, kFloat)));
}

TEST(Trace, ClassesAreNamedAsPyTorchNamesThem) {
  class Three final : public nn::Module {
   public:
    Three() : Module("m.Three") {
      a_ = register_module<nn::Linear>("a", 2, 2);
      b_ = register_module<nn::Linear>("b", 2, 2);
      register_module<nn::ModuleList>("list")->append<nn::Linear>(2, 2);
    }
    Tensor forward(const std::vector<Tensor>& x) const { return nn::call(*b_, nn::call(*a_, x[0])); }
    nn::Linear *a_, *b_;
  };
  const Three model;
  nn::initialize(model, {});
  const Module traced = trace_of(model, {ones({1, 2})});
  EXPECT_EQ(class_of(traced).name, "__torch__.m.Three");
  EXPECT_EQ(traced.attr("a").toObject()->type->name, "__torch__.torch.nn.modules.linear.Linear");
  EXPECT_EQ(traced.attr("b").toObject()->type->name,
            "__torch__.torch.nn.modules.linear.___torch_mangle_0.Linear");
  std::vector<std::string> attributes;
  for (const auto& attribute : class_of(traced).attributes) attributes.push_back(attribute.name);
  EXPECT_THAT(attributes, ElementsAre("training", "_is_full_backward_hook", "a", "b", "list"));
}

/// Decides by a value.
class Decider final : public nn::Module {
 public:
  Decider() : Module("m.Decider") {}
  Tensor forward(const std::vector<Tensor>& x) const {
    const Tensor scaled = nn::mul(x[0], static_cast<double>(nn::size(x[0], 1).to_cpp()));
    return nn::to_bool(nn::select(nn::select(x[0], 0, 0), 0, 0)) ? nn::relu(scaled) : scaled;
  }
};

TEST(Trace, WarnsOfControlFlowThatDependsOnValues) {
  const Decider model;
  std::vector<std::string> warnings;
  TraceOptions options;
  options.check_trace = false;
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  trace_of(model, {ones({2, 3})}, options);
  EXPECT_THAT(warnings,
              ElementsAre(HasSubstr("TracerWarning: Converting a tensor to a Python integer might cause"),
                          HasSubstr("TracerWarning: Converting a tensor to a Python boolean might cause")));
}

TEST(Trace, CheckFindsWhatTheTraceCouldNotFollow) {
  const Decider model;
  try {
    trace_of(model, {ones({2, 4})});
    FAIL() << "the trace has a frozen length";
  } catch (const RuntimeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("Tracing failed sanity checks!"));
    EXPECT_THAT(error.what(), HasSubstr("[2, 2]"));
    EXPECT_THAT(error.what(), HasSubstr("Mismatched elements"));
  }
  TraceOptions fixed;
  fixed.static_shapes = true;
  EXPECT_NO_THROW(trace_of(model, {ones({2, 4})}, fixed));
}

TEST(Trace, CheckInputsAreCompared) {
  const Decider model;
  TraceOptions options;
  options.static_shapes = true;
  options.check_inputs = {{full({{2, 4}}, 0.0, kFloat)}};
  EXPECT_NO_THROW(trace_of(model, {ones({2, 4})}, options));
  Tensor negative_later = zeros({2, 4});
  negative_later.select(0, 1).fill_(-1.0);
  options.check_inputs = {{negative_later}};
  EXPECT_THROW(trace_of(model, {ones({2, 4})}, options), RuntimeError);
}

class AddsConstant final : public nn::Module {
 public:
  AddsConstant() : Module("m.AddsConstant") {}
  Tensor forward(const std::vector<Tensor>& x) const { return nn::add(x[0], full({{1}}, 0.5, kFloat)); }
};

TEST(Trace, TensorsFromNowhereAreConstantsWithAWarning) {
  std::vector<std::string> warnings;
  TraceOptions options;
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const AddsConstant model;
  const Module traced = trace_of(model, {ones({2, 3})}, options);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("are registered as constants in the trace")));
  EXPECT_TRUE(equal(traced.forward({zeros({1, 2})}).toTensor(), full({{1, 2}}, 0.5, kFloat)));
}

TEST(Trace, StaticTraceRefusesOtherShapes) {
  const Twice model;
  nn::initialize(model, {});
  TraceOptions options;
  options.static_shapes = true;
  const Module traced = trace_of(model, {ones({1, 4})}, options);
  EXPECT_NO_THROW(traced.forward({ones({1, 4})}));
  try {
    traced.forward({ones({1, 3})});
    FAIL() << "length 3 on a trace of length 4";
  } catch (const RuntimeError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("The expanded size of the tensor (3) must match the existing size (4) at "
                          "non-singleton dimension 2"));
  }
  EXPECT_THROW(traced.forward({ones({2, 4})}), RuntimeError);
}

TEST(Trace, SameTensorGivenTwiceIsTwoInputs) {
  class Sum final : public nn::Module {
   public:
    Sum() : Module("m.Sum") {}
    Tensor forward(const std::vector<Tensor>& x) const { return nn::sub(x[0], x[1]); }
  };
  const Sum model;
  const Tensor x = ones({2, 2});
  const Module traced = trace_of(model, {x, x});
  EXPECT_TRUE(equal(traced.forward({x, zeros({2, 2})}).toTensor(), x));
}

TEST(Trace, RefusesNoInputs) {
  const Twice model;
  EXPECT_THROW(trace_of(model, {}), ValueError);
  EXPECT_THROW(trace_of(model, {Tensor()}), ValueError);
}

}  // namespace
}  // namespace calque::jit
