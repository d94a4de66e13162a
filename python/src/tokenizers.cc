#include "tokenizers.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <utility>
#include <vector>

#include "calque/error.h"
#include "calque/tensor.h"
#include "calque/tokenizers.h"
#include "gil.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace calque::python {
namespace {

using Texts = std::vector<std::string>;
using Words = std::vector<Texts>;
using Encodings = std::vector<Encoding>;
using Ids = std::vector<int64_t>;

std::vector<int64_t> Encoding::* field(const std::string& name) {
  if (name == "input_ids") return &Encoding::input_ids;
  if (name == "token_type_ids") return &Encoding::token_type_ids;
  if (name == "attention_mask") return &Encoding::attention_mask;
  if (name == "special_tokens_mask") return &Encoding::special_tokens_mask;
  throw ValueError("an encoding has no numbers called '" + name + "'");
}

/// (texts, tokens) int64.
Tensor stacked(const std::vector<const Encoding*>& encodings, const std::string& name) {
  const auto member = field(name);
  const size_t length = encodings.empty() ? 0 : (encodings.front()->*member).size();
  Tensor tensor = empty({static_cast<int64_t>(encodings.size()), static_cast<int64_t>(length)}, kLong);
  int64_t* out = tensor.data_ptr<int64_t>();
  for (const Encoding* const encoding : encodings) {
    const std::vector<int64_t>& numbers = encoding->*member;
    if (numbers.size() != length) {
      throw ValueError(
          "Unable to create tensor, you should probably activate truncation and/or padding with "
          "'padding=True' "
          "'truncation=True' to have batched tensors with the same length.");
    }
    out = std::copy(numbers.begin(), numbers.end(), out);
  }
  return tensor;
}

void bind_encoding(nb::module_& module) {
  nb::class_<Encoding>(module, "Encoding", "One sequence of token ids.")
      .def_ro("ids", &Encoding::input_ids)
      .def_ro("input_ids", &Encoding::input_ids)
      .def_ro("token_type_ids", &Encoding::token_type_ids)
      .def_ro("attention_mask", &Encoding::attention_mask)
      .def_ro("special_tokens_mask", &Encoding::special_tokens_mask)
      .def_ro("tokens", &Encoding::tokens)
      .def_ro("offset_mapping", &Encoding::offset_mapping)
      .def_ro("word_ids", &Encoding::word_ids)
      .def_ro("sequence_ids", &Encoding::sequence_ids)
      .def_ro("overflowing", &Encoding::overflowing)
      .def("__len__", &Encoding::size);
  module.def(
      "stack_encodings",
      [](const nb::list& encodings, const std::string& name) {
        std::vector<const Encoding*> items;
        for (const nb::handle item : encodings) items.push_back(nb::inst_ptr<Encoding>(item));
        return stacked(items, name);
      },
      "encodings"_a, "name"_a,
      nb::sig("def stack_encodings(encodings: list[Encoding], name: str) -> Tensor"));
}

void bind_options(nb::module_& module) {
  nb::enum_<PaddingStrategy>(module, "PaddingStrategy")
      .value("DO_NOT_PAD", PaddingStrategy::kDoNotPad)
      .value("LONGEST", PaddingStrategy::kLongest)
      .value("MAX_LENGTH", PaddingStrategy::kMaxLength);
  nb::enum_<TruncationStrategy>(module, "TruncationStrategy")
      .value("DO_NOT_TRUNCATE", TruncationStrategy::kDoNotTruncate)
      .value("LONGEST_FIRST", TruncationStrategy::kLongestFirst)
      .value("ONLY_FIRST", TruncationStrategy::kOnlyFirst)
      .value("ONLY_SECOND", TruncationStrategy::kOnlySecond);
  nb::enum_<Side>(module, "Side").value("RIGHT", Side::kRight).value("LEFT", Side::kLeft);
  nb::class_<EncodeOptions>(module, "EncodeOptions")
      .def(nb::init<>())
      .def_rw("add_special_tokens", &EncodeOptions::add_special_tokens)
      .def_rw("padding", &EncodeOptions::padding)
      .def_rw("truncation", &EncodeOptions::truncation)
      .def_rw("max_length", &EncodeOptions::max_length)
      .def_rw("stride", &EncodeOptions::stride)
      .def_rw("pad_to_multiple_of", &EncodeOptions::pad_to_multiple_of)
      .def_rw("padding_side", &EncodeOptions::padding_side)
      .def_rw("truncation_side", &EncodeOptions::truncation_side)
      .def_rw("split_special_tokens", &EncodeOptions::split_special_tokens)
      .def_rw("return_overflowing_tokens", &EncodeOptions::return_overflowing_tokens)
      .def_rw("return_token_type_ids", &EncodeOptions::return_token_type_ids)
      .def_rw("return_attention_mask", &EncodeOptions::return_attention_mask)
      .def_rw("return_special_tokens_mask", &EncodeOptions::return_special_tokens_mask)
      .def_rw("return_tokens", &EncodeOptions::return_tokens)
      .def_rw("return_offsets_mapping", &EncodeOptions::return_offsets_mapping)
      .def_rw("return_word_ids", &EncodeOptions::return_word_ids)
      .def_rw("return_sequence_ids", &EncodeOptions::return_sequence_ids);
}

Encodings encode_texts(const Tokenizer& self, const Texts& texts, const std::optional<Texts>& pairs,
                       const EncodeOptions& options) {
  return pairs.has_value() ? self.encode_batch(texts, *pairs, options) : self.encode_batch(texts, options);
}

Encodings encode_words(const Tokenizer& self, const Words& words, const std::optional<Words>& pairs,
                       const EncodeOptions& options) {
  return pairs.has_value() ? self.encode_words_batch(words, *pairs, options)
                           : self.encode_words_batch(words, options);
}

void bind_special_tokens(nb::class_<Tokenizer>& tokenizer) {
  tokenizer.def_prop_ro("bos_token", &Tokenizer::bos_token)
      .def_prop_ro("eos_token", &Tokenizer::eos_token)
      .def_prop_ro("unk_token", &Tokenizer::unk_token)
      .def_prop_ro("sep_token", &Tokenizer::sep_token)
      .def_prop_ro("pad_token", &Tokenizer::pad_token)
      .def_prop_ro("cls_token", &Tokenizer::cls_token)
      .def_prop_ro("mask_token", &Tokenizer::mask_token)
      .def_prop_ro("additional_special_tokens", &Tokenizer::additional_special_tokens)
      .def_prop_ro("all_special_tokens", &Tokenizer::all_special_tokens)
      .def_prop_ro("bos_token_id", &Tokenizer::bos_token_id)
      .def_prop_ro("eos_token_id", &Tokenizer::eos_token_id)
      .def_prop_ro("unk_token_id", &Tokenizer::unk_token_id)
      .def_prop_ro("sep_token_id", &Tokenizer::sep_token_id)
      .def_prop_ro("pad_token_id", &Tokenizer::pad_token_id)
      .def_prop_ro("cls_token_id", &Tokenizer::cls_token_id)
      .def_prop_ro("mask_token_id", &Tokenizer::mask_token_id)
      .def_prop_ro("all_special_ids", &Tokenizer::all_special_ids);
}

Tokenizer bert_from_vocab(const std::string& vocab_file, bool do_lower_case, bool tokenize_chinese_chars,
                          std::optional<bool> strip_accents, const std::string& unk_token,
                          const std::string& sep_token, const std::string& pad_token,
                          const std::string& cls_token, const std::string& mask_token) {
  return BertTokenizer(vocab_file, {.do_lower_case = do_lower_case,
                                    .tokenize_chinese_chars = tokenize_chinese_chars,
                                    .strip_accents = strip_accents,
                                    .unk_token = unk_token,
                                    .sep_token = sep_token,
                                    .pad_token = pad_token,
                                    .cls_token = cls_token,
                                    .mask_token = mask_token});
}

void bind_making(nb::class_<Tokenizer>& tokenizer) {
  const BertTokenizerOptions defaults;
  tokenizer
      .def_static("from_pretrained", &Tokenizer::from_pretrained, "directory"_a, nb::call_guard<WithoutGil>())
      .def_static(
          "from_json", [](const std::string& json) { return Tokenizer::from_json(json); }, "tokenizer_json"_a,
          nb::call_guard<WithoutGil>())
      .def_static(
          "bert_from_pretrained",
          [](const std::string& directory) -> Tokenizer { return BertTokenizer::from_pretrained(directory); },
          "directory"_a, nb::call_guard<WithoutGil>())
      .def_static("bert_from_vocab", bert_from_vocab, "vocab_file"_a, nb::kw_only(),
                  "do_lower_case"_a = defaults.do_lower_case,
                  "tokenize_chinese_chars"_a = defaults.tokenize_chinese_chars,
                  "strip_accents"_a = nb::none(), "unk_token"_a = defaults.unk_token,
                  "sep_token"_a = defaults.sep_token, "pad_token"_a = defaults.pad_token,
                  "cls_token"_a = defaults.cls_token, "mask_token"_a = defaults.mask_token);
}

void bind_tokenizer(nb::module_& module) {
  nb::class_<Tokenizer> tokenizer(module, "Tokenizer",
                                  "Text to token ids and back; safe from any number of threads.");
  bind_making(tokenizer);
  bind_special_tokens(tokenizer);
  tokenizer
      .def(
          "tokenize", [](const Tokenizer& self, const std::string& text) { return self.tokenize(text); },
          "text"_a)
      .def("encode_batch", encode_texts, "texts"_a, "text_pairs"_a = nb::none(),
           "options"_a = EncodeOptions(), nb::call_guard<WithoutGil>(),
           nb::sig("def encode_batch(self, texts: Sequence[str], text_pairs: Sequence[str] | None = None, "
                   "options: EncodeOptions = ...) -> list[Encoding]"))
      .def("encode_words_batch", encode_words, "words"_a, "words_pairs"_a = nb::none(),
           "options"_a = EncodeOptions(), nb::call_guard<WithoutGil>(),
           nb::sig("def encode_words_batch(self, words: Sequence[Sequence[str]], "
                   "words_pairs: Sequence[Sequence[str]] | None = None, options: EncodeOptions = ...) -> "
                   "list[Encoding]"))
      .def(
          "decode",
          [](const Tokenizer& self, const Ids& ids, bool skip_special_tokens, std::optional<bool> clean_up) {
            return self.decode(
                ids, {.skip_special_tokens = skip_special_tokens, .clean_up_tokenization_spaces = clean_up});
          },
          "ids"_a, "skip_special_tokens"_a = false, "clean_up_tokenization_spaces"_a = nb::none())
      .def(
          "convert_tokens_to_ids",
          [](const Tokenizer& self, const Texts& tokens) { return self.convert_tokens_to_ids(tokens); },
          "tokens"_a)
      .def(
          "convert_ids_to_tokens",
          [](const Tokenizer& self, const Ids& ids, bool skip_special_tokens) {
            return self.convert_ids_to_tokens(ids, skip_special_tokens);
          },
          "ids"_a, "skip_special_tokens"_a = false)
      .def(
          "token_to_id",
          [](const Tokenizer& self, const std::string& token) { return self.token_to_id(token); }, "token"_a)
      .def("id_to_token", &Tokenizer::id_to_token, "id"_a)
      .def("num_special_tokens_to_add", &Tokenizer::num_special_tokens_to_add, "pair"_a = false)
      .def_prop_ro("vocab_size", &Tokenizer::vocab_size)
      .def_prop_ro("model_max_length", &Tokenizer::model_max_length)
      .def_prop_ro("padding_side", &Tokenizer::padding_side)
      .def_prop_ro("truncation_side", &Tokenizer::truncation_side)
      .def("__len__", &Tokenizer::size);
}

}  // namespace

void bind_tokenizers(nb::module_& module) {
  bind_options(module);
  bind_encoding(module);
  bind_tokenizer(module);
}

}  // namespace calque::python
