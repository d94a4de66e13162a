// BertConfig from config.json.
#pragma once

#include "calque/transformers.h"
#include "formats/json.h"

namespace calque::models {

transformers::BertConfig bert_config(const JsonRef& json);

}  // namespace calque::models
