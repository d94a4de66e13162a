// Tokens of TorchScript source: Python's, with its indentation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace calque::torchscript {

/// What may stand in a source. Archives hold what PyTorch prints and its own parser reads; scripts are Python
/// that a person wrote (decorators, docstrings, f-strings, comments with types, `1_000`).
enum class Dialect : uint8_t { kArchive, kScript };

class OriginalPlaces;

/// One text that is read: a record of an archive or a file. Positions point into it, so it outlives
/// everything that was parsed from it.
struct Source {
  std::shared_ptr<const std::string> name;  ///< for messages: `code/__torch__/m.py`
  std::string text;
  Dialect dialect = Dialect::kArchive;
  /// Where the text came from before it was put into an archive; null when unknown.
  std::shared_ptr<const OriginalPlaces> original{};
};

/// A place in a source. Lines and columns count from 1; columns count bytes.
struct Position {
  uint32_t line = 0;
  uint32_t column = 0;
};

/// The place in the file that a script was taken from; of other sources the place itself.
struct NamedPosition {
  std::shared_ptr<const std::string> name;
  Position where;
};
NamedPosition named_position(const Source& source, Position where);

/// `name:line:column: message`, the line, and a mark below the place. Long lines are cut around the place.
std::string located(const Source& source, Position where, std::string_view message);

/// Throws LoadError with that text.
[[noreturn]] void fail_at(const Source& source, Position where, std::string_view message);

enum class TokenKind : uint8_t {
  kEnd,
  kNewline,
  kIndent,
  kDedent,
  kName,
  kKeyword,  ///< `text` is the keyword
  kInteger,  ///< decimal, 0x hexadecimal, or octal with a leading 0; fits 64 bits unsigned
  kFloat,
  kImaginary,
  kString,    ///< `text` is the raw literal with prefix and quotes
  kOperator,  ///< `text` is the operator
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text{};
  Position where{};
  uint32_t offset = 0;              ///< byte offset of `text` in the source
  uint64_t integer = 0;             ///< kInteger
  double real = 0;                  ///< kFloat, kImaginary
  std::string_view type_comment{};  ///< text after `# type:` of a comment that stood before this token

  bool is(std::string_view wanted) const {
    return (kind == TokenKind::kOperator || kind == TokenKind::kKeyword) && text == wanted;
  }
  bool is(TokenKind wanted) const { return kind == wanted; }
};

/// Makes tokens one by one. Throws LoadError with the place for text that is not valid.
class Lexer {
 public:
  explicit Lexer(const Source& source);
  /// The bytes [begin, end) alone, read as if inside brackets: an expression in an f-string or a comment.
  Lexer(const Source& source, uint32_t begin, uint32_t end);

  Token next();

 private:
  bool at_end(size_t ahead = 0) const { return at_ + ahead >= text_.size(); }
  char peek(size_t ahead = 0) const { return at_end(ahead) ? '\0' : text_[at_ + ahead]; }
  Position here() const { return {line_, static_cast<uint32_t>(at_ - line_start_ + 1)}; }
  [[noreturn]] void fail(std::string_view message) const;

  bool skip_blank();
  bool start_line();
  void skip_comment();
  void take_newline();
  Token make(TokenKind kind, size_t length);
  Token indentation(size_t width);
  Token name_or_keyword();
  Token number();
  Token radix_integer();
  Token string();
  Token string_literal(size_t prefix);
  Token operator_token();

  const Source* source_;
  std::string_view text_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  uint32_t line_ = 1;
  uint32_t brackets_ = 0;
  uint32_t pending_dedents_ = 0;
  bool fragment_ = false;
  bool line_begins_ = true;
  bool line_has_tokens_ = false;
  std::vector<size_t> indents_{0};
  std::string_view type_comment_{};
};

/// The text of a kString token with its escapes resolved. f-strings are not for this function.
std::string decode_string(const Source& source, const Token& token);

}  // namespace calque::torchscript
