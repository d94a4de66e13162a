// Drives the tokenizers for the Python tests.
//
//   tok_tool CLASS DIRECTORY encode [MAX_LENGTH]
//     Standard input: texts, each after its length (uint32). Standard output, per text: the number of tokens,
//     then as many int32 of each of ids, types, special mask, attention mask, begin, end, word, text (-1 for
//     none), then the tokens, joined by NUL, after their length.
//   tok_tool CLASS DIRECTORY requests
//     Standard input: one JSON request a line. Standard output: one JSON answer a line.
//   tok_tool CLASS DIRECTORY info
//     One JSON object about the tokenizer.
//   tok_tool CLASS DIRECTORY speed REPEATS
//     Encodes the lines of standard input again and again; prints seconds of loading and bytes per second.
//
// CLASS is `auto`, `bert`, `json` (DIRECTORY is a tokenizer.json) or `vocab` (DIRECTORY is a vocab.txt).

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "calque/tokenizers.h"
#include "formats/json.h"
#include "formats/json_writer.h"

namespace calque {
namespace {

Tokenizer load(const std::string& tokenizer_class, const std::string& path) {
  if (tokenizer_class == "bert") return BertTokenizer::from_pretrained(path);
  if (tokenizer_class == "vocab") return BertTokenizer(path);
  if (tokenizer_class == "auto") return Tokenizer::from_pretrained(path);
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return Tokenizer::from_json(content.str());
}

// --- encode

void put(std::string& out, int64_t value) {
  const auto narrow = static_cast<int32_t>(value);
  out.append(reinterpret_cast<const char*>(&narrow), sizeof(narrow));
}

void put_encoding(const Encoding& encoding, std::string& out) {
  put(out, static_cast<int64_t>(encoding.size()));
  for (const auto* values : {&encoding.input_ids, &encoding.token_type_ids, &encoding.special_tokens_mask,
                             &encoding.attention_mask}) {
    for (const int64_t value : *values) put(out, value);
  }
  for (const auto& [begin, end] : encoding.offset_mapping) put(out, begin);
  for (const auto& [begin, end] : encoding.offset_mapping) put(out, end);
  for (const auto* values : {&encoding.word_ids, &encoding.sequence_ids}) {
    for (const auto& value : *values) put(out, value.value_or(-1));
  }
  std::string tokens;
  for (const std::string& token : encoding.tokens) tokens.append(token).push_back('\0');
  put(out, static_cast<int64_t>(tokens.size()));
  out += tokens;
}

int encode(const Tokenizer& tokenizer, const char* max_length) {
  EncodeOptions options;
  if (max_length != nullptr) {
    options.truncation = TruncationStrategy::kLongestFirst;
    options.max_length = std::stoll(max_length);
  }
  const std::string input((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
  std::vector<std::string> texts;
  for (size_t i = 0; i + 4 <= input.size();) {
    uint32_t length = 0;
    std::memcpy(&length, input.data() + i, sizeof(length));
    texts.push_back(input.substr(i + 4, length));
    i += 4 + length;
  }
  std::string out;
  for (const Encoding& encoding : tokenizer.encode_batch(texts, options)) put_encoding(encoding, out);
  std::cout.write(out.data(), static_cast<std::streamsize>(out.size()));
  return 0;
}

// --- requests

std::vector<std::string> strings(const JsonRef& json) {
  std::vector<std::string> out;
  for (const Json& item : json.as_array()) out.push_back(item.string());
  return out;
}

std::vector<std::vector<std::string>> string_lists(const JsonRef& json) {
  std::vector<std::vector<std::string>> out;
  for (size_t i = 0; i < json.size(); ++i) out.push_back(strings(json.at(i)));
  return out;
}

Side side(const std::string& name) { return name == "left" ? Side::kLeft : Side::kRight; }

EncodeOptions parse_options(const JsonRef& json) {
  EncodeOptions options;
  options.add_special_tokens = json.get_bool_or("add_special_tokens", true);
  options.return_overflowing_tokens = json.get_bool_or("return_overflowing_tokens", false);
  options.stride = json.get_int_or("stride", 0);
  const std::string padding = json.get_string_or("padding", "do_not_pad");
  if (padding == "longest") options.padding = PaddingStrategy::kLongest;
  if (padding == "max_length") options.padding = PaddingStrategy::kMaxLength;
  const std::string truncation = json.get_string_or("truncation", "do_not_truncate");
  if (truncation == "longest_first") options.truncation = TruncationStrategy::kLongestFirst;
  if (truncation == "only_first") options.truncation = TruncationStrategy::kOnlyFirst;
  if (truncation == "only_second") options.truncation = TruncationStrategy::kOnlySecond;
  if (json.has("max_length")) options.max_length = json.get_int("max_length");
  if (json.has("pad_to_multiple_of")) options.pad_to_multiple_of = json.get_int("pad_to_multiple_of");
  if (json.has("padding_side")) options.padding_side = side(json.get_string("padding_side"));
  if (json.has("truncation_side")) options.truncation_side = side(json.get_string("truncation_side"));
  if (json.has("split_special_tokens")) options.split_special_tokens = json.get_bool("split_special_tokens");
  return options;
}

void write(JsonWriter& out, const char* name, const std::vector<int64_t>& values) {
  out.key(name);
  out.begin_array();
  for (const int64_t value : values) out.integer(value);
  out.end_array();
}

void write(JsonWriter& out, const char* name, const std::vector<std::optional<int64_t>>& values) {
  out.key(name);
  out.begin_array();
  for (const std::optional<int64_t>& value : values) value ? out.integer(*value) : out.null();
  out.end_array();
}

void write(JsonWriter& out, const char* name, const std::vector<std::string>& values) {
  out.key(name);
  out.begin_array();
  for (const std::string& value : values) out.string(value);
  out.end_array();
}

void write(JsonWriter& out, const Encoding& encoding) {
  out.begin_object();
  write(out, "input_ids", encoding.input_ids);
  write(out, "token_type_ids", encoding.token_type_ids);
  write(out, "attention_mask", encoding.attention_mask);
  write(out, "special_tokens_mask", encoding.special_tokens_mask);
  write(out, "tokens", encoding.tokens);
  write(out, "word_ids", encoding.word_ids);
  write(out, "sequence_ids", encoding.sequence_ids);
  out.key("offsets");
  out.begin_array();
  for (const auto& [begin, end] : encoding.offset_mapping) {
    out.begin_array();
    out.integer(begin);
    out.integer(end);
    out.end_array();
  }
  out.end_array();
  out.key("overflowing");
  out.begin_array();
  for (const Encoding& part : encoding.overflowing) write(out, part);
  out.end_array();
  out.end_object();
}

std::vector<Encoding> run_encode(const Tokenizer& tokenizer, const JsonRef& request) {
  const EncodeOptions options = parse_options(request);
  if (request.has("words")) {
    const auto words = string_lists(request.get("words"));
    if (!request.has("words_pairs")) return tokenizer.encode_words_batch(words, options);
    return tokenizer.encode_words_batch(words, string_lists(request.get("words_pairs")), options);
  }
  const auto texts = strings(request.get("texts"));
  if (!request.has("text_pairs")) return tokenizer.encode_batch(texts, options);
  return tokenizer.encode_batch(texts, strings(request.get("text_pairs")), options);
}

void answer(const Tokenizer& tokenizer, const JsonRef& request, JsonWriter& out) {
  if (request.has("ids")) {
    std::vector<int64_t> ids;
    for (const Json& id : request.get("ids").as_array()) ids.push_back(id.integer());
    DecodeOptions options = {.skip_special_tokens = request.get_bool_or("skip_special_tokens", false)};
    if (request.has("clean_up")) options.clean_up_tokenization_spaces = request.get_bool("clean_up");
    out.key("text");
    out.string(tokenizer.decode(ids, options));
    return;
  }
  if (request.has("to_ids")) {
    write(out, "ids", tokenizer.convert_tokens_to_ids(strings(request.get("to_ids"))));
    return;
  }
  const std::vector<Encoding> encodings = run_encode(tokenizer, request);
  out.key("encodings");
  out.begin_array();
  for (const Encoding& encoding : encodings) write(out, encoding);
  out.end_array();
}

int requests(const Tokenizer& tokenizer) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string text;
    try {
      JsonWriter out;
      out.begin_object();
      answer(tokenizer, parse_json(line, "request"), out);
      out.end_object();
      text = out.finish();
    } catch (const Error& error) {
      JsonWriter out;
      out.begin_object();
      out.key("error");
      out.string(error.msg());
      out.end_object();
      text = out.finish();
    }
    std::cout << text << '\n';
  }
  return 0;
}

// --- info

int info(const Tokenizer& tokenizer) {
  JsonWriter out;
  out.begin_object();
  const auto number = [&out](const char* name, int64_t value) {
    out.key(name);
    out.integer(value);
  };
  number("vocab_size", tokenizer.vocab_size());
  number("size", tokenizer.size());
  number("added_single", tokenizer.num_special_tokens_to_add(false));
  number("added_pair", tokenizer.num_special_tokens_to_add(true));
  number("model_max_length", tokenizer.model_max_length());
  write(out, "special_tokens", tokenizer.all_special_tokens());
  write(out, "special_ids", tokenizer.all_special_ids());
  write(out, "named_ids",
        std::vector<std::optional<int64_t>>{tokenizer.bos_token_id(), tokenizer.eos_token_id(),
                                            tokenizer.unk_token_id(), tokenizer.sep_token_id(),
                                            tokenizer.pad_token_id(), tokenizer.cls_token_id(),
                                            tokenizer.mask_token_id()});
  out.key("padding_side");
  out.string(tokenizer.padding_side() == Side::kLeft ? "left" : "right");
  out.key("truncation_side");
  out.string(tokenizer.truncation_side() == Side::kLeft ? "left" : "right");
  out.end_object();
  std::cout << out.finish() << '\n';
  return 0;
}

// --- speed

int speed(const std::string& tokenizer_class, const std::string& path, int repeats) {
  // Time of this process alone, whatever else the machine does.
  const auto seconds = [](std::clock_t from) {
    return static_cast<double>(std::clock() - from) / CLOCKS_PER_SEC;
  };
  std::clock_t start = std::clock();
  const Tokenizer tokenizer = load(tokenizer_class, path);
  const double load_seconds = seconds(start);
  std::vector<std::string> lines;
  size_t bytes = 0;
  for (std::string line; std::getline(std::cin, line); bytes += lines.back().size()) lines.push_back(line);
  const EncodeOptions ids_only = {.return_token_type_ids = false,
                                  .return_attention_mask = false,
                                  .return_special_tokens_mask = false,
                                  .return_tokens = false,
                                  .return_offsets_mapping = false,
                                  .return_word_ids = false,
                                  .return_sequence_ids = false};
  double rates[2] = {0, 0};
  for (int kind = 0; kind < 2; ++kind) {
    start = std::clock();
    for (int i = 0; i < repeats; ++i) {
      for (const std::string& line : lines) tokenizer.encode(line, kind == 0 ? EncodeOptions() : ids_only);
    }
    rates[kind] = static_cast<double>(bytes) * repeats / seconds(start);
  }
  std::printf("{\"load_seconds\": %.6f, \"bytes_per_second\": %.0f, \"ids_only_bytes_per_second\": %.0f}\n",
              load_seconds, rates[0], rates[1]);
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3)
    throw ValueError("usage: tok_tool CLASS PATH encode|requests|info|speed [NUMBER]");
  const std::string& mode = arguments[2];
  if (mode == "speed")
    return speed(arguments[0], arguments[1], arguments.size() > 3 ? std::stoi(arguments[3]) : 1);
  const Tokenizer tokenizer = load(arguments[0], arguments[1]);
  if (mode == "encode") return encode(tokenizer, arguments.size() > 3 ? arguments[3].c_str() : nullptr);
  if (mode == "requests") return requests(tokenizer);
  if (mode == "info") return info(tokenizer);
  throw ValueError("unknown mode: " + mode);
}

}  // namespace
}  // namespace calque

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  try {
    return calque::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const calque::Error& error) {
    std::cerr << error.msg() << '\n';
    return 1;
  }
}
