// The public classes of calque/transformers.h.
#include <utility>

#include "base/text.h"
#include "calque/transformers.h"
#include "models/checkpoint.h"
#include "models/model.h"
#include "models/registry.h"
#include "nn/init.h"

namespace calque::transformers {
namespace {

std::string model_type_of(const JsonRef& config) {
  if (!config.has("model_type")) {
    throw LoadError(cat(config.label(), ": \"model_type\" is missing; it says which architecture this is"));
  }
  return config.get_string("model_type");
}

bool names_architecture(const JsonRef& config, std::string_view class_name) {
  const auto list = config.find("architectures");
  if (!list.has_value()) return false;
  for (size_t i = 0; i < list->size(); ++i) {
    if (list->at(i).as_string() == class_name) return true;
  }
  return false;
}

/// The first entry of `architectures`; the plain model when there is none.
const models::ModelRow& configured_row(const JsonRef& config) {
  const auto list = config.find("architectures");
  if (!list.has_value() || list->size() == 0) return models::plain_model(model_type_of(config));
  return models::find_model(list->at(0).as_string());
}

void require_model_type(const JsonRef& config, const models::ModelRow& row) {
  if (!config.has("model_type")) return;
  const std::string found = config.get_string("model_type");
  if (found == row.model_type) return;
  throw ValueError(cat(config.label(), ": this is a model of type ", calque::quoted(found), "; ",
                       row.class_name, " needs one of type ", row.model_type));
}

}  // namespace

PreTrainedModel::PreTrainedModel(std::shared_ptr<models::Model> impl, LoadingInfo info)
    : impl_(std::move(impl)), loading_info_(std::make_shared<const LoadingInfo>(std::move(info))) {}

PreTrainedModel PreTrainedModel::load(const std::string& directory, const FromPretrainedOptions& options,
                                      std::string_view fallback) {
  const JsonRef config = read_json(directory + "/config.json");
  const models::ModelRow& row = !options.architecture.empty() ? models::find_model(options.architecture)
                                : !fallback.empty()           ? models::find_model(fallback)
                                                              : configured_row(config);
  require_model_type(config, row);
  std::shared_ptr<models::Model> model = row.build(config, options);
  const models::Checkpoint checkpoint = models::open_checkpoint(directory, options.use_mmap);
  LoadingInfo info =
      models::load_weights(*model, checkpoint,
                           {.source = directory,
                            .dtype = options.dtype,
                            .ignore_mismatched_sizes = options.ignore_mismatched_sizes,
                            .class_is_architecture = names_architecture(config, row.class_name),
                            .seed = options.seed,
                            .on_warning = options.on_warning});
  model->train(false);
  return {std::move(model), std::move(info)};
}

PreTrainedModel PreTrainedModel::build(const BertConfig& config, std::string_view architecture,
                                       uint64_t seed) {
  std::shared_ptr<models::Model> model = models::make_bert(architecture, config);
  nn::initialize(*model, {.std = model->initializer_range(), .seed = seed});
  return {std::move(model), {}};
}

PreTrainedModel PreTrainedModel::from_pretrained(const std::string& directory,
                                                 const FromPretrainedOptions& options) {
  return load(directory, options, "");
}

PreTrainedModel PreTrainedModel::from_config(std::string_view config_json,
                                             const FromPretrainedOptions& options) {
  const JsonRef config = parse_json(config_json, "config.json");
  const models::ModelRow& row =
      options.architecture.empty() ? configured_row(config) : models::find_model(options.architecture);
  require_model_type(config, row);
  std::shared_ptr<models::Model> model = row.build(config, options);
  nn::initialize(
      *model,
      {.std = model->initializer_range(), .dtype = options.dtype.value_or(kFloat), .seed = options.seed});
  return {std::move(model), {}};
}

std::vector<Architecture> architectures() {
  std::vector<Architecture> all;
  for (const models::ModelRow& row : models::all_models()) {
    all.push_back({std::string(row.class_name), std::string(row.model_type)});
  }
  return all;
}

IValue PreTrainedModel::operator()(const std::vector<Tensor>& inputs,
                                   const NamedTensors& named_inputs) const {
  return models::to_tuple(impl_->forward(models::bind_inputs(*impl_, inputs, named_inputs)));
}

void PreTrainedModel::train(bool on) { impl_->train(on); }

bool PreTrainedModel::is_training() const { return impl_->training(); }

std::string PreTrainedModel::class_name() const { return std::string(impl_->class_name()); }

std::string PreTrainedModel::model_type() const { return std::string(impl_->model_type()); }

const std::vector<std::string>& PreTrainedModel::input_names() const { return impl_->input_names(); }

std::vector<std::string> PreTrainedModel::main_input_names() const {
  const std::vector<std::string>& names = impl_->input_names();
  return {names.begin(), names.begin() + static_cast<std::ptrdiff_t>(impl_->main_input_count())};
}

std::vector<std::string> PreTrainedModel::output_names() const { return impl_->output_names(); }

NamedTensors PreTrainedModel::state_dict() const {
  NamedTensors state;
  for (const auto& [name, parameter] : impl_->named_parameters()) state.emplace_back(name, parameter->value);
  return state;
}

PreTrainedModel AutoModel::from_pretrained(const std::string& directory,
                                           const FromPretrainedOptions& options) {
  FromPretrainedOptions plain = options;
  if (plain.architecture.empty()) {
    const JsonRef config = read_json(directory + "/config.json");
    plain.architecture = models::plain_model(model_type_of(config)).class_name;
  }
  return PreTrainedModel::from_pretrained(directory, plain);
}

BertModel::BertModel(const BertConfig& config, uint64_t seed)
    : PreTrainedModel(build(config, "BertModel", seed)) {}

BertModel BertModel::from_pretrained(const std::string& directory, const FromPretrainedOptions& options) {
  return BertModel(load(directory, options, "BertModel"));
}

BertForSequenceClassification::BertForSequenceClassification(const BertConfig& config, uint64_t seed)
    : PreTrainedModel(build(config, "BertForSequenceClassification", seed)) {}

BertForSequenceClassification BertForSequenceClassification::from_pretrained(
    const std::string& directory, const FromPretrainedOptions& options) {
  return BertForSequenceClassification(load(directory, options, "BertForSequenceClassification"));
}

BertForTokenClassification::BertForTokenClassification(const BertConfig& config, uint64_t seed)
    : PreTrainedModel(build(config, "BertForTokenClassification", seed)) {}

BertForTokenClassification BertForTokenClassification::from_pretrained(const std::string& directory,
                                                                       const FromPretrainedOptions& options) {
  return BertForTokenClassification(load(directory, options, "BertForTokenClassification"));
}

BertForQuestionAnswering::BertForQuestionAnswering(const BertConfig& config, uint64_t seed)
    : PreTrainedModel(build(config, "BertForQuestionAnswering", seed)) {}

BertForQuestionAnswering BertForQuestionAnswering::from_pretrained(const std::string& directory,
                                                                   const FromPretrainedOptions& options) {
  return BertForQuestionAnswering(load(directory, options, "BertForQuestionAnswering"));
}

BertForMaskedLM::BertForMaskedLM(const BertConfig& config, uint64_t seed)
    : PreTrainedModel(build(config, "BertForMaskedLM", seed)) {}

BertForMaskedLM BertForMaskedLM::from_pretrained(const std::string& directory,
                                                 const FromPretrainedOptions& options) {
  return BertForMaskedLM(load(directory, options, "BertForMaskedLM"));
}

BertForNextSentencePrediction::BertForNextSentencePrediction(const BertConfig& config, uint64_t seed)
    : PreTrainedModel(build(config, "BertForNextSentencePrediction", seed)) {}

BertForNextSentencePrediction BertForNextSentencePrediction::from_pretrained(
    const std::string& directory, const FromPretrainedOptions& options) {
  return BertForNextSentencePrediction(load(directory, options, "BertForNextSentencePrediction"));
}

BertForPreTraining::BertForPreTraining(const BertConfig& config, uint64_t seed)
    : PreTrainedModel(build(config, "BertForPreTraining", seed)) {}

BertForPreTraining BertForPreTraining::from_pretrained(const std::string& directory,
                                                       const FromPretrainedOptions& options) {
  return BertForPreTraining(load(directory, options, "BertForPreTraining"));
}

}  // namespace calque::transformers
