// Reader of the post-processors of tokenizer.json.
#pragma once

#include "formats/json.h"
#include "tokenizers/template_processor.h"

namespace calque {

/// `{"type": "TemplateProcessing", "single": [...], "pair": [...], "special_tokens": {...}}`.
TemplateProcessor parse_template_processing(const JsonRef& json);

/// `{"type": "BertProcessing", "sep": ["[SEP]", 102], "cls": ["[CLS]", 101]}`.
TemplateProcessor parse_bert_processing(const JsonRef& json);

/// `[CLS] A [SEP]`, and `[CLS] A [SEP] B [SEP]` with type 1 from B on.
TemplateProcessor bert_template(const TemplateToken& cls, const TemplateToken& sep);

}  // namespace calque
