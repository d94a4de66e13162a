// calque tokenize: text to token ids, and back.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calque/io.h"
#include "calque/tokenizers.h"
#include "command.h"
#include "json_text.h"
#include "options.h"
#include "terminal.h"

namespace calque::app {

namespace {

struct TokenizeArguments {
  std::string directory, text, pair, file, output, decode;
  std::string padding = "do_not_pad", truncation = "do_not_truncate";
  std::optional<int64_t> max_length, pad_to_multiple_of;
  int64_t stride = 0;
  bool no_special_tokens = false;
  bool ids = false, tokens = false, json = false, skip_special_tokens = false;
};

constexpr int kLargestLength = 1'000'000'000;

const std::map<std::string, PaddingStrategy> kPadding = {{"do_not_pad", PaddingStrategy::kDoNotPad},
                                                         {"longest", PaddingStrategy::kLongest},
                                                         {"max_length", PaddingStrategy::kMaxLength}};
const std::map<std::string, TruncationStrategy> kTruncation = {
    {"do_not_truncate", TruncationStrategy::kDoNotTruncate},
    {"longest_first", TruncationStrategy::kLongestFirst},
    {"only_first", TruncationStrategy::kOnlyFirst},
    {"only_second", TruncationStrategy::kOnlySecond}};

EncodeOptions encode_options(const TokenizeArguments& arguments) {
  EncodeOptions options;
  options.add_special_tokens = !arguments.no_special_tokens;
  options.padding = kPadding.at(arguments.padding);
  options.truncation = kTruncation.at(arguments.truncation);
  options.max_length = arguments.max_length;
  options.pad_to_multiple_of = arguments.pad_to_multiple_of;
  options.stride = arguments.stride;
  options.return_overflowing_tokens = arguments.stride > 0;
  return options;
}

/// The lines of a file or of standard input (-), some at a time.
class LineReader {
 public:
  explicit LineReader(const std::string& path) : path_(path) {
    if (path == "-") return;
    file_.open(path);
    if (!file_ || std::filesystem::is_directory(path))
      throw LoadError(fmt::format("{}: cannot be read", path));
  }

  /// Up to `most` lines; none at the end.
  std::vector<std::string> next(size_t most) {
    std::istream& in = path_ == "-" ? std::cin : file_;
    std::vector<std::string> lines;
    for (std::string line; lines.size() < most && std::getline(in, line);) {
      if (line.ends_with('\r')) line.pop_back();
      lines.push_back(line);
    }
    if (in.bad()) throw LoadError(fmt::format("{}: reading failed", path_));
    return lines;
  }

