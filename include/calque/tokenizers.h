// Text to token ids and back, with the names, defaults and results of Hugging Face Transformers' fast
// tokenizers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calque/error.h"

namespace calque {

/// Which sequences of a batch are filled up with the padding token.
enum class PaddingStrategy {
  kDoNotPad,
  kLongest,    ///< To the longest of the batch.
  kMaxLength,  ///< To EncodeOptions::max_length (the model's maximum when that is not set).
};

/// How a text that is longer than EncodeOptions::max_length is cut.
enum class TruncationStrategy {
  kDoNotTruncate,
  kLongestFirst,  ///< Of a pair, the longer text first.
  kOnlyFirst,     ///< Only the first text of a pair.
  kOnlySecond,    ///< Only the second text of a pair.
};

enum class Side { kRight, kLeft };

/// Unit of Encoding::offset_mapping.
enum class OffsetUnit {
  kCharacter,  ///< Unicode code points, as in a Python string.
  kByte,       ///< Bytes of the UTF-8 text that was passed in.
};

/// One sequence of token ids, with one entry per token in every vector that was asked for.
struct Encoding {
  std::vector<int64_t> input_ids;
  /// 0 for the first text, 1 for the second.
  std::vector<int64_t> token_type_ids;
  /// 1 for tokens, 0 for padding.
  std::vector<int64_t> attention_mask;
  /// 1 for tokens that are not of the text: special tokens added around it, and padding.
  std::vector<int64_t> special_tokens_mask;
  std::vector<std::string> tokens;
  /// [start, end) in the text (in its word, for pre-split words) that the token came from; (0, 0) for added
  /// tokens.
  std::vector<std::pair<int64_t, int64_t>> offset_mapping;
  /// Index of the word in its text; none for added special tokens and padding.
  std::vector<std::optional<int64_t>> word_ids;
  /// 0 or 1: the text that the token came from; none for added special tokens and padding.
  std::vector<std::optional<int64_t>> sequence_ids;
  /// With EncodeOptions::return_overflowing_tokens: the parts that truncation cut off, as further sequences.
  std::vector<Encoding> overflowing;

  /// Number of tokens.
  size_t size() const { return input_ids.size(); }
};

/// Arguments of Transformers' `tokenizer(...)`, same names and defaults.
struct EncodeOptions {
  bool add_special_tokens = true;
  PaddingStrategy padding = PaddingStrategy::kDoNotPad;
  TruncationStrategy truncation = TruncationStrategy::kDoNotTruncate;
  /// Tokens, special ones included. Not set: Tokenizer::model_max_length().
  std::optional<int64_t> max_length = std::nullopt;
  /// Tokens that each overflowing part repeats of the part before.
  int64_t stride = 0;
  std::optional<int64_t> pad_to_multiple_of = std::nullopt;
  /// Not set: the tokenizer's own side.
  std::optional<Side> padding_side = std::nullopt;
  /// Not set: the tokenizer's own side.
  std::optional<Side> truncation_side = std::nullopt;
  /// Treat special tokens that occur in the text as plain text. Not set: the tokenizer's own setting.
  std::optional<bool> split_special_tokens = std::nullopt;
  bool return_overflowing_tokens = false;
  OffsetUnit offset_unit = OffsetUnit::kCharacter;

  /// What to fill in besides input_ids; what is switched off costs nothing.
  bool return_token_type_ids = true;
  bool return_attention_mask = true;
  bool return_special_tokens_mask = true;
  bool return_tokens = true;
  bool return_offsets_mapping = true;
  bool return_word_ids = true;
  bool return_sequence_ids = true;
};

/// Arguments of Transformers' `tokenizer.decode(...)`.
struct DecodeOptions {
  bool skip_special_tokens = false;
  /// Remove the spaces before punctuation and English contractions. Not set: the tokenizer's own setting.
  std::optional<bool> clean_up_tokenization_spaces = std::nullopt;
};

class TokenizerImpl;

/// A tokenizer read from files. Immutable and cheap to copy; any number of threads may use one at once.
///
/// Text is UTF-8. Invalid bytes are read as Python's `errors="replace"` does: each maximal ill-formed part
/// counts as one character U+FFFD.
class Tokenizer {
 public:
  /// Reads a directory that holds `tokenizer.json` or `vocab.txt`, with `tokenizer_config.json`,
  /// `special_tokens_map.json` and `added_tokens.json` where present, as AutoTokenizer does.
  /// Throws LoadError on missing or malformed files, NotImplementedError naming the component that is not
  /// supported.
  static Tokenizer from_pretrained(const std::string& directory);

  /// The same from the content of the files, by file name.
  static Tokenizer from_files(const std::map<std::string, std::string, std::less<>>& files);

  /// The content of one `tokenizer.json`, as `tokenizers.Tokenizer.from_str` reads it: the named special
  /// tokens (cls_token() and so on) are not known, but for the padding token where the file has one.
  static Tokenizer from_json(std::string_view tokenizer_json);

  /// The tokens of `text`, without added special tokens.
  std::vector<std::string> tokenize(std::string_view text) const;

