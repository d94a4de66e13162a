#include "formats/npy_header.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "calque/error.h"

namespace calque {

namespace {

constexpr size_t kMostDimensions = 64;
/// NumPy leaves room for the growing dimension to be overwritten in place.
constexpr size_t kGrowthDigits = 21;

class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& label) : text_(text), label_(label) {}

  NpyHeader parse() {
    expect('{');
    while (!take('}')) {
      entry();
      if (take('}')) break;
      expect(',');
    }
    if (at_ != text_.size()) fail("more text follows the dict");
    if (!has_descr_ || !has_order_ || !has_shape_) fail("descr, fortran_order and shape are all needed");
    return std::move(header_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw LoadError(cat(quoted(label_, 1024), " is not a usable NumPy array: its header ", quoted(text_, 200),
                        " is wrong at column ", at_ + 1, ": ", what, "."));
  }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\n", at_), text_.size()); }

  bool take(char wanted) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    skip_space();
    return true;
  }

  void expect(char wanted) {
    if (!take(wanted)) fail(cat("'", wanted, "' is expected"));
  }

  bool take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  void entry() {
    const std::string_view key = string();
    expect(':');
    if (key == "descr" && !has_descr_) {
      has_descr_ = true;
      if (at_ < text_.size() && text_[at_] == '[') fail("structured arrays are not read, only plain numbers");
      header_.descr = string();
    } else if (key == "fortran_order" && !has_order_) {
      has_order_ = true;
      header_.fortran_order = boolean();
    } else if (key == "shape" && !has_shape_) {
      has_shape_ = true;
      shape();
    } else {
      fail(cat("the key ", quoted(key), " is unknown or stands there twice"));
    }
  }

  std::string_view string() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail("a string in quotes is expected");
    const size_t start = at_ + 1;
    const size_t end = text_.find(quote, start);
    if (end == std::string_view::npos) fail("a string does not end");
    const std::string_view value = text_.substr(start, end - start);
    if (value.find('\\') != std::string_view::npos) fail("a string holds an escape");
    at_ = end + 1;
    return value;
  }

  bool boolean() {
    if (take_word("True")) return true;
    if (take_word("False")) return false;
    fail("True or False is expected");
  }

  void shape() {
    expect('(');
    while (!take(')')) {
      header_.shape.push_back(dimension());
      if (header_.shape.size() > kMostDimensions) fail("an array has at most 64 dimensions");
      if (take(')')) {
        if (header_.shape.size() == 1) fail("a tuple of one number needs a comma");
        break;
      }
      expect(',');
    }
  }

  int64_t dimension() {
    const std::string_view rest = text_.substr(at_);
    int64_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc() || value < 0) fail("a size from 0 to 2^63 - 1 is expected");
    at_ += static_cast<size_t>(end - rest.data());
    return value;
  }

  std::string_view text_;
  const std::string& label_;
  size_t at_ = 0;
  NpyHeader header_;
  bool has_descr_ = false;
  bool has_order_ = false;
  bool has_shape_ = false;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text, const std::string& label) {
  return HeaderParser(text, label).parse();
}

std::string npy_header_text(const NpyHeader& header) {
  std::string text = cat("{'descr': '", header.descr,
                         "', 'fortran_order': ", header.fortran_order ? "True" : "False", ", 'shape': (");
  for (size_t i = 0; i < header.shape.size(); ++i) text += cat(i > 0 ? ", " : "", header.shape[i]);
  text += header.shape.size() == 1 ? ",), }" : "), }";
  if (!header.shape.empty()) {
    const int64_t growing = header.fortran_order ? header.shape.back() : header.shape.front();
    text.append(kGrowthDigits - cat(growing).size(), ' ');
  }
  return text;
}

}  // namespace calque
