#include "tokenizers/sequence_plan.h"

#include <utility>

#include "base/text.h"
#include "calque/error.h"

namespace calque {

namespace {

// Collects plans that extend others by a piece, up to a limit.
class PlanList {
 public:
  void add(const SequencePlan& plan, const PlannedPiece& piece) {
    plans_.push_back(plan);
    plans_.back().pieces.push_back(piece);
    tokens_ += plans_.back().length() + plans_.back().pieces.size();
    if (tokens_ > kMaxTokens) {
      throw LimitError(
          cat("The overflowing parts hold more than ", kMaxTokens,
              " tokens together. Use a larger max_length, a smaller stride, or one text at a time."));
    }
  }

  std::vector<SequencePlan> take() { return std::move(plans_); }

 private:
  static constexpr size_t kMaxTokens = size_t{1} << 26;

  std::vector<SequencePlan> plans_;
  size_t tokens_ = 0;
};

// The plans, extended by a text in each of its parts.
std::vector<SequencePlan> with_text(const TemplatePiece& piece, const std::vector<TokenRange>& parts,
                                    const std::vector<SequencePlan>& plans) {
  const bool is_second = piece.kind == TemplatePiece::Kind::kSecondText;
  const auto part = [&](size_t i) {
    // Parts that were cut off keep the type of their text, whatever the template says.
    return PlannedPiece{nullptr, is_second, parts[i], i == 0 ? piece.type_id : (is_second ? 1U : 0U)};
  };
  PlanList out;
  out.add(plans[0], part(0));
  for (size_t k = 1; k < plans.size(); ++k) {
    for (size_t i = 0; i < parts.size(); ++i) out.add(plans[k], part(i));
  }
  for (size_t i = 1; i < parts.size(); ++i) out.add(plans[0], part(i));
  return out.take();
}

}  // namespace

size_t SequencePlan::length() const {
  size_t total = 0;
  for (const PlannedPiece& piece : pieces) {
    total += piece.special != nullptr ? piece.special->tokens.size() : piece.range.end - piece.range.begin;
  }
  return total;
}

std::vector<SequencePlan> plan_sequences(const std::vector<TemplatePiece>& pieces,
                                         const TruncatedTexts& texts, bool add_special_tokens) {
  std::vector<SequencePlan> plans(1);
  for (const TemplatePiece& piece : pieces) {
    if (piece.kind != TemplatePiece::Kind::kSpecialTokens) {
      const bool is_second = piece.kind == TemplatePiece::Kind::kSecondText;
      plans = with_text(piece, is_second ? texts.second : texts.first, plans);
    } else if (add_special_tokens) {
      for (SequencePlan& plan : plans) plan.pieces.push_back({&piece, false, {}, piece.type_id});
    }
  }
  return plans;
}

}  // namespace calque
