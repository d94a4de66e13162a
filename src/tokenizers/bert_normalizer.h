// The normalizer of BERT.
#pragma once

#include <optional>

#include "tokenizers/normalizer.h"

namespace calque {

struct BertNormalizerOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  std::optional<bool> strip_accents = std::nullopt;
  bool lowercase = true;
};

/// `BertNormalizer` of `tokenizers`: drops control characters and turns white space into spaces, puts spaces
/// around Chinese characters, strips accents (canonical decomposition without non-spacing marks), makes lower
/// case.
class BertNormalizer : public Normalizer {
 public:
  explicit BertNormalizer(const BertNormalizerOptions& options);
  void normalize(NormalizedText& text) const override;

 private:
  // Normalizes in place up to the first byte that needs more than a table; returns its index.
  size_t normalize_ascii(std::string& text) const;

  BertNormalizerOptions options_;
  bool strip_accents_;
};

}  // namespace calque