 private:
  std::string path_;
  std::ifstream file_;
};

void print_json(const Encoding& encoding) {
  JsonText json;
  json.begin_object().array("input_ids", encoding.input_ids).array("token_type_ids", encoding.token_type_ids);
  json.array("attention_mask", encoding.attention_mask).array("tokens", encoding.tokens);
  json.key("offset_mapping").begin_array();
  for (const auto& [start, end] : encoding.offset_mapping)
    json.begin_array().value(start).value(end).end_array();
  json.end_array().end_object();
  fmt::print("{}\n", json.text());
}

void print_table(const Encoding& encoding) {
  std::vector<std::vector<std::string>> rows = {{"#", "token", "id", "type", "mask", "characters"}};
  for (size_t i = 0; i < encoding.size(); ++i) {
    const auto& [start, end] = encoding.offset_mapping[i];
    rows.push_back({std::to_string(i), encoding.tokens[i], std::to_string(encoding.input_ids[i]),
                    std::to_string(encoding.token_type_ids[i]), std::to_string(encoding.attention_mask[i]),
                    start == end ? "" : fmt::format("{}-{}", start, end)});
  }
  fmt::print("{}", columns(rows, {0, 2}));
}

void print_encoding(const TokenizeArguments& arguments, const Encoding& encoding) {
  if (arguments.json) return print_json(encoding);
  if (arguments.ids) return fmt::print("{}\n", fmt::join(encoding.input_ids, " "));
  if (arguments.tokens) return fmt::print("{}\n", fmt::join(encoding.tokens, " "));
  print_table(encoding);
}

/// [batch, length] of one member of the encodings, which all have the same length.
Tensor batch_tensor(const std::vector<Encoding>& encodings, std::vector<int64_t> Encoding::* member) {
  std::vector<std::vector<int64_t>> rows;
  for (const Encoding& encoding : encodings) {
    rows.push_back(encoding.*member);
    if (rows.back().size() != rows.front().size()) {
      throw UsageError("the sequences have different lengths: add --padding longest");
    }
  }
  return tensor(rows);
}

void write_batch(const std::string& path, const std::vector<Encoding>& encodings) {
  if (encodings.empty()) throw ValueError("there is no text to write");
  io::write_tensors(path, {{"input_ids", batch_tensor(encodings, &Encoding::input_ids)},
                           {"attention_mask", batch_tensor(encodings, &Encoding::attention_mask)},
                           {"token_type_ids", batch_tensor(encodings, &Encoding::token_type_ids)}});
}

void decode(const Tokenizer& tokenizer, const TokenizeArguments& arguments) {
  std::vector<int64_t> ids;
  std::string text = arguments.decode;
  for (char& c : text) {
    if (c == ',') c = ' ';
  }
  const char* at = text.c_str();
  for (char* end = nullptr; *at != '\0'; at = end) {
    while (*at == ' ') ++at;
    if (*at == '\0') break;
    errno = 0;
    ids.push_back(std::strtoll(at, &end, 10));
    if (end == at || errno == ERANGE || ids.back() < 0)
      throw UsageError(fmt::format("--decode: '{}' is no list of token ids", printable(arguments.decode)));
  }
  DecodeOptions options;
  options.skip_special_tokens = arguments.skip_special_tokens;
  fmt::print("{}\n", tokenizer.decode(ids, options));
}

std::vector<Encoding> with_overflowing(std::vector<Encoding> encodings) {
  std::vector<Encoding> all;
  for (Encoding& encoding : encodings) {
    std::vector<Encoding> parts = std::move(encoding.overflowing);
    all.push_back(std::move(encoding));
    std::move(parts.begin(), parts.end(), std::back_inserter(all));
  }
  return all;
}

/// Lines are printed as they are read, unless the length of one depends on the others.
void print_lines(const Tokenizer& tokenizer, const TokenizeArguments& arguments,
                 const EncodeOptions& options) {
  constexpr size_t kLines = 1000;
  LineReader reader(arguments.file);
  const size_t most = options.padding == PaddingStrategy::kLongest ? SIZE_MAX : kLines;
  while (true) {
    const std::vector<std::string> lines = reader.next(most);
    if (lines.empty()) return;
    for (const Encoding& encoding : with_overflowing(tokenizer.encode_batch(lines, options)))
      print_encoding(arguments, encoding);
  }
}

/// Which of the texts, the file and the ids were given: exactly one must be.
struct Given {
  bool text = false, pair = false, file = false, decode = false;
};

void check_source(const Given& given) {
  const int count = int{given.text} + int{given.file} + int{given.decode};
  if (count == 0) throw UsageError("give a text, or --file, or --decode");
  if (count > 1) throw UsageError("a text, --file and --decode exclude each other");
}

void tokenize(const TokenizeArguments& arguments, const Given& given) {
  check_source(given);
  const Tokenizer tokenizer = Tokenizer::from_pretrained(arguments.directory);
  if (given.decode) return decode(tokenizer, arguments);

  const EncodeOptions options = encode_options(arguments);
  if (given.file && arguments.output.empty()) return print_lines(tokenizer, arguments, options);
  std::vector<Encoding> encodings;
  if (given.file) {
    encodings = tokenizer.encode_batch(LineReader(arguments.file).next(SIZE_MAX), options);
  } else if (given.pair) {
    encodings.push_back(tokenizer.encode(arguments.text, arguments.pair, options));
  } else {
    encodings.push_back(tokenizer.encode(arguments.text, options));
  }
  encodings = with_overflowing(std::move(encodings));
  if (!arguments.output.empty()) return write_batch(arguments.output, encodings);
  for (const Encoding& encoding : encodings) print_encoding(arguments, encoding);
}

template <class Value>
CLI::Validator one_of(const std::map<std::string, Value>& names) {
  std::vector<std::string> keys;
  for (const auto& [name, value] : names) keys.push_back(name);
  return CLI::IsMember(keys);
}

void add_batch_options(CLI::App& command, TokenizeArguments& arguments) {
  command.add_option("--padding", arguments.padding, "Which texts are filled up with padding")
      ->check(one_of(kPadding))
      ->capture_default_str();
  command.add_option("--truncation", arguments.truncation, "How a text that is too long is cut")
      ->check(one_of(kTruncation))
      ->capture_default_str();
  command
      .add_option("--max-length", arguments.max_length,
                  "Tokens, special ones included (default: the model's)")
      ->check(CLI::Range(1, kLargestLength));
  command
      .add_option("--stride", arguments.stride,
                  "With truncation: the cut-off rest follows, overlapping by so many tokens")
      ->check(CLI::Range(0, kLargestLength));
  command
      .add_option("--pad-to-multiple-of", arguments.pad_to_multiple_of, "Pad lengths to a multiple of this")
      ->check(CLI::Range(1, kLargestLength));
  command.add_flag("--no-special-tokens", arguments.no_special_tokens,
                   "Leave out [CLS], [SEP] and their like");
}

}  // namespace

void add_tokenize(CLI::App& app) {
  const auto arguments = std::make_shared<TokenizeArguments>();
  CLI::App* command = app.add_subcommand("tokenize", "Turn text into token ids, or ids into text");
  add_path_option(*command, "model_dir", arguments->directory,
                  "Checkpoint directory with the tokenizer's files")
      ->required();
  const CLI::Option* text = command->add_option("text", arguments->text, "The text");
  const CLI::Option* pair =
      command->add_option("pair", arguments->pair, "A second text, as the pair of the first");
  const CLI::Option* file = add_path_option(*command, "-f,--file", arguments->file,
                                            "Take each line of this file as a text (-: standard input)");
  add_batch_options(*command, *arguments);
  CLI::Option* ids = command->add_flag("--ids", arguments->ids, "Print the ids only, a line for each text");
  CLI::Option* tokens =
      command->add_flag("--tokens", arguments->tokens, "Print the tokens only, a line for each text");
  CLI::Option* json =
      command->add_flag("--json", arguments->json, "Print a JSON object for each text, one a line");
  CLI::Option* output = add_tensors_option(
      *command, "-o,--output", arguments->output,
      "Write input_ids, attention_mask and token_type_ids for `calque run` (.npz, .safetensors, .json)");
  ids->excludes(tokens)->excludes(json)->excludes(output);
  tokens->excludes(json)->excludes(output);
  json->excludes(output);
  CLI::Option* decode_option = command->add_option(
      "--decode", arguments->decode, "Print the text of these ids, separated by blanks or commas");
  command
      ->add_flag("--skip-special-tokens", arguments->skip_special_tokens,
                 "With --decode: leave special tokens out")
      ->needs(decode_option);
  command->footer(
      "Examples:\n"
      "  calque tokenize MODEL_DIR \"Who was Jim Henson ?\"\n"
      "  calque tokenize MODEL_DIR \"Who was Jim Henson ?\" \"Jim Henson was a puppeteer\" --ids\n"
      "  calque tokenize MODEL_DIR --file lines.txt --padding longest -o in.npz\n"
      "  calque tokenize MODEL_DIR --decode \"101 2040 2001 102\"");
  command->callback([arguments, text, pair, file, decode_option] {
    tokenize(*arguments, {.text = text->count() > 0,
                          .pair = pair->count() > 0,
                          .file = file->count() > 0,
                          .decode = decode_option->count() > 0});
  });
}

}  // namespace calque::app
