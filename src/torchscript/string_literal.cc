// Escapes of string literals.
#include "base/text.h"
#include "torchscript/lexer.h"

namespace calque::torchscript {

namespace {

class Decoder {
 public:
  Decoder(const Source& source, const Token& token) : source_(source), token_(token) {}

  std::string run() {
    std::string_view body = token_.text;
    bool raw = false;
    while (body.front() != '"' && body.front() != '\'') {
      const char prefix = static_cast<char>(body.front() | 0x20);
      if (prefix == 'r') raw = true;
      if (prefix != 'r' && prefix != 'u')
        fail(cat("strings with the prefix '", body.substr(0, 1), "' are not supported here"));
      body.remove_prefix(1);
    }
    const size_t fence = body.size() >= 6 && body[1] == body[0] && body[2] == body[0] ? 3 : 1;
    text_ = body.substr(fence, body.size() - 2 * fence);
    if (raw) return std::string(text_);
    while (at_ < text_.size()) one();
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(std::string_view message) const { fail_at(source_, token_.where, message); }

  void one() {
    const char c = text_[at_++];
    if (c == '\r' && at_ < text_.size() && text_[at_] == '\n') return;
    if (c != '\\') {
      out_ += c;
      return;
    }
    escape(text_[at_++]);
  }

  void escape(char c) {
    switch (c) {
      case '\\':
      case '\'':
      case '"':
        out_ += c;
        return;
      case 'n':
        out_ += '\n';
        return;
      case 't':
        out_ += '\t';
        return;
      case 'r':
        out_ += '\r';
        return;
      case 'a':
        out_ += '\a';
        return;
      case 'b':
        out_ += '\b';
        return;
      case 'f':
        out_ += '\f';
        return;
      case 'v':
        out_ += '\v';
        return;
      case '\n':
        return;
      case '\r':
        if (at_ < text_.size() && text_[at_] == '\n') ++at_;
        return;
      case 'x':
        append_code(hexadecimal(2), true);
        return;
      case 'u':
        append_code(hexadecimal(4), false);
        return;
      case 'U':
        append_code(hexadecimal(8), false);
        return;
      default:
        other(c);
    }
  }

  void other(char c) {
    if (c >= '0' && c <= '7') {
      uint32_t value = static_cast<uint32_t>(c - '0');
      for (int i = 0; i < 2 && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7'; ++i) {
        value = value * 8 + static_cast<uint32_t>(text_[at_++] - '0');
      }
      if (value > 255) fail("an octal escape above \\377");
      append_code(value, true);
      return;
    }
    if (source_.dialect == Dialect::kArchive)
      fail(cat("unknown escape \\", std::string_view(&c, 1), " in a string"));
    out_ += '\\';
    out_ += c;
  }

  uint32_t hexadecimal(size_t digits) {
    uint32_t value = 0;
    for (size_t i = 0; i < digits; ++i) {
      const char c = at_ < text_.size() ? text_[at_++] : ' ';
      const char low = static_cast<char>(c | 0x20);
      if (c >= '0' && c <= '9') {
        value = value * 16 + static_cast<uint32_t>(c - '0');
      } else if (low >= 'a' && low <= 'f') {
        value = value * 16 + static_cast<uint32_t>(low - 'a' + 10);
      } else {
        fail("an escape with too few hexadecimal digits");
      }
    }
    return value;
  }

  /// In archives an escape below 256 is one byte, as PyTorch's printer means it; in Python it is a character.
  void append_code(uint32_t code, bool byte) {
    if (code < 0x80 || (byte && source_.dialect == Dialect::kArchive)) {
      out_ += static_cast<char>(code);
    } else if (code < 0x800) {
      out_ += static_cast<char>(0xC0 | (code >> 6));
      out_ += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      if (code >= 0xD800 && code < 0xE000) fail("an escape for half of a surrogate pair");
      out_ += static_cast<char>(0xE0 | (code >> 12));
      out_ += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      out_ += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x110000) {
      out_ += static_cast<char>(0xF0 | (code >> 18));
      out_ += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
      out_ += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      out_ += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      fail("an escape above U+10FFFF");
    }
  }

  const Source& source_;
  const Token& token_;
  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string decode_string(const Source& source, const Token& token) { return Decoder(source, token).run(); }

}  // namespace calque::torchscript
