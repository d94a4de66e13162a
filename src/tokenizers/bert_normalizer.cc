#include "tokenizers/bert_normalizer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "tokenizers/unicode.h"
#include "tokenizers/utf8.h"

namespace calque {

namespace {

constexpr char kStop = '\x7f';  // In a table of byte replacements: the byte needs the general path.

// Replacement of each ASCII byte; kStop for bytes that are dropped. DEL is one of those when text is cleaned.
std::array<char, 128> ascii_table(bool clean_text, bool lowercase) {
  std::array<char, 128> table{};
  const UnicodeTables& unicode = UnicodeTables::get();
  for (size_t c = 0; c < table.size(); ++c) {
    const uint16_t properties = unicode.properties(static_cast<char32_t>(c));
    table[c] = static_cast<char>(c);
    if (lowercase && c >= 'A' && c <= 'Z') table[c] = static_cast<char>(c - 'A' + 'a');
    if (!clean_text) continue;
    if ((properties & kCharWhitespace) != 0) table[c] = ' ';
    if ((properties & kCharRemoved) != 0) table[c] = kStop;
  }
  return table;
}

const std::array<char, 128>& shared_ascii_table(bool clean_text, bool lowercase) {
  static const std::array<std::array<char, 128>, 4> tables = {
      ascii_table(false, false), ascii_table(false, true), ascii_table(true, false), ascii_table(true, true)};
  return tables[(clean_text ? 2U : 0U) + (lowercase ? 1U : 0U)];
}

// Appends characters with their origins.
class Writer {
 public:
  explicit Writer(size_t expected) {
    text_.resize(expected + kSlack);
    origins_.resize(expected + kSlack);
  }

  void put(char32_t c, TextRange origin) {
    if (size_ + 4 > text_.size()) grow();
    const size_t length = encode_utf8(c, text_.data() + size_);
    for (size_t i = 0; i < length; ++i) origins_[size_ + i] = origin;
    size_ += length;
  }

  void finish(NormalizedText& out) {
    text_.resize(size_);
    origins_.resize(size_);
    out.text = std::move(text_);
    out.origins = std::move(origins_);
  }

 private:
  static constexpr size_t kSlack = 64;

  void grow() {
    text_.resize(text_.size() * 2);
    origins_.resize(origins_.size() * 2);
  }

  std::string text_;
  std::vector<TextRange> origins_;
  size_t size_ = 0;
};

// Canonical decomposition, removal of non-spacing marks, lower case: one character after another.
//
// Origins follow `tokenizers`: after marks were put into canonical order, origins are dealt out in text
// order, so that the n-th source character is the origin of the n-th first part of a decomposition, wherever
// it moved.
class AccentStripper {
 public:
  AccentStripper(Writer& out, bool strip_accents, bool lowercase)
      : unicode_(UnicodeTables::get()), out_(out), strip_accents_(strip_accents), lowercase_(lowercase) {}

  void put(char32_t c, TextRange origin) {
    const uint16_t properties = unicode_.properties(c);
    if (!strip_accents_) {
      put_lowercase(c, properties, origin);
      return;
    }
    if ((properties & kCharDecomposes) == 0) {
      put_part(c, properties, origin, true);
      return;
    }
    std::array<uint32_t, 4> buffer{};
    bool is_first = true;
    for (const uint32_t part : unicode_.decomposition(c, buffer)) {
      put_part(part, unicode_.properties(part), origin, is_first);
      is_first = false;
    }
  }

  // Writes the marks that wait for their order.
  void flush() {
    if (pending_.empty()) return;
    std::sort(pending_.begin(), pending_.end(), [](const Pending& a, const Pending& b) {
      return std::pair(a.combining_class, a.place) < std::pair(b.combining_class, b.place);
    });
    size_t next = 0;
    for (const Pending& mark : pending_) {
      if (mark.is_first) current_ = waiting_origins_[next++];
      put_unmarked(mark.c, mark.properties, current_);
    }
    pending_.clear();
    waiting_origins_.clear();
  }

 private:
  struct Pending {
    char32_t c;
    uint16_t properties;
    uint8_t combining_class;
    bool is_first;
    size_t place;  // Marks of one class keep their order.
  };

  void put_part(char32_t c, uint16_t properties, TextRange origin, bool is_first) {
    const uint8_t combining_class = UnicodeTables::combining_class(properties);
    if (combining_class != 0) {
      pending_.push_back({c, properties, combining_class, is_first, pending_.size()});
      if (is_first) waiting_origins_.push_back(origin);
      return;
    }
    flush();
    current_ = origin;
    put_unmarked(c, properties, origin);
  }

  void put_unmarked(char32_t c, uint16_t properties, TextRange origin) {
    if ((properties & kCharNonspacingMark) == 0) put_lowercase(c, properties, origin);
  }

  void put_lowercase(char32_t c, uint16_t properties, TextRange origin) {
    if (!lowercase_ || (properties & kCharLowercases) == 0) {
      out_.put(c, origin);
      return;
    }
    std::array<uint32_t, 2> buffer{};
    for (const uint32_t part : unicode_.lowercase(c, buffer)) out_.put(part, origin);
  }

  const UnicodeTables& unicode_;
  Writer& out_;
  const bool strip_accents_;
  const bool lowercase_;
  std::vector<Pending> pending_;
  std::vector<TextRange> waiting_origins_;
  TextRange current_;
};

}  // namespace

BertNormalizer::BertNormalizer(const BertNormalizerOptions& options)
    : options_(options), strip_accents_(options.strip_accents.value_or(options.lowercase)) {}

size_t BertNormalizer::normalize_ascii(std::string& text) const {
  const std::array<char, 128>& table = shared_ascii_table(options_.clean_text, options_.lowercase);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x80) return i;
    const char replacement = table[byte];
    if (replacement == kStop && (byte != kStop || options_.clean_text)) return i;
    text[i] = replacement;
  }
  return text.size();
}

void BertNormalizer::normalize(NormalizedText& text) const {
  if (normalize_ascii(text.text) == text.text.size()) return;
  const UnicodeTables& unicode = UnicodeTables::get();
  Writer writer(text.text.size());
  AccentStripper out(writer, strip_accents_, options_.lowercase);
  size_t length = 0;
  for (size_t i = 0; i < text.text.size(); i += length) {
    char32_t c = decode_utf8(text.text.data() + i, length);
    const TextRange origin = text.origin(i, i + length);
    const uint16_t properties = unicode.properties(c);
    if (options_.clean_text) {
      if ((properties & kCharRemoved) != 0) continue;
      if ((properties & kCharWhitespace) != 0) c = ' ';
    }
    const bool spaced = options_.handle_chinese_chars && (properties & kCharChinese) != 0;
    if (spaced) out.put(' ', origin);
    out.put(c, origin);
    if (spaced) out.put(' ', origin);
  }
  out.flush();
  writer.finish(text);
}

}  // namespace calque
