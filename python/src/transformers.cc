#include "transformers.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "calque/transformers.h"
#include "errors.h"
#include "gil.h"
#include "ivalue.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace calque::python {
namespace {

using transformers::BertConfig;
using transformers::FromPretrainedOptions;
using transformers::LoadingInfo;
using transformers::PreTrainedModel;

/// The classes of the public header differ by name only; this one takes the name at run time.
class NamedModel : public PreTrainedModel {
 public:
  static PreTrainedModel from_config(const BertConfig& config, const std::string& class_name, uint64_t seed) {
    return build(config, class_name, seed);
  }
};

PreTrainedModel from_pretrained(const std::string& directory, const std::string& architecture, bool plain,
                                FromPretrainedOptions options, nb::handle on_warning) {
  std::vector<std::string> warnings;
  options.architecture = architecture;
  options.on_warning = [&warnings](const std::string& text) { warnings.push_back(text); };
  std::optional<PreTrainedModel> model;
  {
    const WithoutGil released;
    model = plain ? transformers::AutoModel::from_pretrained(directory, options)
                  : PreTrainedModel::from_pretrained(directory, options);
  }
  if (!on_warning.is_none()) {
    for (const std::string& text : warnings) on_warning(readable(text));
  }
  return *model;
}

/// None means "not given", as in Transformers.
Tensor input(nb::handle object) {
  if (object.is_none()) return {};
  return nb::isinstance<Tensor>(object) ? nb::cast<Tensor>(object) : tensor_from_array(object);
}

nb::object call(const PreTrainedModel& self, const nb::args& args, const nb::kwargs& kwargs) {
  std::vector<Tensor> inputs;
  transformers::NamedTensors named;
  for (const nb::handle value : args) inputs.push_back(input(value));
  for (auto [name, value] : kwargs) named.emplace_back(nb::cast<std::string>(name), input(value));
  IValue output;
  {
    const WithoutGil released;
    output = self(inputs, named);
  }
  return from_ivalue(output);
}

nb::dict state_dict(const PreTrainedModel& self) {
  nb::dict result;
  for (const auto& [name, value] : self.state_dict()) result[readable(name)] = value;
  return result;
}

nb::dict loading_info(const PreTrainedModel& self) {
  const LoadingInfo& info = self.loading_info();
  nb::list mismatched;
  for (const auto& [name, checkpoint_shape, model_shape] : info.mismatched_keys) {
    mismatched.append(nb::make_tuple(name, checkpoint_shape, model_shape));
  }
  nb::dict result;
  result["missing_keys"] = info.missing_keys;
  result["unexpected_keys"] = info.unexpected_keys;
  result["mismatched_keys"] = mismatched;
  return result;
}

void bind_config(nb::module_& module) {
  nb::class_<BertConfig>(module, "BertConfig", nb::dynamic_attr())
      .def(nb::init<>())
      .def_rw("vocab_size_or_config_json_file", &BertConfig::vocab_size_or_config_json_file)
      .def_rw("vocab_size", &BertConfig::vocab_size)
      .def_rw("hidden_size", &BertConfig::hidden_size)
      .def_rw("num_hidden_layers", &BertConfig::num_hidden_layers)
      .def_rw("num_attention_heads", &BertConfig::num_attention_heads)
      .def_rw("intermediate_size", &BertConfig::intermediate_size)
      .def_rw("hidden_act", &BertConfig::hidden_act)
      .def_rw("hidden_dropout_prob", &BertConfig::hidden_dropout_prob)
      .def_rw("attention_probs_dropout_prob", &BertConfig::attention_probs_dropout_prob)
      .def_rw("max_position_embeddings", &BertConfig::max_position_embeddings)
      .def_rw("type_vocab_size", &BertConfig::type_vocab_size)
      .def_rw("initializer_range", &BertConfig::initializer_range)
      .def_rw("layer_norm_eps", &BertConfig::layer_norm_eps)
      .def_rw("pad_token_id", &BertConfig::pad_token_id)
      .def_rw("position_embedding_type", &BertConfig::position_embedding_type)
      .def_rw("classifier_dropout", &BertConfig::classifier_dropout)
      .def_rw("num_labels", &BertConfig::num_labels)
      .def_rw("torchscript", &BertConfig::torchscript)
      .def_rw("output_hidden_states", &BertConfig::output_hidden_states)
      .def_rw("output_attentions", &BertConfig::output_attentions)
      .def_rw("tie_word_embeddings", &BertConfig::tie_word_embeddings)
      .def_rw("attn_implementation", &BertConfig::attn_implementation)
      .def_rw("architectures", &BertConfig::architectures)
      .def(
          "read",
          [](BertConfig& self, const std::string& directory) {
            self = BertConfig::from_pretrained(directory);
          },
          "directory"_a, "Takes the values of a directory's config.json.")
      .def("validate", &BertConfig::validate, "Raises ValueError on values that contradict each other.");
}

void bind_model(nb::module_& module) {
  const FromPretrainedOptions defaults;
  nb::class_<PreTrainedModel>(module, "Model",
                              "A model of Transformers; calque.transformers has the named classes.")
      .def_static("from_config", &NamedModel::from_config, "config"_a, "class_name"_a, "seed"_a = 0,
                  nb::call_guard<WithoutGil>())
      .def_static(
          "from_json",
          [](const std::string& config_json, const std::string& architecture, uint64_t seed) {
            return PreTrainedModel::from_config(config_json, {.architecture = architecture, .seed = seed});
          },
          "config_json"_a, "architecture"_a, "seed"_a = 0, nb::call_guard<WithoutGil>())
      .def_static(
          "from_pretrained",
          [](const std::string& directory, const std::string& architecture, bool plain, nb::handle on_warning,
             std::optional<bool> torchscript, std::optional<bool> output_hidden_states,
             std::optional<bool> output_attentions, std::optional<int64_t> num_labels,
             std::optional<std::string> attn_implementation, std::optional<ScalarType> dtype,
             bool ignore_mismatched_sizes, bool use_mmap, uint64_t seed) {
            return from_pretrained(directory, architecture, plain,
                                   {.torchscript = torchscript,
                                    .output_hidden_states = output_hidden_states,
                                    .output_attentions = output_attentions,
                                    .num_labels = num_labels,
                                    .attn_implementation = attn_implementation,
                                    .dtype = dtype,
                                    .ignore_mismatched_sizes = ignore_mismatched_sizes,
                                    .use_mmap = use_mmap,
                                    .seed = seed},
                                   on_warning);
          },
          "directory"_a, "architecture"_a = "", "plain"_a = false, "on_warning"_a = nb::none(), nb::kw_only(),
          "torchscript"_a = nb::none(), "output_hidden_states"_a = nb::none(),
          "output_attentions"_a = nb::none(), "num_labels"_a = nb::none(),
          "attn_implementation"_a = nb::none(), "dtype"_a = nb::none(),
          "ignore_mismatched_sizes"_a = defaults.ignore_mismatched_sizes, "use_mmap"_a = defaults.use_mmap,
          "seed"_a = defaults.seed)
      .def("__call__", call, nb::sig("def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]"))
      .def("train", &PreTrainedModel::train, "mode"_a = true)
      .def_prop_ro("training", &PreTrainedModel::is_training)
      .def_prop_ro("class_name", &PreTrainedModel::class_name)
      .def_prop_ro("model_type", &PreTrainedModel::model_type)
      .def_prop_ro("input_names", [](const PreTrainedModel& self) { return self.input_names(); })
      .def_prop_ro("main_input_names", &PreTrainedModel::main_input_names)
      .def_prop_ro("output_names", &PreTrainedModel::output_names)
      .def_prop_ro("loading_info", loading_info, nb::sig("def loading_info(self) -> dict[str, Any]"))
      .def("state_dict", state_dict, nb::sig("def state_dict(self) -> dict[str, Tensor]"));
}

}  // namespace

void bind_transformers(nb::module_& module) {
  bind_config(module);
  bind_model(module);
  module.def(
      "architectures",
      [] {
        std::vector<std::pair<std::string, std::string>> rows;
        for (const transformers::Architecture& row : transformers::architectures())
          rows.emplace_back(row.class_name, row.model_type);
        return rows;
      },
      "Class and model_type of every model; the first of each model_type is its plain model.");
}

}  // namespace calque::python
