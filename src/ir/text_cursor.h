// A place in a text that is read from left to right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace calque {

class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) {}

  /// ValueError that names the line.
  [[noreturn]] void fail(std::string_view expected) const;

  void skip_blanks();
  bool at_end();
  /// The next character that is no blank; '\0' at the end.
  char peek();
  bool starts_with(std::string_view word);
  bool take(std::string_view word);
  void expect(std::string_view word);
  /// Letters, digits, `_`, and those of `more`; at least one.
  std::string word(std::string_view more = "");
  /// What lies before the first of `ends`, which stays.
  std::string_view until(std::string_view ends);
  /// A text as quoted() of base/text.h writes it.
  std::string quoted_text();
  int64_t integer();
  double real();

  /// Lives while something that may contain itself is read: ValueError for a text that nests too deep.
  class Level {
   public:
    explicit Level(TextCursor& text) : text_(text) {
      if (++text_.levels_ > kMostLevels) text_.fail("things that nest less deep");
    }
    ~Level() { --text_.levels_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    TextCursor& text_;
  };

 private:
  static constexpr int kMostLevels = 1000;
  std::string_view text_;
  size_t at_ = 0;
  int levels_ = 0;
};

}  // namespace calque