  /// Throws ValueError on options that contradict each other, as Transformers does.
  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const;
  /// An empty `text_pair` is a second text, too.
  Encoding encode(std::string_view text, std::string_view text_pair, const EncodeOptions& options = {}) const;

  /// As encode(), on text already split into words (Transformers' `is_split_into_words=True`): word_ids are
  /// indices into `words`, offsets are relative to the word.
  Encoding encode_words(const std::vector<std::string>& words, const EncodeOptions& options = {}) const;
  Encoding encode_words(const std::vector<std::string>& words, const std::vector<std::string>& words_pair,
                        const EncodeOptions& options = {}) const;

  /// One encoding per text; `texts` and `text_pairs` have the same length.
  std::vector<Encoding> encode_batch(const std::vector<std::string>& texts,
                                     const EncodeOptions& options = {}) const;
  std::vector<Encoding> encode_batch(const std::vector<std::string>& texts,
                                     const std::vector<std::string>& text_pairs,
                                     const EncodeOptions& options = {}) const;
  std::vector<Encoding> encode_words_batch(const std::vector<std::vector<std::string>>& words,
                                           const EncodeOptions& options = {}) const;
  std::vector<Encoding> encode_words_batch(const std::vector<std::vector<std::string>>& words,
                                           const std::vector<std::vector<std::string>>& words_pairs,
                                           const EncodeOptions& options = {}) const;

  /// Text of `ids`; ids outside the vocabulary are left out.
  std::string decode(std::span<const int64_t> ids, const DecodeOptions& options = {}) const;

  /// Id of each token; of the unknown token for a token that is not in the vocabulary. Throws ValueError when
  /// such a token occurs and the tokenizer has no unknown token.
  std::vector<int64_t> convert_tokens_to_ids(const std::vector<std::string>& tokens) const;
  int64_t convert_tokens_to_ids(std::string_view token) const;
  /// Token of each id. Throws IndexError on an id outside the vocabulary.
  std::vector<std::string> convert_ids_to_tokens(std::span<const int64_t> ids,
                                                 bool skip_special_tokens = false) const;

  /// None when `token` is not in the vocabulary.
  std::optional<int64_t> token_to_id(std::string_view token) const;
  /// None when no token has this id.
  std::optional<std::string> id_to_token(int64_t id) const;

  /// Number of tokens of the model's vocabulary, without added tokens.
  int64_t vocab_size() const;
  /// Number of tokens, added tokens included (Python's `len(tokenizer)`).
  int64_t size() const;
  /// Special tokens that encode() puts around one text, or around a pair.
  int64_t num_special_tokens_to_add(bool pair = false) const;

  /// Longest sequence that the model takes, special tokens included; INT64_MAX when the files do not say.
  int64_t model_max_length() const;
  Side padding_side() const;
  Side truncation_side() const;

  std::optional<std::string> bos_token() const;
  std::optional<std::string> eos_token() const;
  std::optional<std::string> unk_token() const;
  std::optional<std::string> sep_token() const;
  std::optional<std::string> pad_token() const;
  std::optional<std::string> cls_token() const;
  std::optional<std::string> mask_token() const;
  std::vector<std::string> additional_special_tokens() const;
  std::vector<std::string> all_special_tokens() const;

  std::optional<int64_t> bos_token_id() const;
  std::optional<int64_t> eos_token_id() const;
  std::optional<int64_t> unk_token_id() const;
  std::optional<int64_t> sep_token_id() const;
  std::optional<int64_t> pad_token_id() const;
  std::optional<int64_t> cls_token_id() const;
  std::optional<int64_t> mask_token_id() const;
  std::vector<int64_t> all_special_ids() const;

 protected:
  explicit Tokenizer(std::shared_ptr<const TokenizerImpl> impl);

 private:
  std::shared_ptr<const TokenizerImpl> impl_;
};

/// Arguments of Transformers' `BertTokenizerFast(vocab_file, ...)`.
struct BertTokenizerOptions {
  bool do_lower_case = true;
  bool tokenize_chinese_chars = true;
  /// Not set: as do_lower_case.
  std::optional<bool> strip_accents = std::nullopt;
  std::string unk_token = "[UNK]";
  std::string sep_token = "[SEP]";
  std::string pad_token = "[PAD]";
  std::string cls_token = "[CLS]";
  std::string mask_token = "[MASK]";
};

/// The tokenizer of BERT and its kin: clean-up, optional lower case, WordPiece, `[CLS] A [SEP] B [SEP]`.
class BertTokenizer : public Tokenizer {
 public:
  /// Reads the same files as Tokenizer::from_pretrained, and reads them as BertTokenizerFast does: settings
  /// of `tokenizer_config.json` (`do_lower_case`, `strip_accents`, `tokenize_chinese_chars`) and their
  /// defaults override the normalizer of `tokenizer.json`.
  static BertTokenizer from_pretrained(const std::string& directory);

  /// From one `vocab.txt`: one token a line, the line number is the id.
  explicit BertTokenizer(const std::string& vocab_file, const BertTokenizerOptions& options = {});

 private:
  explicit BertTokenizer(std::shared_ptr<const TokenizerImpl> impl);
};

}  // namespace calque
