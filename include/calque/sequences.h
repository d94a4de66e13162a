// Sequences of different lengths through a module that takes padded batches.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "calque/ivalue.h"
#include "calque/jit.h"

namespace calque::jit {

/// Tokens of one text, without padding: for example input_ids and token_type_ids of an Encoding.
struct TokenSequence {
  std::vector<int64_t> input_ids;
  std::vector<int64_t> token_type_ids;  ///< empty: all 0
};

struct SequenceOptions {
  std::string method = "forward";
  /// Names of the method's arguments. Without one for the mask, only sequences of equal length share a call;
  /// the one for types may be absent, too.
  std::string ids_argument = "input_ids";
  std::string mask_argument = "attention_mask";
  std::string types_argument = "token_type_ids";
  int64_t pad_id = 0;
  /// Most positions of one call, padding included; a longer sequence has a call of its own.
  int64_t max_tokens = 16384;
  RunOptions run{.skip_padding = true};
};

/// Calls the method on all sequences, several at a time, sorted by length and padded; the attention mask says
/// what is padding, which is left out where the program allows it (RunOptions::skip_padding). Gives for each
/// sequence, in their order, what the method returns, with tensors cut to that sequence: the batch's
/// dimension is gone, and dimensions that were as long as the padded sequences are as long as the sequence;
/// lengths that a program makes otherwise, such as one less, stay those of the padded call. Tensors without
/// the batch's dimension are the same for all of a call. Which dimensions are which is seen on one call with
/// the shortest sequence alone, made when sequences share a call.
///
/// ValueError for an empty sequence, for as many types as there are no tokens, and for arguments that the
/// method does not have; what the method throws passes through.
std::vector<IValue> run_sequences(const Module& module, std::span<const TokenSequence> sequences,
                                  const SequenceOptions& options = {});

}  // namespace calque::jit
