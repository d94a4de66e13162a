// Which tokens an encoding is made of, before it is made.
#pragma once

#include <vector>

#include "tokenizers/template_processor.h"
#include "tokenizers/truncation.h"

namespace calque {

struct PlannedPiece {
  /// Special tokens; null for a part of a text.
  const TemplatePiece* special = nullptr;
  bool is_second = false;
  TokenRange range;
  uint32_t type_id = 0;
};

struct SequencePlan {
  std::vector<PlannedPiece> pieces;

  size_t length() const;
};

/// The plan of the encoding, then one for each way to combine the parts that were cut off, in the order of
/// `tokenizers`. Throws LimitError when these hold too many tokens together. The plans point into `pieces`.
std::vector<SequencePlan> plan_sequences(const std::vector<TemplatePiece>& pieces,
                                         const TruncatedTexts& texts, bool add_special_tokens);

}  // namespace calque
